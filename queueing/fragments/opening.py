"""When a hall gives tickets, as its customers are told: on the kiosk, the call screen and the ticket page."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from hall import hours
from hall.models import DayClose, Hall

DAYS_AHEAD = 15


@dataclass(frozen=True)
class Opening:
    """Whether tickets are given now; if not, when they are given again, which is None where nobody has entered it."""

    gives: bool
    again_at: dt.datetime | None = None
    again_on: dt.date | None = None  # the local date of again_at
    again_today: bool = False


def of(hall: Hall, at: dt.datetime) -> Opening:
    """The opening at an instant. At most four queries, two of which prefetch the hall's hours."""
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    if hours.gives_tickets(hall, at):
        return Opening(gives=True)
    today = hall.business_date(at)
    over = DayClose.objects.filter(hall=hall, business_date=today).exists()
    for ahead in range(DAYS_AHEAD):
        on = today + dt.timedelta(days=ahead)
        for part in hours.intervals_on(hall, on):
            if part.opens_at > at and not (over and on == today):
                return Opening(gives=False, again_at=part.opens_at, again_on=on, again_today=ahead == 0)
    return Opening(gives=False)


def today(hall: Hall, at: dt.datetime) -> list[hours.Interval]:
    """The hall's opening on this instant's local date, in order. No query after of()."""
    return hours.intervals_on(hall, hall.business_date(at))
