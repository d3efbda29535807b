"""A workspace with fixed providers: snapshots taken over it do not change when the catalog does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from swebench_providers import ProviderRegistry, ProviderSpec
from swebench_tui.settings.toml_positions import SettingPath
from swebench_tui.settings.workspace import Providers, Workspace
from tests.app.settings.memory_workspace import MemoryStore

FIXED: Final[Mapping[str, ProviderSpec]] = {
    "anthropic": ProviderSpec(
        title="Anthropic",
        protocol="anthropic_messages",
        base_url="https://api.anthropic.com",
        env=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        default_model="claude-haiku-5-5",
    ),
    "embedded": ProviderSpec(
        title="Embedded model",
        protocol="openai_chat",
        local=True,
        embedded=True,
        price="free",
        default_model="smollm2",
    ),
    "ollama": ProviderSpec(
        title="Ollama",
        protocol="ollama_chat",
        base_url="http://127.0.0.1:11434",
        default_port=11434,
        auth="none",
        base_url_env=("OLLAMA_HOST",),
        local=True,
        price="free",
    ),
    "openai": ProviderSpec(
        title="OpenAI",
        protocol="openai_chat",
        base_url="https://api.openai.com/v1",
        env=("OPENAI_API_KEY",),
        base_url_env=("OPENAI_BASE_URL",),
        default_model="gpt-6-luna",
    ),
    "vllm": ProviderSpec(
        title="vLLM",
        protocol="openai_chat",
        base_url="http://127.0.0.1:8000/v1",
        env=("VLLM_API_KEY",),
        base_url_env=("VLLM_BASE_URL",),
        local=True,
        price="free",
    ),
}


class _FixedRegistry(ProviderRegistry):
    """Lists the fixed providers and no other."""

    def list_providers(self) -> list[str]:
        return sorted(FIXED)


class _FixedProviders(Providers):
    """The fixed providers, configured by the settings of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, workspace._layers, workspace.keys)
        self._registry = _FixedRegistry(workspace.environ, configure=self._configs.configure)
        for name, spec in FIXED.items():
            self._registry.register(name, spec)

    @property
    def registry(self) -> ProviderRegistry:
        return self._registry


class FixedWorkspace(Workspace):
    """Settings in a folder of the test, over the fixed providers."""

    def __init__(
        self, environ: Mapping[str, str], folder: Path, *, overrides: Mapping[SettingPath, object] | None = None
    ) -> None:
        super().__init__(
            environ,
            config_folder=folder / "config",
            data_folder=folder / "data",
            overrides=overrides,
            keyring=MemoryStore(),
        )
        self.providers = _FixedProviders(self)
