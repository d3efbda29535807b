"""Templates of the user's own: blocks, errors with file and line, and limits that hold."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from swebench_tui.bench.prompts import AnswerFormat, PromptError, Template, read_template, render_prompt
from swebench_tui.bench.prompts.user_template import render_user_template
from tests.app.bench.prompts.samples import NO_FILES, SOME_FILES, TASK

SYSTEM = AnswerFormat.SEARCH_REPLACE.instructions()
REPEATED = "{% for a in range(9999) %}{% for b in range(9999) %}"
ENDLESS = f"{REPEATED}{REPEATED}{'{% endfor %}' * 4}"


def rendered(text: str, file: str = "fix.j2") -> tuple[str | None, str]:
    prompt = render_prompt(TASK, SOME_FILES, Template(text=text, file=file))
    return prompt.system, prompt.user


# What a template gives.


def test_a_template_without_blocks_is_the_user_message() -> None:
    text = "Repair {{ repo }}.\n{% for file in files %}{{ file.block }}\n{% endfor %}Thanks."
    system, user = rendered(text)
    assert system == SYSTEM
    assert user.startswith('Repair acme/rocket.\n<file path="rocket/pump.py">\ndef pump():')
    assert user.endswith("</file>\nThanks.")


def test_blocks_give_both_messages() -> None:
    text = "{% block system %}Be brief. {{ instructions }}{% endblock %}{% block user %}{{ issue }}{% endblock %}"
    assert rendered(text) == (f"Be brief. {SYSTEM}", "It does not fly.\nLine two.\nLine three.")
    assert rendered("{% block user %}{{ issue }}{% endblock %}")[0] == SYSTEM
    assert rendered("{% block system %}{% endblock %}{% block user %}x{% endblock %}")[0] is None


def test_files_have_their_windows_and_lines() -> None:
    text = "{% for f in files %}{{ f.path }} {{ f.lines }} {{ f.whole }} {{ f.windows[-1].first }};{% endfor %}"
    assert rendered(text)[1] == "rocket/pump.py 2 True 1;rocket/tank.py 90 False 88;"


def test_the_issue_is_text_and_no_template() -> None:
    import msgspec

    task = msgspec.structs.replace(TASK, problem_statement="{{ 7 * 7 }} {% raw %} <b>")
    assert render_prompt(task, NO_FILES, Template(text="{{ issue }}")).user == "{{ 7 * 7 }} {% raw %} <b>"


# Errors.


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ issue }}\n\n{{ isue }}", "fix.j2:3: 'isue' is undefined"),
        ("a\n{{ files[9].path }}", "fix.j2:2: list object has no element 9"),
        ("{{ issue }}\n{% for %}", "fix.j2:2: Expected an expression, got 'end of statement block'"),
        ("{% if issue %}\nx", "fix.j2:1: Unexpected end of template"),
        ("{{ issue }}\n{{ issue.__class__.__mro__ }}", "fix.j2:2: access to attribute '__class__'"),
        ("{{ 1 / 0 }}", "fix.j2:1: ZeroDivisionError: division by zero"),
        ("{% include '/etc/passwd' %}", "fix.j2:1: "),
        ("{% block system %}x{% endblock %}", "fix.j2: the template has a block `system`, and so it needs"),
        ("{% block usr %}x{% endblock %}", "fix.j2: unknown block 'usr'"),
        ("{{ [1, 2] | random }}", "fix.j2:1: No filter named 'random'"),
        (" \n{# nothing #}", "fix.j2 gives an empty prompt"),
    ],
)
def test_an_error_names_file_and_line(text: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        rendered(text)
    assert str(caught.value).startswith(message)
    assert caught.value.hint


def test_an_undefined_variable_is_answered_with_the_known_ones() -> None:
    with pytest.raises(PromptError) as caught:
        rendered("{{ patch }}")
    assert "issue, instance_id, repo, base_commit, version" in caught.value.hint


@pytest.mark.parametrize("name", ["patch", "test_patch", "hints_text", "fail_to_pass", "FAIL_TO_PASS", "instance"])
def test_the_columns_of_the_solution_are_undefined(name: str) -> None:
    with pytest.raises(PromptError, match=f"'{name}' is undefined"):
        rendered(f"{{{{ {name} }}}}")


# Limits.


def test_a_template_that_never_ends_is_stopped() -> None:
    begin = time.process_time()
    with pytest.raises(PromptError, match=r"fix\.j2 took too long or too much memory"):
        render_user_template(Template(text=ENDLESS, file="fix.j2"), {"issue": "x"}, cpu_seconds=1)
    assert time.process_time() - begin < 1  # the process of the template did the work, not this one


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 'a' * 10 ** 10 }}", "needs too much memory"),
        ("{% for a in range(99999) %}{{ 'ab' * 1000 }}{% endfor %}", "has more than 20,000,000 characters"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "calls itself without end"),
        ("{{ 'x' | center(10 ** 11) }}", "needs too much memory"),
    ],
)
def test_a_template_cannot_fill_the_memory(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        rendered(text)


def test_the_process_gets_no_keys_or_modules_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jinja2.py").write_text("raise SystemExit('imported from the working directory')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered("{{ issue }}")[1] == "It does not fly.\nLine two.\nLine three."
    with pytest.raises(PromptError) as caught:
        rendered("{{ cycler.__init__.__globals__.os.environ }}")
    assert "sk-canary" not in str(caught.value)


# Files.


def test_a_template_file_is_read_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "fix.j2").write_bytes(b"\xef\xbb\xbf{{ issue }}")
    template = read_template(tmp_path / "fix.j2", AnswerFormat.DIFF)
    assert (template.text, template.file, template.answer_format) == ("{{ issue }}", "fix.j2", AnswerFormat.DIFF)


@pytest.mark.parametrize(
    ("content", "message"), [(b"caf\xe9", "is not UTF-8 text"), (b"x" * 200_001, "has more than 200,000 bytes")]
)
def test_a_file_that_is_no_template_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "fix.j2").write_bytes(content)
    with pytest.raises(PromptError, match=message):
        read_template(tmp_path / "fix.j2")


@pytest.mark.parametrize("name", ["missing.j2", "nul\0.j2", "file/below"])
def test_a_template_that_cannot_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PromptError, match="cannot be read"):
        read_template(tmp_path / name)


def test_a_folder_or_a_pipe_is_no_template(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(PromptError, match=r"is not a regular file|cannot be read: Is a directory"):
            read_template(path)


def test_a_template_is_found_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fix.j2").write_text("{{ issue }}")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_template(Path("~/fix.j2")).text == "{{ issue }}"
    with pytest.raises(PromptError, match="cannot be read"):
        read_template(Path("~nobody-of-this-name/fix.j2"))
