"""Whether the prose between two edits takes the first one back, as "Wait, that is wrong" does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_LINE = 400
_RETRACTS = re.compile(
    r"(?:^|[.!?;—]\s*)(?:oh,? |hmm,? |but |so |ok(?:ay)?,? )?(?:"
    r"wait\b|scratch that|actually,? no\b|no[,.!:]|nope\b|rather not|on second thoughts?|correction\b|better[:,]"
    r"|sorry\b|oops\b|(?:ignore|disregard|forget) (?:the|that|my|what)"
    r"|let me (?:redo|revise|correct|rewrite|reconsider)"
    r"|(?:that|this|the (?:above|first|previous)\b.{0,40}) (?:is|was|would be|'s)(?: \w+)? ?"
    r"(?:wrong|incorrect|mistaken|not right))"
    r"|\b(?:corrected|revised|improved) (?:version|patch|diff|block|edit|change|fix)"
    r"|\b(?:made|was|is) a mistake\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"\b(?:also|additionally|another|as well|furthermore|one more|in addition)\b", re.IGNORECASE)


def retracts(prose: Iterable[str]) -> bool:
    """Whether a line of `prose` takes back the edit in front of it. One that adds something to it does not."""
    return any(
        _RETRACTS.search(text) is not None and _ADDS.search(text) is None
        for line in prose
        if (text := line[:_LONGEST_LINE].strip())
    )
