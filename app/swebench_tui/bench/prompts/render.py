"""The prompt for a task, from its issue and the files of its context.

The gold patch, its tests and the hints never become part of it: templates get the variables below and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from swebench_tui.bench.context import Context
from swebench_tui.bench.context.markup import render_file, render_files
from swebench_tui.bench.prompts.prompt_hash import prompt_hash
from swebench_tui.bench.prompts.template import Template
from swebench_tui.bench.prompts.text import plain_lines

if TYPE_CHECKING:
    from swebench_tui.bench.instance import Instance

Value = str | int | bool | list["dict[str, Value]"]


class Prompt(msgspec.Struct, frozen=True):
    """What is sent. `hash` is that of `prompt_hash`."""

    system: str | None
    user: str
    hash: str


def render_prompt(instance: Instance, context: Context, template: Template | None = None) -> Prompt:
    """The prompt of a task. Blocks, with a template of the user's own for as long as that takes, within its limits.

    Raises `PromptError` for a template that cannot be rendered.
    """
    template = template or Template()
    variables = prompt_variables(instance, context, template)
    if template.text is None:
        system: str | None = template.instructions
        user = _built_in(str(variables["issue"]), render_files(context.files, numbered=template.numbers_lines))
    else:
        from swebench_tui.bench.prompts.user_template import render_user_template  # noqa: PLC0415 - few have their own

        system, user = render_user_template(template, variables)
    return Prompt(system, user, prompt_hash(system, user))


def prompt_variables(instance: Instance, context: Context, template: Template) -> dict[str, Value]:
    """The variables of templates (docs/prompts.md): strings, numbers and lists of such, nothing of the solution."""
    return {
        "issue": plain_lines(instance.problem_statement).strip(),
        "instance_id": instance.instance_id,
        "repo": instance.repo,
        "base_commit": instance.base_commit,
        "version": instance.version,
        "instructions": template.instructions,
        "answer_format": template.answer_format.value,
        "context": context.mode.value,
        "files": [
            {
                "path": file.path,
                "lines": file.lines,
                "whole": file.whole,
                "windows": [{"first": window.first, "text": plain_lines(window.text)} for window in file.windows],
                "text": "\n".join(plain_lines(window.text).rstrip("\n") for window in file.windows),
                "block": render_file(file, numbered=template.numbers_lines),
            }
            for file in context.files
        ],
    }


def _built_in(issue: str, files: str) -> str:
    parts = ["<issue>", issue, "</issue>", ""]
    if files:
        parts += [files, "", "Fix the issue."]
    else:
        parts += ["Fix the issue. The files are not at hand: name them as the project does."]
    return "\n".join(parts)
