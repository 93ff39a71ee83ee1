"""The close of a hall's day: the duty manager's act, or undone, the sweep's at 04:00. No ticket is lost (R-Q22)."""

import datetime as dt
import logging
from collections.abc import Mapping

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from hall import alarms, counters, hours, limits, live, postings, text
from hall.locks import lock_queue
from hall.models import Counter, DayClose, Hall, Person, Posting
from hall.models.halls import Clock
from hall.refusals import CounterBusy, Invalid, WrongState
from queueing import tickets
from queueing.models import AT_COUNTER, Ticket
from roles.models import Shift

log = logging.getLogger(__name__)

LEFT_OPEN = "left open"  # the reason of whatever the sweep closes; screens show its translation


def close_day(hall: Hall, *, reasons: Mapping[int, str], by: Person | None, at: dt.datetime) -> DayClose:
    """The duty manager closes the day: who still waits or is on hold is ended, each with a reason; counters close; no more tickets.

    `reasons` is ticket id → why. Closing early is allowed. Raises Invalid, naming the tickets, where a reason is missing
    (or cannot be stored); WrongState while a counter has a customer called or in service, or when the day is closed already.
    """
    with lock_queue(hall.pk) as hall:
        business_date = date_to_close(hall, at)
        _require_open(hall, business_date)
        left = _left(hall, business_date)
        busy = next((ticket for ticket in left if ticket.state in AT_COUNTER), None)
        if busy is not None:
            assert busy.counter is not None
            raise WrongState(
                _("Counter %(number)s still has %(ticket)s. Finish there first.")
                % {"number": busy.counter.number, "ticket": busy.number}
            )
        given = {ticket.pk: text.clean(reasons.get(ticket.pk, ""), most=200) for ticket in left}
        missing = [ticket.number for ticket in left if not given[ticket.pk]]
        if missing:
            raise Invalid(_("Please give a reason for %(numbers)s.") % {"numbers": ", ".join(missing)})
        for ticket in left:
            tickets.close_at_day_end(ticket, reason=given[ticket.pk], by=by, at=at)
        for counter in _not_closed(hall):
            counters.close_for(counter, by=by, at=at)
        closed = DayClose.objects.create(hall=hall, business_date=business_date, closed_at=at, by=by)
        live.announce(hall.pk, "queue")
    return closed


def close_left_open_days(*, at: dt.datetime) -> int:
    """Days that nobody closed: past 04:00 of a live hall's own time, earlier business dates are closed with the reason "left open".

    Whatever is live of them ends, whichever its state; counters left open while the hall is shut are closed, and posts that
    nobody gave up end (a hall open round the clock keeps its own); one alarm tells the hall manager when anybody was left.
    Each hall under its own lock; one hall's failure is logged and stops no other. Returns how many halls had something to
    close.
    """
    closed = 0
    for hall, ends_at in _halls_with_something_left(at):
        try:
            with transaction.atomic():  # a hall's close is whole or not at all
                _close_left_open(hall, ends_at, at)
            closed += 1
        except Exception:
            log.exception("The day left open in hall %s could not be closed", hall.code)
    return closed


def date_to_close(hall: Hall, at: dt.datetime) -> dt.date:
    """The business date that closing the day means: the local date, or after midnight, shut, yesterday's where that is open still."""
    today = hall.business_date(at)
    if at >= _left_open_until(hall, today) or hours.open_interval(hall, at) is not None:
        return today
    yesterday = today - dt.timedelta(days=1)
    if not hours.intervals_on(hall, yesterday) or DayClose.objects.filter(hall=hall, business_date=yesterday).exists():
        return today
    return yesterday


def _close_left_open(hall: Hall, ends_at: dt.datetime, at: dt.datetime) -> None:
    with lock_queue(hall.pk) as hall:
        last = hall.business_date(ends_at) - dt.timedelta(days=1)
        left: dict[dt.date, int] = {}
        for ticket in _left(hall, last):
            tickets.close_at_day_end(ticket, reason=LEFT_OPEN, by=None, at=at)
            left[ticket.business_date] = left.get(ticket.business_date, 0) + 1
        dates = {*left, last} if Ticket.objects.filter(hall=hall, business_date=last).exists() else set(left)
        for business_date in sorted(dates):
            _made, is_new = DayClose.objects.get_or_create(
                hall=hall, business_date=business_date, defaults={"closed_at": at, "reason": LEFT_OPEN}
            )
            if is_new:
                live.announce(hall.pk, "queue")
        act_within = limits.in_force(hall.pk, ["R-Q22"]).duration("R-Q22", "act_within")
        for business_date, count in sorted(left.items()):
            alarms.raise_alarm(
                hall_id=hall.pk, rule="R-Q22", subject=f"day:{business_date}", due_at=ends_at, act_by=at + act_within,
                data={"date": business_date.isoformat(), "count": count}, at=at,
            )  # fmt: skip
        if hours.open_interval(hall, at) is None:
            _close_forgotten_counters(hall, ends_at, at)
            postings.end(_forgotten_posts(hall, ends_at, at), reason="forgotten", by=None, at=at)


def _close_forgotten_counters(hall: Hall, ends_at: dt.datetime, at: dt.datetime) -> None:
    """Counters nobody has closed since before the day's end; who opened one this morning, before the doors, keeps it."""
    for counter in _not_closed(hall):
        since = max(
            (instant for instant in (counter.state_since, counter.clerk_since) if instant is not None), default=None
        )
        if since is not None and since >= ends_at:
            continue
        try:
            counters.close_for(counter, by=None, at=at)
        except CounterBusy:
            log.warning("Counter %s of hall %s is occupied while the hall is shut", counter.number, hall.code)


