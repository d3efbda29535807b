"""How often the search for an issue shows the files and lines that its gold patch changes, beside plain FTS5.

    python -m tests.benchmarks.retrieval [--rows FILE.jsonl ...] [--clones FOLDER] [--count N] [--json]

A row is measured when its repository is among the clones with its base commit: `FOLDER/owner+name/repo`, or a folder
or bare repository `owner+name`, `owner__name`, `owner/name` or `name`. The gold patch is read here, to score, and
nowhere else. Tokens are those of cl100k. CPU is that of this process; all files are in memory before it is measured.

Plain FTS5 is a table of the same files, asked for every word of the issue. A file counts as within a budget when it is
among the whole files that fit, in the order of the ranking, where one that does not fit is passed over. Lines count
when all that the patch removes, and both neighbours of all that it inserts, are shown. Exit status 1 means that nothing
was measured.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from swebench_providers.tokens.encodings import Encodings
from swebench_tui.bench.context import ContextFile, ContextMode, blocks, corpus
from swebench_tui.bench.context.build import build_context, ranked_paths
from swebench_tui.bench.context.errors import never
from swebench_tui.bench.context.fill import Filler, TokenCounts
from swebench_tui.bench.context.index import open_index
from swebench_tui.bench.context.ranking import rank, read_question
from swebench_tui.bench.git.runner import run_git
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.snapshot import EntryKind, Tree
from tests.benchmarks.not_measured import NotMeasuredError

BUDGETS: Final = (13_000, 27_000, 50_000)
RANKS: Final = (1, 3, 5, 10)
SHARED: Final = Path(__file__).parents[3] / "shared" / "data" / "swebench_sample.jsonl"
_MOST_FILES: Final = 100

Count = Callable[[str], int]


class MemoryTree:
    """The source files of a commit, read once."""

    def __init__(self, tree: Tree) -> None:
        paths = corpus.source_paths(tree.files())
        self.content = {path: data for path in paths if (data := tree.read(path)) is not None}

    def kind(self, path: str) -> EntryKind | None:
        return "file" if path in self.content else None

    def read(self, path: str) -> bytes | None:
        return self.content.get(path)

    def blob_id(self, path: str) -> str | None:  # noqa: ARG002 - not asked for here
        return None

    def files(self) -> Sequence[str]:
        return sorted(self.content)

    def files_with(self, line: str) -> Sequence[str]:
        raise NotImplementedError

    def apply_check(self, patch: bytes) -> str | None:
        raise NotImplementedError


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One row. Ranks are those of the last of its gold files, None where one is not ranked; CPU is in seconds."""

    instance_id: str
    strong: bool
    rank: int | None
    plain_rank: int | None
    listed: bool
    whole: dict[int, bool]
    plain_whole: dict[int, bool]
    lines: dict[int, bool]
    tokens: dict[int, int]
    build: float
    plain_build: float
    query: float
    plain_query: float
    context: float


def measure(instance: Instance, tree: Tree, count: Count, folder: Path) -> Outcome:
    """Raises `NotMeasuredError` when the gold patch changes no file of the commit."""
    gold = changed_lines(instance.patch)
    if not gold:
        raise NotMeasuredError(f"{instance.instance_id}: the gold patch changes no file")
    memory = MemoryTree(tree)
    counts = TokenCounts(count)
    began = time.process_time()
    with contextlib.closing(plain_index(memory)) as plain:
        plain_build = time.process_time() - began
        began = time.process_time()
        plain_order = plain_ranking(plain, instance.problem_statement)
        plain_query = time.process_time() - began
    began = time.process_time()
    with open_index(memory, instance.repo, instance.base_commit, folder) as index:
        build = time.process_time() - began
    with open_index(memory, instance.repo, instance.base_commit, folder) as index:
        began = time.process_time()
        ranking = rank(index, read_question(instance.problem_statement))
        query = time.process_time() - began
    listed = ranked_paths(instance, memory, count=counts, index_folder=folder)
    whole, lines, tokens, cpu = dict[int, bool](), dict[int, bool](), dict[int, int](), 0.0
    for budget in BUDGETS:
        files = build_context(
            ContextMode.SEARCH, instance, memory, budget=budget, count=counts, index_folder=folder, whole_files_from=0
        ).files
        whole[budget] = gold.keys() <= {file.path for file in files}
        began = time.process_time()
        context = build_context(
            ContextMode.SEARCH,
            instance,
            memory,
            budget=budget,
            count=counts,
            index_folder=folder,
            whole_files_from=sys.maxsize,
        )
        cpu += (time.process_time() - began) / len(BUDGETS)
        if context.tokens > budget:
            raise NotMeasuredError(f"{instance.instance_id}: {context.tokens} tokens in a budget of {budget}")
        lines[budget] = shows(context.files, gold)
        tokens[budget] = context.tokens
    return Outcome(
        instance_id=instance.instance_id,
        strong=not ranking.weakness,
        rank=last_rank(list(ranking.scores), gold),
        plain_rank=last_rank(plain_order, gold),
        listed=gold.keys() <= set(listed),
        whole=whole,
        plain_whole={budget: gold.keys() <= whole_files(plain_order, memory, budget, counts) for budget in BUDGETS},
        lines=lines,
        tokens=tokens,
        build=build,
        plain_build=plain_build,
        query=query,
        plain_query=plain_query,
        context=cpu,
    )


