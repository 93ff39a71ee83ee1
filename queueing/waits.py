"""Watching the clock: who has crossed a limit, and the average wait. Sweeps compare and set, and never wait for people."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from hall import alarms, limits, live
from hall.models import Hall, Heartbeat

WATCH = "watch"  # the worker's heartbeat
STAND_IN = "stand-in"  # the heartbeat of a web process that sweeps because the worker's is too old
WATCH_LATE = dt.timedelta(seconds=10)
STAND_IN_LOCK = 7_020_001  # advisory lock: one web process at a time stands in
BATCH = 1000  # tickets in one statement
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Average:
    """K-10: mean wait of all who wait now and of those called within the window. `wait` is None below the minimum count."""

    wait: dt.timedelta | None
    count: int


@dataclass(frozen=True)
class Swept:
    """What one sweep did: tickets seen over their limit, averages raised and settled, alarms that climbed."""

    tickets: int = 0
    raised: int = 0
    settled: int = 0
    climbed: int = 0


# The halls that a sweep looks at: the live ones, or those named.
SCOPE = "CASE WHEN %(ids)s::bigint[] IS NULL THEN h.clock = 'live' AND h.is_active ELSE h.id = ANY (%(ids)s) END"

# R-Q02: tickets whose wait has crossed the limit, through the partial index ticket_due; 1,000 at most, each with its alarm.
# "Over" means waited > limit, so a ticket that is called at its very instant is not over. Rows that a tap holds are
# skipped: either that tap ends the wait, or the next sweep sees them. Two sweeps at once never see the same row.
TICKETS = f"""
    WITH due AS MATERIALIZED (
        SELECT t.id FROM queueing_ticket t JOIN hall_hall h ON h.id = t.hall_id
        WHERE t.state = 'waiting' AND t.over_seen_at IS NULL AND t.alarm_due_at < %(at)s AND {SCOPE}
        ORDER BY t.alarm_due_at LIMIT {BATCH} FOR NO KEY UPDATE OF t SKIP LOCKED
    ), seen AS (
        UPDATE queueing_ticket t SET over_seen_at = %(at)s FROM due
        WHERE t.id = due.id AND t.state = 'waiting' AND t.over_seen_at IS NULL
        RETURNING t.id, t.hall_id, t.number, t.alarm_due_at
    ), raised AS (
        INSERT INTO hall_alarm (hall_id, rule, subject, rung, due_at, raised_at, next_rung_at, act_by, settled_because, data)
        SELECT s.hall_id, 'R-Q02', 'ticket:' || s.id, 0, s.alarm_due_at, %(at)s,
               CASE WHEN jsonb_array_length(ladder.kinds) > 1 THEN %(at)s + l.acknowledge END, %(at)s + l.act_within, '',
               jsonb_build_object(
                   'number', s.number, 'minutes', trim_scale(round(extract(epoch FROM l.threshold) / 60, 2)), 'ladder', ladder.kinds
               )
        FROM seen s
        JOIN ({limits.table("R-Q02", durations=["threshold", "acknowledge", "act_within"])}) l ON l.hall_id = s.hall_id
        CROSS JOIN (
            SELECT coalesce(jsonb_agg(kind ORDER BY position), '[]') AS kinds FROM hall_alarmrung WHERE rule = 'R-Q02'
        ) ladder
        ON CONFLICT (hall_id, rule, subject) WHERE settled_at IS NULL DO NOTHING
        RETURNING id
    ), told AS (
        INSERT INTO hall_alarmevent (alarm_id, verb, at, rung) SELECT id, 'raised', %(at)s, 0 FROM raised
    )
    SELECT hall_id FROM seen
"""

# Whether TICKETS would find anything: most rounds end here.
ANY_DUE = f"""
    SELECT EXISTS (
        SELECT FROM queueing_ticket t JOIN hall_hall h ON h.id = t.hall_id
        WHERE t.state = 'waiting' AND t.over_seen_at IS NULL AND t.alarm_due_at < %(at)s AND {SCOPE}
    )
