"""Every sample of `wire_fixtures/`, with its bytes cut in every way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from swebench_providers.http.retry_after import retry_after
from swebench_providers.types.errors import ErrorKind
from swebench_providers.types.events import Finished
from tests.providers import wire


@pytest.mark.parametrize("path", wire.streams(), ids=wire.name)
def test_a_stream_means_the_same_however_its_bytes_are_cut(path: Path) -> None:
    expected = wire.read(wire.expected_path(path))
    for how, pieces in wire.cuttings(path.read_bytes(), seed=7):
        try:
            wire.check(wire.run(wire.protocol(path).parser.decoder(), pieces), expected)
        except AssertionError as error:
            raise AssertionError(f"cut {how}: {error}") from error


@pytest.mark.parametrize("path", wire.files("framing/*.chunks.json"), ids=wire.name)
def test_recorded_network_chunks_mean_what_they_say(path: Path) -> None:
    outcome = wire.run(wire.protocol(path).parser.decoder(), wire.chunks(path))
    wire.check(outcome, wire.read(wire.expected_path(path)))


def test_one_byte_at_a_time() -> None:
    folder = wire.FIXTURES / "framing"
    data = (folder / "plain.sse").read_bytes()
    outcome = wire.run(
        wire.protocol(folder / "plain.sse").parser.decoder(), [data[i : i + 1] for i in range(len(data))]
    )
    wire.check(outcome, wire.read(folder / "one-byte-at-a-time.expected.json"))


@pytest.mark.parametrize("path", wire.files("*/response.json"), ids=wire.name)
def test_a_whole_answer_means_what_its_stream_means(path: Path) -> None:
    parser = wire.protocol(path).parser
    *events, finished = parser.parse(path.read_bytes(), received_at=0.0)
    assert isinstance(finished, Finished)
    outcome = wire.fold(events, finished, None, saw_terminal=True)
    wire.check(outcome, wire.read(wire.expected_path(path)))


@pytest.mark.parametrize("path", wire.files("*/error-*.json"), ids=wire.name)
def test_an_error_response_gets_its_reason_and_a_hint(path: Path) -> None:
    sample = wire.read(path)
    error = wire.protocol(path).parser.classify(
        sample["status"], sample["headers"], msgspec.json.encode(sample["body"])
    )
    assert (error.reason, error.retryable) == (sample["unified"], sample["retryable"])
    assert error.hint
    assert str(error)
    assert error.status == sample["status"]
    if "retry-after" in sample["headers"]:
        assert error.retry_after is not None


def test_html_where_a_stream_was_due_is_no_answer() -> None:
    folder = wire.FIXTURES / "framing"
    expected = wire.read(folder / "html-instead-of-sse.expected.json")
    error = wire.protocol(folder / "x").parser.classify(
        expected["status"],
        {"content-type": expected["content_type"]},
        (folder / "html-instead-of-sse.txt").read_bytes(),
    )
    assert (error.reason, error.retryable) == (expected["unified"], expected["retryable"])
    assert error.kind is ErrorKind.OVERLOADED


@pytest.mark.parametrize("case", wire.read(wire.FIXTURES / "framing" / "retry-headers.json")["cases"], ids=str)
def test_retry_headers_in_every_form(case: dict[str, dict[str, str] | float | None]) -> None:
    headers = case["headers"]
    assert isinstance(headers, dict)
    seconds = retry_after(headers, now=datetime(2026, 11, 22, 19, tzinfo=UTC))
    assert seconds == case["seconds"]
