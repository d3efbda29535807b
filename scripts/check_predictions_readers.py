"""Has the real readers of swebench and sb-cli read a predictions file that this program wrote.

uv run python scripts/check_predictions_readers.py [FOLDER]

Each tool is installed into an environment of its own below FOLDER (default: a temporary one), about 500 MB in all. An
environment that is there already is used again. Nothing is evaluated and nothing is sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from swebench_tui.bench.predictions import Prediction, PredictionsFile, Provenance, check_predictions, file_stem

MODEL: Final = "openrouter/qwen/coder:free"
RECORDS: Final = 300
TOOLS: Final = {"swebench": "swebench==5.0.2", "sb-cli": "sb-cli==0.1.5"}
READERS: Final = {
    "swebench": """
import json, sys
from swebench.harness.run_evaluation import get_dataset_from_preds
from swebench.harness.utils import get_predictions_from_file
rows = get_predictions_from_file(sys.argv[1], sys.argv[2], "test")
by_id = {row["instance_id"]: row for row in rows}
to_run = get_dataset_from_preds(sys.argv[2], "test", None, by_id, "run", False)
assert len(to_run) == len(rows) - 1, "all but the empty patch are run"
print(json.dumps(rows))
""",
    "sb-cli": """
import json, sys
from sb_cli.submit import process_predictions
print(json.dumps(process_predictions(sys.argv[1], [])))
""",
}
DIFF: Final = "--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-{old}\n+{new}\n"
TEXTS: Final = {
    "plain": "x = 1",
    "unicode": "naïve 修复 \U0001f41b",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "controls": "\x00\x1b[31m\x7f\u202e",
    "quotes": '"\\" \\u2028 \\n \' {} []',
}


def patches() -> dict[str, str]:
    """Patches by instance: every kind of text, line ends of both kinds, an empty patch, and plain ones."""
    made = {f"{kind}-lf": DIFF.format(old=text, new=text * 2) for kind, text in TEXTS.items()}
    made |= {f"{kind}-crlf": patch.replace("\n", "\r\n") for kind, patch in list(made.items())}
    made |= {"empty": "", "no-end-of-file": DIFF.format(old="a", new="b") + "\\ No newline at end of file\n"}
    return made | {
        f"task-{number}": DIFF.format(old=number, new="y" * number * 100) for number in range(RECORDS - len(made))
    }


def write(folder: Path, *, provenance: bool) -> Path:
    """A predictions file with all patches, one of which has replaced an older one."""
    path = folder / f"{file_stem(MODEL)}{'' if provenance else '-plain'}.jsonl"
    path.unlink(missing_ok=True)
    file = PredictionsFile(path, MODEL)
    more = Provenance(target=MODEL, prompt_hash="0" * 64, cost=None, oracle=True) if provenance else None
    for name, patch in patches().items():
        record = Prediction(instance_id=name, model_name_or_path=MODEL, model_patch="", provenance=more)
        if name == "task-7":
            file.add(record)
        made = Prediction(instance_id=name, model_name_or_path=MODEL, model_patch=patch, provenance=more)
        file.add(made, replace=True)
    return path


def python_of(folder: Path, tool: str) -> Path:
    """The interpreter of an environment with the tool."""
    environment = folder / tool
    python = environment / "bin" / "python"
    if not python.exists():
        sys.stderr.write(f"installing {TOOLS[tool]} into {environment}\n")
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TOOLS[tool]], check=True)
    return python


def read(python: Path, tool: str, path: Path) -> list[dict[str, Any]]:
    """What the tool's own function returns for the file."""
    dataset = path.with_name("dataset.jsonl")
    dataset.write_text("".join(json.dumps({"instance_id": name}) + "\n" for name in patches()), "utf-8")
    done = subprocess.run([python, "-c", READERS[tool], path, dataset], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{tool} refuses {path}:\n{done.stderr.decode('utf-8', 'replace')}")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    expected = patches()
    failed = False
    for path in (write(folder, provenance=True), write(folder, provenance=False)):
        report = check_predictions(path)
        lines = [f"{path.name}: {report.predictions} predictions, {report.errors} errors, {report.warnings} warnings"]
        for tool in TOOLS:
            rows = read(python_of(folder, tool), tool, path)
            got = {row["instance_id"]: row["model_patch"] for row in rows}
            names = {row["model_name_or_path"] for row in rows}
            equal = sum(got.get(name) == patch for name, patch in expected.items())
            failed |= not len(rows) == len(expected) == equal or names != {MODEL} or report.errors > 0
            lines.append(f"  {TOOLS[tool]}: {len(rows)} read, {equal} of {len(expected)} equal, models {names}")
        sys.stdout.write("\n".join(lines) + "\n")
    raise SystemExit(int(failed))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