"""

# No window is longer than a day. Said as a constant, because of a hall's own window the planner knows nothing, and would
# rather read every ticket of a small database than trust the index.
LATELY = "t.called_at > %(at)s - interval '1 day'"

# The limits of R-Q01 in the halls in scope; heads every statement with AVERAGES in it.
AVERAGE_LIMITS = f"""
    WITH l AS MATERIALIZED (
        SELECT r.* FROM (
            {limits.table("R-Q01", durations=["threshold", "window", "act_within", "raise_again"], counts=["minimum"])}
        ) r JOIN hall_hall h ON h.id = r.hall_id WHERE {SCOPE}
    )
"""

# K-10 of every hall in scope: the waits so far of all who wait now, and the full waits of those called within the hall's
# own window (called_at is null again once a ticket waits again). Only the partial indexes ticket_call_order and
# ticket_called are read, however many old tickets there are. `total` is null below the minimum count.
AVERAGES = f"""
    SELECT l.*, coalesce(w.count, 0) AS waiting, coalesce(w.count, 0) + c.count AS count,
           CASE WHEN coalesce(w.count, 0) + c.count >= greatest(l.minimum, 1)
                THEN coalesce(w.total, '0') + coalesce(c.total, '0') END AS total
    FROM l
    LEFT JOIN (
        SELECT t.hall_id, count(*) AS count, sum(t.waited_before + greatest(%(at)s - t.state_since, '0')) AS total
        FROM queueing_ticket t
        WHERE t.state = 'waiting' AND (%(ids)s::bigint[] IS NULL OR t.hall_id = ANY (%(ids)s))
        GROUP BY t.hall_id
    ) w ON w.hall_id = l.hall_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, sum(t.waited_before) AS total
        FROM queueing_ticket t WHERE t.hall_id = l.hall_id AND t.called_at > %(at)s - l."window" AND {LATELY}
    ) c
"""

# The halls where something is to be done: over without an alarm, or an alarm without being over. An alarm that a person
# has settled is not raised again before `raise_again`; one open for over a day may be, which does no harm.
AVERAGES_CHANGED = f"""
    {AVERAGE_LIMITS}
    SELECT v.hall_id, v.threshold, v."window", v.act_within, v.raise_again, v.waiting, v.count, v.total, a.id IS NOT NULL AS is_open
    FROM ({AVERAGES}) v
    LEFT JOIN hall_alarm a ON a.hall_id = v.hall_id AND a.rule = 'R-Q01' AND a.subject = 'hall' AND a.settled_at IS NULL
    WHERE CASE
        WHEN (a.id IS NULL) <> coalesce(v.total > v.threshold * v.count, false) THEN false
        ELSE a.id IS NOT NULL OR NOT EXISTS (
            SELECT FROM hall_alarm d WHERE d.hall_id = v.hall_id AND d.due_at > %(at)s - interval '1 day' AND d.rule = 'R-Q01'
            AND d.settled_because = 'done' AND d.settled_at > %(at)s - v.raise_again
        ) END
    ORDER BY v.hall_id
"""

# The last instant at which who counts for a hall's average changed, by anybody's move or by the window's end.
LAST_CHANGE = """
    SELECT greatest(
        (SELECT max(state_since) FROM queueing_ticket WHERE hall_id = %(hall)s AND state = 'waiting'),
        (SELECT max(called_at) FROM queueing_ticket WHERE hall_id = %(hall)s AND called_at > %(at)s - %(window)s),
        (SELECT max(called_at) + %(window)s FROM queueing_ticket WHERE hall_id = %(hall)s AND called_at <= %(at)s - %(window)s),
        (SELECT max(last_event_at) FROM queueing_ticket
         WHERE hall_id = %(hall)s AND business_date BETWEEN %(at)s::date - 1 AND %(at)s::date + 1
           AND state IN ('abandoned', 'reclaimed', 'diverted', 'closed_at_day_end')),
        (SELECT max(d.settled_at) + %(again)s FROM hall_alarm d
         WHERE d.hall_id = %(hall)s AND d.due_at > %(at)s - interval '1 day' AND d.rule = 'R-Q01' AND d.settled_because = 'done')
    )
