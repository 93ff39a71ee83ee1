"""What the meetings' page shows one person: what he has to do, what is due, what was written down. Reads only."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from hall.models import Hall, Person
from roles import meetings
from roles.models import FollowUp, Meeting, Notice

RECORDS_MOST = 30


@dataclass(frozen=True)
class ToDo:
    """A follow-up of a meeting, and whether its day has passed."""

    follow_up: FollowUp
    is_late: bool


@dataclass(frozen=True)
class MeetingPage:
    """The page at one instant. `unknown`: notices of new or changed services → who does not know them yet (R-B11)."""

    on: dt.date
    mine: list[ToDo]
    others: list[ToDo]  # open ones of colleagues, for who holds meetings
    unknown: dict[Notice, list[Person]]
    after_shift: Meeting | None  # today's
    monthly: Meeting | None  # this month's
    monthly_due: dt.date
    records: list[Meeting]

    @property
    def monthly_is_late(self) -> bool:
        return self.monthly is None and self.on > self.monthly_due


def load(hall: Hall, person: Person, at: dt.datetime, *, holds: bool) -> MeetingPage:
    """What one person sees; `holds`: he holds meetings, and sees all of them. 16 queries at most, whatever there is."""
    on = hall.business_date(at)
    open_ones = FollowUp.objects.filter(meeting__hall=hall, done_at=None).select_related("owner", "meeting")
    to_do = [ToDo(one, one.due_on < on) for one in open_ones.order_by("due_on", "id")]
    today = Meeting.objects.filter(hall=hall, on=on, kind=Meeting.Kind.AFTER_SHIFT).order_by("-id")
    month = Meeting.objects.filter(hall=hall, on__year=on.year, on__month=on.month, kind=Meeting.Kind.MONTHLY)
    return MeetingPage(
        on=on,
        mine=[one for one in to_do if one.follow_up.owner_id == person.pk],
        others=[one for one in to_do if holds and one.follow_up.owner_id != person.pk],
        unknown=meetings.to_explain(hall, at) if holds else {},
        after_shift=today.first(),
        monthly=month.first(),
        monthly_due=meetings.monthly_due(hall, on),
        records=list(readable(hall, person, holds=holds).select_related("by").order_by("-on", "-id")[:RECORDS_MOST]),
    )


def readable(hall: Hall, person: Person, *, holds: bool) -> QuerySet[Meeting]:
    """The meetings whose records a person may read: monthly ones everybody, others who was there, holds them or owes a follow-up.

    Records of meetings after the shift name people and their faults.
    """
    found = Meeting.objects.filter(hall=hall)
    if holds:
        return found
    mine = Q(kind=Meeting.Kind.MONTHLY) | Q(attendees=person) | Q(follow_ups__owner=person)
    return found.filter(mine).distinct()
