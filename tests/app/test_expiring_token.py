"""A token that was fetched, and is no setting, is masked in what the app writes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from swebench_providers import ProviderConfig, UnifiedRequest
from swebench_providers.auth.google import GoogleAuth
from swebench_providers.auth.strategies import renew
from swebench_providers.catalog import provider_spec
from swebench_providers.http.transport import Transport
from swebench_providers.provider import HTTPProvider
from swebench_tui.bench.task import custom_prompt
from swebench_tui.cli.compare_output import JSONLines, Printer, Text
from swebench_tui.runs.column import Column, run_all
from swebench_tui.runs.provider_resolver import ResolvedProvider, interactive_coordinator
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.workspace import Workspace
from swebench_tui.tui import crash_report
from tests.fault_server import FaultServer, FaultServerThread, Script
from tests.google_account import granting

TOKEN = "opaque+token+of+no+known+shape+0123"

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture(autouse=True)
def granted(google: FaultServerThread) -> None:
    google.server.by_path["/token"] = granting(TOKEN)


@pytest.mark.parametrize("printer", [JSONLines(), Text()], ids=["json", "text"])
async def test_the_output_of_a_comparison_shows_no_expiring_token(
    fault_server: FaultServer, capsys: pytest.CaptureFixture[str], printer: Printer
) -> None:
    fault_server.by_path["/models/m:streamGenerateContent"] = Script(status=403, error_message=f"no: Bearer {TOKEN}")
    config = ProviderConfig(name="vertex", auth="google", base_url=fault_server.base_url, base_url_source="given")
    transport = Transport()
    provider = HTTPProvider(provider_spec("vertex"), config, transport)
    request = UnifiedRequest(model="m", prompt="Why?")
    source = ResolvedProvider(interactive_coordinator(), {"": provider})
    column = Column(parse_target("vertex:m"), request, source, observe=printer.changed)
    printer.begin([custom_prompt("Why?")], [column])
    await run_all([column])
    await transport.aclose()
    printed = "".join(capsys.readouterr())
    assert fault_server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert "no: Bearer ••••" in printed
    assert TOKEN not in printed


async def test_a_crash_report_shows_no_expiring_token(tmp_path: Path) -> None:
    auth = GoogleAuth()
    await renew(auth)
    workspace = Workspace({}, config_folder=tmp_path, data_folder=tmp_path)
    assert workspace.scrub(f"sent {TOKEN}") == "sent ••••"
    report = crash_report.make(ValueError(f"no header can hold {TOKEN}"), crash_report.crash_context())
    assert "no header can hold ••••" in report.text
    assert TOKEN not in report.text + report.what
