"""What of an issue is searched for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.context.issue_text import MAX_CHARACTERS, read_issue

REPORT = """\
Span overlap is wrong

<!-- Please search for
     duplicates first -->
### Description

Spans that `touch()` overlap, see https://example.org/a?b and
https://github.com/owner/name/blob/v1.0/pkg/spans.py#L10 for the code.

```python
Span(1, 2).overlap(Span(2, 3))
# Environment
```

### Environment

macOS Ventura, uname 22

### Anything else?

The rooms are booked twice.
"""


def test_prose_code_and_inline_code_are_told_apart() -> None:
    issue = read_issue(REPORT)
    assert issue.title == "Span overlap is wrong"
    assert issue.inline == ("touch()",)
    assert issue.code == "Span(1, 2).overlap(Span(2, 3))\n# Environment"
    assert "rooms are booked" in issue.prose


def test_templates_machines_comments_and_urls_are_left_out() -> None:
    text = read_issue(REPORT).text
    assert not [word for word in ("duplicates", "Description", "Ventura", "Anything", "example.org") if word in text]


def test_a_link_to_a_file_counts_as_its_path() -> None:
    assert read_issue(REPORT).linked == ("pkg/spans.py",)


@pytest.mark.parametrize(
    "heading",
    [
        "### Versions",
        "**Environment**",
        "System details\n---",
        "## Output of `pd.show_versions()`",
        "#### OS",
        "# Pip list",
    ],
)
def test_sections_about_the_machine_are_cut(heading: str) -> None:
    issue = f"Title is long enough to stay\n\n{heading}\n\nVentura\n\n## Next\n\nmore text that stays here"
    assert "Ventura" not in read_issue(issue).text
    assert "more text that stays" in read_issue(issue).text


@pytest.mark.parametrize(
    "heading", ["### Version conflicts in the resolver", "Version", "The operating system matters"]
)
def test_other_headings_cut_nothing(heading: str) -> None:
    assert "Ventura" in read_issue(f"Title\n\n{heading}\n\nVentura").text


def test_an_issue_of_nothing_but_a_machine_is_kept() -> None:
    assert "Ventura" in read_issue("### Versions\n\nVentura 13.1 and all that is to be said about it").text


def test_a_comment_that_never_ends_is_text() -> None:
    assert "rest" in read_issue("Title\n<!-- rest").text


def test_line_ends_make_no_difference() -> None:
    assert read_issue(REPORT.replace("\n", "\r\n")) == read_issue(REPORT)


@given(st.text(alphabet=st.sampled_from("ab `~#*<!->\n\r\t.=:/"), max_size=300))
def test_any_text_is_read(text: str) -> None:
    issue = read_issue(text)
    assert len(issue.text) <= len(text) + 1


def test_a_huge_issue_is_cut() -> None:
    assert len(read_issue("<!-- `a " * MAX_CHARACTERS).text) <= MAX_CHARACTERS + 1
