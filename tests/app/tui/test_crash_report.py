"""What a crash report must not contain."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.redaction import mask_overlaps
from swebench_tui.tui import crash_report
from swebench_tui.tui.crash_report import LEFT_OUT, CrashContext


@given(st.text("ab c\n", min_size=16, max_size=80), st.text("xy z", max_size=20))
def test_no_sixteen_letters_of_a_private_text_stay(private: str, context: str) -> None:
    cleaned = mask_overlaps(context + private + context, private, LEFT_OUT)
    for start in range(len(private) - 15):
        assert private[start : start + 16] not in cleaned


def test_the_users_folder_is_not_named() -> None:
    context = CrashContext(home=Path("/home/jane.doe"), environ={"ACME_API_KEY": "opensesame"})
    error = OSError("cannot open /home/jane.doe/secret.txt with opensesame")
    error.__cause__ = ValueError("first /home/jane.doe")
    report = crash_report.make(error, context)
    assert "jane.doe" not in report.text + report.what
    assert "opensesame" not in report.text + report.what
    assert "OSError: cannot open ~/secret.txt with ••••" in report.text
    assert report.text.index("ValueError: first ~") < report.text.index("OSError")


def test_a_report_is_made_of_an_error_without_a_message() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "its message cannot be read" in crash_report.make(MuteError(), CrashContext()).text


def test_without_known_private_texts_no_message_is_quoted() -> None:
    report = crash_report.make(ValueError("words of a prompt"), CrashContext(private=None))
    assert "words" not in report.text
    assert "ValueError" in report.text
