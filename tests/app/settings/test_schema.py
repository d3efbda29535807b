"""Docs, template and JSON Schema agree with the definitions of the settings."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from swebench_tui.settings.providers import known_providers
from swebench_tui.settings.schema import bare, describe_type, json_schema, leaves, template
from swebench_tui.settings.toml_positions import dotted
from swebench_tui.settings.value import check
from tests.app.settings.documents import mangled, settings_documents

DOCS = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def test_the_docs_list_every_setting_in_order() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| .* \|$", DOCS.partition("## Every setting\n")[2], re.MULTILINE)
    assert rows == [dotted(leaf.path) for leaf in leaves()]


def test_every_setting_has_a_description_and_valid_example() -> None:
    for leaf in leaves():
        assert re.fullmatch(r"[A-Z].*\.", leaf.description), leaf.path
        nested: Any = leaf.example
        for name in reversed(leaf.path):
            nested = {name: nested}
        assert check(nested, source="").problems == (), leaf.path


def test_the_template_sets_nothing() -> None:
    assert tomllib.loads(template()) == {}


def test_the_template_is_valid_with_everything_uncommented() -> None:
    """Each line that is `#` and no blank is a setting or a header."""
    values = tomllib.loads(re.sub(r"^#(?=[^ :])", "", template(), flags=re.MULTILINE))
    found = check(values, source="")
    assert found.problems == ()
    assert set(values["providers"]) - known_providers() == {"my-server"}
    names = {name for leaf in leaves() for name in leaf.path} - {"NAME"}
    assert all(re.search(rf"^#\S*\b{name}\b", template(), re.MULTILINE) for name in names)


def test_the_schema_is_valid_and_describes_every_setting() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert all(json.dumps(leaf.description) in json.dumps(json_schema()) for leaf in leaves())


@given(settings_documents())
def test_the_schema_accepts_what_the_program_accepts(values: dict[str, Any]) -> None:
    assert check(values, source="").problems == ()
    assert list(VALIDATOR.iter_errors(values)) == []


@given(values=settings_documents(), data=st.data())
def test_the_schema_refuses_what_the_program_refuses(values: dict[str, Any], data: st.DataObject) -> None:
    wrong = data.draw(mangled(values))
    assert bool(check(wrong, source="").problems) == (not VALIDATOR.is_valid(wrong))


@pytest.mark.parametrize(
    "values",
    [
        {"appearence": {}},
        {"appearance": {"theme": 3}},
        {"compare": {"lineup": ["a:b"] * 5}},
        {"providers": {"openai": {"rate_limits": {"slots": 0}}}},
        {"providers": {"openai": {"rate_limits": {"slots": True}}}},
        {"providers": {"openai": {"time_limits": {"idle": 0}}}},
        {"providers": {"openai": {"auth": "bearr"}}},
        {"providers": {"openai": {"keys": [{"label": "a", "place": "file"}]}}},
        {"providers": {"openai": {"headers": {"X-A": 1}}}},
        {"providers": {"openai": {"api_key": "x"}}},
    ],
    ids=str,
)
def test_both_refuse(values: dict[str, Any]) -> None:
    assert len(check(values, source="").problems) == 1
    assert not VALIDATOR.is_valid(values)


class Flags(msgspec.Struct):
    on: bool = False
    any_number: int = 0
    share: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    ratio: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.0


def test_types_that_no_setting_has_yet_are_described() -> None:
    fields = inspect.type_info(Flags).fields  # type: ignore[attr-defined]
    assert [describe_type(bare(field.type)) for field in fields] == [
        "true or false",
        "an integer",
        "a number at least 0",
        "a number at least 0, below 1",
    ]