def changed_lines(patch: str) -> Mapping[str, set[int]]:
    """The lines, in each file before the patch, that it removes or inserts something beside. New files have none."""
    lines: dict[str, set[int]] = defaultdict(set)
    path, number, left = "", 0, (0, 0)
    for line in patch.split("\n"):
        if left != (0, 0):
            if line.startswith("\\"):
                continue
            old, new = line[:1] != "+", line[:1] != "-"
            if not new:
                lines[path].add(number)
            if not old:
                lines[path] |= {number - 1, number}
            number += old
            left = (left[0] - old, left[1] - new)
        elif line.startswith("--- a/"):
            path = line.removeprefix("--- a/").partition("\t")[0]
        elif line.startswith("--- "):
            path = ""
        elif match := re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@", line):
            number = int(match[1])
            left = (int(match[2] or 1), int(match[3] or 1))
    lines.pop("", None)
    return lines


def shows(files: Iterable[ContextFile], gold: Mapping[str, set[int]]) -> bool:
    """Whether every line is in a window; there is no line before the first or behind the last."""
    shown = {
        file.path: (file.lines, {n for w in file.windows for n in range(w.first, w.first + w.text.count("\n"))})
        for file in files
    }
    return all(
        path in shown and {line for line in lines if 1 <= line <= shown[path][0]} <= shown[path][1]
        for path, lines in gold.items()
    )


def last_rank(paths: Sequence[str], gold: Mapping[str, set[int]]) -> int | None:
    places = {path: place for place, path in enumerate(paths, start=1)}
    ranks = [places.get(path) for path in gold]
    return None if None in ranks else max(rank for rank in ranks if rank is not None)


def plain_index(tree: MemoryTree) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE VIRTUAL TABLE f USING fts5 (body, content='')")
    connection.execute("CREATE TABLE file (id INTEGER PRIMARY KEY, path TEXT)")
    connection.execute("BEGIN")
    for number, path in enumerate(tree.files()):
        connection.execute("INSERT INTO file VALUES (?, ?)", (number, path))
        connection.execute("INSERT INTO f (rowid, body) VALUES (?, ?)", (number, corpus.decode(tree.content[path])))
    connection.execute("COMMIT")
    return connection


def plain_ranking(connection: sqlite3.Connection, issue: str) -> list[str]:
    terms = sorted(set(re.findall(r"[^\W_]+", issue.lower())))
    match = " OR ".join(f'"{term}"' for term in terms)
    rows = connection.execute(
        "SELECT path, bm25(f) FROM f JOIN file ON file.id = f.rowid WHERE f MATCH ?", (match,)
    ).fetchall()
    return [path for path, _ in sorted(rows, key=lambda row: (round(row[1], 6), row[0]))]


def whole_files(paths: Sequence[str], tree: MemoryTree, budget: int, count: TokenCounts) -> set[str]:
    sources = [blocks.Source(path, corpus.lines_in(corpus.decode(tree.content[path]))) for path in paths[:_MOST_FILES]]
    filler = Filler(sources, budget, count, numbered=False, should_stop=never)
    filled = filler.fill(blocks.wholes(sources))
    return {file.path for file in filled.files}


def clone_of(instance: Instance, clones: Path) -> Path | None:
    """The clone that has the base commit of a row."""
    owner, _, name = instance.repo.partition("/")
    stems = [f"{owner}+{name}/repo", f"{owner}+{name}", f"{owner}__{name}", f"{owner}/{name}", name]
    for stem in stems:
        for folder in (clones / stem, clones / f"{stem}.git"):
            if folder.is_dir():
                result = run_git(folder, ["cat-file", "-e", f"{instance.base_commit}^{{commit}}"])
                if not result.status:
                    return folder
    return None


