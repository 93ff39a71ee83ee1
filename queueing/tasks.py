"""What the worker does by itself: asks the clock once and runs a sweep."""

from celery import shared_task

from hall import clock, postings
from queueing import days, waits
from roles import coverage


@shared_task
def watch_the_clock() -> None:
    """Who has crossed a limit, the averages, the alarms nobody answered: every second. Late or twice does no harm."""
    waits.sweep(at=clock.now())


@shared_task
def watch_the_zones() -> None:
    """Posts of people who are gone end; zones where nobody is although somebody must be: every five seconds."""
    at = clock.now()
    postings.end_of_those_gone(at=at)
    coverage.sweep(at=at)


@shared_task
def close_left_open_days() -> None:
    """Days that nobody closed, at 04:00 of each hall's own time: every minute."""
    days.close_left_open_days(at=clock.now())
