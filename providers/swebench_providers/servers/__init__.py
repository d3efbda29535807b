"""Local servers: the kinds that are known, and what the server of a provider reports beside its answers.

A kind is one module of `kinds`, which holds its description as `SERVER`; the catalog names it with `server = "NAME"`.
The modules are found by their file names, so a new one is listed nowhere else.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from swebench_providers.catalog import ProviderSpec
from swebench_providers.servers import kinds

if TYPE_CHECKING:
    from swebench_providers.servers.interface import ServerKind
    from swebench_providers.tokens.count_endpoints import CountEndpoint


@cache
def server_kinds() -> dict[str, ServerKind]:
    """All kinds by name, in the order in which they are scanned for and recognised."""
    found = [server_kind(module.name) for module in iter_modules(kinds.__path__)]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: (kind.rank, kind.name))}


@cache
def server_kind(name: str) -> ServerKind:
    """The kind that the catalog calls `name`. Imports its module alone."""
    kind: ServerKind = import_module(f"{kinds.__name__}.{name}").SERVER
    return kind


def reports_slots(spec: ProviderSpec) -> bool:
    """Whether the server of a provider reports how many requests it runs at once, for all its models together."""
    return spec.server is not None and server_kind(spec.server).slots is not None


def count_endpoint(spec: ProviderSpec) -> CountEndpoint | None:
    """The endpoint at which a provider's server counts tokens: its kind's, else the catalog's; None without one."""
    if spec.server is not None:
        return server_kind(spec.server).count
    if spec.count_endpoint is None:
        return None
    from swebench_providers.tokens.count_endpoints import COUNT_ENDPOINTS  # noqa: PLC0415 - few calls count

    return COUNT_ENDPOINTS[spec.count_endpoint]
