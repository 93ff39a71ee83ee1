"""What the worker does for posts and duties by itself."""

from celery import shared_task

from hall import clock
from roles import day_tasks


@shared_task
def make_day_tasks() -> None:
    """The present date's tasks of halls that have none yet, and those of shifts just begun: every minute."""
    day_tasks.make_due(at=clock.now())
