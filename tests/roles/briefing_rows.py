"""Rows of notices, briefings and handovers for tests."""

import datetime as dt

from hall.models import Hall, Kind, Person
from roles import briefings, handovers, notices
from roles.models import Briefing, Notice, ShiftHandover
from tests import make
from tests.make import AT

TODAY = dt.date(2026, 11, 23)  # of AT, in the hall


def notice(hall: Hall | None, by: Person, *, at: dt.datetime = AT, **fields: object) -> Notice:
    """A notice for everybody in the hall, in force today."""
    given = {"title_en": "New tariff", "body_en": "It costs 5 yuan.", "effective_from": TODAY, **fields}
    return notices.write(hall, by=by, at=at, **given)  # type: ignore[arg-type]


def held(hall: Hall, host: Person, present: list[Person], *, at: dt.datetime = AT) -> Briefing:
    """A briefing that was held at `at`, these people there and in order."""
    made = briefings.start(hall, figures=None, by=host, at=at)
    for one in present:
        briefings.attend(made, one, "ok", by=host, at=at)
    briefings.end(made, by=host, at=at)
    return Briefing.objects.get(pk=made.pk)


def offered(hall: Hall, giver: Person, receiver: Person, *, at: dt.datetime = AT) -> ShiftHandover:
    """A clerk's shift, offered: 20 envelopes counted."""
    return handovers.offer(
        hall, receiver, post=make.post(Kind.CLERK), items=[("Envelopes", 20)], system_state="all works", by=giver, at=at
    )
