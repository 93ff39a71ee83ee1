"""The catalogue in the test database for all tests of a module: loading it for each would cost half a second every time."""

from collections.abc import Iterator

from django.db import connection

from hall.models import HallPost, Post
from roles import catalogue
from roles.models import ConductItem, Duty
from tests import make


def loaded_for_module(django_db_blocker) -> Iterator[None]:
    """What a module's `loaded` fixture yields from: the catalogue comes before its first test and goes after its last."""
    with django_db_blocker.unblock():
        catalogue.load(by=None, at=make.AT)
    yield
    tables = [
        name
        for model in (ConductItem, Duty, HallPost, Post)
        for name in (model._meta.db_table, model.history.model._meta.db_table)
    ]
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for name in tables:
            cursor.execute(f"DELETE FROM {name}")
