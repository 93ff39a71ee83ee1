"""What a hall's day came to, by hour: K-10, K-11 and K-12 from the rows of the day. Reads only."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from hall import hours, limits
from hall.models import CounterEvent, Hall

HOUR = dt.timedelta(hours=1)
Stretch = tuple[dt.datetime, dt.datetime]  # from, to
OPENS, ENDS = ("opened", "resumed"), ("paused", "closed")  # what begins and ends an open stretch of a counter


@dataclass(frozen=True)
class Flow:
    """One local hour, or the whole day. Counts; minutes and percent with one decimal, None where there is nothing to divide by.

    `mean_wait_minutes` (K-10 by hour) and `share_over` (K-11, percent over the limit of R-Q02) are of the tickets whose
    last call fell into the hour. `utilisation` (K-12, S1-1) = serving minutes / open minutes, in percent: the counters'
    time with a customer in service, over their time open without pauses, both clipped to the hour.
    """

    starts_at: dt.datetime
    label: str  # 10:00; of the day its date
    issued: int
    called: int
    mean_wait_minutes: float | None
    over: int
    share_over: float | None
    no_shows: int
    abandoned: int
    serving_minutes: float
    open_minutes: float
    utilisation: float | None

    @property
    def lost(self) -> int:
        """Who had a ticket and went without service."""
        return self.no_shows + self.abandoned


@dataclass(frozen=True)
class DayReport:
    """A day by hour, in order: the hours begun in which the hall is open, or in which something happened; and the whole day."""

    hall: Hall
    on: dt.date
    limit: dt.timedelta  # R-Q02
    hours: list[Flow]
    total: Flow


@dataclass
class _Sums:
    """What an hour adds up to, unrounded."""

    issued: int = 0
    called: int = 0
    waited: dt.timedelta = dt.timedelta(0)
    over: int = 0
    no_shows: int = 0
    abandoned: int = 0
    serving: dt.timedelta = dt.timedelta(0)
    opened: dt.timedelta = dt.timedelta(0)

    def add(self, other: "_Sums") -> None:
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def day(hall: Hall, on: dt.date, *, at: dt.datetime) -> DayReport:
    """One local date of a hall, as known at `at`: what still goes on counts up to then. Shape: DayReport. Queries: 7, whatever the day.

    A ticket is counted where things happened: issued in the hour of issue, called in the hour of its last call, did not
    come and left in the hour of that state. A day with a change of daylight saving has 23 or 25 hours.
    """
    begins, ends = _instant(hall, on), _instant(hall, on + dt.timedelta(days=1))
    limit = limits.in_force(hall.pk, ["R-Q02"]).duration("R-Q02", "threshold")
    starts = [begins + number * HOUR for number in range(-((begins - ends) // HOUR))]
    sums = [_Sums() for _start in starts]
    _count_tickets(hall, on, begins, ends, limit, sums)
    until = min(ends, max(at, begins))
    for number, length in _per_hour(_serving(hall, on, until=until), begins, until):
        sums[number].serving += length
    for number, length in _per_hour(_open(hall, begins, until=until), begins, until):
        sums[number].opened += length
    total = _Sums()
    for hour in sums:
        total.add(hour)
    opening = hours.intervals_on(hall, on)
    shown = [
        number
        for number, start in enumerate(starts)
        if sums[number] != _Sums()
        or (start < until and any(part.opens_at < start + HOUR and part.closes_at > start for part in opening))
    ]
    return DayReport(
        hall=hall,
        on=on,
        limit=limit,
        hours=[_flow(starts[number], f"{hall.local(starts[number]):%H:%M}", sums[number]) for number in shown],
        total=_flow(begins, on.isoformat(), total),
    )


# One row per kind of happening and hour: how many, their waits together in seconds, how many waited over the limit.
# After a change of the hall's time zone a ticket's date may be of the old one: its instants still fall into the day or not.
# A ticket's wait is the sum of its intervals in state waiting (design, section 5); once called that is `waited_before`.
HAPPENED = """
    SELECT kind, floor(extract(epoch FROM instant - %(begins)s) / 3600)::int, count(*),
           extract(epoch FROM coalesce(sum(waited), '0'))::float, count(*) FILTER (WHERE waited > %(limit)s * interval '1 second')
    FROM (
        SELECT 'issued' AS kind, issued_at AS instant, NULL::interval AS waited FROM queueing_ticket
        WHERE hall_id = %(hall)s AND business_date = %(on)s AND issued_at >= %(begins)s AND issued_at < %(ends)s
        UNION ALL
        SELECT 'called', called_at, waited_before FROM queueing_ticket
        WHERE hall_id = %(hall)s AND called_at >= %(begins)s AND called_at < %(ends)s
        UNION ALL
        SELECT state, state_since, NULL FROM queueing_ticket
        WHERE hall_id = %(hall)s AND business_date IN (%(before)s, %(on)s) AND state IN ('no_show', 'abandoned')
          AND state_since >= %(begins)s AND state_since < %(ends)s
    ) AS happened GROUP BY 1, 2
