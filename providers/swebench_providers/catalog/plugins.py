"""Providers of other packages, found by the entry-point group `swebench_providers` (docs/add-a-provider.md).

The name of the entry point is the provider's; its value is a package that holds `provider.toml`, and, where data is not
enough, `make_provider(spec, config, transport)`. Listing names imports nothing. A package that cannot be loaded is an
error of its own and affects no other provider.
"""

from __future__ import annotations

from importlib.resources import files
from types import ModuleType
from typing import TYPE_CHECKING, Final

from swebench_providers.catalog import CatalogError, ProviderSpec, read_spec
from swebench_providers.types.errors import ErrorKind, ProviderError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "swebench_providers"
FILE_NAME: Final = "provider.toml"


def find() -> dict[str, EntryPoint]:
    """The entry points by provider name; of two with the same name the first one found is used."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - takes as long to import as all settings

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return found


def load(point: EntryPoint) -> tuple[ProviderSpec, ModuleType]:
    """The provider's specification and its package. Raises `ProviderError` (bad_endpoint, `broken_plugin`)."""
    try:
        package = point.load()
        text = (files(package) / FILE_NAME).read_text("utf-8")
        return read_spec(text, f"{point.value}/{FILE_NAME}"), package
    except CatalogError as error:
        raise _broken(point, str(error)) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - other people's code may raise anything
        raise _broken(point, f"{type(error).__name__}: {error}") from None


def _broken(point: EntryPoint, why: str) -> ProviderError:
    source = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
    return ProviderError(
        ErrorKind.BAD_ENDPOINT,
        f"the provider {point.name!r} from {source} is broken: {why}",
        hint="Update or remove that package. Other providers are not affected.",
        reason="broken_plugin",
    )
