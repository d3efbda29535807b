"""What one answer of the fault server is: its text, its speed, and what goes wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum

import msgspec

_WORDS = re.compile(r"\s*\S+|\s+\Z")


class Ending(StrEnum):
    """How an answer ends. All but the first two happen once `Script.after` tokens have been sent.

    An answer that is not streamed has no tokens to count: what cuts it does so after half of its bytes,
    ERROR and GARBAGE replace it, and UNMARKED leaves it whole.
    """

    COMPLETE = "complete"
    UNMARKED = "unmarked"  # finish reason and usage, but not the record that ends the stream ([DONE], message_stop)
    ERROR = "error"  # the format's own error object, inside the 200
    GARBAGE = "garbage"  # a record that is not JSON, then the rest as if nothing had happened
    TRUNCATED = "truncated"  # a clean end of the body, with neither finish reason nor marker
    MID_CHUNK = "mid-chunk"  # FIN inside an HTTP chunk
    RESET = "reset"  # RST
    STALL = "stall"  # silence (or keep-alives) until the client leaves
    ENDLESS = "endless"  # the last token again and again, until the client leaves
    ENDLESS_LINE = "endless-line"  # one more record, which never ends


class Cut(StrEnum):
    """Where the body is cut into writes; each is an HTTP chunk of its own, so no reader sees two as one."""

    EVENTS = "events"
    SEAMS = "seams"  # inside every UTF-8 sequence, and between CR and LF
    JOINED = "joined"  # as many events together as the script's pauses allow


class UsageSent(StrEnum):
    """Whether a streamed answer counts its tokens. AS_ASKED is what the real server does."""

    AS_ASKED = "as-asked"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Script:
    """One answer. Times are in seconds. A token is one streamed delta; reasoning comes first, then text.

    `text` and `reasoning` are cut into words when they are one string; a tuple names the tokens itself. The default
    text holds what breaks careless readers: characters of two to four bytes, and U+2028, which ends no line.
    """

    text: str | tuple[str, ...] = "One naïve answer,\u2028in a few words: 修复 🐛 done."
    _: KW_ONLY
    reasoning: str | tuple[str, ...] = ""
    reasoning_field: str = "reasoning_content"  # OpenAI format only; newer servers call it `reasoning`
    echo: bool = False  # the text is the request itself, as JSON: method, target, headers, body
    finish_reason: str | None = "stop"  # `stop` and `length` in each format's own word, others as they stand
    usage: UsageSent = UsageSent.AS_ASKED
    prompt_tokens: int = 11
    cached_tokens: int = 0  # the part of prompt_tokens that was read from a cache
    odd_chunks: bool = False  # what a reader must pass over: null deltas, no choices, unknown events

    before_head: float = 0
    head_takes: float = 0  # the head trickles out byte by byte
    before_first_token: float = 0  # after the head; an answer that is not streamed waits before it
    tokens_per_second: float = 0  # 0: all at once
    keep_alive_every: float = 0  # comment, ping or blank line in every pause this long; 0: none

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # added to the usual ones, or instead of them
    body: bytes | None = None  # sent as it is, whatever was asked
    error_message: str = "the fault server was told to fail"
    error_code: str = ""  # instead of what the format says for the status

    ending: Ending = Ending.COMPLETE
    after: int | None = None  # tokens sent before the ending; None: all of them
    cut: Cut | int = Cut.EVENTS  # a number: pieces of so many bytes
    crlf: bool = False
    no_space: bool = False  # `data:x` and `event:x`

    @property
    def text_tokens(self) -> tuple[str, ...]:
        """The deltas of the text; joined they are the text."""
        return _tokens(self.text)

    @property
    def reasoning_tokens(self) -> tuple[str, ...]:
        """The deltas of the reasoning; joined they are the reasoning."""
        return _tokens(self.reasoning)

    @property
    def completion_tokens(self) -> int:
        """Tokens of a whole answer, reasoning included."""
        return len(self.reasoning_tokens) + len(self.text_tokens)


def failing(status: int, message: str = "the fault server was told to fail", *, retry_after: str = "") -> Script:
    """An HTTP error in the shape of the format that was asked. `retry_after` is the header as it stands."""
    return Script(status=status, error_message=message, headers={"retry-after": retry_after} if retry_after else {})


def html_page(status: int = 200) -> Script:
    """What a proxy or a captive portal puts between."""
    page = b"<!doctype html><html><body><h1>Please sign in</h1></body></html>"
    return Script(status=status, body=page, headers={"content-type": "text/html"})


def redirect(to: str, status: int = 307) -> Script:
    """A redirect to the absolute URL `to`, which may be of another origin."""
    return Script(status=status, body=b"", headers={"location": to})


def json_body(value: object, status: int = 200) -> Script:
    """Any JSON, for the paths that only tell something (`FaultServer.by_path`)."""
    return Script(status=status, body=msgspec.json.encode(value))


def _tokens(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_WORDS.findall(text)) if isinstance(text, str) else text
