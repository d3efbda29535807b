"""What to search for: the terms of an issue with their weights, and the identifiers it names."""

from __future__ import annotations

import re
from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swebench_tui.bench.context.issue_text import IssueText

MAX_TERMS: Final = 1_000

_ENGLISH: Final = (
    "a about above after again against all also although always am an and any are aren as ask at be because been before"
    " being below between both but by can cannot could couldn did didn do does doesn doing don done down during each"
    " either else ever every few for from further get gets getting give given go goes going got had has hasn have haven"
    " having he hello her here hi him his how however i if in instead into is isn it its itself just know let like ll"
    " look looks made make makes many may maybe me might mine more most much must my need needs never new no nor not"
    " nothing now of off often ok on once one only or other others our out over own please possible probably quite"
    " rather re really said same say see seem seems should shouldn show since so some something still such sure take"
    " than thank thanks that the their them then there therefore these they thing things think this those though"
    " through thus to too trying try two under until up upon us use used useful user uses using ve very want wants was"
    " wasn way we well went were weren what when where whether which while who whole whose why will with within without"
    " won work working works would wouldn yes yet you your"
)
_OF_ISSUES: Final = (
    "issue issues bug bugs problem problems error errors expected behavior behaviour actual current currently"
    " description describe reproduce reproducible steps step version versions output result results python import"
    " print traceback most recent call last file files line lines py true false none null self return returns def class"
    " lib packages site usr home local users var tmp bin example examples code following happens happened happen fix"
    " fails fail failed failing correct correctly incorrect wrong wrongly unexpected change changed raise raised raises"
    " exception case cases run running"
)
STOP_TERMS: Final = frozenset(f"{_ENGLISH} {_OF_ISSUES}".split())

TERM: Final = re.compile(r"[^\W_]+")
IDENTIFIER: Final = re.compile(r"[^\W\d]\w*")
_HUMP: Final = re.compile(r"[a-z0-9][A-Z]|[A-Z][A-Z][a-z]")
_PIECE: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PIECE_WEIGHT: Final = 0.5


class Query(msgspec.Struct, frozen=True):
    """Terms in lower case with their weights, heaviest first, and identifiers with theirs.

    `in_code` are the identifiers that only the issue's code names: weaker evidence for a file than for a part of one.
    """

    terms: tuple[tuple[str, float], ...]
    identifiers: Mapping[str, float]
    in_code: frozenset[str] = frozenset()

    def groups(self) -> list[tuple[float, list[str]]]:
        """The terms by weight, heaviest first."""
        groups: dict[float, list[str]] = {}
        for term, weight in self.terms:
            groups.setdefault(weight, []).append(term)
        return list(groups.items())


def make_query(issue: IssueText, functions: frozenset[str] = frozenset()) -> Query:
    """The query for an issue. `functions` are those of the frames of its tracebacks."""
    identifiers = _identifiers(issue, functions)
    return Query(_terms(issue), identifiers, frozenset(name for name, weight in identifiers.items() if weight == 0.2))


def mixed_case(text: str) -> list[str]:
    """The identifiers of mixed case in a text, each once, sorted."""
    return sorted({name for name in IDENTIFIER.findall(text) if _HUMP.search(name)})


def pieces(identifier: str) -> list[str]:
    """The pieces of a mixed-case identifier: `parseHTTPHeader` has `parse`, `HTTP` and `Header`."""
    return _PIECE.findall(identifier)


def _terms(issue: IssueText) -> tuple[tuple[str, float], ...]:
    """Weight: the square root of how often a term stands in the issue, and of how often in its title."""
    text = issue.text.encode("utf-8", "replace").decode()
    counts, in_title = _count(text), _count(issue.title)
    weights = {term: sqrt(count) + sqrt(in_title[term]) for term, count in (counts | in_title).items()}
    for identifier in mixed_case(text):
        for piece in pieces(identifier):
            if _searchable(term := piece.lower()):
                weights[term] = max(weights.get(term, 0.0), _PIECE_WEIGHT)
    return tuple(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:MAX_TERMS])


def _count(text: str) -> Counter[str]:
    return Counter(term for term in TERM.findall(text.lower()) if _searchable(term))


def _searchable(term: str) -> bool:
    return len(term) > 1 and term not in STOP_TERMS and not term.isdecimal()


def _identifiers(issue: IssueText, functions: frozenset[str]) -> dict[str, float]:
    """Weight 1 for what is shaped like code, in backticks or in a traceback; less for the title and for code."""
    weights: dict[str, float] = {}
    sources = [
        (1.0, [name for name in IDENTIFIER.findall(issue.text) if _shaped_like_code(name)]),
        (1.0, [name for span in issue.inline for name in IDENTIFIER.findall(span)]),
        (1.0, sorted(functions)),
        (0.5, IDENTIFIER.findall(issue.title)),
        (0.2, IDENTIFIER.findall(issue.code)),
    ]
    for weight, names in sources:
        for name in names:
            if 3 <= len(name) <= 100 and name.lower() not in STOP_TERMS:
                weights[name] = max(weights.get(name, 0.0), weight)
    return dict(sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:MAX_TERMS])


def _shaped_like_code(name: str) -> bool:
    return name.startswith("_") or "_" in name.strip("_") or bool(mixed_case(name))
