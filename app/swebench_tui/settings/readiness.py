"""Whether a provider can be asked, as far as that is known without asking it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from swebench_providers import ProviderConfig, ProviderError, ProviderRegistry, ProviderSpec
from swebench_providers.auth import google as google_auth
from swebench_providers.config import address_variables, way_in
from swebench_providers.embedded.process import INSTALL_COMMAND, missing
from swebench_tui.terminal_text import one_line

INIT_COMMAND: Final = "swebench-tui provider init"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What is set up for a provider. `to_do` is the next step in words, "" when it is ready.

    Whether a `local` server runs is not known before it is asked.
    """

    name: str
    title: str
    key_source: str | None
    base_url: str | None
    embedded: bool
    local: bool
    to_do: str

    @property
    def ready(self) -> bool:
        return not self.to_do


def readiness(
    registry: ProviderRegistry, name: str, *, configure: Callable[[str], ProviderConfig] | None = None
) -> Readiness:
    """Look at configuration and environment; sends nothing and raises nothing for a provider that is listed.

    `configure` says how it is reached and where its key is from, without the key; None asks the registry, which reads
    the key too.
    """
    try:
        spec = registry.spec(name)
    except ProviderError as error:  # a package that cannot be loaded
        return Readiness(
            name=name,
            title=name,
            key_source=None,
            base_url=None,
            embedded=False,
            local=False,
            to_do=one_line(str(error)),
        )
    try:
        config = (configure or registry.configure)(name)
    except ProviderError as error:  # an address in the environment that is none
        config, to_do = ProviderConfig(name=name), one_line(str(error))
    else:
        to_do = _to_do(spec, config)
    return Readiness(
        name=name,
        title=spec.title,
        key_source=config.key_source,
        base_url=config.base_url,
        embedded=spec.embedded,
        local=spec.local,
        to_do=to_do,
    )


def _to_do(spec: ProviderSpec, config: ProviderConfig) -> str:
    if spec.embedded:
        return "" if missing() is None else f"run: {INSTALL_COMMAND}"
    if config.base_url is None:
        return f"set {' or '.join(address_variables(spec))}"
    if config.auth == "google" and config.api_key is None:
        return "" if google_auth.installed() else f"run: {google_auth.INSTALL_COMMAND}"
    if not spec.local and config.key_source is None:
        return f"set {way_in(spec)}" if config.base_url_source != "given" else f"run: {INIT_COMMAND} {config.name}"
    return ""