def outcomes(rows: Iterable[Instance], clones: Path, count: Count) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory(prefix="retrieval-") as folder:
        for instance in rows:
            if clone := clone_of(instance, clones):
                with CommitSnapshot(clone, instance.base_commit).open() as tree:
                    yield measure(instance, tree, count, Path(folder))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are in percent of the rows; ratios are those of CPU to plain FTS5."""

    rows: int
    ranks: dict[int, float]
    plain_ranks: dict[int, float]
    whole: dict[int, float]
    plain_whole: dict[int, float]
    lines: dict[int, float]
    listed: float
    strong: float
    strong_in_top_5: float
    weak_in_top_5: float
    build: float
    build_ratio: float
    query: float
    query_ratio: float
    context: float

    def __str__(self) -> str:
        ranks, budgets = "".join(f" {f'r@{n}':>6}" for n in RANKS), "".join(f" {f'{b // 1000}k':>6}" for b in BUDGETS)
        return "\n".join(
            [
                f"{self.rows} rows" + " " * (24 - len(f"{self.rows} rows")) + ranks + budgets,
                f"{'plain FTS5, whole files':24}" + _cells(self.plain_ranks) + _cells(self.plain_whole),
                f"{'search, whole files':24}" + _cells(self.ranks) + _cells(self.whole),
                f"{'search, changed lines':24}" + " " * 7 * len(RANKS) + _cells(self.lines),
                f"ranked list of 2,000 tokens: {self.listed:.1f} %",
                f"strong matches: {self.strong:.1f} %, their r@5: {self.strong_in_top_5:.1f} %",
                f"r@5 of weak matches: {self.weak_in_top_5:.1f} %",
                f"CPU: index {self.build:.2f} s, {self.build_ratio:.1f} x plain FTS5",
                f"CPU: query {self.query * 1000:.0f} ms, {self.query_ratio:.1f} x plain FTS5",
                f"CPU: windows {self.context * 1000:.0f} ms, tokens counted before",
            ]
        )


def _cells(shares: Mapping[int, float]) -> str:
    return "".join(f" {share:6.1f}" for share in shares.values())


def summarize(measured: Sequence[Outcome]) -> Summary:
    """Raises `NotMeasuredError` where there is nothing to sum up."""
    if not measured:
        raise NotMeasuredError("no row has its repository and base commit among the clones")
    builds, queries = sum(o.plain_build for o in measured), sum(o.plain_query for o in measured)
    if not builds or not queries:
        raise NotMeasuredError("plain FTS5 took no CPU")
    strong = [o for o in measured if o.strong]
    weak = [o for o in measured if not o.strong]
    return Summary(
        rows=len(measured),
        ranks={n: _share(o.rank is not None and o.rank <= n for o in measured) for n in RANKS},
        plain_ranks={n: _share(o.plain_rank is not None and o.plain_rank <= n for o in measured) for n in RANKS},
        whole={budget: _share(o.whole[budget] for o in measured) for budget in BUDGETS},
        plain_whole={budget: _share(o.plain_whole[budget] for o in measured) for budget in BUDGETS},
        lines={budget: _share(o.lines[budget] for o in measured) for budget in BUDGETS},
        listed=_share(o.listed for o in measured),
        strong=_share(o.strong for o in measured),
        strong_in_top_5=_share(o.rank is not None and o.rank <= 5 for o in strong),
        weak_in_top_5=_share(o.rank is not None and o.rank <= 5 for o in weak),
        build=sum(o.build for o in measured) / len(measured),
        build_ratio=sum(o.build for o in measured) / builds,
        query=sum(o.query for o in measured) / len(measured),
        query_ratio=sum(o.query for o in measured) / queries,
        context=sum(o.context for o in measured) / len(measured),
    )


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return 100 * sum(values) / len(values) if values else 0.0


def read_rows(files: Iterable[Path]) -> list[Instance]:
    return [
        msgspec.json.decode(line, type=Instance) for file in files for line in file.read_bytes().split(b"\n") if line
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.retrieval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=Path, nargs="+", default=[SHARED], help="SWE-bench rows, one JSON object a line")
    parser.add_argument("--clones", type=Path, required=True, help="folder of repositories")
    parser.add_argument("--count", type=int, help="rows to measure, the first ones")
    parser.add_argument("--json", action="store_true", dest="as_json", help="one object per row, and the summary")
    options = parser.parse_args(arguments)
    encodings = Encodings()
    try:
        rows = read_rows(options.rows)
        measured = list[Outcome]()
        for outcome in outcomes(rows, options.clones, lambda text: _cl100k(encodings, text)):
            measured.append(outcome)
            if options.as_json:
                print(msgspec.json.encode(outcome).decode(), flush=True)
            if len(measured) == options.count:
                break
        summary = summarize(measured)
    except (NotMeasuredError, OSError, msgspec.DecodeError) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    print(msgspec.json.encode(summary).decode() if options.as_json else summary)
    return 0


def _cl100k(encodings: Encodings, text: str) -> int:
    tokens = encodings.count("cl100k_base", text)
    if tokens is None:
        raise NotMeasuredError("the tokens of a text cannot be counted")
    return tokens


if __name__ == "__main__":
    sys.exit(main())
