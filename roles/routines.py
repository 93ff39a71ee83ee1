"""Every write to the A/B table: whose a small task is, and who covers while he is away (R-B14, REC-55)."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Max
from django.utils.translation import gettext as _

from hall.locks import lock_queue
from hall.models import Hall, Kind, Person, Post
from hall.refusals import Invalid
from roles.models import Duty, Routine, Task


@dataclass(frozen=True)
class Line:
    """One small task of the table; without a routine nobody was named yet."""

    duty: Duty
    routine: Routine | None
    done_on: dt.date | None  # last


def table(hall: Hall) -> list[Line]:
    """The small tasks of a hall, in the catalogue's order. Three queries."""
    named = {row.duty_id: row for row in Routine.objects.filter(hall=hall).select_related("a", "b")}
    duties = Duty.objects.filter(post__group=Post.Group.TASKS, post__is_active=True, is_active=True)
    last = dict(
        Task.objects.filter(hall=hall, duty__post__group=Post.Group.TASKS, state=Task.State.DONE)
        .values_list("duty")
        .annotate(Max("done_at"))
    )
    done_on = {pk: hall.business_date(at) for pk, at in last.items()}
    return [Line(duty, named.get(duty.pk), done_on.get(duty.pk)) for duty in duties.select_related("post")]


def people(hall: Hall) -> list[Person]:
    """Who can be A or B: the hall's own people, by login name. One query."""
    rows = Person.objects.filter(memberships__hall=hall, is_active=True).exclude(memberships__kind=Kind.HEADQUARTERS)
    return list(rows.distinct().order_by("login"))


def assign(hall: Hall, duty: Duty, a: Person, b: Person, *, by: Person, at: dt.datetime) -> Routine:
    """The task is A's from now on, and B's while A holds nothing; open tasks of it change hands at once.

    Raises Invalid for one person twice, somebody who is not of this hall, or a duty that belongs to a post.
    """
    if a.pk == b.pk:
        raise Invalid(_("A and B are two people: choose another one."))
    if duty.post.group != Post.Group.TASKS:
        raise Invalid(_("This duty belongs to a post, not to the A/B table."))
    if {a.pk, b.pk} - {person.pk for person in people(hall)}:
        raise Invalid(_("Please choose people of this hall."))
    with lock_queue(
        hall.pk
    ):  # the table and the tasks that follow it; of two at once the second finds the first one's line
        routine = Routine.objects.filter(hall=hall, duty=duty).first() or Routine(hall=hall, duty=duty)
        routine.a, routine.b = a, b
        _keep(routine, by, at)
        routine.save()
        Task.objects.filter(hall=hall, duty=duty, state=Task.State.OPEN).update(person=a, backup=b)
    return routine


def remove(hall: Hall, duty: Duty, *, by: Person, at: dt.datetime) -> None:
    """The hall does not owe this small task any more; what nobody has touched of it goes, what was done stays."""
    with lock_queue(hall.pk):
        for routine in Routine.objects.filter(hall=hall, duty=duty):
            _keep(routine, by, at)
            routine.delete()
        Task.objects.filter(hall=hall, duty=duty, state=Task.State.OPEN, events=None).delete()


def _keep(routine: Routine, by: Person, at: dt.datetime) -> None:
    """Who and when, read by simple_history when it saves."""
    routine._history_user, routine._history_date = by, at  # type: ignore[attr-defined]
