"""Build the context of a prompt: `build_context` for every mode, and the lists of paths for the mode `pick`.

    build_context(mode, instance, tree, *, budget, count, index_folder, picked=(), numbered=False,
                  whole_files_from=WHOLE_FILES, should_stop=never) -> Context
    ranked_paths(instance, tree, *, count, index_folder, budget=2000, should_stop=never) -> tuple[str, ...]
    grouped_paths(tree) -> str

`count` counts the tokens of a text for the model at hand. `index_folder` holds the search indexes, one file per
repository and commit. Everything blocks: call it in a thread. `should_stop` is asked often; when it returns True, the
work ends with `ContextStoppedError`. Raises `ContextError`, and `GitError` or `OSError` of the tree.

Of an instance only the repository, the commit and the issue are read, and for `oracle` the paths in the gold patch.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

import msgspec

from swebench_tui.bench.context import Context, ContextMode, LeftOut, blocks, corpus
from swebench_tui.bench.context.blocks import Source
from swebench_tui.bench.context.errors import Stop, check, never
from swebench_tui.bench.context.fill import MOST_REPORTED, Filler, TokenCounts, over_budget
from swebench_tui.bench.context.index import open_index
from swebench_tui.bench.context.ranking import Ranking, rank, read_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from swebench_tui.bench.instance import Instance
    from swebench_tui.bench.repositories.snapshot import Tree

WHOLE_FILES: Final = 40_000
"""Tokens from which on a search shows whole files: below, parts of files show more of what matters."""

SEARCH_BUDGET: Final = 27_000
"""Tokens of a search whose budget has no limit."""

_WEAK: Final = "the issue names no file and no rare definition: weak match"
_TOP_FILES: Final = 20  # of which windows are cut
_MOST_FILES: Final = 100  # that a search looks at for whole files
_MOST_ALL: Final = 1_000  # files of the mode `all`
_MOST_PICKED: Final = 100
_SMALL_FILE: Final = 3_000  # tokens up to which a file is not cut
_OLD_PATH: Final = re.compile(r"^--- a/([^\t\n]+)", re.MULTILINE)


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
            paths = sorted(set(_OLD_PATH.findall(instance.patch)))
            return builder.named(mode, paths, "the files that the gold patch touches: the solution was read")
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
        paths = rank(index, read_question(instance.problem_statement)).paths
    return tuple(paths[: _fitting(paths, budget, count)])


def grouped_paths(tree: Tree) -> str:
    """The paths of the source files, grouped: a line for each folder, with the names of the files in it."""
    folders: dict[str, list[str]] = {}
    for path in corpus.source_paths(tree.files()):
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return "\n".join(f"{folder or '.'}/: {' '.join(names)}" for folder, names in sorted(folders.items()))


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
        sources, missing = self._read(ranking, _MOST_FILES if budget >= whole_files_from else _TOP_FILES)
        filler = self._filler(sources, budget)
        if budget >= whole_files_from:
            filled = filler.fill(blocks.whole(number, source) for number, source in enumerate(sources))
        else:
            parts = list(self._parts(sources))
            filled = filler.fill(blocks.order(sources, parts, question, should_stop=self.should_stop))
        left_out = [over_budget(number, sources, filler) for number in filled.missing[:_TOP_FILES]]
        return Context(
            mode=ContextMode.SEARCH,
            files=filled.files,
            left_out=tuple([*left_out, *missing, *skipped][:MOST_REPORTED]),
            tokens=filled.tokens,
            budget=budget,
            numbered=self.numbered,
            match="strong" if ranking.strong else "weak",
            note="" if ranking.strong else _WEAK,
        )

    def _read(self, ranking: Ranking, most: int) -> tuple[list[Source], list[LeftOut]]:
        best = [path for path, score in ranking.scores.items() if score > 0][:most]
        top = ranking.scores[best[0]] if best else 1.0
        return self._sources((path, ranking.scores[path] / top) for path in best)

    def _sources(self, paths: Iterable[tuple[str, float]]) -> tuple[list[Source], list[LeftOut]]:
        sources: list[Source] = []
        missing: list[LeftOut] = []
        for path, score in paths:
            check(self.should_stop)
            text, reason = corpus.read_source(self.tree, path)
            if text is None:
                missing.append(LeftOut(path, reason))
            else:
                sources.append(Source(path, corpus.lines_in(text), score))
        return sources, missing

    def _parts(self, sources: Sequence[Source]) -> Iterator[blocks.Block]:
        for number, source in enumerate(sources):
            check(self.should_stop)
            small = self.count("\n".join(source.lines)) <= _SMALL_FILE
            yield from [blocks.whole(number, source)] if small else blocks.cut(number, source)

    def _filler(self, sources: Sequence[Source], budget: int | None) -> Filler:
        return Filler(sources, budget, self.count, numbered=self.numbered, should_stop=self.should_stop)

    def named(self, mode: ContextMode, paths: Sequence[str], note: str) -> Context:
        """Files by their paths: whole where all fit, else the parts of them that the issue points to."""
        known = [path for path in paths if self._exists(path)]
        unknown = [LeftOut(path, "not a file of the base commit") for path in paths if path not in known]
        sources, missing = self._sources((path, 1.0) for path in known)
        filler = self._filler(sources, self.budget)
        filled = filler.fill(blocks.whole(number, source) for number, source in enumerate(sources))
        if filled.missing:
            question = read_question(self.instance.problem_statement)
            parts = [block for number, source in enumerate(sources) for block in blocks.cut(number, source)]
            filled = filler.fill(blocks.order(sources, parts, question, should_stop=self.should_stop))
        left_out = [over_budget(number, sources, filler) for number in filled.missing[:_TOP_FILES]]
        return Context(
            mode=mode,
            files=filled.files,
            left_out=tuple([*unknown, *missing, *left_out][:MOST_REPORTED]),
            tokens=filled.tokens,
            budget=self.budget,
            numbered=self.numbered,
            note=note,
        )

    def all_files(self) -> Context:
        """Every source file that is not a test, sorted by path."""
        files = [path for path in self.tree.files() if not path.startswith(".") and "/." not in path]
        paths = corpus.source_paths(files, all_languages=True)
        sources, missing = self._sources((path, 1.0) for path in paths[:_MOST_ALL])
        filler = self._filler(sources, self.budget)
        filled = filler.fill(blocks.whole(number, source) for number, source in enumerate(sources))
        more = [LeftOut(path, f"only the first {_MOST_ALL:,} files are looked at") for path in paths[_MOST_ALL:]]
        left_out = [over_budget(number, sources, filler) for number in filled.missing[:_TOP_FILES]]
        tests = [LeftOut(path, "a test") for path in files if corpus.is_test(path) and path not in paths]
        return Context(
            mode=ContextMode.ALL,
            files=filled.files,
            left_out=tuple([*left_out, *missing, *more[:1], *tests][:MOST_REPORTED]),
            tokens=filled.tokens,
            budget=self.budget,
            numbered=self.numbered,
        )

    def _exists(self, path: str) -> bool:
        return corpus.fit_to_print(path) and self.tree.kind(path) in {"file", "executable"}


def _clean(picked: Iterable[str]) -> list[str]:
    """The paths as git writes them, each once, without those that lead out of the repository."""
    paths = (posixpath.normpath(path.strip().removeprefix("/")) for path in picked if path.strip())
    return list(dict.fromkeys(path for path in paths))[:_MOST_PICKED]


def _fitting(paths: Sequence[str], budget: int, count: Callable[[str], int]) -> int:
    """How many of the paths, from the first on, have `budget` tokens together."""

    def tokens(number: int) -> int:
        return count("\n".join(paths[:number])) if number else 0

    most = min(len(paths), max(budget, 0))
    number = max(bisect_right(range(most + 1), budget, key=tokens) - 1, 0)
    while tokens(number) > budget and number:
        number -= 1
    return number
