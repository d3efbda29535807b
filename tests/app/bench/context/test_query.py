"""Terms and identifiers of an issue, with their weights."""

from __future__ import annotations

from math import sqrt

import pytest

from swebench_tui.bench.context.issue_text import read_issue
from swebench_tui.bench.context.query import MAX_TERMS, Query, make_query, mixed_case, pieces


def query(issue: str, *functions: str) -> Query:
    return make_query(read_issue(issue), frozenset(functions))


def test_terms_weigh_by_their_count_in_issue_and_title() -> None:
    terms = dict(query("overlap spans\n\noverlap overlap rooms").terms)
    assert terms == {"overlap": sqrt(3) + 1, "spans": 2.0, "rooms": 1.0}


def test_stop_terms_numbers_and_letters_are_no_terms() -> None:
    assert query("The issue is a bug in 3.14 when x fails").terms == ()


def test_pieces_of_mixed_case_identifiers_are_terms() -> None:
    terms = dict(query("title\n\nparseHTTPHeader").terms)
    assert terms == {"title": 2.0, "parsehttpheader": 1.0, "parse": 0.5, "http": 0.5, "header": 0.5}


def test_terms_of_one_weight_make_one_group() -> None:
    assert query("spans\n\nrooms beds").groups() == [(2.0, ["spans"]), (1.0, ["beds", "rooms"])]


@pytest.mark.parametrize(
    ("issue", "name", "weight"),
    [
        ("t\n\nthe some_function here", "some_function", 1.0),
        ("t\n\nthe QuerySet here", "QuerySet", 1.0),
        ("t\n\nthe _private here", "_private", 1.0),
        ("t\n\nthe `overlap` here", "overlap", 1.0),
        ("overlap is wrong", "overlap", 0.5),
        ("t\n\n```\noverlap(3)\n```", "overlap", 0.2),
        ("t\n\nplain overlap of prose", "overlap", None),
        ("t\n\n`ab` is short", "ab", None),
        ("t\n\n`print` is common", "print", None),
    ],
)
def test_identifiers_weigh_by_their_shape_and_place(issue: str, name: str, weight: float | None) -> None:
    assert query(issue).identifiers.get(name) == weight


def test_functions_of_a_traceback_are_identifiers() -> None:
    assert query("t", "overlap").identifiers["overlap"] == 1.0


def test_names_of_code_alone_are_known_as_such() -> None:
    made = query("t\n\n`book`\n\n```\noverlap(book)\n```")
    assert made.in_code == {"overlap"}


def test_a_query_has_a_largest_size() -> None:
    made = query(" ".join(f"word{chr(97 + n % 26)}{n}_x" for n in range(5_000)))
    assert len(made.terms) == MAX_TERMS
    assert len(made.identifiers) == MAX_TERMS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("parseHTTPHeader(FooBar)", ["FooBar", "parseHTTPHeader"]),
        ("HTTPServer x2Y _fooBar", ["HTTPServer", "_fooBar", "x2Y"]),
        ("Symbol CONSTANT snake_case Capital_Case HTTP f(X)", []),
        ("äFooBar FooBar FooBar", ["FooBar", "äFooBar"]),
    ],
)
def test_identifiers_of_mixed_case(text: str, names: list[str]) -> None:
    assert mixed_case(text) == names


def test_pieces_of_an_identifier() -> None:
    assert pieces("parseHTTPHeader2") == ["parse", "HTTP", "Header", "2"]
