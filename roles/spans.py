"""Stretches of time: joined, cut and added up. A span is (from, until) with from <= until; lists are in order and do not overlap."""

import datetime as dt
from collections.abc import Iterable

Span = tuple[dt.datetime, dt.datetime]


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order; empty stretches are left out."""
    found: list[Span] = []
    for since, until in sorted(span for span in spans if span[0] < span[1]):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def both(first: Iterable[Span], second: Iterable[Span]) -> list[Span]:
    """The time that lies in both."""
    others = joined(second)
    return joined((max(a, c), min(b, d)) for a, b in joined(first) for c, d in others if max(a, c) < min(b, d))


def without(spans: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """The time of the first that does not lie in the second."""
    left = joined(spans)
    for since, until in joined(taken):
        left = [part for a, b in left for part in ((a, min(b, since)), (max(a, until), b)) if part[0] < part[1]]
    return left


def total(spans: Iterable[Span]) -> dt.timedelta:
    return sum((until - since for since, until in joined(spans)), dt.timedelta(0))
