"""Watching the clock: who has crossed a limit, and the average wait. Sweeps compare and set, and never wait for people."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Average:
    """K-10: mean wait of all who wait now and of those called within the window. `wait` is None below the minimum count."""

    wait: dt.timedelta | None
    count: int


def average(hall_id: int, *, at: dt.datetime) -> Average:
    """K-10 of one hall at an instant. One query."""
    raise NotImplementedError
