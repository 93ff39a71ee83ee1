"""Rows of rounds for tests."""

import datetime as dt

from hall.models import Hall, Kind, Person, Posting
from roles import rounds
from roles.models import Round
from tests import make


def open_hall() -> Hall:
    """Open daily from 9 to 17:30 local time, as make.AT (a Monday, 10:00) is."""
    return make.hall(opens=dt.time(9), closes=dt.time(17, 30))


def local(hour: int, minute: int = 0, day: int = 23) -> dt.datetime:
    """An instant of November 2026 as the hall's clock shows it (UTC+8)."""
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def clerks(hall: Hall, count: int) -> list[Person]:
    return [make.person(hall, Kind.CLERK) for _ in range(count)]


def manager(hall: Hall, since: dt.datetime | None = None) -> Person:
    """A duty manager who took the post at `since`."""
    person = make.person(hall, Kind.DUTY_MANAGER, holds=since is None)
    if since is not None:
        Posting.objects.create(hall=hall, person=person, post=make.post(Kind.DUTY_MANAGER), since=since)
    return person


def begun(hall: Hall, by: Person, kind: str = "first", *, seed: int = 7, at: dt.datetime = make.AT) -> Round:
    return rounds.start(hall, kind, seed=seed, by=by, at=at)


def walked(hall: Hall, by: Person, kind: str, *, seed: int, at: dt.datetime) -> list[int]:
    """A whole round in which everybody drawn is scored. Returns the person ids, in order."""
    made = begun(hall, by, kind, seed=seed, at=at)
    for sample in made.samples.all():
        rounds.score(sample, {"smile": "4"}, by=by, at=at)
    rounds.end(made, by=by, at=at)
    return list(made.samples.values_list("person_id", flat=True))
