"""The one clock: the database's. Views, tasks and the hub ask it once and pass the instant on."""

import datetime as dt

from django.db import connection

from hall.models import Hall
from hall.models.halls import Clock


def now() -> dt.datetime:
    """The database's present instant, aware, in UTC. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
    return at


def now_in(hall: Hall, at: dt.datetime) -> dt.datetime:
    """The instant a hall's screens show: the present one, or the last played instant of a recorded day."""
    if hall.clock == Clock.PLAYED and hall.played_at is not None:
        return hall.played_at
    return at
