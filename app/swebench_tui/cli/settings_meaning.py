"""Whether a value that is typed for a setting means anything: its kind is right, and nobody may be able to use it."""

from __future__ import annotations

from swebench_providers import ProviderError
from swebench_providers.config import normalise
from swebench_tui.runs.target import parse_target
from swebench_tui.settings.errors import SettingsError
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Workspace


def check_meaning(workspace: Workspace, at: SettingPath, value: object) -> None:
    """Raises `SettingsError` for an address that is none, a column of no provider, and a key of no action or keyboard.

    A file that is written by hand is taken all the same: what cannot be used of it is told where it is used.
    """
    try:
        match at, value:
            case ("providers", name, "base_url"), str() if name in workspace.registry.list_providers():
                normalise(value, workspace.registry.spec(name))
            case ("compare", "lineup"), list():
                for column in value:
                    workspace.registry.spec(parse_target(str(column)).provider)
            case ("keymap", action), str():
                _check_key(workspace, action, value)
    except ProviderError as error:
        what, hint = str(error), error.hint
    else:
        return
    raise SettingsError(what, hint=hint)


def _check_key(workspace: Workspace, action: str, keys: str) -> None:
    from swebench_tui.tui.actions import actions, check  # noqa: PLC0415 - only keys need Textual

    _, problems = check({**workspace.settings.keymap, action: keys}, actions())
    for problem in problems:
        if action in problem.what:
            raise SettingsError(problem.what, hint=problem.hint)
