"""A journal survives a killed process and a full disk, and never counts less than was spent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers.policies.journal import FileJournal, spent_according_to

_IN_FLIGHT = """
import sys, time
from decimal import Decimal
from pathlib import Path
from swebench_providers.policies.journal import FileJournal
with FileJournal(Path(sys.argv[1])) as journal:
    journal.reserved(1, Decimal("0.50"))
    journal.settled(1, Decimal("0.10"))
    journal.reserved(2, Decimal("0.75"))
    print("in flight", flush=True)
    time.sleep(60)
"""


def test_requests_in_flight_at_a_kill_count_as_spent(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    with subprocess.Popen([sys.executable, "-c", _IN_FLIGHT, str(journal)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in flight\n"
        os.kill(process.pid, signal.SIGKILL)
    assert spent_according_to(journal) == Decimal("0.85")
    with FileJournal(journal) as again:
        again.reserved(1, Decimal("0.20"))
        again.settled(1, Decimal("0.02"))
    assert spent_according_to(journal) == Decimal("0.87")
    with journal.open("ab") as torn:
        torn.write(b'{"number": 3, "reser')
    assert spent_according_to(journal) == Decimal("0.87")
    with FileJournal(journal) as after:
        after.reserved(1, Decimal("0.01"))
    assert spent_according_to(journal) == Decimal("0.88")
    assert spent_according_to(tmp_path / "none") == 0


_BUDGETED = """
import asyncio, os, signal, sys
from decimal import Decimal
from pathlib import Path
from swebench_providers.policies.budget import Budget
from swebench_providers.policies.journal import FileJournal

async def main():
    budget = Budget("run", Decimal(10), journal=FileJournal(Path(sys.argv[1])))
    calls = [await budget.reserve(Decimal("0.5")) for _ in range(4)]
    calls[0].add(Decimal("0.1"))
    calls[0].settle()
    calls[1].add(Decimal("0.2"))
    calls[1].again()  # a second attempt is in flight
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_killed_attempt_counts_at_its_worst_case(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    killed = subprocess.run([sys.executable, "-c", _BUDGETED, str(journal)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert spent_according_to(journal) == Decimal("0.1") + Decimal("0.2") + 3 * Decimal("0.5")


def test_a_full_disk_and_a_closed_file_raise_oserror(tmp_path: Path) -> None:
    with FileJournal(Path("/dev/full")) as full, pytest.raises(OSError, match="No space left"):
        full.reserved(1, Decimal(1))
    closed = FileJournal(tmp_path / "journal.jsonl")
    closed.close()
    with pytest.raises(OSError, match="the journal is closed"):
        closed.settled(1, Decimal(1))


_ALMOST_FULL = """
import resource, sys
from decimal import Decimal
from pathlib import Path
from swebench_providers.policies.journal import FileJournal
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
journal = FileJournal(Path(sys.argv[1]))
journal.reserved(1, Decimal("0.50"))
resource.setrlimit(resource.RLIMIT_FSIZE, (Path(sys.argv[1]).stat().st_size + 10, hard))
for _ in range(2):
    try:
        journal.settled(1, Decimal("0.10"))
    except OSError as error:
        print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
journal.settled(1, Decimal("0.10"))
"""


def test_a_partly_written_line_does_not_spoil_the_next(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    command = [sys.executable, "-c", _ALMOST_FULL, str(journal)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["No space left on device", "File too large"]
    assert spent_according_to(journal) == Decimal("0.10")


@given(
    calls=st.lists(st.tuples(st.integers(1, 100), st.one_of(st.none(), st.integers(0, 100))), max_size=12),
    data=st.data(),
)
def test_a_journal_cut_anywhere_counts_at_least_the_spending(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    ends = list[tuple[int, int]]()  # where the line of a settled call ends, and its cost
    with FileJournal(path) as journal:
        for number, (worst, percent) in enumerate(calls):
            journal.reserved(number, Decimal(worst))
            if percent is not None:
                journal.settled(number, Decimal(worst * percent) / 100)
                ends.append((path.stat().st_size, worst * percent))
    cut = data.draw(st.integers(0, path.stat().st_size))
    path.write_bytes(path.read_bytes()[:cut])
    paid = sum((Decimal(cost) / 100 for end, cost in ends if end <= cut), Decimal(0))
    assert spent_according_to(path) >= paid
