"""A folder and a commit of a bare repository are one tree to the patch ladder, whatever the repository holds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from swebench_tui.bench.datasets import load
from swebench_tui.bench.instance import Instance
from swebench_tui.bench.patches import PatchVerdict, judge
from swebench_tui.bench.repositories.bundled import checkout
from swebench_tui.bench.repositories.commit_snapshot import CommitSnapshot
from swebench_tui.bench.repositories.snapshot import MAX_FILE_SIZE, FolderSnapshot, Snapshot
from tests.git_repositories import bare_clone, commit, git, make_checkout

TASKS = load("starter").instances
FENCE = "```diff\n{}```\n"


def verdict(answer: str, snapshot: Snapshot) -> PatchVerdict:
    """The verdict without git's own words at its end: of a missing file, git speaks otherwise in an index."""
    whole = judge(answer, snapshot=snapshot)
    return msgspec.structs.replace(whole, detail=whole.detail.partition(" (error: ")[0])


def damaged(patch: str) -> list[str]:
    """Answers that hold the patch in other forms, some of which do not apply."""
    return [
        FENCE.format(patch),
        FENCE.format(patch.replace("@@ -", "@@ -9")),
        FENCE.format("\n".join(line for line in patch.split("\n") if not line.startswith(("diff ", "index ")))),
        FENCE.format(patch.replace("\n+", "\n+ ")),
        FENCE.format(patch.replace("\n-", "\n-not there ")),
        FENCE.format(patch.replace("--- a/", "--- a/nowhere/").replace("+++ b/", "+++ b/nowhere/")),
        "The answer is left as an exercise.",
    ]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.instance_id)
def test_a_starter_task_gets_one_verdict_from_both_ends(tmp_path: Path, task: Instance) -> None:
    folder = checkout(task.repo, tmp_path)
    bare = bare_clone(folder, tmp_path / "bare")
    verdicts = [verdict(answer, CommitSnapshot(bare, task.base_commit)) for answer in damaged(task.patch)]
    assert verdicts == [verdict(answer, FolderSnapshot(folder)) for answer in damaged(task.patch)]
    assert verdicts[0].status == "applies"
    assert verdicts[-1].status == "no_patch"
    assert len({each.failure for each in verdicts}) > 2


NAMES = st.sampled_from(
    [
        *(
            b"a.py",
            b"b",
            b"d/a.py",
            b"d/e/f.txt",
            b"my file.py",
            b'quo"te',
            "ü.py".encode(),
            b"tab\there",
            b"-rf",
            b"*.py",
        ),
        *(
            b"latin-\xe9.py",
            b"back\\slash",
            b"d.py",
            b"D/a.py",
            b"line\nfeed",
            b":(top)x",
            b"a.py.orig",
            b"\xf0\x9f\x8e\x88",
        ),
    ]
)
LINES = st.lists(st.sampled_from(["a", "b", "def f():", "    return 1", "", "é", "\t", "a "]), max_size=6)
CONTENTS = st.one_of(
    LINES.map(lambda lines: "".join(f"{line}\n" for line in lines).encode()),
    LINES.map(lambda lines: "\r\n".join(lines).encode()),
    LINES.map(lambda lines: "\n".join(lines).encode("latin-1")),
    st.binary(max_size=20),
)
KINDS = st.sampled_from(["file", "file", "file", "executable", "symlink", "submodule"])
PATHS = ["a.py", "b", "d", "d/a.py", "d/e", "new.py", "d/new.py", "ü.py", "my file.py", "D", "a.py/x", "d/e/f.txt"]


@st.composite
def trees(draw: st.DrawFn) -> dict[bytes, tuple[str, bytes]]:
    """Kind and content by path, in which no path is the folder of another."""
    tree: dict[bytes, tuple[str, bytes]] = {}
    for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=6)):
        if not any(name.startswith(other + b"/") or other.startswith(name + b"/") for other in tree):
            tree[name] = (draw(KINDS), draw(CONTENTS))
    return tree


