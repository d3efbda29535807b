from meterlog.readings import Reading, read
from meterlog.summary import Summary, by_meter, summary

__all__ = ["Reading", "Summary", "by_meter", "read", "summary"]
