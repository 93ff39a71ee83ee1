"""What the worker does for the floor by itself."""

from celery import shared_task

from hall import clock, taps


@shared_task
def forget_old_taps() -> None:
    """Keys of taps that no tablet sends again: every hour."""
    taps.forget_before(clock.now() - taps.KEPT)
