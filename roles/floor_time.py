"""The duty manager's time on the floor (R-B06, K-09): what he says by a tap, what his doings show, and what is not known."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from hall import live, text
from hall.models import Alarm, Hall, Kind, Person, Posting
from hall.refusals import Invalid, Refused, WrongState
from roles.models import Finding, FloorTime, Round
from roles.spans import Span, both, joined, total, without

CROWDS = ("R-Q01", "R-Q02")  # while one of these alarms stands, the hall is busy
DOING = dt.timedelta(minutes=5)  # for so long after an alarm was answered or a finding noted, he was there


class StayOnFloor(Refused):
    """The duty manager does not leave the floor while the hall is busy (R-Q10); with a reason he may."""


@dataclass(frozen=True)
class Ratio:
    """K-09 of one person on one date, until an instant. `floor` holds `by_activity`, what only his doings show."""

    on_duty: dt.timedelta
    floor: dt.timedelta
    by_activity: dt.timedelta
    office: dt.timedelta
    unknown: dt.timedelta
    busy: dt.timedelta  # of on_duty
    busy_floor: dt.timedelta
    busy_office: dt.timedelta
    busy_unknown: dt.timedelta

    @property
    def at_least(self) -> float | None:
        """In percent of the time on duty, as if all unknown time were not on the floor. None: not on duty."""
        return _percent(self.floor, self.on_duty)

    @property
    def at_most(self) -> float | None:
        """In percent of the time on duty, as if all unknown time were on the floor."""
        return _percent(self.floor + self.unknown, self.on_duty)


def go(hall: Hall, person: Person, place: str, *, reason: str = "", by: Person, at: dt.datetime) -> FloorTime:
    """A duty manager is on the floor, or in the office, from now on. Saying so twice changes nothing.

    Raises Invalid for an unknown place, WrongState for somebody who is not duty manager now, StayOnFloor for the office in a
    busy hall without a reason.
    """
    if place not in FloorTime.Place.values:
        raise Invalid(_("Please choose one of the list."))
    reason = text.clean(reason, most=200)
    with transaction.atomic():  # two taps at once: one after the other
        Person.objects.select_for_update(of=("self",), no_key=True).get(pk=person.pk)
        if not is_on_duty(hall, person):
            raise WrongState(_("You are not duty manager now. Take the post in “My shift” first."))
        present = where(hall, person)
        if present is not None and present.place == place:
            return present
        crowded = is_busy(hall)
        if place == FloorTime.Place.OFFICE and crowded and not reason:
            raise StayOnFloor(_("The hall is busy: the duty manager stays on the floor. If you must go, say why."))
        FloorTime.objects.filter(hall=hall, person=person, until=None).update(until=at)
        made = FloorTime.objects.create(
            hall=hall, person=person, place=place, since=at, reason=reason if crowded else ""
        )
        live.announce(hall.pk, "postings")
    return made


def is_on_duty(hall: Hall, person: Person) -> bool:
    return Posting.objects.filter(hall=hall, person=person, until=None, post__kind=Kind.DUTY_MANAGER).exists()


def is_busy(hall: Hall) -> bool:
    """Whether an alarm for waiting stands now."""
    return Alarm.objects.filter(hall=hall, rule__in=CROWDS, settled_at=None).exists()


def where(hall: Hall, person: Person) -> FloorTime | None:
    """What he last said in the posting that he holds now; None: nothing yet. Two queries."""
    since = Posting.objects.filter(hall=hall, person=person, until=None, post__kind=Kind.DUTY_MANAGER)
    begun = since.order_by("since").values_list("since", flat=True).first()
    if begun is None:
        return None
    return FloorTime.objects.filter(hall=hall, person=person, until=None, since__gte=begun).first()


def ratio(hall: Hall, person: Person, on: dt.date, *, at: dt.datetime) -> Ratio:
    """K-09: minutes on the floor / minutes on duty as duty manager on one local date until `at`, and what is not known.

    He is where he last said, as long as the posting lasts in which he said it. Before he has said anything, and after a
    posting began anew, only his doings count: rounds while they last, answered alarms and noted findings for five minutes.
    Busy is while a wait alarm stands. Six queries.
    """
    begin = dt.datetime.combine(on, dt.time(0), hall.zone_info).astimezone(dt.UTC)
    end = min(
        dt.datetime.combine(on + dt.timedelta(days=1), dt.time(0), hall.zone_info).astimezone(dt.UTC), max(at, begin)
    )
    day = [(begin, end)]
    stretches = _stretches(hall, person, begin, end, at)
    duty = both(stretches, day)
    said = {place: _said(hall, person, place, stretches, begin, end, at) for place in FloorTime.Place.values}
    office = both(said[FloorTime.Place.OFFICE], duty)
    told = both(said[FloorTime.Place.FLOOR], duty)
    shown = both(without(_doings(hall, person, begin, end, at), [*office, *told]), duty)
    floor = joined([*told, *shown])
    unknown = without(duty, [*floor, *office])
    busy = both(_busy(hall, begin, end, at), duty)
    return Ratio(
        on_duty=total(duty),
        floor=total(floor),
        by_activity=total(shown),
        office=total(office),
        unknown=total(unknown),
        busy=total(busy),
        busy_floor=total(both(floor, busy)),
        busy_office=total(both(office, busy)),
        busy_unknown=total(both(unknown, busy)),
    )


def _stretches(hall: Hall, person: Person, begin: dt.datetime, end: dt.datetime, at: dt.datetime) -> list[Span]:
    """When he was duty manager without a break, whole stretches that touch the day."""
    held = Posting.objects.filter(hall=hall, person=person, post__kind=Kind.DUTY_MANAGER, since__lt=end)
    rows = held.exclude(until__lte=begin).values_list("since", "until")
    return joined((since, until or max(at, since)) for since, until in rows)


def _said(
    hall: Hall, person: Person, place: str, stretches: list[Span], begin: dt.datetime, end: dt.datetime, at: dt.datetime
) -> list[Span]:
    rows = FloorTime.objects.filter(hall=hall, person=person, place=place, since__lt=end).exclude(until__lte=begin)
    found = []
    for since, until in rows.values_list("since", "until"):
        held = next((span for span in stretches if span[0] <= since < span[1]), None)
        if held is not None:
            found.append((since, min(until or max(at, since), held[1])))
    return joined(found)


def _doings(hall: Hall, person: Person, begin: dt.datetime, end: dt.datetime, at: dt.datetime) -> list[Span]:
    walked = Round.objects.filter(hall=hall, by=person, started_at__lt=end).exclude(ended_at__lte=begin)
    spans: list[Span] = [
        (since, until or max(at, since)) for since, until in walked.values_list("started_at", "ended_at")
    ]
    alarms = Alarm.objects.filter(Q(acknowledged_by=person) | Q(settled_by=person), hall=hall, due_at__lt=end)
    instants: list[dt.datetime | None] = []
    for row in alarms.exclude(settled_at__lt=begin):
        instants += [row.acknowledged_at] if row.acknowledged_by_id == person.pk else []
        instants += [row.settled_at] if row.settled_by_id == person.pk else []
    instants += Finding.objects.filter(round__hall=hall, by=person, at__range=(begin, end)).values_list("at", flat=True)
    return joined([*spans, *_short(instants, min(end, at))])


def _short(instants: Iterable[dt.datetime | None], end: dt.datetime) -> list[Span]:
    return [(one, min(one + DOING, end)) for one in instants if one is not None and one < end]


def _busy(hall: Hall, begin: dt.datetime, end: dt.datetime, at: dt.datetime) -> list[Span]:
    alarms = Alarm.objects.filter(hall=hall, rule__in=CROWDS, due_at__lt=end).exclude(settled_at__lte=begin)
    return joined((since, until or max(at, since)) for since, until in alarms.values_list("due_at", "settled_at"))


def _percent(part: dt.timedelta, whole: dt.timedelta) -> float | None:
    return round(100 * part / whole, 1) if whole else None
