"""Where a value came from. Precedence: command line, environment, project file, user file, keyring, default."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Layer(StrEnum):
    """Strongest first."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    PROJECT_FILE = "project file"
    USER_FILE = "user file"
    KEYRING = "keyring"
    DEFAULT = "default"


class Origin(msgspec.Struct, frozen=True):
    """`where` is the variable, the file's path, or the label of the key; "" for a default."""

    layer: Layer
    where: str = ""

    def __str__(self) -> str:
        return f"{self.layer}: {self.where}" if self.where else str(self.layer)
