"""When a hall is open: several intervals a day, holidays, its own time zone, daylight saving. Reads only."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from hall.models import DayClose, Hall


@dataclass(frozen=True)
class Interval:
    """One stretch of opening, as instants: `opens_at <= t < closes_at`."""

    opens_at: dt.datetime
    closes_at: dt.datetime


def intervals_on(hall: Hall, on: dt.date) -> list[Interval]:
    """The hall's opening on one local date, in order; empty on a holiday. Two queries, none if prefetched."""
    if any(holiday.on == on for holiday in hall.holidays.all()):
        return []
    found = []
    for row in sorted(hall.opening_intervals.all(), key=lambda row: row.opens):
        if row.weekday != on.weekday():
            continue
        last_day = on if row.closes != dt.time(0) else on + dt.timedelta(days=1)
        found.append(Interval(_instant(hall, on, row.opens), _instant(hall, last_day, row.closes)))
    return found


def coming(hall: Hall, at: dt.datetime, *, days: int) -> list[Interval]:
    """The hall's opening from today's local date on for so many days, in order. Two queries a day, none if prefetched."""
    today = hall.business_date(at)
    return [part for ahead in range(days) for part in intervals_on(hall, today + dt.timedelta(days=ahead))]


def open_interval(hall: Hall, at: dt.datetime) -> Interval | None:
    """The stretch of opening that holds this instant, or None when the hall is shut."""
    return next(
        (part for part in intervals_on(hall, hall.business_date(at)) if part.opens_at <= at < part.closes_at), None
    )


def last_ticket_at(hall: Hall, at: dt.datetime) -> dt.datetime | None:
    """Until when tickets are given in the stretch of opening that holds this instant; None when shut.

    A stretch that ends at midnight and goes on at once has no last ticket of its own.
    """
    part = open_interval(hall, at)
    if part is None:
        return None
    if open_interval(hall, part.closes_at) is not None:
        return part.closes_at
    return part.closes_at - hall.last_ticket_before_close


def gives_tickets(hall: Hall, at: dt.datetime) -> bool:
    """Whether a ticket may be issued at this instant: open, before the last ticket, the day not closed."""
    prefetch_related_objects([hall], "opening_intervals", "holidays")  # read twice below
    last = last_ticket_at(hall, at)
    if last is None or at >= last:
        return False
    return not DayClose.objects.filter(hall=hall, business_date=hall.business_date(at)).exists()


def _instant(hall: Hall, on: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC)
