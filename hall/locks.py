"""The lock of a hall's queue: taps of one hall queue up here; halls never wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import transaction

from hall import plain
from hall.models import Hall

# The halls that this thread has locked further out, as they were read then: nobody else can change them meanwhile.
_held: ContextVar[dict[int, Hall] | None] = ContextVar("halls locked here", default=None)


@contextmanager
def lock_queue(hall_id: int) -> Iterator[Hall]:
    """Open the transaction and lock the hall's row (FOR NO KEY UPDATE), so that the order called is the order promised.

    Gives the hall as it is under the lock. Joins a transaction that is already open: a refusal undoes all of it. Inside
    another lock of the same hall it asks nothing again: a recorded day is thousands of moves under one lock.
    """
    held = _held.get() or {}
    if hall_id in held:
        yield held[hall_id]
        return
    with transaction.atomic(savepoint=False):
        found = plain.row(
            f"SELECT {plain.columns(Hall, 'h')} FROM hall_hall h WHERE h.id = %s FOR NO KEY UPDATE", [hall_id]
        )
        if found is None:
            raise Hall.DoesNotExist
        hall = plain.made(Hall, found)
        token = _held.set({**held, hall_id: hall})
        try:
            yield hall
        finally:
            _held.reset(token)
