"""Datasets of the hub: the real `huggingface_hub` talks to a stand-in on loopback, in the process that fetches."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from swebench_tui.bench.datasets import Dataset, DatasetError, FetchCancelledError, Progress, load
from swebench_tui.bench.datasets.hub_cache import CachedDataset, cache_folder, cached
from swebench_tui.bench.datasets.hub_messages import FetchRequest
from tests.app.bench.datasets.stand_in_hub import Fault, StandInHub
from tests.app.bench.datasets.tables import columns, parquet

OLD, NEW = "1" * 40, "2" * 40
CARD = b"""---
configs:
- config_name: default
  data_files:
  - split: dev
    path: data/dev-*
  - split: test
    path: data/test-*
---
# A set
"""
TOKEN = "hf_" + "a1B2c3D4e5" * 3 + "f6G7"


def set_files(*ids: str) -> dict[str, bytes]:
    rows = [columns(instance_id) for instance_id in ids]
    return {
        "README.md": CARD,
        "data/dev-00000-of-00001.parquet": parquet([columns("dev-1")]),
        "data/test-00000-of-00002.parquet": parquet(rows[:1]),
        "data/test-00001-of-00002.parquet": parquet(rows[1:]),
    }


JSONL = b"\n".join(msgspec.json.encode(columns(instance_id)) for instance_id in ("j-1", "j-2"))
DATASETS = {
    "a/set": {OLD: set_files("a-1", "a-2"), NEW: set_files("a-1", "a-2", "a-3")},
    "a/lines": {OLD: {"test.jsonl": JSONL, "dataset_infos.json": b"{}"}},
    "a/none": {OLD: {"README.md": b"# Nothing here", "model.safetensors": b"0"}},
    "a/large": {OLD: {"test.jsonl": JSONL + b"\n" * 3_000_000}},
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandInHub]:
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with StandInHub(DATASETS) as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.address)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
        yield stand_in


def ids(dataset: Dataset) -> list[str]:
    return [instance.instance_id for instance in dataset.instances]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix == ".incomplete"]


def test_a_split_is_fetched_and_its_commit_recorded(hub: StandInHub) -> None:
    seen: list[Progress] = []
    dataset = load("a/set", progress=seen.append)
    assert (dataset.name, dataset.split, dataset.revision, dataset.notice) == ("a/set", "test", NEW, None)
    assert ids(dataset) == ["a-1", "a-2", "a-3"]
    assert seen[-1].done == seen[-1].total == sum(len(DATASETS["a/set"][NEW][name]) for name in _TEST_FILES)
    assert not any("dev-00000" in request for request in hub.requests)


_TEST_FILES = ("data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet")


def test_a_pinned_revision_in_the_cache_needs_no_network(hub: StandInHub) -> None:
    assert ids(load(f"a/set@{OLD}")) == ["a-1", "a-2"]
    hub.requests.clear()
    assert load(f"a/set@{OLD}").revision == OLD
    assert hub.requests == []
    hub.stop()
    assert ids(load("a/set", revision=OLD)) == ["a-1", "a-2"]


def test_an_unpinned_revision_asks_the_hub_once(hub: StandInHub) -> None:
    load("a/set")
    hub.requests.clear()
    assert load("a/set").revision == NEW
    assert hub.requests == ["GET /api/datasets/a/set"]


def test_without_network_the_cached_copy_is_used_and_reported(hub: StandInHub) -> None:
    load("a/set")
    hub.stop()
    dataset = load("a/set")
    assert (ids(dataset), dataset.revision) == (["a-1", "a-2", "a-3"], NEW)
    assert dataset.notice is not None
    assert "cannot be reached" in dataset.notice
    assert NEW in dataset.notice


def test_a_rate_limit_falls_back_to_the_cached_copy(hub: StandInHub) -> None:
    load("a/set")
    hub.faults = [Fault("/api/", status=429, headers={"Retry-After": "7"})]
    dataset = load("a/set")
    assert dataset.revision == NEW
    assert "(429)" in (dataset.notice or "")


def test_offline_mode_uses_the_cache_and_sends_nothing(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    load("a/set")
    hub.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load("a/set").revision == NEW
    with pytest.raises(DatasetError, match=r"^a/lines is not in the cache, and HF_HUB_OFFLINE forbids") as caught:
        load("a/lines")
    assert "swebench-tui dataset fetch a/lines" in caught.value.hint
    with pytest.raises(DatasetError, match=r"^a/set:dev|is not in the cache"):
        load("a/set:dev")
    assert hub.requests == []


@pytest.mark.usefixtures("hub")
def test_revisions_and_splits_are_independent() -> None:
    assert ids(load(f"a/set@{OLD}:dev")) == ["dev-1"]
    assert ids(load("a/set", split="dev", revision=OLD)) == ["dev-1"]
    assert load("a/set@main").revision == NEW


@pytest.mark.usefixtures("hub")
def test_json_lines_of_the_hub_need_no_card() -> None:
    assert ids(load("a/lines")) == ["j-1", "j-2"]


@pytest.mark.parametrize(
    ("spec", "fault", "complaint", "hint"),
    [
        ("b/none", None, "the hub has no dataset 'b/none' that you may read", "a model is not a dataset"),
        ("a/none", None, "a/none holds no data files", ".parquet"),
        ("a/set@v9", None, "a/set has no revision 'v9'", "40 digits"),
        (f"a/set@{'3' * 40}", None, f"a/set has no revision '{'3' * 40}'", "40 digits"),
        ("a/set:validation", None, "a/set has no split 'validation'", "It has: dev, test."),
        (
            "a/set",
            Fault("/api/", 401, {"X-Error-Message": "Invalid credentials in Authorization header"}),
            "the hub does not accept the token (401)",
            "HF_TOKEN",
        ),
        (
            "a/set",
            Fault("/resolve/.*parquet", 403, {"X-Error-Code": "GatedRepo"}),
            "a/set is gated",
            "Accept its terms",
        ),
        ("a/set", Fault("/api/", 403), "the hub forbids to read a/set (403)", "read access"),
        ("a/set", Fault("/api/", 404), "the hub has not found a/set (404)", "Check the name"),
        ("a/set", Fault("/api/", 429, {"Retry-After": "7"}), "the hub limits the number of requests (429)", "in 7 s"),
        ("a/set", Fault("/api/", 502), "the hub answers 502 for a/set", "later"),
        ("a/set", Fault("/api/", 302, {"Location": "/login"}), "the hub", ""),
    ],
)
def test_each_failure_has_its_sentence(
    hub: StandInHub, spec: str, fault: Fault | None, complaint: str, hint: str
) -> None:
    hub.faults = [fault] if fault else []
    with pytest.raises(DatasetError) as caught:
        load(spec)
    assert complaint in str(caught.value)
    assert hint in caught.value.hint


def test_a_download_of_hundreds_of_gigabytes_is_refused(hub: StandInHub) -> None:
    hub.sizes = {"test.jsonl": 300 * 10**9}
    with pytest.raises(DatasetError, match="a/lines has 300 GB to download; 8 GB is the limit"):
        load("a/lines")
    assert not any("test.jsonl" in request for request in hub.requests)


def test_no_network_and_no_copy_is_an_error(hub: StandInHub) -> None:
    hub.stop()
    with pytest.raises(DatasetError, match=r"^the hub at http://127.0.0.1:\d+ cannot be reached: "):
        load("a/set")


def test_a_cut_download_is_resumed(hub: StandInHub) -> None:
    seen: list[Progress] = []
    hub.faults = [Fault("GET .*/test-00000", cut_after=200, times=1)]
    assert ids(load("a/set", progress=seen.append)) == ["a-1", "a-2", "a-3"]
    assert [request for request in hub.requests if request.startswith("GET") and "test-00000" in request][1:]
    assert any(progress.waiting for progress in seen)


def test_a_download_that_stays_cut_leaves_nothing_behind(hub: StandInHub) -> None:
    """A body that ends early without an error is caught by its size."""
    hub.faults = [Fault("GET .*/test-00001", cut_after=0)]
    with pytest.raises(DatasetError, match=r"cannot be reached|cut off"):
        load("a/set")
    assert files_in(cache_folder()) == []
    hub.faults = []
    hub.requests.clear()
    assert len(load("a/set").instances) == 3
    assert not any("test-00000" in request for request in hub.requests), "the file that was whole is kept"


def test_a_download_is_stopped_in_the_middle(hub: StandInHub) -> None:
    cancel, stall = threading.Event(), threading.Event()
    hub.faults = [Fault("GET .*/test.jsonl", stall=stall)]
    seen: list[Progress] = []

    def cancel_on_first_bytes(progress: Progress) -> None:
        seen.append(progress)
        if progress.done:
            cancel.set()

    with pytest.raises(FetchCancelledError, match="fetching a/large was stopped"):
        load("a/large", progress=cancel_on_first_bytes, cancel=cancel)
    stall.set()
    assert seen[-1].total == len(DATASETS["a/large"][OLD]["test.jsonl"]) > seen[-1].done
    assert files_in(cache_folder()) == []
    hub.faults = []
    assert ids(load("a/large")) == ["j-1", "j-2"]


def test_a_load_cancelled_before_it_begins_downloads_nothing(hub: StandInHub) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(FetchCancelledError):
        load("a/set", cancel=cancel)
    assert not any("parquet" in request for request in hub.requests)


def test_a_token_is_sent_and_never_shown(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    load("a/set")
    assert hub.authorization == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in request for request in [*hub.requests, *hub.queries])
    hub.faults = [Fault("/api/", 403, {"X-Error-Message": f"bad {TOKEN}"})]
    with pytest.raises(DatasetError) as caught:
        load("a/lines")
    assert TOKEN not in f"{caught.value} {caught.value.hint}"


@pytest.mark.usefixtures("hub")
def test_a_password_in_the_address_is_not_shown(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.stop()
    monkeypatch.setenv("HF_ENDPOINT", hub.address.replace("://", "://me:pass@word@"))
    with pytest.raises(DatasetError, match="cannot be reached") as caught:
        load("a/set")
    assert "word" not in f"{caught.value}"
    assert "127.0.0.1" in f"{caught.value}"


def test_a_token_that_no_header_takes_is_not_shown(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "mirror-sécret")
    with pytest.raises(DatasetError, match="the token has letters that no token has") as caught:
        load("a/set")
    assert "cret" not in f"{caught.value} {caught.value.hint}"
    assert hub.requests == []


def test_a_full_or_forbidden_cache_has_its_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match="cannot write") as caught:
        load("a/set")
    assert "HF_HOME" in caught.value.hint


def test_a_read_only_cache_is_not_an_empty_dataset(
    hub: StandInHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`/proc` takes no files, not even from root."""
    monkeypatch.setenv("HF_HOME", "/proc/hf" if Path("/proc").is_dir() else "/dev/null/hf")
    with pytest.raises(DatasetError, match=r"cannot write|could not be fetched: .*No such file"):
        load("a/set")
    del hub, tmp_path


