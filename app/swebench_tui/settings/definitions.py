"""What can be set, in one place: `settings.toml`, its checks, its JSON Schema and its screen all come from here.

    [appearance]
    theme = "nord"

    [providers.openai]
    model = "gpt-6-sol"
    rate_limits = { requests_per_minute = 500 }

Every field has its meaning beside it. A key is never in the file: `keys` says where each one is kept, and for which
host, and `key_command` how to get one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from swebench_providers.catalog import AuthStyle, ProtocolName

Place = Literal["keyring", "file"]
"""Where this program keeps a key: the system keyring, or a file of mode 0600, which only explicit consent chooses."""

_Seconds = Annotated[float, Meta(gt=0, le=86_400)]
_PerMinute = Annotated[float, Meta(gt=0, le=1_000_000_000)]
_Slots = Annotated[int, Meta(ge=1, le=1_000)]
_Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")]


class Appearance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    theme: Annotated[
        str,
        Meta(
            description="The colours: a theme of the palette's list, or a file's in the folder `themes`.",
            examples=["nord"],
        ),
    ] = ""


class Network(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    proxy: Annotated[
        str | None,
        Meta(
            description="The proxy for every provider. Where it is not set, $HTTPS_PROXY and its like hold.",
            examples=["http://proxy.example:8080"],
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Meta(
            description="A file of certificates to trust instead of the system's, such as a company's own.",
            examples=["/etc/ssl/company.pem"],
        ),
    ] = None


class Compare(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    lineup: Annotated[
        tuple[str, ...],
        Meta(
            description="The columns a comparison starts with, each PROVIDER:MODEL.",
            max_length=4,
            examples=[["embedded:smollm2", "ollama:qwen3-coder:30b"]],
        ),
    ] = ()


class Secrets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    keep_in: Annotated[
        Place | None,
        Meta(
            description="Where new keys are kept. Chosen when the first one is; `file` is plain text of mode 0600.",
            examples=["keyring"],
        ),
    ] = None


class TimeLimitSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    connect: Annotated[_Seconds | None, Meta(description="Seconds until the connection stands.", examples=[10])] = None
    first_token: Annotated[
        _Seconds | None, Meta(description="Seconds until the first piece of an answer.", examples=[300])
    ] = None
    idle: Annotated[_Seconds | None, Meta(description="Seconds between two pieces of an answer.", examples=[300])] = (
        None
    )
    total: Annotated[_Seconds | None, Meta(description="Seconds for a whole answer.", examples=[3600])] = None


class RateLimitSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    requests_per_minute: Annotated[_PerMinute | None, Meta(description="Requests a minute.", examples=[500])] = None
    tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Tokens a minute, both ways together.", examples=[200_000])
    ] = None
    input_tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Tokens a minute that are sent.", examples=[150_000])
    ] = None
    output_tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Tokens a minute that come back.", examples=[50_000])
    ] = None
    slots: Annotated[
        _Slots | None,
        Meta(description="Requests a local server runs at once; the others wait here.", examples=[4]),
    ] = None
    shared_as: Annotated[
        str,
        Meta(
            description="A name for limits that several providers share, as one organisation does.",
            examples=["my-organisation"],
        ),
    ] = ""


class KeptKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    label: Annotated[_Label, Meta(description="Your name for the key. Never the key itself.", examples=["work"])]
    place: Annotated[
        Place,
        Meta(description="Where it is kept: in the system keyring, or in a file of mode 0600.", examples=["keyring"]),
    ]
    host: Annotated[
        str,
        Meta(
            description="The only address it is sent to, as https://HOST or http://HOST:PORT.",
            examples=["https://api.openai.com"],
        ),
    ]


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    like: Annotated[
        str,
        Meta(
            description="For a provider of your own: the one whose protocol and rules hold, such as compatible.",
            examples=["compatible"],
        ),
    ] = ""
    base_url: Annotated[
        str | None, Meta(description="Where it is reached.", examples=["https://api.example.com/v1"])
    ] = None
    model: Annotated[str | None, Meta(description="The model used where none is named.", examples=["gpt-6-sol"])] = None
    key_command: Annotated[
        str | None,
        Meta(description="A command that prints the key. Run without a shell.", examples=["pass show openai"]),
    ] = None
    keys: Annotated[
        tuple[KeptKey, ...],
        Meta(
            description="The keys that are kept for it. Written by `provider init`.",
            examples=[[{"label": "work", "place": "keyring", "host": "https://api.openai.com"}]],
        ),
    ] = ()
    headers: Annotated[
        Mapping[str, str],
        Meta(
            description="Headers to send with every request. No place for a key: it would stand here for all to read.",
            examples=[{"X-Title": "swebench-tui"}],
        ),
    ] = {}
    proxy: Annotated[
        str | None, Meta(description="A proxy for this provider alone.", examples=["http://proxy.example:8080"])
    ] = None
    ca_bundle: Annotated[
        str | None,
        Meta(description="A file of certificates for this provider alone.", examples=["/etc/ssl/company.pem"]),
    ] = None
    protocol: Annotated[
        ProtocolName | None,
        Meta(description="The wire format, where it is not the usual one.", examples=["openai_chat"]),
    ] = None
    auth: Annotated[
        AuthStyle | None, Meta(description="How the key is shown, where it is not as usual.", examples=["bearer"])
    ] = None
    base_models: Annotated[
        Mapping[str, str],
        Meta(
            description="The vendor's name for each name of your own, such as an Azure deployment's.",
            examples=[{"my-deployment": "gpt-6-sol"}],
        ),
    ] = {}
    time_limits: Annotated[TimeLimitSettings, Meta(description="How long to wait for what.")] = TimeLimitSettings()
    rate_limits: Annotated[RateLimitSettings, Meta(description="What fits through in a minute.")] = RateLimitSettings()


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of `settings.toml`. None and empty mean: not set here, so what comes after it holds."""

    appearance: Annotated[Appearance, Meta(description="How it looks.")] = Appearance()
    keymap: Annotated[
        Mapping[str, str],
        Meta(
            description="Keys for actions, as `swebench-tui keys` lists them, separated by commas.",
            examples=[{"compare.run": "f5,enter"}],
        ),
    ] = {}
    network: Annotated[Network, Meta(description="How the network is reached.")] = Network()
    compare: Annotated[Compare, Meta(description="The Compare screen.")] = Compare()
    editor: Annotated[
        str,
        Meta(description="The editor for long text. Where it is not set, $VISUAL and $EDITOR hold.", examples=["vim"]),
    ] = ""
    secrets: Annotated[Secrets, Meta(description="Where keys are kept.")] = Secrets()
    providers: Annotated[Mapping[str, ProviderSettings], Meta(description="Providers, by name.")] = {}


USER_ONLY: Final = frozenset({"key_command", "keys", "headers", "proxy", "ca_bundle", "secrets", "network", "editor"})
"""Fields that a project file must not set: a repository somebody else wrote would run commands, or see what is sent."""
