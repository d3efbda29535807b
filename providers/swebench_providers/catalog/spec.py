"""What the TOML file of a provider can state, and nothing else: an unknown key is refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec

from swebench_providers.catalog.profiles import Quirks

ProtocolName = Literal[
    "openai_chat", "openai_responses", "azure_deployments", "anthropic_messages", "ollama_chat", "gemini"
]
AuthStyle = Literal["bearer", "api-key", "x-api-key", "x-goog-api-key", "google", "none"]


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base URL with environment variables in braces, such as `https://{HOST}/v1`.

    It is used where every variable in it is set and each variable of `when` has one of the values listed there; "" is
    a variable that is not set. `protocol` overrides the provider's.
    """

    url: str
    when: Mapping[str, tuple[str, ...]] = {}
    protocol: ProtocolName | None = None


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The specification of one provider, as its TOML file states it."""

    title: str
    """The name shown to users."""
    protocol: ProtocolName
    responses_api: bool = False
    """It has OpenAI's Responses beside `protocol`, for models and efforts that need it."""
    base_url: str | None = None
    """None where there is no usual one."""
    default_port: int | None = None
    default_path: str = ""
    """These two complete an address that the user gives without them."""
    auth: AuthStyle = "bearer"
    """The header in which the key is sent."""
    env: tuple[str, ...] = ()
    """Variables for the key, the first that is set being used."""
    token_env: tuple[str, ...] = ()
    """Variables that come before `env`; their value is always sent as a Bearer token."""
    keyless: Literal["google", "none"] = "none"
    """How to authenticate without a key: `google` uses Google's application default credentials."""
    base_url_env: tuple[str, ...] = ()
    """Variables for the base URL, after `addresses`."""
    addresses: tuple[Address, ...] = ()
    """The first that applies is used."""
    hosts: tuple[str, ...] = ()
    """Domains of the provider, where `base_url` alone does not show them; a key may be sent there."""
    headers: Mapping[str, str] = {}
    """Sent with every request; one with a variable in braces only where that is set."""
    local: bool = False
    """A server that needs no key."""
    embedded: bool = False
    """The model that runs in a child process of this one."""
    price: Literal["list", "free", "unknown"] = "unknown"
    """`list`: in the bundled price list under `prices_id`; `free`, except for the models of `charged`; `unknown`."""
    prices_id: str = ""
    """The provider's name in the price list; `{route}` stands for what follows the colon of a model id."""
    charged: tuple[str, ...] = ()
    """Patterns of model names whose price is unknown, although `price` is `free`."""
    lists_prices: bool = False
    """Its own list of models has prices."""
    batch_share: Decimal | None = None
    """The price of a batch job as a share of the usual one; None where there is no batch, or its price is unknown."""
    default_model: str = ""
    """Used where the user names none."""
    models: tuple[str, ...] | None = None
    """All its models, where it has no list to request."""
    server: str | None = None
    """The kind of local server it is, a module of `servers/kinds`: version, windows, slots and exact token counts."""
    count_endpoint: Literal["openai_responses", "anthropic_messages", "gemini", "vertex"] | None = None
    """Where a provider that is no local server counts tokens: a key of `tokens.count_endpoints`."""
    slots: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Requests for a model that usually run at once, where the server does not report that."""
    families: tuple[str, ...] = ()
    """Files of `families/` with the rules for its models."""
    quirks: Quirks = Quirks()

    def is_free(self, model: str) -> bool:
        """Whether answers of `model` cost nothing, whatever was used."""
        return self.price == "free" and not any(fnmatchcase(model, pattern) for pattern in self.charged)
