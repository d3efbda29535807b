"""Guided answers: a grammar that lets even a very small model write a patch that applies.

guide = make_guide(issue, [("tallybox/averages.py", text)])
request = UnifiedRequest(prompt=..., grammar=guide.grammar, max_tokens=guide.longest)
assert guide.followed_by(answer)

The grammar offers one SEARCH/REPLACE block. Its SEARCH text is one of many unique runs of lines of the files, and its
REPLACE text the same lines with one change, whose holes the model fills. It is made of the issue and the files alone:
neither gold patch nor tests nor hints. That such a patch applies says nothing about whether it is right.
"""

from __future__ import annotations

from swebench_tui.bench.guided.guide import Guide, make_guide

__all__ = ["Guide", "make_guide"]
