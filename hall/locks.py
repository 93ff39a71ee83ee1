"""The lock of a hall's queue: taps of one hall queue up here; halls never wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from hall.models import Hall


@contextmanager
def lock_queue(hall_id: int) -> Iterator[Hall]:
    """Open the transaction and lock the hall's row (FOR NO KEY UPDATE), so that the order called is the order promised.

    Gives the hall as it is under the lock. Joins a transaction that is already open: a refusal undoes all of it.
    """
    with transaction.atomic(savepoint=False):
        yield Hall.objects.select_for_update(of=("self",), no_key=True).get(pk=hall_id)
