"""The files of a repository in the order in which they are likely to need a change for an issue.

Only the issue's text is read. Weights and order of the steps were measured on SWE-bench Lite: see docs/context.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from swebench_tui.bench.context import corpus, mentions
from swebench_tui.bench.context.issue_text import read_issue
from swebench_tui.bench.context.languages import PYTHON, language_of
from swebench_tui.bench.context.query import Query, make_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from swebench_tui.bench.context.index import SearchIndex

_DEFINITIONS: Final = 0.4
_NAMED: Final = 0.7
_TRACEBACK: Final = 1.0
_LESSER: Final = 0.4
_CLOSE: Final = 1.5
_CLOSE_RANK: Final = 6
"""Where the best file's score is less than so many times that of the file at this rank, no file stands out."""

_PLACES: Final = 6
"""Decimal places of a score that count; the last bits of a float may differ between machines."""


_Key = TypeVar("_Key")


class Question(msgspec.Struct, frozen=True):
    """What an issue asks of a repository: the query, and what it names."""

    query: Query
    text: str
    linked: tuple[str, ...]
    traces: list[list[mentions.Frame]]
    functions: frozenset[str]


class Ranking(msgspec.Struct, frozen=True):
    """Every indexed path with its score, best first. `weakness` says why the order is not to be relied on, if so."""

    scores: Mapping[str, float]
    weakness: str = ""

    def best(self, most: int) -> list[tuple[str, float]]:
        """The best paths, those without any match left out, with their scores, of which the best is 1."""
        paths = [path for path, score in self.scores.items() if score > 0][:most]
        return [(path, self.scores[path] / self.scores[paths[0]]) for path in paths]


def read_question(problem_statement: str) -> Question:
    """The question that an issue asks."""
    issue = read_issue(problem_statement)
    traces = mentions.tracebacks(issue.text)
    functions = mentions.functions_in(traces)
    return Question(make_query(issue, functions), issue.text, issue.linked, traces, functions)


def rank(index: SearchIndex, question: Question) -> Ranking:
    """The files of an index for a question."""
    paths = mentions.PathIndex(index.paths)
    language = (language_of(index.paths[0]) if index.paths else None) or PYTHON
    text = normalized(index.text_scores(question.query))
    defining, rare = index.definition_scores(question.query)
    defined = normalized(defining)
    named = mentions.named_scores(question.text, question.linked, language.extensions, paths)
    traced = mentions.traceback_scores(question.traces, paths)
    scores = {path: round(_score(path, text, defined, named, traced), _PLACES) for path in index.paths}
    ranked = dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))
    return Ranking(ranked, _weakness(list(ranked.values()), names_something=bool(named or traced or rare)))


def _weakness(scores: Sequence[float], *, names_something: bool) -> str:
    if not names_something:
        return "the issue names no file and no rare definition: weak match"
    if len(scores) >= _CLOSE_RANK and scores[0] < _CLOSE * scores[_CLOSE_RANK - 1]:
        return "no file stands out: weak match"
    return ""


def _score(
    path: str,
    text: Mapping[str, float],
    defined: Mapping[str, float],
    named: Mapping[str, float],
    traced: Mapping[str, float],
) -> float:
    score = (
        text.get(path, 0.0)
        + _DEFINITIONS * defined.get(path, 0.0)
        + _NAMED * named.get(path, 0.0)
        + _TRACEBACK * traced.get(path, 0.0)
    )
    return score * _LESSER if corpus.is_lesser(path) else score


def normalized(scores: Mapping[_Key, float]) -> Mapping[_Key, float]:
    """The scores divided by the largest."""
    top = max(scores.values(), default=0.0)
    return {key: score / top for key, score in scores.items()} if top > 0 else {}
