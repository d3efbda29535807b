"""Prompts of the built-in templates, and what never becomes part of any prompt."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from swebench_tui.bench.patches.extract import Diff, Edits, Files, find_candidates
from swebench_tui.bench.prompts import AnswerFormat, Template, prompt_hash, render_prompt
from swebench_tui.bench.prompts.render import prompt_variables
from tests.app.bench.prompts.samples import NO_FILES, SECRETS, SOME_FILES, TASK

EACH_FORMAT = pytest.mark.parametrize("form", list(AnswerFormat))
EVERYTHING = "{{ issue }}{{ instance_id }}{{ repo }}{{ base_commit }}{{ version }}{{ instructions }}{{ answer_format }}"
DUMP = f"{EVERYTHING}{{{{ context }}}}{{{{ files }}}}{{% for file in files %}}{{{{ file }}}}{{% endfor %}}"


# What is sent.


def test_the_default_prompt_has_the_issue_and_then_the_files() -> None:
    prompt = render_prompt(TASK, SOME_FILES)
    assert prompt.user == (
        "<issue>\nIt does not fly.\nLine two.\nLine three.\n</issue>\n\n"
        '<file path="rocket/pump.py">\ndef pump():\n    return 0\n</file>\n\n'
        '<file path="rocket/tank.py" lines="3-5 of 90">\na = 1\n\nb = 2\n</file>\n\n'
        '<file path="rocket/tank.py" lines="88-88 of 90">\nc = 3\n</file>\n\nFix the issue.'
    )
    assert prompt.system == AnswerFormat.SEARCH_REPLACE.instructions()


@EACH_FORMAT
def test_without_files_the_model_is_to_name_them(form: AnswerFormat) -> None:
    assert render_prompt(TASK, NO_FILES, Template(answer_format=form)).user.endswith(
        "</issue>\n\nFix the issue. The files are not at hand: name them as the project does."
    )


@pytest.mark.parametrize(
    ("form", "numbered", "shown"),
    [
        (AnswerFormat.SEARCH_REPLACE, None, False),
        (AnswerFormat.WHOLE_FILE, None, False),
        (AnswerFormat.DIFF, None, True),
        (AnswerFormat.DIFF, False, False),
        (AnswerFormat.SEARCH_REPLACE, True, True),
    ],
)
def test_lines_are_numbered_where_the_format_needs_it(form: AnswerFormat, numbered: bool | None, shown: bool) -> None:
    prompt = render_prompt(TASK, SOME_FILES, Template(answer_format=form, numbered=numbered))
    assert ("\n88| c = 3\n" in prompt.user) == shown
    assert ("12| code" in (prompt.system or "")) == shown


def test_the_patch_check_reads_the_example_of_each_format() -> None:
    found = {form: find_candidates(form.instructions()) for form in AnswerFormat}
    kinds = {form: {type(candidate) for candidate in each.candidates} for form, each in found.items()}
    assert kinds == {
        AnswerFormat.SEARCH_REPLACE: {Edits},
        AnswerFormat.DIFF: {Diff},
        AnswerFormat.WHOLE_FILE: {Files},
    }


# The hash.


def test_the_hash_is_that_of_the_messages_on_any_machine() -> None:
    prompt = render_prompt(TASK, NO_FILES)
    expected = hashlib.sha256(json.dumps([prompt.system, prompt.user]).encode()).hexdigest()
    assert prompt.hash == expected
    assert prompt_hash("s", "ü\u2028") == "1980d6d8d29378e3a1ca3b2d66fad9fd32aaf04d955904280eae216c37b8c08f"


@pytest.mark.parametrize(("system", "user"), [(None, "ab"), ("", "ab"), ("a", "b"), ('a", "b', "")])
def test_other_messages_have_another_hash(system: str | None, user: str) -> None:
    assert prompt_hash(system, user) != prompt_hash("ab", "")


def test_a_templates_name_tells_its_text() -> None:
    first, same, other = (Template(text=text, file="fix.j2").name for text in ("a", "a", "b"))
    assert first == same != other
    assert (first.startswith("fix.j2@"), Template().name) == (True, "search-replace")


# What is never sent.


def test_no_variable_of_templates_holds_the_solution_or_hints() -> None:
    plain = msgspec.json.encode(prompt_variables(TASK, SOME_FILES, Template())).decode()
    assert "It does not fly" in plain
    assert not [secret for secret in SECRETS if secret in plain]


@EACH_FORMAT
def test_no_template_reaches_the_solution_or_hints(form: AnswerFormat) -> None:
    for template in (Template(answer_format=form), Template(answer_format=form, text=DUMP)):
        prompt = render_prompt(TASK, SOME_FILES, template)
        sent = f"{prompt.system}{prompt.user}"
        assert "rocket" in sent
        assert not [secret for secret in SECRETS if secret in sent]
