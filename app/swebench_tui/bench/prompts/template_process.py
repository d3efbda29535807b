"""The process that renders one template: a job as JSON on standard input, the result as JSON on standard output.

    python -P -m swebench_tui.bench.prompts.template_process

The template sees plain strings, numbers and lists of such, in jinja2's sandbox; it can load no other file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec
from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from swebench_tui.bench.prompts.user_template import MAX_CHARACTERS, Rendered

_MAX_MEMORY: Final = 1_500_000_000  # bytes of address space


class TextTooLongError(Exception):
    """The text has more than `MAX_CHARACTERS`."""


def main() -> None:
    """Render the job on standard input."""
    job = json.loads(sys.stdin.buffer.read())
    _limit(job["cpu_seconds"])
    rendered = render(job["name"], job["text"], job["variables"])
    sys.stdout.buffer.write(json.dumps(msgspec.to_builtins(rendered)).encode())


def render(name: str, text: str, variables: dict[str, object]) -> Rendered:
    """The blocks `system` and `user` of a template; without blocks its whole text is the user message."""
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for names, unwanted in ((environment.filters, "random"), (environment.globals, "lipsum")):
        names.pop(unwanted)  # the same values are to give the same prompt
    try:
        template = Template.from_code(environment, environment.compile(text, name, name), dict(environment.globals))
        if not template.blocks:
            return Rendered(user=_joined(template.generate(variables)))
        return _blocks(template, variables)
    except Exception as error:  # noqa: BLE001 - also what the template's own expressions raise
        return Rendered(error=_message(error), line=_line(error, name))


def _blocks(template: Template, variables: dict[str, object]) -> Rendered:
    unknown = sorted(template.blocks.keys() - {"system", "user"})
    if unknown:
        return Rendered(error=f"unknown block {unknown[0]!r}; the blocks of a prompt are `system` and `user`")
    if "user" not in template.blocks:
        return Rendered(error="the template has a block `system`, and so it needs a block `user` too")
    texts = {name: _joined(write(template.new_context(variables))) for name, write in template.blocks.items()}
    return Rendered(system=texts.get("system"), user=texts["user"])


def _message(error: Exception) -> str:
    match error:
        case TextTooLongError():
            return f"the prompt has more than {MAX_CHARACTERS:,} characters"
        case MemoryError():
            return "the template needs too much memory"
        case RecursionError():
            return "the template calls itself without end"
        case TemplateError():
            return error.message or type(error).__name__
        case _:
            return f"{type(error).__name__}: {error}"


def _joined(pieces: Iterable[str]) -> str:
    parts: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_CHARACTERS:
            raise TextTooLongError
        parts.append(piece)
    return "".join(parts)


def _line(error: Exception, name: str) -> int | None:
    """The line of the template that is wrong or raised, which jinja2 puts into the traceback."""
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    line, frame = None, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == name:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _limit(cpu_seconds: int) -> None:
    """Limit CPU time and memory, where the system has such limits; the parent's time limit holds everywhere."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))


if __name__ == "__main__":
    main()
