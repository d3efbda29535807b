"""The package from outside: its public names, the modules an import loads, and the sample in its docstring."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

import swebench_providers
from swebench_providers.types.accumulator import ResponseAccumulator
from swebench_providers.util.clock import SystemClock
from tests.fault_server import FaultServerThread, Script

HEAVY = ("httpx", "aiohttp", "truststore", "textual", "rich", "click", "genai_prices", "pydantic", "xllamacpp")


UNIONS = {"Event"}  # of classes that are exported too


def test_all_lists_exactly_the_importable_names() -> None:
    for name in swebench_providers.__all__:
        getattr(swebench_providers, name)
    importable = {
        name
        for name in dir(swebench_providers)
        if not name.startswith("_")
        and not isinstance(getattr(swebench_providers, name), ModuleType)
        and name not in {"annotations", "Final", "TYPE_CHECKING", "import_module"}
    }
    assert set(swebench_providers.__all__) == importable
    assert swebench_providers.__all__ == sorted(swebench_providers.__all__)
    assert all(getattr(swebench_providers, name).__doc__ for name in set(swebench_providers.__all__) - UNIONS)


def test_every_exported_class_and_function_is_of_this_package() -> None:
    for name in set(swebench_providers.__all__) - UNIONS:
        assert getattr(swebench_providers, name).__module__.startswith("swebench_providers.")


def test_the_specification_finds_its_names() -> None:
    names = """UnifiedRequest UnifiedResponse TokenUsage get_registry ProviderRegistry run_sync ProviderConfig Secret
        AuthStrategy BearerTokenAuth ApiKeyAuth NoAuth GoogleAuth RequestTransformer ResponseParser TransformPipeline
        SSEAdapter JSONLinesAdapter TokenCounter TiktokenCounter APITokenCounter MetadataTokenCounter
        RateLimitCoordinator TokenBucketLimiter CircuitBreaker ProviderCoordinator ProviderError ErrorKind
        Candidate Policies Budget RetrySettings BreakerSettings RateLimits BatchResult ProviderHealth"""
    assert set(names.split()) <= set(swebench_providers.__all__)


def test_lazy_names_match_the_type_checkers_imports() -> None:
    module = ast.parse(Path(swebench_providers.__file__).read_text("utf-8"))
    (block,) = [node for node in module.body if isinstance(node, ast.If)]
    declared = {
        alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert declared == {name: f"swebench_providers.{where}" for name, where in swebench_providers._LATER.items()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'swebench_providers' has no attribute 'Cordinator'"):
        getattr(swebench_providers, "Cordinator")  # noqa: B009 - the type checker knows that it is not there


def test_importing_the_package_loads_no_policy() -> None:
    program = """
        import sys, swebench_providers
        heavy = lambda: "swebench_providers.coordinator" in sys.modules or "swebench_providers.tokens" in sys.modules
        print(heavy())
        from swebench_providers import ProviderCoordinator
        print(heavy(), ProviderCoordinator.__name__)
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "ProviderCoordinator"]


def test_importing_the_package_loads_no_client_or_screen() -> None:
    program = f"import sys, swebench_providers; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_listing_and_configuring_loads_no_client_or_screen() -> None:
    program = (
        "import sys, swebench_providers as p; r = p.get_registry(); r.list_providers(); r.configure('openai');"
        f"print(*(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_sample_in_the_package_docstring_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    indented = [line for line in (swebench_providers.__doc__ or "").splitlines() if line.startswith("    ")]
    sample = dedent("\n".join([*indented, "    print(answer.content)"]))
    with FaultServerThread(Script("Hello.")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", sample]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("Hello.\n", "", 0)


async def test_the_system_clock_advances_while_sleeping() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.01)
    assert clock.now() - before >= 0.01


def test_an_answer_is_made_of_a_finished_stream_only() -> None:
    with pytest.raises(ValueError, match="not finished"):
        ResponseAccumulator(0.0).response(provider="p", model="m", cost=None, streamed=True)
