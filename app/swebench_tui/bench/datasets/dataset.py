"""A dataset as it was loaded."""

from __future__ import annotations

import msgspec

from swebench_tui.bench.instance import Instance


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """The instances of one split, in the order of the dataset.

    `name` is the spec without revision and split. `split` is None where the dataset has no splits. `revision` is what
    was really read: the commit of a hub set, `sha256:` and a hash of the content for everything local. Whoever keeps a
    result keeps it too. `notice` is a sentence that the user must see, as that an older copy from the cache was used.
    """

    name: str
    split: str | None
    revision: str
    instances: tuple[Instance, ...]
    notice: str | None = None
