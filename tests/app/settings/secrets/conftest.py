"""The tests beside a real keyring are collected where there is one to start; `.ci/run` installs it, and counts them."""

from __future__ import annotations

import shutil

collect_ignore = (
    [] if shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session") else ["test_secret_service.py"]
)
