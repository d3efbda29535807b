"""Names of repositories, addresses and progress: all of it text from others."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swebench_tui.bench.repositories.errors import RepositoryError
from swebench_tui.bench.repositories.names import check_repo, folder_name, repo_of_folder
from swebench_tui.bench.repositories.progress import FetchProgress, ProgressReader
from swebench_tui.bench.repositories.remote import GITHUB, Remote, fetch_error


@pytest.mark.parametrize(
    "repo", ["django/django", "a/b", "scikit-learn/scikit-learn", "a-1/b.py", "_o/_n", "o/n__m", "O/N"]
)
def test_a_name_and_its_folder_belong_together(repo: str) -> None:
    assert repo_of_folder(folder_name(check_repo(repo))) == repo


@given(st.text(st.sampled_from("ab/._-~ \n\0\\:@é"), max_size=12))
def test_an_accepted_name_is_one_plain_folder(repo: str) -> None:
    try:
        name = folder_name(check_repo(repo))
    except RepositoryError:
        return
    assert PurePosixPath(name).parts == (name,)
    assert not name.startswith(("-", "."))
    assert repo_of_folder(name) == repo
    assert Remote().url(repo) == f"https://github.com/{repo}.git"


@given(st.text(st.sampled_from("ab/._"), max_size=9), st.text(st.sampled_from("ab/._"), max_size=9))
def test_two_names_never_share_a_folder(one: str, other: str) -> None:
    try:
        same_folder = folder_name(check_repo(one)) == folder_name(check_repo(other))
    except RepositoryError:
        return
    assert same_folder == (one == other)


@pytest.mark.parametrize(
    "template",
    [
        *(
            "http://x/{repo}",
            "ext::sh -c {repo}",
            "https://x/no-placeholder",
            "{repo}",
            "git://x/{repo}",
            "--upload-pack={repo}",
        ),
        *(
            "https://x/{repo}\nhttps://y",
            "/srv/{repo}",
            "ftp://x/{repo}",
            "-oProxyCommand=x@y:{repo}",
            "fd::17/{repo}",
            "",
        ),
    ],
)
def test_other_transports_are_refused(template: str) -> None:
    with pytest.raises(RepositoryError, match="is not an address to fetch repositories from") as caught:
        Remote(template)
    assert GITHUB in caught.value.hint


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://u:p@git.example/{repo}", "https://u:p@git.example/o/n"),
        ("ssh://git@git.example:2222/{repo}.git", "ssh://git@git.example:2222/o/n.git"),
        ("git@git.example:mirrors/{repo}.git", "git@git.example:mirrors/o/n.git"),
        ("file:///srv/git/{repo}", "file:///srv/git/o/n"),
    ],
)
def test_addresses_are_made_of_a_template(template: str, url: str) -> None:
    assert Remote(template).url("o/n") == url
    assert "u:p" not in Remote(template).shown("o/n")


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ("fatal: unable to access 'https://x/': Could not resolve host: x", "cannot reach"),
        (
            "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output",
            "the disk is full",
        ),
        ("fatal: unable to write file: Disk quota exceeded", "the disk is full"),
        ("fatal: transport 'http' not allowed", "a transport that is not allowed"),
        ("fatal: unable to access: server certificate verification failed", "certificate of .* is not trusted"),
        ("remote: Repository not found.\nfatal: repository 'x' not found", "does not exist or needs a login"),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", "needs a login"),
        ("git@x: Permission denied (publickey).", "needs a login"),
        ("git fetch made no progress for 180 s", "cannot reach"),
        ("error: unknown option `no-auto-maintenance'\nusage: git fetch", "too old"),
        ("remote: \x1b[2J evil\nfatal: something else", "git fetch failed: fatal: something else"),
        ("", "it gave no message"),
    ],
)
def test_messages_of_git_become_sentences(message: str, what: str) -> None:
    error = fetch_error("o/n", Remote(), message)
    with pytest.raises(RepositoryError, match=f"o/n: .*{what}"):
        raise error
    assert error.hint.endswith(".") or "`" in error.hint


OUTPUT = (
    b"remote: Enumerating objects: 12, done.\nremote: Counting objects:  50% (6/12)\rremote: Total 12\n"
    b"Receiving objects:   0% (1/200)\rReceiving objects:  45% (90/200), 3.50 MiB | 1.20 MiB/s\r"
    b"remote: Receiving objects: 99% (1/1), 9 GiB\rReceiving objects: 100% (200/200), 12 bytes | 1 MiB/s, done.\n"
    b"Receiving objects: 999999% (1/1)\rResolving deltas: 100% (3/3), done.\n"
)


def seen(*chunks: bytes) -> list[FetchProgress]:
    reports: list[FetchProgress] = []
    reader = ProgressReader("o/n", "files", reports.append)
    for chunk in chunks:
        reader(chunk)
    return reports


def test_progress_is_that_of_received_objects() -> None:
    assert [(report.percent, report.received) for report in seen(OUTPUT)] == [
        (None, 0),
        (0, 0),
        (45, int(3.5 * 1024**2)),
        (100, 12),
    ]


@given(st.integers(0, len(OUTPUT)))
def test_progress_does_not_depend_on_where_it_is_cut(cut: int) -> None:
    assert seen(OUTPUT[:cut], OUTPUT[cut:]) == seen(OUTPUT)


@given(st.binary(max_size=200))
def test_any_output_of_a_server_is_read(output: bytes) -> None:
    assert all(report.percent is None or report.percent <= 100 for report in seen(b"Receiving objects: ", output))
