"""`python -m swebench_tui`."""

from swebench_tui.cli.main import main

main()
