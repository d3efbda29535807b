"""`prices.toml`: parsing, errors, and the program's use of its prices."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from swebench_providers import ModelPrice, ProviderRegistry
from swebench_tui import paths
from swebench_tui.cli.main import main
from swebench_tui.settings import prices_file
from swebench_tui.settings.prices_file import PricesError
from swebench_tui.tui.app import SwebenchApp
from tests.app.cli.test_main import Terminal
from tests.app.tui.pilot import toasts
from tests.fault_server import Ending, FaultServerThread, Script, json_body

README = Path(__file__).parents[3] / "README.md"
WHOLE = """
[openai."gpt-6-sol"]
input = 1.25
output = 10
cached_input = 0.125
cache_write = 1.5625

[ollama."qwen3-coder:30b"]
input = 0.1
output = 1e-2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.toml"


def read(file: Path) -> ProviderRegistry:
    registry = ProviderRegistry({})
    prices_file.apply(file, registry)
    return registry


def test_prices_are_read_as_exact_decimals(file: Path) -> None:
    file.write_text(WHOLE)
    registry = read(file)
    assert registry.configure("openai").prices == {
        "gpt-6-sol": ModelPrice(
            input=Decimal("1.25"), output=Decimal(10), cached_input=Decimal("0.125"), cache_write=Decimal("1.5625")
        )
    }
    assert registry.configure("ollama").prices == {
        "qwen3-coder:30b": ModelPrice(input=Decimal("0.1"), output=Decimal("0.01"))
    }
    assert registry.configure("anthropic").prices == {}


