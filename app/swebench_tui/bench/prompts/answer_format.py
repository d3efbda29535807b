"""The forms in which a model can answer, and the instructions for each."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class AnswerFormat(StrEnum):
    """How the model is to write its change. The values are stored with runs, so they never change."""

    SEARCH_REPLACE = "search-replace"  # blocks with the old and the new lines; the diff is made from them
    DIFF = "diff"  # a unified diff
    WHOLE_FILE = "whole-file"  # each changed file, whole

    def instructions(self, *, numbered: bool = False) -> str:
        """The built-in system message, for files whose lines are `numbered` or not."""
        return "\n".join([_TASK, _FORMS[self], *([_NUMBERED] if numbered else [])])

    @property
    def numbered(self) -> bool:
        """Whether the form needs line numbers, so that the lines of the prompt have theirs in front."""
        return self is AnswerFormat.DIFF


_TASK: Final = "You fix bugs. You get an issue and, where they are at hand, the source files of the project."

_NUMBERED: Final = """\
The number and the bar in front of each line of a source file, as in `12| code`, are not part of it: leave them out."""

_FORMS: Final = {
    AnswerFormat.SEARCH_REPLACE: """\
Answer with one short explanation and then the change, as one or more blocks of exactly this form:

path/to/file.py
<<<<<<< SEARCH
lines copied from the file, exactly as they stand there
=======
the lines that replace them
>>>>>>> REPLACE

Copy only the lines that change and what makes their place unique. Do not change the tests.""",
    AnswerFormat.DIFF: """\
Answer with one short explanation and then the change, as one unified diff in a fence:

```diff
--- a/path/to/file.py
+++ b/path/to/file.py
@@ -10,3 +10,3 @@
 a line that stays, behind one blank
-a line that goes
+a line that comes
 a line that stays
```

Copy three lines that stay before and after each change, exactly as they stand in the file. Do not change the tests.""",
    AnswerFormat.WHOLE_FILE: """\
Answer with one short explanation and then each file that changes, whole, as the path alone on a line and a fence with
the new content of the file:

path/to/file.py
```python
every line of the file, also those that stay as they are
```

Leave out the files that do not change, and nothing of those that do. Do not change the tests.""",
}
