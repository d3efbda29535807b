"""Runs the fault server: `python -m tests.fault_server --tokens-per-second 20 --ending reset --after 5`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from dataclasses import replace

import msgspec

from tests.fault_server.script import Cut, Ending, Script
from tests.fault_server.server import FaultServer


def main() -> None:
    """Serve until interrupted, or, with --json, until standard input is closed."""
    options = _parser().parse_args()
    script = msgspec.json.decode(options.script, type=Script)
    named = {
        name: value
        for name in ("text", "tokens_per_second", "ending", "after", "cut", "status")
        if (value := getattr(options, name)) is not None
    }
    by_model = msgspec.json.decode(options.by_model, type=dict[str, Script])
    mix = msgspec.json.decode(options.mix, type=list[Script])
    server = FaultServer(
        replace(script, **named), by_model=by_model, mix=mix, remembered=options.remembered, port=options.port
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, as_json=options.json))


async def _serve(server: FaultServer, *, as_json: bool) -> None:
    async with server:
        line = msgspec.json.encode({"base_url": server.base_url}).decode() if as_json else server.base_url
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        if as_json:
            await asyncio.to_thread(sys.stdin.read)
        else:
            await asyncio.Event().wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fault_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument(
        "--json", action="store_true", help="print the address as JSON; end when standard input is closed"
    )
    parser.add_argument("--text", help="the answer")
    parser.add_argument("--tokens-per-second", type=float, help="0 is all at once")
    parser.add_argument("--status", type=int, help="HTTP status of the answer")
    parser.add_argument("--ending", type=Ending, choices=list(Ending), help="how the answer ends")
    parser.add_argument("--after", type=int, help="tokens sent before the ending")
    parser.add_argument("--cut", type=Cut, choices=list(Cut), help="where the body is cut into writes")
    parser.add_argument("--script", default="{}", help="a whole Script as JSON; the options above override it")
    parser.add_argument("--by-model", default="{}", help="JSON object of model name to Script")
    parser.add_argument("--mix", default="[]", help="JSON list of Scripts, one of which is taken by chance each time")
    parser.add_argument("--remembered", type=int, help="how many requests are kept in memory; all, if not given")
    return parser


if __name__ == "__main__":
    main()