def test_the_readme_example_is_a_valid_prices_file(file: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    file.write_text(example)
    price = ModelPrice(input=Decimal("1.25"), output=Decimal(10), cached_input=Decimal("0.125"))
    assert read(file).configure("openai").prices == {"gpt-6-sol": price}


def test_a_missing_or_empty_file_has_no_prices(file: Path) -> None:
    assert read(file).configure("openai").prices == {}
    file.write_bytes(b"\xef\xbb\xbf# none yet\n")
    assert read(file).configure("openai").prices == {}


def test_prices_end_with_the_removal_of_their_file(file: Path) -> None:
    file.write_text(WHOLE)
    registry = read(file)
    file.unlink()
    prices_file.apply(file, registry)
    assert registry.configure("openai").prices == {}


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[opnai.m]\ninput = 1\noutput = 1", "unknown provider 'opnai'", "Did you mean 'openai'?"),
        ("[zzz.m]\ninput = 1", "unknown provider 'zzz'", "Known: anthropic, azure"),
        ("openai = 5", "openai is 5, not a table", 'Write [openai."gpt-6-sol"]'),
        ("[openai]\ngpt-5 = 1.5", "openai.gpt-5 is 1.5, not a table", 'Write [openai."gpt-6-sol"]'),
        ("[openai.m]\noutput = 1", "openai.m is missing input", "input = 1.25"),
        ("[openai.m]", "openai.m is missing input and output", "input = 1.25"),
        ("[openai.m]\ninput = 1\noutptu = 1", "unknown price 'outptu' in openai.m", "Did you mean 'output'?"),
        ("[openai.m]\nbatch = 1", "unknown price 'batch' in openai.m", "input, output, cached_input, cache_write"),
        (
            "[openai.gpt-6.1-sol]\ninput = 1",
            "unknown price '1-sol' in openai.gpt-6",
            "Quote a name that contains a dot.",
        ),
        ('[openai.m]\ninput = "1.25"\noutput = 1', "openai.m.input is '1.25'", "a number from 0 to 1,000,000"),
        ("[openai.m]\ninput = -1\noutput = 1", "openai.m.input is -1", "a number from 0 to 1,000,000"),
        ("[openai.m]\ninput = 1\noutput = nan", "openai.m.output is NaN", "a number from 0 to 1,000,000"),
        ("[openai.m]\ninput = 1\noutput = 1e999999", "openai.m.output is 1E+999999", "in USD per million tokens"),
        ("[openai.m]\ninput = 1\noutput = true", "openai.m.output is True", "without quotes"),
        ('[openai."a.b:c"]\ninput = 1\noutput = []', 'openai."a.b:c".output is []', "a number from 0"),
        (f'[openai.m]\ninput = "{"x" * 500}"\noutput = 1', "openai.m.input is 'xxx", "a number from 0"),
        ("[openai.m\n", "line 1", "Write "),
        ("[openai.m]\ninput = 1e99999999999999999999\noutput = 1", "prices.toml: ", "Write "),
        (f"[openai.m]\ninput = {'9' * 5000}\noutput = 1", "prices.toml: ", "Write "),
    ],
)
def test_an_error_names_file_key_value_and_fix(file: Path, text: str, what: str, hint: str) -> None:
    file.write_text(text)
    with pytest.raises(PricesError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert what in str(caught.value)
    assert hint in caught.value.hint
    assert len(str(caught.value)) < len(str(file)) + 200


def test_a_file_that_is_not_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(PricesError, match="is not valid UTF-8"):
        read(file)
    with pytest.raises(PricesError, match="not a regular file"):
        read(file.parent)


def test_a_pipe_or_an_endless_file_is_refused_without_blocking(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(PricesError, match="not a regular file"):
        read(file)
    with pytest.raises(PricesError, match="not a regular file"):
        read(Path("/dev/zero"))
    file.unlink()
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(PricesError, match="larger than 1,048,576 bytes"):
        read(file)


def test_invalid_prices_leave_the_previous_ones_in_force(file: Path) -> None:
    file.write_text(WHOLE)
    registry = read(file)
    file.write_text("[openai.m]\ninput = 1")
    with pytest.raises(PricesError):
        prices_file.apply(file, registry)
    assert set(registry.configure("openai").prices) == {"gpt-6-sol"}


@given(text=st.text())
def test_any_text_is_prices_or_a_prices_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text(text, "utf-8", errors="replace")
    with suppress(PricesError):
        read(file)


# The program.


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prices file at the program's own path."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    paths.prices().parent.mkdir(parents=True)
    return paths.prices()


def run(server: FaultServerThread, *arguments: str) -> Result:
    environ = {
        "COMPATIBLE_BASE_URL": server.base_url,
        "OLLAMA_HOST": server.base_url,
        "OPENROUTER_BASE_URL": f"{server.base_url}/api/v1",
        "OPENROUTER_API_KEY": "sk-or-test",
    }
    return CliRunner().invoke(main, list(arguments), env=environ)


def outcomes(result: Result) -> dict[object, dict[str, object]]:
    """The last event of each column of a comparison, by target."""
    events = [json.loads(line) for line in result.stdout.split("\n")[:-1]]
    return {event["target"]: event for event in events if event["event"] == "done"}


def test_a_comparison_uses_the_file_and_keeps_unknowns_null(server: FaultServerThread, own: Path) -> None:
    own.write_text(
        "[compatible.a]\ninput = 1.25\noutput = 10\ncached_input = 0.125\n[ollama.b]\ninput = 1\noutput = 2\n"
    )
    server.server.default = Script(("x",) * 20, prompt_tokens=1000, cached_tokens=400)
    targets = ("compatible:a", "compatible:other", "ollama:b", "ollama:free", "ollama:gpt-oss:120b-cloud")
    flags = [flag for target in targets for flag in ("-t", target)]
    done = outcomes(run(server, "compare", *flags, "--prompt", "Why?", "--json"))
    assert done["compatible:a"]["cost"] == float((600 * Decimal("1.25") + 400 * Decimal("0.125") + 200) / 10**6)
    assert done["compatible:other"]["cost"] is None
    assert done["ollama:b"]["cost"] == float(Decimal(1000 + 40) / 10**6)
    assert done["ollama:free"]["cost"] == 0
    assert done["ollama:gpt-oss:120b-cloud"]["cost"] is None


def test_only_free_models_are_called_free(server: FaultServerThread, own: Path) -> None:
    own.write_text("[ollama.b]\ninput = 1\noutput = 2\n")
    flags = ("-t", "ollama:a", "-t", "ollama:b", "-t", "ollama:c-cloud")
    lines = [
        line
        for line in run(server, "compare", *flags, "--prompt", "Why?").stdout.splitlines()
        if line.startswith("── ollama")
    ]
    rows_by_name = {line.split()[1]: line for line in lines}
    assert rows_by_name["ollama:a"].endswith("free")
    assert "$" in rows_by_name["ollama:b"]
    assert rows_by_name["ollama:c-cloud"].endswith("price unknown")


def test_an_interrupted_column_is_free_only_for_free_models(server: FaultServerThread, own: Path) -> None:
    own.write_text("[ollama.b]\ninput = 1\noutput = 2\n")
    server.server.default = Script("half of it", ending=Ending.TRUNCATED)
    flags = ("-t", "ollama:a", "-t", "ollama:b", "-t", "ollama:c-cloud")
    done = outcomes(run(server, "compare", *flags, "--prompt", "Why?", "--json"))
    assert (done["ollama:a"]["cost"], done["ollama:c-cloud"]["cost"]) == (0, None)
    assert 0 < float(str(done["ollama:b"]["cost"])) < 0.001
    assert done["ollama:b"]["cost_estimated"] is True


def test_a_refused_request_costs_nothing(server: FaultServerThread, own: Path) -> None:
    own.write_text("[ollama.b]\ninput = 1\noutput = 2\n")
    server.server.default = Script(status=401)
    done = outcomes(run(server, "compare", "-t", "ollama:b", "-t", "ollama:c-cloud", "--prompt", "Why?", "--json"))
    assert [(each["cost"], each["cost_estimated"]) for each in done.values()] == [(0, False), (0, False)]


def test_a_charged_default_model_is_not_called_free(server: FaultServerThread) -> None:
    server.server.by_path["/api/tags"] = json_body({"models": [{"name": "c-cloud", "model": "c-cloud"}]})
    (line,) = (
        line
        for line in run(server, "compare", "-t", "ollama", "--prompt", "Why?").stdout.splitlines()
        if line.startswith("── ollama")
    )
    assert line.endswith("price unknown")


def test_the_price_is_that_of_the_requested_model(server: FaultServerThread, own: Path) -> None:
    own.write_text("[compatible.a]\ninput = 1\noutput = 2\n")
    choices = [{"message": {"content": "a"}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    server.server.default = json_body({"model": "Acme/A-30B", "choices": choices, "usage": usage})
    done = outcomes(run(server, "compare", "-t", "compatible:a", "--prompt", "Why?", "--json"))["compatible:a"]
    assert (done["model"], done["cost"]) == ("Acme/A-30B", 0.00002)


def test_models_are_listed_with_the_users_prices_first(server: FaultServerThread, own: Path) -> None:
    own.write_text('[openrouter."acme/a"]\ninput = 7\noutput = 8.50\n')
    listed = {"prompt": "0.000002", "completion": "0.00001", "input_cache_read": "0.0000002"}
    models = [{"id": name, "pricing": listed} for name in ("acme/a", "acme/b")]
    auto = {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}
    server.server.by_path["/api/v1/models"] = json_body({"data": [*models, auto]})
    rows = json.loads(run(server, "models", "--provider", "openrouter", "--json").stdout)
    names = ("price_input", "price_output", "price_cached_input", "price_cache_write")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (7, 8.5, None, None),
        (2, 10, 0.2, None),
        (None,) * 4,
    ]
    lines = run(server, "models", "--provider", "openrouter").stdout.splitlines()
    assert [line.rpartition("  ")[2] for line in lines[-3:]] == ["$7 / $8.5", "$2 / $10", "unknown"]
    assert [request.path for request in server.server.requests] == ["/api/v1/models"] * 2


def test_a_command_stops_on_invalid_prices(server: FaultServerThread, own: Path) -> None:
    own.write_text("[compatible.a]\ninput = -3\noutput = 1\n")
    for arguments in (("compare", "-t", "compatible:a", "--prompt", "Why?"), ("models",)):
        result = run(server, *arguments)
        assert result.exit_code == 1
        assert f"{own}: compatible.a.input is -3\nExpected a number from 0" in result.stderr
    assert server.server.requests == []


def test_the_app_opens_with_invalid_prices(own: Path) -> None:
    own.write_text("[openai.m]\ninput = 1\n")
    with Terminal() as terminal:
        terminal.read_until(b"Prices not used")
        terminal.read_until(b"starter__")


async def test_the_app_reports_invalid_prices() -> None:
    problem = PricesError("prices.toml: [b]openai.m[/b].input is -3", hint="It is a number.")
    async with SwebenchApp(ProviderRegistry({}), problem=problem).run_test() as pilot:
        (toast,) = toasts(pilot)
        assert toast.message == "prices.toml: [b]openai.m[/b].input is -3 → It is a number."
        assert (toast.severity, toast.markup) == ("error", False)