"""

# One hall's facts from which the next due instant follows.
AHEAD = f"""
    {AVERAGE_LIMITS}
    SELECT l.threshold, l."window", l.minimum, l.raise_again, w.count, w.total, w.due_at,
        (SELECT min(a.next_rung_at) FROM hall_alarm a
         WHERE a.hall_id = l.hall_id AND a.settled_at IS NULL AND a.next_rung_at IS NOT NULL AND a.acknowledged_at IS NULL),
        c.at, c.waits,
        EXISTS (SELECT FROM hall_alarm a WHERE a.hall_id = l.hall_id AND a.rule = 'R-Q01' AND a.subject = 'hall' AND a.settled_at IS NULL),
        (SELECT max(d.settled_at) FROM hall_alarm d
         WHERE d.hall_id = l.hall_id AND d.due_at > %(at)s - interval '1 day' AND d.rule = 'R-Q01' AND d.settled_because = 'done')
    FROM l
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, coalesce(sum(t.waited_before + greatest(%(at)s - t.state_since, '0')), '0') AS total,
               min(t.alarm_due_at) FILTER (WHERE t.over_seen_at IS NULL) AS due_at
        FROM queueing_ticket t WHERE t.hall_id = l.hall_id AND t.state = 'waiting'
    ) w
    CROSS JOIN LATERAL (
        SELECT array_agg(t.called_at ORDER BY t.called_at, t.id) AS at, array_agg(t.waited_before ORDER BY t.called_at, t.id) AS waits
        FROM queueing_ticket t WHERE t.hall_id = l.hall_id AND t.called_at > %(at)s - l."window" AND {LATELY}
    ) c
"""

# New due times of all who wait, by each hall's own limits; a wait that is not over any more loses its mark and its alarm.
# A recorded day is judged at its last played instant. Alarms are locked by id, as people who answer many of them do.
REWRITE = f"""
    WITH changed AS (
        UPDATE queueing_ticket t
        SET warn_due_at = greatest(t.state_since, t.state_since + l.warning - t.waited_before),
            alarm_due_at = greatest(t.state_since, t.state_since + l.threshold - t.waited_before),
            over_seen_at = CASE
                WHEN greatest(t.state_since, t.state_since + l.threshold - t.waited_before)
                     < CASE WHEN h.clock = 'played' THEN coalesce(h.played_at, %(at)s) ELSE %(at)s END
                THEN t.over_seen_at
            END
        FROM hall_hall h JOIN ({limits.table("R-Q02", durations=["threshold", "warning"])}) l ON l.hall_id = h.id
        WHERE t.hall_id = h.id AND h.id = ANY (%(ids)s) AND t.state = 'waiting'
        RETURNING t.id, t.hall_id, t.over_seen_at,
                  CASE WHEN h.clock = 'played' THEN coalesce(h.played_at, %(at)s) ELSE %(at)s END AS at
    ), gone AS MATERIALIZED (
        SELECT a.id, c.at FROM hall_alarm a JOIN changed c ON a.hall_id = c.hall_id AND a.subject = 'ticket:' || c.id
        WHERE c.over_seen_at IS NULL AND a.rule = 'R-Q02' AND a.settled_at IS NULL
        ORDER BY a.id FOR NO KEY UPDATE OF a
    ), settled AS (
        UPDATE hall_alarm a
        SET settled_at = greatest(a.raised_at, g.at), settled_because = 'cause_gone', next_rung_at = NULL
        FROM gone g WHERE a.id = g.id
        RETURNING a.id, a.hall_id, a.rung, a.settled_at
    ), told AS (
        INSERT INTO hall_alarmevent (alarm_id, verb, at, rung) SELECT id, 'settled', settled_at, rung FROM settled
    )
    SELECT DISTINCT hall_id FROM settled
