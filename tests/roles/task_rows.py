"""Duties and tasks for tests: a hall open from 9 to 18 in Shanghai, looked at on Monday 23 November 2026."""

import datetime as dt
import itertools

from hall.models import Hall, Kind, Post
from roles import day_tasks
from roles.models import Cadence, Duty, Moment, Task
from tests import make

TODAY = dt.date(2026, 11, 23)
_numbers = itertools.count(1)


def local(time: str, on: dt.date = TODAY) -> dt.datetime:
    """An instant by the wall clock of the hall: "09:05"."""
    return dt.datetime.fromisoformat(f"{on}T{time}+08:00")


def hall(**fields: object) -> Hall:
    return make.hall(**{"opens": dt.time(9), "closes": dt.time(18), **fields})


def duty(
    post: Post | str = Kind.FLOATER, cadence: str = Cadence.DAILY, moment: str = Moment.NORMAL, **fields: object
) -> Duty:
    """A duty of a post, or of the usual post of a kind."""
    number = next(_numbers)
    row = post if isinstance(post, Post) else make.post(post)
    given = {
        "code": f"D-T-{number}",
        "text_zh": f"职责{number}",
        "text_en": f"Duty {number}",
        "position": number,
        **fields,
    }
    return Duty.objects.create(post=row, cadence=cadence, moment=moment, **given)


def made(hall: Hall, on: dt.date = TODAY, *, at: dt.datetime | None = None) -> list[Task]:
    """Make a date's tasks; all of the hall's, in order."""
    day_tasks.make_tasks([hall.pk], on, at=at or local("00:05", on))
    return list(Task.objects.filter(hall=hall).order_by("business_date", "due_by", "due_from", "id"))


def spans(hall: Hall, on: dt.date = TODAY) -> list[tuple[str, str]]:
    """From when to when the hall's tasks are due, by its wall clock: "Mon 23 09:00"."""
    return [tuple(f"{hall.local(at):%a %d %H:%M}" for at in (task.due_from, task.due_by)) for task in made(hall, on)]


def one(hall: Hall, **fields: object) -> Task:
    """The task of a duty of its own, made for today; fields are the duty's."""
    row = duty(**fields)
    made(hall)
    return Task.objects.get(hall=hall, duty=row)