"""

# Every interval in service: from the event that begins it to the ticket's next one that ends it (recalls and notes aside).
SERVING = """
    SELECT begins, ends FROM (
        SELECT e.at AS begins, e.to_state, lead(e.at) OVER (PARTITION BY e.ticket_id ORDER BY e.id) AS ends
        FROM queueing_ticketevent e JOIN queueing_ticket t ON t.id = e.ticket_id
        WHERE t.hall_id = %(hall)s AND t.business_date IN (%(before)s, %(on)s)
          AND (e.to_state = 'serving') <> (e.from_state = 'serving')
    ) AS steps WHERE to_state = 'serving'
"""


def _count_tickets(
    hall: Hall, on: dt.date, begins: dt.datetime, ends: dt.datetime, limit: dt.timedelta, sums: list[_Sums]
) -> None:
    """Issued, called with their waits, not come and left, by hour. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            HAPPENED,
            {
                "hall": hall.pk,
                "on": on,
                "before": on - dt.timedelta(days=1),
                "begins": begins,
                "ends": ends,
                "limit": limit.total_seconds(),
            },
        )
        for kind, number, count, waited, over in cursor.fetchall():
            hour = sums[number]
            if kind == "called":
                hour.called, hour.waited, hour.over = count, dt.timedelta(seconds=waited), over
            elif kind == "issued":
                hour.issued = count
            elif kind == "no_show":
                hour.no_shows = count
            else:
                hour.abandoned = count


def _serving(hall: Hall, on: dt.date, *, until: dt.datetime) -> list[Stretch]:
    """The intervals in service of this date's tickets and the date's before; one that goes on ends at `until`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(SERVING, {"hall": hall.pk, "on": on, "before": on - dt.timedelta(days=1)})
        return [(begins, ends or until) for begins, ends in cursor.fetchall()]


def _open(hall: Hall, begins: dt.datetime, *, until: dt.datetime) -> list[Stretch]:
    """When counters were open, pauses excluded, from the counters' events; one that is open still ends at `until`. Two queries.

    In the order of their writing, under the hall's lock: of two taps at once the later one may carry the earlier instant.
    """
    steps = CounterEvent.objects.filter(counter__hall=hall, verb__in=OPENS + ENDS)
    before = steps.filter(at__lt=begins).order_by("counter_id", "-id").distinct("counter_id")
    since = {event.counter_id: begins for event in before if event.verb in OPENS}
    stretches = []
    for event in steps.filter(at__gte=begins, at__lt=until).order_by("id"):
        if event.verb in OPENS:
            since.setdefault(event.counter_id, event.at)
        elif event.counter_id in since:
            stretches.append((since.pop(event.counter_id), event.at))
    return stretches + [(start, until) for start in since.values()]


def _per_hour(
    stretches: Iterable[Stretch], begins: dt.datetime, ends: dt.datetime
) -> Iterable[tuple[int, dt.timedelta]]:
    """Each stretch clipped to the day and cut at the hours: (number of the hour, length)."""
    for from_at, to_at in stretches:
        start, end = max(from_at, begins), min(to_at, ends)
        while start < end:
            number = (start - begins) // HOUR
            cut = min(end, begins + (number + 1) * HOUR)
            yield number, cut - start
            start = cut


def _flow(starts_at: dt.datetime, label: str, sums: _Sums) -> Flow:
    minutes = sums.waited.total_seconds() / 60
    return Flow(
        starts_at=starts_at,
        label=label,
        issued=sums.issued,
        called=sums.called,
        mean_wait_minutes=round(minutes / sums.called, 1) if sums.called else None,
        over=sums.over,
        share_over=round(100 * sums.over / sums.called, 1) if sums.called else None,
        no_shows=sums.no_shows,
        abandoned=sums.abandoned,
        serving_minutes=round(sums.serving.total_seconds() / 60, 1),
        open_minutes=round(sums.opened.total_seconds() / 60, 1),
        utilisation=round(100 * (sums.serving / sums.opened), 1) if sums.opened else None,
    )


def _instant(hall: Hall, on: dt.date) -> dt.datetime:
    """The first instant of a local date."""
    return dt.datetime.combine(on, dt.time(0), hall.zone_info).astimezone(dt.UTC)