"""


def sweep(*, at: dt.datetime, hall_ids: Iterable[int] | None = None) -> Swept:
    """One round of the watch: waits over their limit (R-Q02), averages (R-Q01), alarms that nobody answered.

    Set-based and idempotent: two at once, one twice or one late do no harm. Live halls only, and the watch's heartbeat is
    written; with `hall_ids` those halls alone, without a heartbeat (a recorded day plays its own clock).
    """
    ids = None if hall_ids is None else list(hall_ids)
    swept = _sweep(ids, at)
    if ids is None:
        _beat(WATCH, at)
    return swept


def stand_in_sweep(*, at: dt.datetime) -> bool:
    """The same sweep in a web process, when the worker's heartbeat is older than 10 s. False when it is not or another stands in."""
    last = Heartbeat.objects.filter(name=WATCH).values_list("at", flat=True).first()
    if last is not None and at - last <= WATCH_LATE:
        return False
    with transaction.atomic(), connection.cursor() as cursor:  # the advisory lock lasts as long as the transaction
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [STAND_IN_LOCK])
        if not cursor.fetchone()[0]:
            return False
        _sweep(None, at)
        _beat(STAND_IN, at)
    return True


def average(hall_id: int, *, at: dt.datetime) -> Average:
    """K-10 of one hall at an instant. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"{AVERAGE_LIMITS} SELECT v.count, v.total FROM ({AVERAGES}) v", {"at": at, "ids": [hall_id]})
        count, total = cursor.fetchone()
    return Average(wait=None if total is None else total / count, count=count)


def next_due(hall_id: int, *, at: dt.datetime) -> dt.datetime | None:
    """The next instant after `at` at which, without further events, a sweep of this hall would do something; None if never.

    A wait or an average is over one microsecond after it has reached its limit. Assumes a sweep at `at`. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(AHEAD, {"at": at, "ids": [hall_id]})
        threshold, window, minimum, again, waiting, waited, ticket_at, rung_at, called_at, waits, is_open, done_at = (
            cursor.fetchone()
        )
    leaving = [(called + window, wait) for called, wait in zip(called_at or [], waits or [], strict=True)]
    crossing = _next_crossing(
        at, waiting=waiting, waited=waited, leaving=leaving, threshold=threshold, fewest=max(int(minimum), 1), is_open=is_open,
    )  # fmt: skip
    if crossing is not None and not is_open and done_at is not None:
        crossing = max(crossing, done_at + again)
    found = [ticket_at + MICROSECOND if ticket_at is not None else None, rung_at, crossing]
    return min((max(instant, at) for instant in found if instant is not None), default=None)