def test_an_address_that_breaks_the_client_is_an_error(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:99999")
    with pytest.raises(DatasetError, match="a/set could not be fetched: ValueError: Port out of range"):
        load("a/set")
    assert hub.requests == []


def test_a_cache_that_another_program_filled_is_used(hub: StandInHub) -> None:
    """Older programs keep no list of a commit's files."""
    load(f"a/set@{OLD}")
    hub.stop()
    for listing in cache_folder().rglob("trees/*.json"):
        listing.unlink()
    assert ids(load(f"a/set@{OLD}")) == ["a-1", "a-2"]


def test_what_another_program_left_incomplete_is_fetched(hub: StandInHub) -> None:
    load(f"a/set@{OLD}")
    for path in [*cache_folder().rglob("trees/*.json"), *cache_folder().rglob("test-00001*")]:
        path.unlink()
    hub.requests.clear()
    assert ids(load(f"a/set@{OLD}")) == ["a-1", "a-2"]
    assert [request for request in hub.requests if "test-0000" in request and "GET" in request] == []
    assert ids(load(f"a/set@{OLD}:dev")) == ["dev-1"]


@pytest.mark.usefixtures("hub")
def test_a_module_in_the_working_folder_is_not_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert load("a/lines").revision == OLD


@pytest.mark.usefixtures("hub")
def test_the_app_does_not_import_the_client() -> None:
    load("a/lines")
    assert "huggingface_hub" not in sys.modules


def test_the_process_ends_by_itself_and_quietly(hub: StandInHub) -> None:
    """Its standard input is still open then, with a thread that waits on it."""
    command = [sys.executable, "-P", "-m", "swebench_tui.bench.datasets.hub_process"]
    environ = os.environ | {"HF_HUB_DISABLE_TELEMETRY": "1"}
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(msgspec.json.encode(FetchRequest(name="b/none", repo="b/none")) + b"\n")
        process.stdin.flush()
        messages, errors = process.stdout.read(), process.stderr.read()
        assert (process.wait(60), errors) == (0, b"")
    assert b"the hub has no dataset 'b/none'" in messages
    assert hub.requests == ["GET /api/datasets/b/none"]


# The cache.


@pytest.mark.usefixtures("hub")
def test_the_cache_tells_its_newest_whole_copy() -> None:
    assert cached("a/set") is None
    load(f"a/set@{OLD}:dev")
    assert cached("a/set") is None, "another split is no copy of the default one"
    load("a/set")
    copy = cached("a/set")
    assert copy is not None
    assert copy.revision == NEW
    assert copy.size == sum(len(DATASETS["a/set"][NEW][name]) for name in _TEST_FILES)


@pytest.mark.usefixtures("hub")
def test_a_copy_without_all_files_is_not_whole() -> None:
    load("a/set")
    assert isinstance(cached("a/set"), CachedDataset)
    next(cache_folder().rglob("test-00001*")).unlink()
    assert cached("a/set") is None


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({}, "~/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/old"}, "/c"),
    ],
)
def test_the_cache_is_where_the_client_has_it(environ: dict[str, str], folder: str) -> None:
    assert cache_folder(environ) == Path(folder).expanduser()


def test_a_pinned_file_that_is_missing_fails_at_once(hub: StandInHub) -> None:
    """The client itself would try five times, for 25 seconds."""
    load(f"a/set@{OLD}:dev")
    hub.requests.clear()
    hub.faults = [Fault("", status=503)]
    with pytest.raises(DatasetError, match="the hub answers 503"):
        load(f"a/set@{OLD}")
    assert hub.requests == [f"GET /api/datasets/a/set/revision/{OLD}"]
