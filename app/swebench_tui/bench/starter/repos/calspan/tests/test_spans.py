from datetime import date

import pytest

from calspan import Span


def march(first, last):
    return Span(date(2024, 3, first), date(2024, 3, last))


def test_both_ends_belong_to_a_span():
    span = march(11, 14)
    assert len(span) == 4
    assert date(2024, 3, 11) in span
    assert date(2024, 3, 14) in span
    assert date(2024, 3, 15) not in span


def test_the_days_of_a_span_in_order():
    assert [day.day for day in march(11, 13)] == [11, 12, 13]


def test_a_span_does_not_run_backwards():
    with pytest.raises(ValueError, match="cannot end"):
        march(14, 11)


def test_one_span_inside_another_overlaps():
    assert march(11, 20).overlaps(march(13, 15))
    assert march(13, 15).overlaps(march(11, 20))


def test_spans_apart_do_not_overlap():
    assert not march(11, 14).overlaps(march(15, 16))
    assert not march(15, 16).overlaps(march(11, 14))
