"""Lines of a log to readings."""

from datetime import datetime, timezone
from typing import NamedTuple


class Reading(NamedTuple):
    at: datetime
    meter: str
    value: float


def read(lines):
    """Yield the readings of a log. Blank lines and those that begin with `#` are passed over."""
    for line in lines:
        if line.strip() and not line.startswith("#"):
            stamp, meter, value = line.split()
            yield Reading(parse_time(stamp), meter, float(value))


def parse_time(stamp):
    """An ISO time in UTC. One without an offset was written by an old meter, whose clock is UTC."""
    return datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc)
