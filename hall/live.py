"""Announcing that something changed: ids only, after commit, never waited for."""

from collections.abc import Callable

from django.db import transaction

# Set once per process by whoever sends (hall.hub's sender); tests put their own here.
Send = Callable[[int, list[str]], None]


def announce(hall_id: int, *topics: str) -> None:
    """Tell every screen of the hall, after commit, that these topics changed: "queue", "counters", "counter:12", "alarms"."""
    transaction.on_commit(lambda: _send(hall_id, list(topics)))


def _send(hall_id: int, topics: list[str]) -> None:
    """Hand over to the sender; nothing listens yet."""
