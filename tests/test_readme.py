"""README and docs agree with the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from textual.binding import Binding

from swebench_providers import ProviderRegistry
from swebench_tui.cli.main import main
from swebench_tui.tui.app import SwebenchApp
from swebench_tui.tui.screens.compare.screen import CompareScreen

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = {path.name: path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
DOCUMENTS = PAGES.values()
EXAMPLES = "\n".join(text for name, text in PAGES.items() if name != "api.md")  # which has signatures, not examples
BLOCKS = [block for text in DOCUMENTS for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.startswith("swebench-tui ")
]
SECTIONS = re.findall(r"<!-- (\S+) -->\n```sh\n(.*?)```", README, re.DOTALL)


def test_two_commands_of_one_line_install_everything() -> None:
    assert [name for name, _ in SECTIONS] == ["app-command", "test-command"]
    for _, command in SECTIONS:
        assert len(command.splitlines()) == 1
        assert command.startswith("python3 -m pip install -q uv && python3 -m uv run ")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "<!-- test-command -->" in script
    assert 'bash -c "$test_command"' in script


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_accepted_by_the_program(line: str) -> None:
    arguments = shlex.split(line)[1:]
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        found = command.get_command(context, arguments.pop(0))
        assert found is not None
        command = found
    command.make_context("shown", arguments, resilient_parsing=False)


def test_the_table_lists_every_provider() -> None:
    table = README.partition("| provider | set | default address |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == ProviderRegistry({}).list_providers()


def test_providers_read_the_variables_in_the_table() -> None:
    registry = ProviderRegistry({})
    table = README.partition("| provider | set | default address |")[2].partition("\n\n")[0]
    for name, row in re.findall(r"^\| `([\w-]+)` \|(.*)$", table, re.MULTILINE):
        spec = registry.spec(name)
        addresses = " ".join(address.url for address in spec.addresses)
        read = {*spec.env, *spec.token_env, *spec.base_url_env, *re.findall(r"\{(\w+)\}", addresses)}
        assert set(re.findall(r"`([A-Z][A-Z_]+)`", row)) <= read, name


def test_every_key_in_the_table_is_bound() -> None:
    table = README.partition("| key | what it does |")[2].partition("\n\n")[0]
    shown = {
        key.strip().replace("ctrl+c twice", "ctrl+c").replace("esc", "escape").replace("?", "question_mark")
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        if not row.startswith("---")
        for key in row.split(",")
    }
    assert shown <= {*_keys(CompareScreen), *_keys(SwebenchApp), "tab", "ctrl+p"}


def _keys(owner: type[CompareScreen | SwebenchApp]) -> list[str]:
    return [binding.key for binding in owner.BINDINGS if isinstance(binding, Binding)]


def test_the_pictures_exist() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", EXAMPLES, re.DOTALL))
def test_every_python_example_compiles(code: str) -> None:
    compile(code, "example", "exec")
