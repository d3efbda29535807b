"""The descriptions of keys in help, palette and `swebench-tui keys`."""

from __future__ import annotations

import inspect

from textual.binding import Binding
from textual.dom import DOMNode


def description(part: type[DOMNode], binding: Binding) -> str:
    """The first sentence of the action's docstring, else the label of the footer, which is shorter."""
    if binding.tooltip:
        return binding.tooltip
    name, *argument = binding.action.rpartition(".")[2].split("(")
    action = None if argument else getattr(part, f"action_{name}", None)
    doc = inspect.getdoc(action) if action is not None else None
    if not doc or not part.__module__.startswith("swebench_tui."):
        return binding.description
    sentence = " ".join(doc.split("\n\n")[0].split())
    return sentence.partition(". ")[0].rstrip(".").partition(": ")[0].partition("; ")[0]
