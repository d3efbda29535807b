"""The script of one response: its text, its speed, and its faults."""

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum

import msgspec

_TOKENS = re.compile(r"\s*\S+|\s+\Z")


class Ending(StrEnum):
    """How a response ends. All but the first two happen after `Script.after` tokens.

    A response that is not streamed has no tokens to count: it is cut after half of its bytes, ERROR and GARBAGE replace
    it, and UNMARKED leaves it whole.
    """

    COMPLETE = "complete"
    UNMARKED = "unmarked"  # finish reason and usage, but not the record that ends the stream ([DONE], message_stop)
    ERROR = "error"  # the format's own error object, inside the 200
    GARBAGE = "garbage"  # a record that is not JSON, then the rest
    TRUNCATED = "truncated"  # a clean end of the body, with neither finish reason nor marker
    MID_CHUNK = "mid-chunk"  # FIN inside an HTTP chunk
    RESET = "reset"  # RST
    STALL = "stall"  # silence (or keep-alives) until the client leaves
    ENDLESS = "endless"  # the last token repeated until the client leaves
    ENDLESS_LINE = "endless-line"  # a record without an end


class Cut(StrEnum):
    """Where the body is cut into writes; each is a separate HTTP chunk, so that no reader sees two as one."""

    EVENTS = "events"
    SEAMS = "seams"  # inside every UTF-8 sequence, and between CR and LF
    JOINED = "joined"  # as many events as fit between two pauses of the script


class UsageSent(StrEnum):
    """Whether a stream reports usage. AS_REQUESTED does what the real server does."""

    AS_REQUESTED = "as-asked"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Script:
    """One response. Times are in seconds. A token is one streamed delta; reasoning precedes text.

    `text` and `reasoning` are split into words if they are strings; a tuple holds the tokens themselves. The default
    text has what breaks careless readers: characters of two to four bytes, and U+2028, which is not a line end.
    """

    text: str | tuple[str, ...] = "One naïve answer,\u2028in a few words: 修复 🐛 done."
    _: KW_ONLY
    reasoning: str | tuple[str, ...] = ""
    reasoning_field: str = "reasoning_content"  # OpenAI format only; newer servers call it `reasoning`
    echo: bool = False  # the text is the request as JSON: method, target, headers, body
    finish_reason: str | None = "stop"  # `stop` and `length` as each format names them, others unchanged
    usage: UsageSent = UsageSent.AS_REQUESTED
    prompt_tokens: int = 11
    cached_tokens: int = 0  # those of prompt_tokens that were read from a cache
    odd_chunks: bool = False  # what a reader must ignore: null deltas, no choices, unknown events

    before_head: float = 0
    head_takes: float = 0  # the head is sent byte by byte
    before_first_token: float = 0  # after the head, or before it without a stream
    tokens_per_second: float = 0  # 0: all at once
    keep_alive_every: float = 0  # a comment, ping or blank line at this interval in pauses; 0: none

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)  # in addition to the usual ones, or instead of them
    body: bytes | None = None  # sent unchanged for any request
    error_message: str = "the fault server was told to fail"
    error_code: str = ""  # instead of the format's text for the status

    ending: Ending = Ending.COMPLETE
    after: int | None = None  # tokens sent before the ending; None: all of them
    cut: Cut | int = Cut.EVENTS  # a number: chunks of that many bytes
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
        """The tokens of a whole response, including reasoning."""
        return len(self.reasoning_tokens) + len(self.text_tokens)


def failing(status: int, message: str = "the fault server was told to fail", *, retry_after: str = "") -> Script:
    """An HTTP error in the format of the request. `retry_after` is the value of that header."""
    return Script(status=status, error_message=message, headers={"retry-after": retry_after} if retry_after else {})


def html_page(status: int = 200) -> Script:
    """The page of a proxy or a captive portal."""
    page = b"<!doctype html><html><body><h1>Please sign in</h1></body></html>"
    return Script(status=status, body=page, headers={"content-type": "text/html"})


def redirect(to: str, status: int = 307) -> Script:
    """A redirect to the absolute URL `to`, of any origin."""
    return Script(status=status, body=b"", headers={"location": to})


def json_body(value: object, status: int = 200) -> Script:
    """Any JSON, for paths other than chat (`FaultServer.by_path`)."""
    return Script(status=status, body=msgspec.json.encode(value))


def _tokens(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_TOKENS.findall(text)) if isinstance(text, str) else text
