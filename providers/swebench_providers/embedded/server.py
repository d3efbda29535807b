"""The child process: llama.cpp's HTTP server on a free loopback port.

    python -m swebench_providers.embedded.server WEIGHTS

The API key is the first line of standard input, so that no list of processes shows it. Once the server listens, one
JSON line with its address is printed to standard output. The process ends when standard input closes, which happens
however the parent ends, also when it is killed.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import msgspec

CONTEXT: Final = 8192
"""Tokens of the context window, shared by the slots; one slot may use all of it while the others are idle."""

SLOTS: Final = 4
"""Concurrent requests: as many as a comparison has columns."""

ALIAS: Final = "smollm2"


def main() -> None:
    """Serve until standard input closes."""
    weights = sys.argv[1]
    key = sys.stdin.readline().strip()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads cost a factor of ten on a busy machine
    import xllamacpp  # noqa: PLC0415 - OpenMP reads its settings when it is loaded

    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.model_alias = {ALIAS}
    params.n_ctx = CONTEXT
    params.n_parallel = SLOTS
    params.kv_unified = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.use_jinja = True
    params.warmup = False
    server = xllamacpp.Server(params)
    sys.stdout.buffer.write(msgspec.json.encode({"address": server.listening_address}) + b"\n")
    sys.stdout.buffer.flush()
    sys.stdin.read()
    os._exit(0)  # the server cannot be stopped otherwise


if __name__ == "__main__":
    main()