def _forgotten_posts(hall: Hall, ends_at: dt.datetime, at: dt.datetime) -> QuerySet[Posting]:
    """Posts taken before the day's end that nobody gave up: else a zone would count as held from then on (R-Q25, K-22).

    Who is planned for the night keeps his.
    """
    planned = Shift.objects.filter(hall=hall, cancelled=False, starts__lte=at, ends__gt=at).values("person_id")
    held = Posting.objects.filter(hall=hall, until=None, counter=None, since__lt=ends_at)
    return held.exclude(person_id__in=planned)


# Halls among those given (id, last business date, instant of its end) where a day before is still open: a live ticket of it,
# tickets but no close of the last date, a counter not closed since, or a post not given up since. Old tickets are not read:
# each part has its index.
SOMETHING_LEFT = """
    WITH ends AS (SELECT * FROM unnest(%(ids)s::bigint[], %(dates)s::date[], %(instants)s::timestamptz[]) AS e (hall_id, last, ends_at))
    SELECT e.hall_id FROM ends e
    WHERE EXISTS (SELECT FROM queueing_ticket t WHERE t.hall_id = e.hall_id AND t.state = 'waiting' AND t.business_date <= e.last)
       OR EXISTS (SELECT FROM queueing_ticket t
                  WHERE t.hall_id = e.hall_id AND t.state IN ('called', 'serving', 'held') AND t.business_date <= e.last)
       OR (EXISTS (SELECT FROM queueing_ticket t WHERE t.hall_id = e.hall_id AND t.business_date = e.last)
           AND NOT EXISTS (SELECT FROM hall_dayclose d WHERE d.hall_id = e.hall_id AND d.business_date = e.last))
       OR (e.hall_id = ANY (%(shut)s) AND EXISTS (
              SELECT FROM hall_counter c WHERE c.hall_id = e.hall_id AND (c.state <> 'closed' OR c.clerk_id IS NOT NULL)
              AND greatest(c.state_since, c.clerk_since) < e.ends_at))
       OR (e.hall_id = ANY (%(shut)s) AND EXISTS (
              SELECT FROM hall_posting g WHERE g.hall_id = e.hall_id AND g.until IS NULL AND g.counter_id IS NULL
              AND g.since < e.ends_at AND NOT EXISTS (
                  SELECT FROM roles_shift s WHERE s.hall_id = g.hall_id AND s.person_id = g.person_id AND NOT s.cancelled
                  AND s.starts <= %(at)s AND s.ends > %(at)s)))
    ORDER BY e.hall_id
"""


def _halls_with_something_left(at: dt.datetime) -> list[tuple[Hall, dt.datetime]]:
    """Live halls where an earlier day is still open, each with the instant at which that day ended. Queries: 6, however many halls."""
    halls = {
        hall.pk: hall
        for hall in Hall.objects.filter(clock=Clock.LIVE, is_active=True).prefetch_related(
            "opening_intervals", "holidays"
        )
    }
    if not halls:
        return []
    default, own = limits.time_across_halls("R-Q22", "left_open_until")
    ends: dict[int, dt.datetime] = {}
    for hall in halls.values():
        today, time = hall.business_date(at), own.get(hall.pk, default)
        ended = _at_local(hall, today, time)
        ends[hall.pk] = ended if ended <= at else _at_local(hall, today - dt.timedelta(days=1), time)
    shut = [pk for pk, hall in halls.items() if hours.open_interval(hall, at) is None]
    with connection.cursor() as cursor:
        cursor.execute(
            SOMETHING_LEFT,
            {
                "ids": list(ends),
                "dates": [halls[pk].business_date(instant) - dt.timedelta(days=1) for pk, instant in ends.items()],
                "instants": list(ends.values()),
                "shut": shut,
                "at": at,
            },
        )
        return [(halls[pk], ends[pk]) for (pk,) in cursor.fetchall()]


def _left(hall: Hall, last: dt.date) -> list[Ticket]:
    """The live tickets of this business date and those before, oldest first."""
    found = Ticket.objects.filter(hall=hall, business_date__lte=last).live().select_related("counter")
    return list(found.order_by("issued_at", "id"))


def _not_closed(hall: Hall) -> list[Counter]:
    here = Counter.objects.filter(hall=hall).order_by("pk")
    return [counter for counter in here if counter.state != Counter.State.CLOSED or counter.clerk_id is not None]


def _require_open(hall: Hall, business_date: dt.date) -> None:
    closed = DayClose.objects.filter(hall=hall, business_date=business_date).select_related("by").first()
    if closed is None:
        return
    time = f"{hall.local(closed.closed_at):%H:%M}"
    if closed.by is None:
        raise WrongState(_("The day is closed already, since %(time)s.") % {"time": time})
    raise WrongState(_("%(name)s has closed the day already, at %(time)s.") % {"name": closed.by.name, "time": time})


def _left_open_until(hall: Hall, on: dt.date) -> dt.datetime:
    return _at_local(hall, on, limits.in_force(hall.pk, ["R-Q22"]).time("R-Q22", "left_open_until"))


def _at_local(hall: Hall, on: dt.date, time: dt.time) -> dt.datetime:
    """The instant at which the hall's wall clock shows this. In the hour that does not exist in spring: an hour later."""
    return dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC)