def rewrite_due_times(*, hall_id: int | None, at: dt.datetime) -> None:
    """A limit has changed: rewrite when those who wait will cross, in one hall or in all, in the caller's transaction.

    A wait that is not over any more loses its alarm; one that is over by the new limit is seen by the next sweep.
    """
    with transaction.atomic():  # no ticket may begin to wait by the old limit meanwhile: the halls are locked, by pk
        halls = Hall.objects.filter(is_active=True) if hall_id is None else Hall.objects.filter(pk=hall_id)
        locked = halls.order_by("pk").select_for_update(of=("self",), no_key=True)
        ids = list(locked.values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute(REWRITE, {"at": at, "ids": ids})
            settled = {row[0] for row in cursor.fetchall()}
        for found in ids:
            live.announce(found, "limits", "queue", *(["alarms"] if found in settled else []))


def _sweep(ids: list[int] | None, at: dt.datetime) -> Swept:
    tickets = _see_tickets(ids, at)
    raised, settled = _see_averages(ids, at)
    return Swept(tickets=tickets, raised=raised, settled=settled, climbed=alarms.climb(at=at, hall_ids=ids))


def _see_tickets(ids: list[int] | None, at: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(ANY_DUE, {"at": at, "ids": ids})
        if not cursor.fetchone()[0]:
            return 0
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:  # mark, alarm and event are one, a batch at a time
            cursor.execute(TICKETS, {"at": at, "ids": ids})
            seen = [row[0] for row in cursor.fetchall()]
            for hall_id in sorted(set(seen)):
                live.announce(hall_id, "alarms", "queue")
        total += len(seen)
        if len(seen) < BATCH:
            return total


def _see_averages(ids: list[int] | None, at: dt.datetime) -> tuple[int, int]:
    """Raise and settle R-Q01 where the average has crossed its limit. Returns how many of each."""
    with transaction.atomic(), connection.cursor() as cursor:
        if ids is None:
            cursor.execute("SET LOCAL jit = off")  # compiling a statement over all halls takes longer than running it
        cursor.execute(AVERAGES_CHANGED, {"at": at, "ids": ids})
        changed = cursor.fetchall()
    over = [row for row in changed if not row[-1]]
    calm = [row[0] for row in changed if row[-1]]
    raised = 0
    for hall_id, threshold, window, act_within, again, waiting, count, total, _is_open in over:
        found = alarms.raise_alarm(
            hall_id=hall_id, rule="R-Q01", subject=alarms.WHOLE_HALL, at=at, act_by=at + act_within,
            due_at=_crossed_at(hall_id, at, excess=total - count * threshold, waiting=waiting, window=window, again=again),
            data={"minutes": _minutes(threshold), "count": count},
        )  # fmt: skip
        raised += found is not None
    return raised, alarms.settle_causes_gone(calm, "R-Q01", alarms.WHOLE_HALL, at=at) if calm else 0


def _crossed_at(
    hall_id: int, at: dt.datetime, *, excess: dt.timedelta, waiting: int, window: dt.timedelta, again: dt.timedelta
) -> dt.datetime:
    """The instant at which the average crossed its limit: it grows by `waiting` seconds a second in sum since the last change.

    `excess` is the sum of waits above limit times count. Never before who counts last changed, never after `at`.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"hall": hall_id, "at": at, "window": window, "again": again}
        cursor.execute(LAST_CHANGE, values)
        (changed,) = cursor.fetchone()
    crossed = at + (-excess // waiting) if waiting else changed or at
    return min(max(crossed, changed or crossed), at)


def _next_crossing(
    at: dt.datetime, *, waiting: int, waited: dt.timedelta, leaving: list[tuple[dt.datetime, dt.timedelta]],
    threshold: dt.timedelta, fewest: int, is_open: bool,
) -> dt.datetime | None:  # fmt: skip
    """When the average is over its limit next (or, with its alarm open, is not over any more); None if never.

    `waited` is the sum of the waits at `at` of the `waiting`; `leaving` are those called, by the instant at which each
    leaves the window. Between two such instants the sum of waits grows by `waiting` seconds a second.
    """
    since = at + MICROSECOND
    called = sum((wait for _leaves, wait in leaving), dt.timedelta(0))
    for place, until in enumerate([*(leaves for leaves, _wait in leaving), None]):
        if until is None or until > since:
            count = waiting + len(leaving) - place
            total = waited + waiting * (since - at) + called
            is_over = count >= fewest and total > count * threshold
            if is_over != is_open:
                return since
            if not is_open and count >= fewest and waiting:
                crossing = since + (count * threshold - total) // waiting + MICROSECOND
                if until is None or crossing < until:
                    return crossing
        if until is not None:
            since = max(since, until)
            called -= leaving[place][1]
    return None


def _beat(name: str, at: dt.datetime) -> None:
    """The named watch has finished a round at `at`; never set back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hall_heartbeat (name, at) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET at = greatest(hall_heartbeat.at, excluded.at)",
            [name, at],
        )


def _minutes(span: dt.timedelta) -> int | float:
    minutes = round(span / dt.timedelta(minutes=1), 2)
    return int(minutes) if minutes == int(minutes) else minutes
