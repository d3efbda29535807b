"""Render a template of the user's own with jinja2, in a process that cannot run on or fill the memory.

A template is a program: it may loop for ever or build a text of any size, and no thread can be stopped in that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.prompts.template import PromptError, Template

if TYPE_CHECKING:
    from collections.abc import Mapping

CPU_SECONDS: Final = 5
SECONDS: Final = 30.0  # a busy machine may take long for little
MAX_CHARACTERS: Final = 20_000_000

_KEPT: Final = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUSERBASE", "SYSTEMROOT")
"""Variables that Python needs to start. Keys of the environment do not reach the process."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What the process prints: the texts, or an error with its line. `system` is None without a block for it."""

    system: str | None = None
    user: str = ""
    error: str = ""
    line: int | None = None


def render_user_template(
    template: Template, variables: Mapping[str, object], *, cpu_seconds: int = CPU_SECONDS
) -> tuple[str | None, str]:
    """System and user message. Blocks; raises `PromptError`, which names file and line."""
    name = template.file or "template"
    job = {"name": name, "text": template.text, "variables": variables, "cpu_seconds": cpu_seconds}
    rendered = _run(name, json.dumps(job).encode())
    if rendered.error:
        where = name if rendered.line is None else f"{name}:{rendered.line}"
        raise PromptError(f"{where}: {rendered.error}", hint=f"A template has these variables: {', '.join(variables)}.")
    if not rendered.user.strip():
        raise PromptError(f"{name} gives an empty prompt", hint="Write {{ issue }} where the issue is to stand.")
    system = template.instructions if rendered.system is None else rendered.system
    return system or None, rendered.user


def _run(name: str, job: bytes) -> Rendered:
    environment = {variable: os.environ[variable] for variable in _KEPT if variable in os.environ}
    try:
        ended = subprocess.run(
            # -P: no module of the working directory stands in for an installed one
            [sys.executable, "-P", "-m", "swebench_tui.bench.prompts.template_process"],
            input=job,
            capture_output=True,
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _endless(name) from None
    except OSError as error:
        what = f"the process for {name} could not be started: {error.strerror}"
        raise PromptError(what, hint="Try again, or use a built-in format.") from error
    try:
        return msgspec.json.decode(ended.stdout, type=Rendered)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    if ended.returncode < 0:  # killed, for its CPU time or its memory
        raise _endless(name)
    last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    raise PromptError(f"{name} could not be rendered: {last[:500]}", hint="Use a simpler template.")


def _endless(name: str) -> PromptError:
    what = f"{name} took too long or too much memory to render, and was stopped"
    return PromptError(what, hint="Look for a loop over a large range, or a long repeated text.")
