"""One SWE-bench task, in the column shape of the official datasets."""

from __future__ import annotations

import msgspec


class Instance(
    msgspec.Struct, frozen=True, kw_only=True, rename={"fail_to_pass": "FAIL_TO_PASS", "pass_to_pass": "PASS_TO_PASS"}
):
    """A row of a SWE-bench dataset, classic or of harness 5.x. Other columns are ignored.

    `patch` and `test_patch` are the solution and its tests: they grade an answer and never become part of a prompt.
    `hints_text` was written after the issue and leaks the fix, so prompts leave it out.
    """

    repo: str
    instance_id: str
    base_commit: str
    problem_statement: str
    patch: str = ""
    test_patch: str = ""
    hints_text: str = ""
    created_at: str = ""
    version: str = ""
    environment_setup_commit: str = ""
    difficulty: str = ""
    image: str = ""
    log_parser: str = ""
    eval_type: str = ""
    eval_script: str = ""
    image_assets: str | dict[str, object] = ""
    fail_to_pass: str | list[str] = "[]"  # noqa: S105 - names of tests
    pass_to_pass: str | list[str] = "[]"  # noqa: S105

    @property
    def title(self) -> str:
        """The first non-blank line of the issue."""
        return next((line.strip() for line in self.problem_statement.splitlines() if line.strip()), "(no issue text)")

    @property
    def issue_images(self) -> list[str]:
        """Addresses of the pictures in the issue, as multimodal datasets list them."""
        assets = self.image_assets
        try:
            decoded = assets if isinstance(assets, dict) else msgspec.json.decode(assets or "{}")
            pictures = decoded.get("problem_statement") or []
            return msgspec.convert(
                msgspec.json.decode(pictures) if isinstance(pictures, str) else pictures, type=list[str]
            )
        except (AttributeError, msgspec.MsgspecError):
            return []

    @property
    def tests_to_fix(self) -> list[str]:
        """FAIL_TO_PASS as a list; classic datasets hold the JSON text of one."""
        return _names(self.fail_to_pass)

    @property
    def tests_to_keep(self) -> list[str]:
        """PASS_TO_PASS as a list."""
        return _names(self.pass_to_pass)


def _names(column: str | list[str]) -> list[str]:
    return column if isinstance(column, list) else msgspec.json.decode(column, type=list[str])
