"""The HTTP client is imported without its command line, which stays importable."""

from __future__ import annotations

import subprocess
import sys


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_sending_requests_loads_no_command_line() -> None:
    loaded = run("import sys, swebench_providers.http.transport; print(*sys.modules)")
    assert "httpx" in loaded
    assert not {"click", "rich", "pygments"} & set(loaded)


def test_the_clients_own_command_still_imports_afterwards() -> None:
    assert run("import swebench_providers.http.transport, httpx._main; print(httpx._main.main.name)") == ["main"]
