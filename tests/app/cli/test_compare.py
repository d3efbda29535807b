"""`swebench-tui compare`: requests, output and errors."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from swebench_tui.bench import datasets
from swebench_tui.cli.main import main
from tests.fault_server import Ending, FaultServerThread, Script, UsageSent, failing

Object = dict[str, object]
DONE_KEYS = {
    *("event", "column", "target", "state", "model", "text", "reasoning", "finish_reason", "complete", "refusal"),
    *("usage", "cost", "cost_estimated", "ttft_ms", "latency_ms", "waited_ms", "tokens_per_second", "request_id"),
    *("guided", "patch", "error", "prompt_hash", "context", "pick"),
}
USAGE_KEYS = {
    *("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"),
    "source",
}
ASK = "--prompt", "Why?"
HOSTILE = "\x1b]0;owned\x07 [b]bold[/b] \x9b31m \u202etxt <think>\r\nend"


def compare(server: FaultServerThread, *arguments: str) -> Result:
    return invoke({"COMPATIBLE_BASE_URL": server.base_url, "OLLAMA_HOST": server.base_url}, *arguments)


def invoke(environ: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments], env=environ)


def events(result: Result, **wanted: object) -> list[Object]:
    """The lines of standard output, each an object, that have all the wanted fields."""
    objects = [msgspec.json.decode(line, type=Object) for line in result.stdout.split("\n")[:-1]]
    return [each for each in objects if wanted.items() <= each.items()]


def sent(server: FaultServerThread) -> list[Object]:
    return [request.json for request in server.server.requests if request.method == "POST"]


def prompt_of(body: Object) -> object:
    messages = body["messages"]
    assert isinstance(messages, list)
    return messages[-1]["content"]


# JSON lines.


def test_each_column_prints_states_deltas_and_last_its_outcome(server: FaultServerThread) -> None:
    server.server.default = Script(("Because ", "so."), reasoning=("hm ",))
    result = compare(server, "-t", "compatible:a", "-t", "ollama:b", *ASK, "--json")
    assert result.exit_code == 0
    for column, target in enumerate(["compatible:a", "ollama:b"]):
        printed = events(result, column=column)
        assert all(event["target"] == target for event in printed)
        assert [event["event"] for event in printed] == [
            *("state", "state", "delta", "state", "delta", "delta", "state", "done"),
        ]
        assert [event["state"] for event in printed if "state" in event] == [
            *("connecting", "thinking", "streaming", "done", "done"),
        ]
        deltas = [(event["kind"], event["text"]) for event in printed if event["event"] == "delta"]
        assert deltas == [("reasoning", "hm "), ("text", "Because "), ("text", "so.")]


def test_the_times_of_deltas_never_go_back(server: FaultServerThread) -> None:
    server.server.default = Script(("a ", "b ", "c"), tokens_per_second=100, before_first_token=0.05)
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    times = [event["t_ms"] for event in events(result, event="delta")]
    (done,) = events(result, event="done")
    assert times == sorted(times, key=float)  # type: ignore[arg-type]
    assert 50 <= float(str(times[0])) <= float(str(done["latency_ms"]))
    assert done["ttft_ms"] == times[0]


def test_the_outcome_has_every_documented_key_and_exact_counts(server: FaultServerThread) -> None:
    server.server.default = Script(("Because ", "so."), reasoning=("hm ",), prompt_tokens=40, cached_tokens=30)
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    (done,) = events(result, event="done")
    assert set(done) == DONE_KEYS
    assert isinstance(done["usage"], dict)
    assert set(done["usage"]) == USAGE_KEYS
    assert done["usage"] == {
        "prompt_tokens": 40,
        "completion_tokens": 3,
        "total_tokens": 43,
        "cached_tokens": 30,
        "cache_write_tokens": 0,
        "reasoning_tokens": 1,
        "source": "exact",
    }
    assert (done["text"], done["reasoning"], done["model"]) == ("Because so.", "hm ", "a")
    assert (done["finish_reason"], done["complete"], done["cost"]) == ("stop", True, None)
    assert (done["error"], done["patch"], done["request_id"]) == (None, None, "req_1")


def test_what_is_free_costs_zero(server: FaultServerThread) -> None:
    result = compare(server, "-t", "ollama:b", *ASK, "--json")
    assert [event["cost"] for event in events(result, event="done")] == [0.0]


def test_a_failing_column_says_why_and_the_other_answers(server: FaultServerThread) -> None:
    server.server.by_model = {"bad": failing(401, "wrong key"), "good": Script("fine")}
    result = compare(server, "-t", "compatible:bad", "-t", "compatible:good", *ASK, "--json")
    assert result.exit_code == 1
    (bad,) = events(result, event="done", column=0)
    (good,) = events(result, event="done", column=1)
    assert isinstance(bad["error"], dict)
    assert set(bad["error"]) == {"kind", "reason", "message", "hint", "status", "retryable", "retry_after"}
    assert (bad["error"]["kind"], bad["error"]["status"], bad["error"]["retryable"]) == ("auth", 401, False)
    assert (bad["state"], bad["text"], bad["usage"], bad["complete"]) == ("failed", "", None, False)
    assert (good["state"], good["text"], good["error"]) == ("done", "fine", None)


def test_an_answer_cut_off_by_the_network_keeps_its_text(server: FaultServerThread) -> None:
    server.server.default = Script(("half ", "of it"), ending=Ending.TRUNCATED, after=1, usage=UsageSent.NEVER)
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    (done,) = events(result, event="done")
    assert isinstance(done["error"], dict)
    assert (result.exit_code, done["error"]["kind"]) == (1, "incomplete")
    assert (done["text"], done["complete"], done["finish_reason"], done["usage"]) == ("half ", False, None, None)


def test_an_answer_at_its_limit_is_done_but_not_complete(server: FaultServerThread) -> None:
    server.server.default = Script("half of", finish_reason="length")
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    (done,) = events(result, event="done")
    assert (result.exit_code, done["state"], done["finish_reason"], done["complete"]) == (0, "done", "length", False)


def test_a_dropped_parameter_is_a_notice(server: FaultServerThread) -> None:
    environ = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-test"}
    result = invoke(environ, "-t", "openai:gpt-6-astra", *ASK, "--temperature", "0.5", "--json")
    (notice,) = events(result, event="notice")
    assert "temperature" in str(notice["message"])
    assert "temperature" not in sent(server)[0]


def test_hostile_text_stays_inside_its_json_line(server: FaultServerThread) -> None:
    server.server.default = Script((HOSTILE, "\u2028next"))
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    (done,) = events(result, event="done")
    assert done["text"] == f"{HOSTILE}\u2028next"
    assert "\x1b" not in result.stdout


# Requests.


def test_temperature_and_output_limit_reach_the_wire_only_when_given(server: FaultServerThread) -> None:
    compare(server, "-t", "compatible:a", *ASK)
    compare(server, "-t", "compatible:a", *ASK, "--temperature", "0", "--max-tokens", "77")
    plain, limited = sent(server)
    assert "temperature" not in plain
    assert "max_tokens" not in plain
    assert (limited["temperature"], limited["max_tokens"]) == (0, 77)


def test_a_prompt_file_is_sent_as_it_is(server: FaultServerThread, tmp_path: Path) -> None:
    (tmp_path / "prompt.md").write_text("Erklär das:\n\n    naïve\n", "utf-8")
    result = compare(server, "-t", "compatible:a", "--prompt-file", str(tmp_path / "prompt.md"))
    assert result.exit_code == 0
    assert prompt_of(sent(server)[0]) == "Erklär das:\n\n    naïve\n"


def test_providers_names_columns_with_their_default_models(server: FaultServerThread) -> None:
    result = compare(server, "--providers", "compatible, ollama,", *ASK, "--json")
    assert sorted((event["target"], event["model"]) for event in events(result, event="done")) == [
        ("compatible", "mock-model"),
        ("ollama", "mock-model"),
    ]


def test_targets_come_before_providers(server: FaultServerThread) -> None:
    result = compare(server, "--providers", "ollama", "-t", "compatible:a", *ASK, "--json")
    assert {(event["column"], event["target"]) for event in events(result)} == {(0, "compatible:a"), (1, "ollama")}


def test_a_base_url_without_a_name_is_for_every_column(server: FaultServerThread) -> None:
    result = invoke({}, "-t", "compatible:a", "-t", "ollama:b", "--base-url", server.base_url, *ASK)
    assert result.exit_code == 0
    assert sorted(request.path for request in server.server.requests) == ["/api/chat", "/v1/chat/completions"]


def test_a_named_base_url_is_for_that_provider_only(server: FaultServerThread) -> None:
    with FaultServerThread(Script("from the other")) as other:
        result = invoke(
            {"OLLAMA_HOST": server.base_url},
            *("-t", "compatible:a", "-t", "ollama:b", "--base-url", f"compatible={other.base_url}", *ASK, "--json"),
        )
        assert [request.path for request in other.server.requests] == ["/v1/chat/completions"]
    assert [request.path for request in server.server.requests] == ["/api/chat"]
    assert result.exit_code == 0


def test_a_key_is_not_sent_to_another_base_url(server: FaultServerThread) -> None:
    environ = {"OPENAI_API_KEY": "sk-canary-0123456789"}
    result = invoke(environ, "-t", "openai:gpt-6-luna", "--base-url", server.base_url, *ASK, "--json")
    assert "sk-canary" not in result.output
    assert all("authorization" not in request.headers for request in server.server.requests)


def test_a_starter_task_is_sent_and_its_patch_checked(server: FaultServerThread) -> None:
    task = datasets.load("starter").instances[0]
    server.server.default = Script((f"Fixed.\n\n```diff\n{task.patch}```\n",))
    result = compare(server, "-t", "compatible:a", "--dataset", "starter", "--instance", task.instance_id, "--json")
    (done,) = events(result, event="done")
    assert isinstance(done["patch"], dict)
    assert set(done["patch"]) == {
        *("status", "class", "detail", "files", "repairs", "added", "removed", "warnings", "hunks", "dropped", "diff"),
    }
    assert (done["patch"]["status"], done["patch"]["class"]) == ("applies", None)
    assert {event["instance"] for event in events(result)} == {task.instance_id}
    assert task.problem_statement.splitlines()[0] in str(prompt_of(sent(server)[0]))


def test_a_patch_that_does_not_apply_fails_no_column(server: FaultServerThread) -> None:
    server.server.default = Script("I cannot help with that.")
    result = compare(server, "-t", "compatible:a", "--dataset", "starter", "--count", "1", "--json")
    (done,) = events(result, event="done")
    assert isinstance(done["patch"], dict)
    assert (result.exit_code, done["patch"]["status"], done["patch"]["class"]) == (0, "no_patch", "prose_only")


def test_count_runs_the_first_tasks_one_by_one(server: FaultServerThread) -> None:
    result = compare(
        server, "-t", "compatible:a", "-t", "compatible:b", "--dataset", "starter", "--count", "2", "--json"
    )
    first, second = (task.instance_id for task in datasets.load("starter").instances[:2])
    instances = [str(event["instance"]) for event in events(result)]
    assert list(dict.fromkeys(instances)) == [first, second]
    assert instances == sorted(instances, key=(first, second).index)
    assert [(event["instance"], event["column"]) for event in events(result, event="done")].count((second, 1)) == 1
    assert len(events(result, event="done")) == 4


# Text for people.


def test_answers_go_to_standard_output_and_progress_to_standard_error(server: FaultServerThread) -> None:
    server.server.by_model = {"a": Script("The answer."), "b": failing(400, "too hot")}
    result = compare(server, "-t", "compatible:a", "-t", "compatible:b", *ASK)
    assert result.exit_code == 1
    assert "── compatible:a · done · " in result.stdout
    assert "\nThe answer.\n" in result.stdout
    assert "── compatible:b · failed · " in result.stdout
    assert "too hot" not in result.stdout
    assert "Error: " in result.stderr
    assert "too hot" in result.stderr
    assert "The answer." not in result.stderr
    assert result.stderr.startswith("Why?\n2 columns. Context: prompt only.\n")


def test_each_column_prints_once_that_it_started(server: FaultServerThread) -> None:
    environ = {"ANTHROPIC_BASE_URL": server.base_url, "ANTHROPIC_API_KEY": "sk-ant-test"}
    result = invoke(environ, "-t", "anthropic:claude-haiku-5-5", *ASK)  # it counts before its first token
    assert result.stderr.count("anthropic:claude-haiku-5-5: started") == 1


def test_notices_are_progress(server: FaultServerThread) -> None:
    environ = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "sk-test"}
    result = invoke(environ, "-t", "openai:gpt-6-astra", *ASK, "--temperature", "0.5")
    assert result.stderr.count("openai:gpt-6-astra: ") == 2
    assert "temperature" in result.stderr
    assert "temperature" not in result.stdout


def test_escape_sequences_of_a_model_never_reach_the_terminal(server: FaultServerThread) -> None:
    server.server.default = Script((HOSTILE,))
    result = compare(server, "-t", "compatible:a", *ASK)
    assert "␛]0;owned␇ [b]bold[/b] \ufffd31m \ufffdtxt <think>\nend" in result.stdout
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\r"} & set(result.output)


def test_escape_sequences_of_a_servers_error_never_reach_the_terminal(server: FaultServerThread) -> None:
    server.server.default = failing(400, "no \x1b[2J room\nat all")
    result = compare(server, "-t", "compatible:a", *ASK)
    assert "no ␛[2J room at all" in result.stderr
    assert "\x1b" not in result.output


def test_the_patch_status_is_printed_under_the_answer(server: FaultServerThread) -> None:
    server.server.default = Script("No patch here.")
    result = compare(server, "-t", "compatible:a", "--dataset", "starter", "--count", "1")
    assert "\n→ no patch (" in result.stdout


# Wrong usage and failures.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (ASK, "Name at least one column"),
        (("--providers", " , ", *ASK), "Name at least one column"),
        (("-t", "ollama"), "Give one of --prompt, --prompt-file and --dataset."),
        (("-t", "ollama", *ASK, "--dataset", "starter"), "Give one of --prompt, --prompt-file and --dataset."),
        (("-t", "ollama", *ASK, "--instance", "x"), "the other selection flags need --dataset."),
        (("-t", "ollama", *ASK, "--count", "2"), "the other selection flags need --dataset."),
        (("-t", "ollama", "--dataset", "starter"), "Select tasks of the dataset"),
        (("-t", "ollama", "--dataset", "starter", "--filter", "("), "is not a regular expression"),
        (("-t", "ollama", "--dataset", "starter", "--slice", "3"), "is not a slice such as 10:20"),
        (("-t", "ollama", "--dataset", "starter", "--count", "0"), "--count"),
        (("-t", "ollama", *ASK, "--temperature", "-1"), "--temperature"),
        (("-t", "ollama", *ASK, "--max-tokens", "0"), "--max-tokens"),
        (("-t", "ollama", "--prompt-file", "no/such/file"), "no/such/file"),
        (("-t", "ollama", *ASK, "--base-url", "olama=http://127.0.0.1:1"), "--base-url names 'olama'"),
    ],
)
def test_wrong_usage_exits_with_2_and_names_the_option(arguments: tuple[str, ...], sentence: str) -> None:
    result = invoke({}, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("arguments", "what", "hint"),
    [
        (("-t", "olama:x", *ASK), "unknown provider 'olama'", "Did you mean 'ollama'?"),
        (("-t", ":x", *ASK), "no provider in ':x'", "Write it as PROVIDER:MODEL or PROVIDER."),
        (("-t", "ollama", "--dataset", "no/such.jsonl", "--count", "1"), "No such file", "Check the path"),
        (("-t", "ollama", "--dataset", "nonsense", "--count", "1"), "unknown dataset 'nonsense'", ""),
        (("-t", "ollama", *ASK, "--base-url", "ftp://host"), "invalid base URL 'ftp://host'", "Write it as"),
    ],
)
def test_a_failure_exits_with_1_and_a_hint(arguments: tuple[str, ...], what: str, hint: str) -> None:
    result = invoke({}, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert what in result.stderr
    assert hint in result.stderr


def test_a_prompt_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "prompt").write_bytes(b"caf\xe9")
    result = invoke({}, "-t", "ollama", "--prompt-file", str(tmp_path / "prompt"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{tmp_path / 'prompt'} is not UTF-8 text" in result.stderr


def test_an_unknown_task_suggests_the_nearest_one() -> None:
    known = datasets.load("starter").instances[0].instance_id
    result = invoke({}, "-t", "ollama", "--dataset", "starter", "--instance", known.upper().lower().replace("__", "_"))
    assert result.exit_code == 1
    assert f"Did you mean {known}" in result.stderr


def test_an_unreachable_provider_fails_its_column(server: FaultServerThread) -> None:
    server.call(server.server.stop_abruptly())
    result = compare(server, "-t", "compatible:a", *ASK, "--json")
    (done,) = events(result, event="done")
    assert isinstance(done["error"], dict)
    assert (result.exit_code, done["error"]["kind"]) == (1, "transient")
    assert done["error"]["hint"] == "Start the server, or check its port."


def test_a_missing_key_fails_its_column_and_names_the_variable() -> None:
    result = invoke({}, "-t", "openai:gpt-6-luna", *ASK)
    assert result.exit_code == 1
    assert "no API key for OpenAI\nSet OPENAI_API_KEY." in result.stderr


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("--prompt", "Why?"), "starter tasks"),
        (("--dataset", "starter", "--count", "1", "--format", "diff"), "SEARCH/REPLACE blocks"),
        (("--dataset", "starter", "--count", "1", "--context", "none"), "files in the prompt"),
    ],
)
def test_what_can_never_be_guided_is_refused(arguments: tuple[str, ...], missing: str) -> None:
    result = CliRunner().invoke(main, ["compare", "-t", "embedded", "--guided", *arguments])
    assert result.exit_code == 2
    assert f"--guided needs {missing}" in result.stderr
