"""The official datasets, by short name. Sizes are those of the sets' own pages in 2026."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class KnownDataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset of the hub with a short name. The first of `splits` is the default; each has its number of tasks."""

    name: str
    repo: str
    splits: Mapping[str, int]
    about: str


KNOWN: Final = {
    known.name: known
    for known in (
        KnownDataset(
            name="lite",
            repo="SWE-bench/SWE-bench_Lite",
            splits={"test": 300, "dev": 23},
            about="small fixes in one file, Python",
        ),
        KnownDataset(
            name="verified",
            repo="SWE-bench/SWE-bench_Verified",
            splits={"test": 500},
            about="checked by people, with a difficulty, Python",
        ),
        KnownDataset(
            name="full",
            repo="SWE-bench/SWE-bench",
            splits={"test": 2294, "dev": 225, "train": 19008},
            about="the whole set, Python",
        ),
        KnownDataset(
            name="multilingual",
            repo="SWE-bench/SWE-bench_Multilingual",
            splits={"test": 300},
            about="42 repositories in 9 languages",
        ),
        KnownDataset(
            name="multimodal",
            repo="SWE-bench/SWE-bench_Multimodal",
            splits={"test": 480, "dev": 100},
            about="issues with pictures, JavaScript",
        ),
    )
}
"""By name."""
