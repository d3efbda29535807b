"""Build the context of a prompt: `build_context` for every mode, and the lists of paths for the mode `pick`.

    build_context(mode, instance, tree, *, budget, count, index_folder, picked=(), numbered=False,
                  whole_files_from=WHOLE_FILES, should_stop=never) -> Context
    ranked_paths(instance, tree, *, count, index_folder, budget=2000, should_stop=never) -> tuple[str, ...]
    grouped_paths(tree) -> str

`count` counts the tokens of a text for the model at hand. `index_folder` holds the search indexes, one file per
repository and commit. Everything blocks: call it in a thread. `should_stop` is called often; when it returns True, the
work ends with `ContextStoppedError`. Raises `ContextError`, and `GitError` or `OSError` of the tree.

Of an instance only the repository, the commit and the issue are read, and for `oracle` the paths in the gold patch.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.context import Context, ContextMode, LeftOut, blocks, corpus
from swebench_tui.bench.context.blocks import Block, Source
from swebench_tui.bench.context.errors import Stop, check, never
from swebench_tui.bench.context.fill import LONGEST_TOKEN, MOST_REPORTED, Filled, Filler, TokenCounts
from swebench_tui.bench.context.gold_paths import gold_paths
from swebench_tui.bench.context.index import open_index
from swebench_tui.bench.context.ranking import Question, rank, read_question

if TYPE_CHECKING:
    from pathlib import Path

    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.snapshot import Tree

WHOLE_FILES: Final = 40_000
"""Tokens from which on a search shows whole files: below, parts of files show more of what matters."""

SEARCH_BUDGET: Final = 27_000
"""Tokens of a search whose budget has no limit."""

_ORACLE: Final = "the files that the gold patch touches: the solution was read"
_TOP_FILES: Final = 20  # of which windows are cut
_MOST_FILES: Final = 100  # that a search looks at
_MOST_ALL: Final = 1_000  # files of the mode `all`
_MOST_PICKED: Final = 100
_SMALL_FILE: Final = 3_000  # tokens up to which a file is not cut
_Order = Callable[[Sequence[Source]], Iterable[Block]]
"""From sources to their blocks, the most wanted first."""


def build_context(
    mode: ContextMode,
    instance: Instance,
    tree: Tree,
    *,
    budget: int | None,
    count: Callable[[str], int],
    index_folder: Path,
    picked: Sequence[str] = (),
    numbered: bool = False,
    whole_files_from: int = WHOLE_FILES,
    should_stop: Stop = never,
) -> Context:
    """The files of a prompt, of `budget` tokens at most, counted with their markers by `count`.

    `picked` are the paths that a model named, for the mode `pick`. `numbered`: the lines will be shown with numbers.
    A search shows parts of files with a budget below `whole_files_from`, else whole files.
    """
    builder = _Builder(instance, tree, budget, TokenCounts(count), index_folder, numbered, should_stop)
    match mode:
        case ContextMode.NONE:
            return Context(mode=mode, budget=budget, numbered=numbered)
        case ContextMode.SEARCH:
            return builder.search(whole_files_from)
        case ContextMode.ORACLE:
            return builder.named(mode, gold_paths(instance.instance_id, instance.patch), _ORACLE)
        case ContextMode.PICK:
            return builder.named(mode, _clean(picked), "")
        case ContextMode.ALL:
            return builder.all_files()


def ranked_paths(
    instance: Instance,
    tree: Tree,
    *,
    count: Callable[[str], int],
    index_folder: Path,
    budget: int = 2_000,
    should_stop: Stop = never,
) -> tuple[str, ...]:
    """The paths of the source files, the most likely first: as many as have `budget` tokens, one a line."""
    with open_index(tree, instance.repo, instance.base_commit, index_folder, should_stop=should_stop) as index:
        paths = list(rank(index, read_question(instance.problem_statement)).scores)
    return tuple(paths[: _fitting(paths, budget, count)])


def grouped_paths(tree: Tree) -> str:
    """The paths of the source files, grouped: a line for each folder, with the names of the files in it."""
    folders: dict[str, list[str]] = {}
    for path in corpus.source_paths(tree.files()):
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return "\n".join(f"{folder or '.'}/: {' '.join(names)}" for folder, names in sorted(folders.items()))


class _Selected(msgspec.Struct, frozen=True):
    filled: Filled
    left_out: Sequence[LeftOut]


class _Builder(msgspec.Struct, frozen=True):
    instance: Instance
    tree: Tree
    budget: int | None
    count: TokenCounts
    index_folder: Path
    numbered: bool
    should_stop: Stop

    def search(self, whole_files_from: int) -> Context:
        """Files or parts of files, found by a search for the issue."""
        budget = SEARCH_BUDGET if self.budget is None else self.budget
        question = read_question(self.instance.problem_statement)
        with open_index(
            self.tree, self.instance.repo, self.instance.base_commit, self.index_folder, should_stop=self.should_stop
        ) as index:
            ranking = rank(index, question)
            skipped = [LeftOut(path, reason) for path, reason in index.skipped]
        best = ranking.best(_MOST_FILES)
        if budget >= whole_files_from:
            selected = self._select(best, budget, blocks.wholes)
        else:
            selected = self._select(best[:_TOP_FILES], budget, partial(self._parts, question, budget))
            if selected.filled.complete and len(best) > _TOP_FILES:
                selected = self._select(best, budget, partial(self._parts, question, budget))
        context = self._context(ContextMode.SEARCH, budget, selected, skipped)
        if not ranking.weakness:
            return msgspec.structs.replace(context, match="strong")
        return msgspec.structs.replace(context, match="weak", note=f"{ranking.weakness}; try the context `pick`")

    def named(self, mode: ContextMode, paths: Sequence[str], note: str) -> Context:
        """Files by their paths: whole where all fit, else the parts of them that the issue points to."""
        files = frozenset(self.tree.files())
        unknown = [LeftOut(path, "not a file of the base commit") for path in paths if path not in files]
        known = [path for path in paths if path in files]
        unknown += [LeftOut(path, "its name cannot stand in a prompt") for path in known if not corpus.fits(path)]
        scored = [(path, 1.0) for path in known if corpus.fits(path)]
        selected = self._select(scored, self.budget, blocks.wholes)
        if not selected.filled.complete:
            question = read_question(self.instance.problem_statement)
            selected = self._select(scored, self.budget, partial(self._parts, question, self.budget))
        return msgspec.structs.replace(self._context(mode, self.budget, selected, (), first=unknown), note=note)

    def all_files(self) -> Context:
        """Every source file that is not a test, sorted by path."""
        files = [path for path in self.tree.files() if not path.startswith(".") and "/." not in path]
        paths = corpus.source_paths(files, all_languages=True)
        selected = self._select([(path, 1.0) for path in paths[:_MOST_ALL]], self.budget, blocks.wholes)
        more = [LeftOut(path, f"only the first {_MOST_ALL:,} files are looked at") for path in paths[_MOST_ALL:][:1]]
        sources = set(paths)
        tests = [LeftOut(path, "a test") for path in files if path not in sources and corpus.is_test_source(path)]
        context = self._context(ContextMode.ALL, self.budget, selected, [*more, *tests])
        shown = len(context.files)
        return context if shown == len(paths) else msgspec.structs.replace(context, note=_not_all(shown, len(paths)))

    def _select(self, paths: Iterable[tuple[str, float]], budget: int | None, order: _Order) -> _Selected:
        sources, unreadable = self._read(paths)
        filler = Filler(sources, budget, self.count, numbered=self.numbered, should_stop=self.should_stop)
        filled = filler.fill(order(sources))
        over = [
            LeftOut(sources[number].path, f"over budget: {filler.tokens(number):,} tokens")
            for number in filled.missing[:_TOP_FILES]
        ]
        return _Selected(filled, [*unreadable, *over])

    def _read(self, paths: Iterable[tuple[str, float]]) -> tuple[list[Source], list[LeftOut]]:
        sources: list[Source] = []
        unreadable: list[LeftOut] = []
        for path, score in paths:
            check(self.should_stop)
            text, reason = corpus.read_source(self.tree, path)
            if text is None:
                unreadable.append(LeftOut(path, reason))
            else:
                sources.append(Source(path, corpus.lines_in(text), score))
        return sources, unreadable

    def _parts(self, question: Question, budget: int | None, sources: Sequence[Source]) -> list[Block]:
        """The blocks of the first files, the most likely first, then the other files whole."""
        small = _SMALL_FILE if budget is None else min(_SMALL_FILE, budget)
        parts: list[Block] = []
        for number, source in enumerate(sources[:_TOP_FILES]):
            check(self.should_stop)
            text = "\n".join(source.lines)
            is_small = len(text) <= small * LONGEST_TOKEN and self.count(text) <= small
            parts += [blocks.whole(number, source)] if is_small else blocks.cut(number, source)
        ordered = blocks.order(sources, parts, question, should_stop=self.should_stop)
        return [*ordered, *blocks.wholes(sources)[_TOP_FILES:]]

    def _context(
        self,
        mode: ContextMode,
        budget: int | None,
        selected: _Selected,
        more: Sequence[LeftOut],
        *,
        first: Sequence[LeftOut] = (),
    ) -> Context:
        return Context(
            mode=mode,
            files=selected.filled.files,
            left_out=tuple([*first, *selected.left_out, *more][:MOST_REPORTED]),
            tokens=selected.filled.tokens,
            budget=budget,
            numbered=self.numbered,
        )


def _not_all(shown: int, total: int) -> str:
    return f"{shown:,} of {total:,} source files fit: the mode `all` is for small repositories"


def _clean(picked: Iterable[str]) -> list[str]:
    """The paths as git writes them, each once."""
    paths = (posixpath.normpath(path.strip().removeprefix("/")) for path in picked if path.strip())
    return list(dict.fromkeys(paths))[:_MOST_PICKED]


def _fitting(paths: Sequence[str], budget: int, count: Callable[[str], int]) -> int:
    """How many of the paths, from the first on, have `budget` tokens together."""

    def tokens(number: int) -> int:
        return count("\n".join(paths[:number])) if number else 0

    most = min(len(paths), max(budget, 0))
    number = max(bisect_right(range(most + 1), budget, key=tokens) - 1, 0)
    while tokens(number) > budget and number:
        number -= 1
    return number
