"""Rows of the roster for tests. `AT` is a Monday, 10:00 in the hall; its week is 2026-W48."""

import datetime as dt

from hall.models import Counter, Hall, Person, Post, Zone
from hall.postings import posts_of
from roles import rosters
from roles.models import Shift
from roles.rosters import Plan
from tests.make import AT, MINUTE

MONDAY = dt.date(2026, 11, 23)
HOUR = 60 * MINUTE
LONG_AGO = AT - dt.timedelta(days=30)


def plan(
    person: Person, hall: Hall, start: str = "09:00", end: str = "17:00", *, on: dt.date = MONDAY, meal: str = "",
    post: Post | None = None, zone: Zone | None = None, counter: Counter | None = None, **fields: object,
) -> Plan:  # fmt: skip
    """A plan by the wall clock of the hall, in the person's first post unless told otherwise."""
    starts, ends = rosters.span(hall, on, dt.time.fromisoformat(start), dt.time.fromisoformat(end))
    if meal:
        first, last = (dt.time.fromisoformat(part) for part in meal.split("-"))
        fields["meal_from"], fields["meal_until"] = rosters.meal_span(hall, starts, first, last)
    post = post or posts_of(person, hall)[0]
    return Plan(person=person, post=post, starts=starts, ends=ends, zone=zone, counter=counter, **fields)


def shift(person: Person, hall: Hall, start: str = "09:00", end: str = "17:00", **fields: object) -> Shift:
    """A shift planned by the verb, long before."""
    return rosters.plan(hall, plan(person, hall, start, end, **fields), by=None, at=LONG_AGO)
