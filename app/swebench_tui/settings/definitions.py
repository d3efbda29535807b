"""All settings, defined once: `settings.toml`, its validation, JSON Schema, template, docs and screen derive from here.

    [appearance]
    theme = "nord"

    [providers.openai]
    model = "gpt-6-sol"
    rate_limits = { requests_per_minute = 500 }

Each field has its description beside it. A key is never in the file: `keys` lists where each one is stored and for
which host, and `key_command` prints one. To add a setting, define it here and read it where it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from swebench_providers.catalog import AuthStyle, ProtocolName

KeyStorage = Literal["keyring", "file"]
"""Where a key is stored: the system keyring, or a file of mode 0600, which requires explicit consent."""

GuidedStarter = Literal["auto", "on", "off"]
"""Who answers starter tasks guided: the embedded model, every llama.cpp server, nobody."""

DEFAULT_CONTEXT_TOKENS: Final = 27_000
"""Tokens of repository files in a prompt, if nothing else is set."""

MAX_COLUMNS: Final = 4
"""Columns of a comparison, and so models of a line-up."""

_Seconds = Annotated[float, Meta(gt=0, le=86_400)]
_PerMinute = Annotated[float, Meta(gt=0, le=1_000_000_000)]
_Slots = Annotated[int, Meta(ge=1, le=1_000)]
_Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}$")]


class Appearance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    theme: Annotated[
        str,
        Meta(
            description="Theme: one from the palette's list, or a file in the folder `themes`.",
            examples=["nord"],
        ),
    ] = ""


class Network(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    proxy: Annotated[
        str | None,
        Meta(
            description="Proxy for all providers. Default: $HTTPS_PROXY, $ALL_PROXY or $HTTP_PROXY.",
            examples=["http://proxy.example:8080"],
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Meta(
            description="CA certificate file to trust instead of the system's, such as a company's own.",
            examples=["/etc/ssl/company.pem"],
        ),
    ] = None


class Compare(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    lineup: Annotated[
        tuple[str, ...],
        Meta(
            description="Models a comparison starts with, each PROVIDER:MODEL.",
            max_length=MAX_COLUMNS,
            examples=[["embedded:smollm2", "ollama:qwen3-coder:30b"]],
        ),
    ] = ()


class Repositories(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    folder: Annotated[
        str,
        Meta(description="Folder of the fetched repositories. Default: the cache folder.", examples=["/data/clones"]),
    ] = ""
    mirror: Annotated[
        str,
        Meta(
            description="A folder with clones of your own, which are read in place, or the URL to fetch from, with"
            " {repo} for owner/name. Default: https://github.com/{repo}.git.",
            examples=["/data/git"],
        ),
    ] = ""
    limit_gb: Annotated[
        float,
        Meta(
            gt=0,
            le=1_000_000,
            description="Total size of the fetched repositories, in GB. Above it, the one that was not used for longest"
            " is removed.",
            examples=[50],
        ),
    ] = 20.0


class Guided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    starter: Annotated[
        GuidedStarter,
        Meta(
            description="Starter tasks with a grammar: `auto` for the embedded model, `on` for all llama.cpp servers.",
            examples=["off"],
        ),
    ] = "auto"


class ContextSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    mode: Annotated[
        Literal["auto", "none", "oracle", "search", "pick", "all"],
        Meta(
            description="How files of the repository are chosen for a prompt. `auto`: `all` for the starter tasks, else"
            " `search` where the repository is on this machine, else `none`.",
            examples=["search"],
        ),
    ] = "auto"
    tokens: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Tokens of files in a prompt, as far as the model's window has room.",
            examples=[50_000],
        ),
    ] = DEFAULT_CONTEXT_TOKENS


class PromptSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    format: Annotated[
        Literal["search-replace", "diff", "whole-file"],
        Meta(description="How models write their change.", examples=["diff"]),
    ] = "search-replace"
    template: Annotated[
        str | None,
        Meta(
            description="File with a prompt template of your own, in place of the built-in ones.",
            examples=["~/prompts/fix.j2"],
        ),
    ] = None


class Secrets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    keep_in: Annotated[
        KeyStorage | None,
        Meta(
            description="Where new keys are stored. Set with the first key; `file` is plain text with mode 0600.",
            examples=["keyring"],
        ),
    ] = None


class TimeLimitSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    connect: Annotated[_Seconds | None, Meta(description="Seconds to open the connection.", examples=[10])] = None
    first_token: Annotated[
        _Seconds | None, Meta(description="Seconds until the first token of a response.", examples=[300])
    ] = None
    idle: Annotated[_Seconds | None, Meta(description="Seconds between two chunks of a response.", examples=[300])] = (
        None
    )
    total: Annotated[_Seconds | None, Meta(description="Seconds for a whole response.", examples=[3600])] = None


class RateLimitSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    requests_per_minute: Annotated[_PerMinute | None, Meta(description="Requests per minute.", examples=[500])] = None
    tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Input and output tokens per minute.", examples=[200_000])
    ] = None
    input_tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Input tokens per minute.", examples=[150_000])
    ] = None
    output_tokens_per_minute: Annotated[
        _PerMinute | None, Meta(description="Output tokens per minute.", examples=[50_000])
    ] = None
    slots: Annotated[
        _Slots | None,
        Meta(description="Concurrent requests to a local server; further ones are queued.", examples=[4]),
    ] = None
    shared_as: Annotated[
        str,
        Meta(
            description="Name of a limit that several providers share, such as an organisation's.",
            examples=["my-organisation"],
        ),
    ] = ""


class StoredKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    label: Annotated[_Label, Meta(description="Your name for the key. Never the key itself.", examples=["work"])]
    storage: Annotated[
        KeyStorage,
        Meta(description="Where it is stored: the system keyring, or a file with mode 0600.", examples=["keyring"]),
    ] = msgspec.field(name="place")
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
            description="For a provider you add: the provider whose API it has, such as compatible.",
            examples=["compatible"],
        ),
    ] = ""
    base_url: Annotated[str | None, Meta(description="Base URL.", examples=["https://api.example.com/v1"])] = None
    model: Annotated[str | None, Meta(description="Default model.", examples=["gpt-6-sol"])] = None
    key_command: Annotated[
        str | None,
        Meta(description="Command that prints the API key. Run without a shell.", examples=["pass show openai"]),
    ] = None
    keys: Annotated[
        tuple[StoredKey, ...],
        Meta(
            description="Stored keys. Written by `provider init`.",
            examples=[[{"label": "work", "place": "keyring", "host": "https://api.openai.com"}]],
        ),
    ] = ()
    headers: Annotated[
        Mapping[str, str],
        Meta(
            description="Headers sent with every request. Not for keys: this file is plain text.",
            examples=[{"X-Title": "swebench-tui"}],
        ),
    ] = {}
    proxy: Annotated[
        str | None, Meta(description="Proxy for this provider.", examples=["http://proxy.example:8080"])
    ] = None
    ca_bundle: Annotated[
        str | None,
        Meta(description="CA certificate file for this provider.", examples=["/etc/ssl/company.pem"]),
    ] = None
    protocol: Annotated[
        ProtocolName | None,
        Meta(description="Wire format, if not the provider's default.", examples=["openai_chat"]),
    ] = None
    auth: Annotated[
        AuthStyle | None,
        Meta(description="How the key is sent, if not the provider's default.", examples=["bearer"]),
    ] = None
    base_models: Annotated[
        Mapping[str, str],
        Meta(
            description="The vendor's model name for each name of yours, such as an Azure deployment's.",
            examples=[{"my-deployment": "gpt-6-sol"}],
        ),
    ] = {}
    time_limits: Annotated[TimeLimitSettings, Meta(description="Timeouts.")] = TimeLimitSettings()
    rate_limits: Annotated[RateLimitSettings, Meta(description="Rate limits.")] = RateLimitSettings()


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of `settings.toml`. None and empty mean not set, so the next layer or the default applies."""

    appearance: Annotated[Appearance, Meta(description="Appearance.")] = Appearance()
    keymap: Annotated[
        Mapping[str, str],
        Meta(
            description="Keys of actions, separated by commas. `swebench-tui keys` lists the actions.",
            examples=[{"compare.run": "f5,enter"}],
        ),
    ] = {}
    network: Annotated[Network, Meta(description="Network.")] = Network()
    compare: Annotated[Compare, Meta(description="The Compare screen.")] = Compare()
    guided: Annotated[Guided, Meta(description="Guided answers.")] = Guided()
    context: Annotated[ContextSettings, Meta(description="The files in a prompt.")] = ContextSettings()
    prompt: Annotated[PromptSettings, Meta(description="The prompts of tasks.")] = PromptSettings()
    editor: Annotated[
        str,
        Meta(description="Editor for long text. Default: $VISUAL or $EDITOR.", examples=["vim"]),
    ] = ""
    repositories: Annotated[Repositories, Meta(description="Repositories of tasks.")] = Repositories()
    secrets: Annotated[Secrets, Meta(description="Key storage.")] = Secrets()
    providers: Annotated[Mapping[str, ProviderSettings], Meta(description="Providers, by name.")] = {}


USER_ONLY: Final = frozenset(
    {"key_command", "keys", "headers", "proxy", "ca_bundle", "secrets", "network", "editor", "template", "repositories"}
)
"""Fields a project file must not set: a repository from somebody else could run commands, see what is sent, or have
any file of this machine sent.
"""
