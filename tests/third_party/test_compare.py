"""`swebench-tui compare`, as a process of its own, against third-party servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from swebench_providers.embedded.process import Running
from tests.third_party.servers import FORMATS, LLMock

COMPARE = (sys.executable, "-m", "swebench_tui", "compare", "--json")


class Error(msgspec.Struct):
    kind: str
    retry_after: float | None


class Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    source: str


class Line(msgspec.Struct):
    """A line of `compare --json`; the fields after `text` are those of the last line of a column."""

    event: str
    column: int
    text: str = ""
    state: str = ""
    finish_reason: str | None = None
    complete: bool = False
    usage: Usage | None = None
    ttft_ms: float | None = None
    error: Error | None = None


class Compared(msgspec.Struct):
    """The exit status, each column's last line, and the pieces of each column's text."""

    status: int
    columns: list[Line]
    pieces: list[list[str]]


def compare(folder: Path, environ: Mapping[str, str], *arguments: str) -> Compared:
    clean = {"PATH": os.environ["PATH"], "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    ended = subprocess.run([*COMPARE, *arguments], env={**clean, **environ}, capture_output=True, check=False)
    assert ended.stderr == b""
    lines = [msgspec.json.decode(line, type=Line) for line in ended.stdout.split(b"\n") if line]
    columns = sorted((line for line in lines if line.event == "done"), key=lambda line: line.column)
    deltas = [line for line in lines if line.event == "delta"]
    pieces = [[line.text for line in deltas if line.column == done.column] for done in columns]
    return Compared(ended.returncode, columns, pieces)


def llmock_environ(llmock: LLMock) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{llmock.address}/v1",
        "OPENAI_API_KEY": "sk-of-the-test",
        "ANTHROPIC_BASE_URL": f"{llmock.address}/anthropic",
        "ANTHROPIC_API_KEY": "sk-of-the-test",
        "GOOGLE_GEMINI_BASE_URL": f"{llmock.address}/gemini/v1beta",
        "GOOGLE_API_KEY": "sk-of-the-test",
    }


LLMOCK_COLUMNS = [word for wire in FORMATS.values() for word in ("-t", f"{wire.provider}:{wire.model}")]


def test_llmock_answers_in_all_its_formats_side_by_side(llmock: LLMock, tmp_path: Path) -> None:
    llmock.script("reply", text="one two three", times=len(FORMATS))
    ended = compare(tmp_path, llmock_environ(llmock), *LLMOCK_COLUMNS, "--prompt", "Count.")
    assert ended.status == 0
    assert ended.pieces == [["one ", "two ", "three"]] * len(FORMATS)
    for done in ended.columns:
        assert (done.state, done.text, done.finish_reason, done.complete) == ("done", "one two three", "stop", True)
        assert done.usage is not None
        assert (done.usage.source, done.usage.completion_tokens > 0) == ("exact", True)
    assert llmock.findings() == []


def test_each_column_shows_its_own_error_and_keeps_its_text(llmock: LLMock, tmp_path: Path) -> None:
    chat, responses, anthropic, gemini = FORMATS.values()
    llmock.script("fail", model=chat.model, status=429, retry_after=300)  # longer than a call waits
    llmock.script("stream_fault", model=responses.model, kind="truncate", after_chunks=responses.preamble + 2)
    llmock.script("stream_fault", model=anthropic.model, kind="disconnect", after_chunks=anthropic.preamble + 2)
    llmock.script("reply", model=gemini.model, text="one two", finish_reason="length")
    llmock.script("reply", text="one two three", times=2)
    ended = compare(tmp_path, llmock_environ(llmock), *LLMOCK_COLUMNS, "--prompt", "Count.")
    assert ended.status == 1
    assert [(done.state, done.text, done.error and done.error.kind, done.complete) for done in ended.columns] == [
        ("failed", "", "rate_limited", False),
        ("failed", "one two ", "incomplete", False),
        ("failed", "one two ", "incomplete", False),
        ("done", "one two", None, False),
    ]
    limited = ended.columns[0].error
    assert limited is not None
    assert limited.retry_after == 300


def test_a_real_model_answers_in_four_formats_side_by_side(
    llamacpp: Running, ollama_proxy: str, tmp_path: Path
) -> None:
    key = llamacpp.key.reveal()
    environ = {
        "LLAMACPP_BASE_URL": f"{llamacpp.address}/v1",
        "LLAMA_API_KEY": key,
        "OPENAI_BASE_URL": f"{llamacpp.address}/v1",
        "OPENAI_API_KEY": key,
        "ANTHROPIC_BASE_URL": llamacpp.address,
        "ANTHROPIC_API_KEY": key,
        "OLLAMA_HOST": ollama_proxy,
    }
    targets = "llamacpp:smollm2", "openai:gpt-5-codex", "anthropic:smollm2", "ollama:rig/smollm2"
    columns = [word for target in targets for word in ("-t", target)]
    options = "--prompt", "Count from one to one hundred.", "--max-tokens", "8", "--temperature", "0"
    ended = compare(tmp_path, environ, *columns, *options)
    assert ended.status == 0
    for done, pieces in zip(ended.columns, ended.pieces, strict=True):
        assert (done.state, done.text, done.error) == ("done", "".join(pieces), None)
        assert len(pieces) > 1
        assert done.usage is not None
        assert min(done.usage.prompt_tokens, done.usage.completion_tokens) > 0
    chat, _, anthropic, _ = ended.columns
    assert {(done.finish_reason, done.complete) for done in (chat, anthropic)} == {("length", False)}


def test_llmock_answers_in_one_piece_in_all_its_formats(llmock: LLMock, tmp_path: Path) -> None:
    llmock.script("reply", text="one two three", times=len(FORMATS))
    ended = compare(tmp_path, llmock_environ(llmock), *LLMOCK_COLUMNS, "--prompt", "Count.", "--no-stream")
    assert ended.status == 0
    assert ended.pieces == [["one two three"]] * len(FORMATS)
    assert [column.ttft_ms for column in ended.columns] == [None] * len(FORMATS)
