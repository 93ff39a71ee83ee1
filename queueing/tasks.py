"""What the worker does by itself: asks the clock once and runs a sweep."""

from celery import shared_task

from hall import clock
from queueing import days, waits
from roles import coverage


@shared_task
def watch_the_clock() -> None:
    """Who has crossed a limit, the averages, the alarms nobody answered: every second. Late or twice does no harm."""
    waits.sweep(at=clock.now())


@shared_task
def watch_the_zones() -> None:
    """Zones where nobody is although somebody must be: every five seconds."""
    coverage.sweep(at=clock.now())


@shared_task
def close_left_open_days() -> None:
    """Days that nobody closed, at 04:00 of each hall's own time: every minute."""
    days.close_left_open_days(at=clock.now())