def make(root: Path, tree: dict[bytes, tuple[str, bytes]], attributes: bool) -> tuple[FolderSnapshot, CommitSnapshot]:
    folder = make_checkout(root / "checkout", {".gitattributes": "* filter=x diff=y\n"} if attributes else {})
    for name, (kind, content) in tree.items():
        path = folder / name.decode("utf-8", "surrogateescape")
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "symlink":
            path.symlink_to(content.replace(b"\0", b"") or b"nowhere")
        elif kind == "submodule":
            path.mkdir()
            git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{path.relative_to(folder)}")
        else:
            path.write_bytes(content)
            path.chmod(0o755 if kind == "executable" else 0o644)
    git(folder, "add", "--all")
    for name, (kind, _) in tree.items():
        if kind == "submodule":
            name_text = name.decode("utf-8", "surrogateescape")
            git(folder, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},{name_text}")
    git(folder, "commit", "-q", "--allow-empty", "--message=base")
    head = git(folder, "rev-parse", "HEAD")
    return FolderSnapshot(folder), CommitSnapshot(folder / ".git", head)


@st.composite
def answers(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(PATHS))
    old, new = draw(LINES), draw(LINES)
    body = "".join(f"-{line}\n" for line in old) + "".join(f"+{line}\n" for line in new)
    match draw(st.sampled_from(["diff", "new", "delete", "rename", "block", "unnamed", "whole"])):
        case "diff":
            return FENCE.format(f"--- a/{path}\n+++ b/{path}\n@@ -1,{len(old)} +1,{len(new)} @@\n{body}")
        case "new":
            text = "".join(f"+{line}\n" for line in new) or "+x\n"
            return FENCE.format(f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n{text}")
        case "delete":
            text = "".join(f"-{line}\n" for line in old)
            return FENCE.format(f"--- a/{path}\n+++ /dev/null\n@@ -1,{len(old)} +0,0 @@\n{text}")
        case "rename":
            to = draw(st.sampled_from(PATHS))
            return FENCE.format(f"diff --git a/{path} b/{to}\nrename from {path}\nrename to {to}\n")
        case "whole":
            return f"{path}\n```python\n" + "".join(f"{line}\n" for line in new) + "```\n"
        case kind:
            name = f"{path}\n" if kind == "block" else ""
            sides = "\n".join(old), "\n".join(new)
            return f"{name}<<<<<<< SEARCH\n{sides[0]}\n=======\n{sides[1]}\n>>>>>>> REPLACE\n"


@settings(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes minutes
@given(tree=trees(), attributes=st.booleans(), texts=st.lists(answers(), min_size=3, max_size=6))
def test_generated_repositories_read_the_same(
    tree: dict[bytes, tuple[str, bytes]], attributes: bool, texts: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, commit_snapshot = make(Path(name), tree, attributes)
        own = [path.decode("utf-8", "surrogateescape") for path in tree]
        with folder.open() as ours, commit_snapshot.open() as theirs:
            assert list(ours.files()) == list(theirs.files())
            for path in {*own, *PATHS, *(path.rpartition("/")[0] or "." for path in own)}:
                assert (path, ours.kind(path)) == (path, theirs.kind(path))
                assert (path, ours.read(path)) == (path, theirs.read(path))
                assert (path, ours.blob_id(path)) == (path, theirs.blob_id(path))
            for line in ("a", "def f():", "é", "nowhere"):
                assert list(ours.files_with(line)) == list(theirs.files_with(line))
        for answer in texts:
            assert verdict(answer, folder) == verdict(answer, commit_snapshot), answer


def test_a_file_too_large_is_refused_by_both_ends(tmp_path: Path) -> None:
    folder = make_checkout(tmp_path / "checkout", {"big.py": "x\n" * (MAX_FILE_SIZE // 2 + 1), "fits.py": "x\n"})
    snapshots: list[Snapshot] = [FolderSnapshot(folder), CommitSnapshot(folder, commit(folder))]
    for snapshot in snapshots:
        with snapshot.open() as tree:
            assert tree.kind("big.py") == "file"
            assert tree.read("big.py") is None
            assert tree.files_with("x") == ["fits.py"]
        refused = judge(FENCE.format("--- a/big.py\n+++ b/big.py\n@@ -1 +1 @@\n-x\n+y\n"), snapshot=snapshot)
        assert refused.status == "does_not_apply"
        assert "'big.py' is too large to patch: over 5,000,000 bytes" in refused.detail
