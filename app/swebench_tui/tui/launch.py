"""Running the app in a terminal, from start to exit status."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from swebench_providers import ProviderRegistry, get_registry
from swebench_tui import paths
from swebench_tui.settings import prices_file
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.tui import collector, crash_handling
from swebench_tui.tui.app import SwebenchApp

if TYPE_CHECKING:
    from swebench_tui.settings.workspace import Workspace
    from swebench_tui.tui.crash_report import CrashReport


def run(workspace: Workspace | None = None) -> None:
    """Run the app, then exit: with status 1 after an internal error."""
    sys.exit(crash_handling.run_reporting_crashes(lambda: _run(workspace)))


def _run(workspace: Workspace | None) -> CrashReport | None:
    registry = workspace.registry if workspace else get_registry()
    app = SwebenchApp(registry, workspace=workspace, problem=_apply_prices(registry))
    collector.tune()
    threading.excepthook = app.thread_failed
    logging.getLogger().addHandler(logging.NullHandler())  # messages logged at the exit would be printed
    app.run()
    if app.crash is None and app.return_code:
        sys.exit(app.return_code)
    return app.crash


def _apply_prices(registry: ProviderRegistry) -> PricesError | None:
    """Read the user's prices, before there is an event loop that reading would block; an error, if there is one."""
    try:
        prices_file.apply(paths.prices(), registry)
    except PricesError as error:
        return error
    return None
