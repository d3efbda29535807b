"""`swebench-tui generate` as a process, over a dataset of tasks without a repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.fault_server import FaultServerThread

GENERATE = (sys.executable, "-m", "swebench_tui", "generate")
DIFF = "--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-a\n+b\n"
ANSWER = f"Fixed.\n```diff\n{DIFF}```\n"

Object = dict[str, object]


def write_dataset(path: Path, count: int) -> list[str]:
    """A dataset of tasks of a repository that nobody has; their ids."""
    ids = [f"acme__tool-{number}" for number in range(count)]
    rows = (
        {"repo": "acme/tool", "instance_id": name, "base_commit": "0" * 40, "problem_statement": f"Issue {name}."}
        for name in ids
    )
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return ids


def start(
    server: FaultServerThread, dataset: Path, output: Path, *arguments: str, largest_file: int | None = None
) -> subprocess.Popen[bytes]:
    """The command as a process. `largest_file` in bytes is a limit like that of a full disk."""
    limit = [] if largest_file is None else ["sh", "-c", f'ulimit -f {largest_file // 512} && exec "$@"', "sh"]
    command = [
        *limit,
        *GENERATE,
        "-t",
        "compatible:m",
        "--dataset",
        str(dataset),
        "--output",
        str(output),
        "--yes",
        *arguments,
    ]
    environ = {**os.environ, "COMPATIBLE_BASE_URL": server.base_url}
    if largest_file is not None:  # a measurement of coverage would not fit on this disk either
        environ = {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


def objects(output: bytes) -> list[Object]:
    return [msgspec.json.decode(line, type=Object) for line in output.split(b"\n") if line]


def predictions(path: Path) -> list[Object]:
    return [msgspec.json.decode(line, type=Object) for line in path.read_bytes().splitlines()]


def instances_of(events: Sequence[Object], outcome: str) -> set[str]:
    return {str(event["instance"]) for event in events if event.get("outcome") == outcome}
