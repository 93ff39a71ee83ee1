"""Watching the clock: who has crossed a limit, and the average wait. Sweeps compare and set, and never wait for people."""

import datetime as dt
from dataclasses import dataclass

from django.db import connection

from hall import limits


@dataclass(frozen=True)
class Average:
    """K-10: mean wait of all who wait now and of those called within the window. `wait` is None below the minimum count."""

    wait: dt.timedelta | None
    count: int


# K-10 of every hall named: the waits so far of all who wait now, and the full waits of those called within the hall's
# own window (called_at is null again once a ticket waits again). Only the two partial indexes ticket_call_order and
# ticket_called are read, however many old tickets there are.
AVERAGES = f"""
    SELECT h.id AS hall_id, l.threshold, w.count + c.count AS count,
           CASE WHEN w.count + c.count >= greatest(l.minimum, 1)
                THEN coalesce(w.total, '0') + coalesce(c.total, '0') END AS total
    FROM hall_hall h
    JOIN ({limits.table("R-Q01", durations=["threshold", "window"], counts=["minimum"])}) l ON l.hall_id = h.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, sum(t.waited_before + greatest(%(at)s - t.state_since, '0')) AS total
        FROM queueing_ticket t WHERE t.hall_id = h.id AND t.state = 'waiting'
    ) w
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, sum(t.waited_before) AS total
        FROM queueing_ticket t WHERE t.hall_id = h.id AND t.called_at > %(at)s - l."window"
    ) c
"""


def average(hall_id: int, *, at: dt.datetime) -> Average:
    """K-10 of one hall at an instant. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count, total FROM ({AVERAGES} WHERE h.id = %(hall)s) averages", {"at": at, "hall": hall_id}
        )
        count, total = cursor.fetchone()
    return Average(wait=None if total is None else total / count, count=count)
