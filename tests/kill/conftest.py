"""One running stack for the kill tests, its rows made in its own database by the same functions as everywhere."""

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import dj_database_url
import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from hall import embedded
from hall.models import Person
from hall.sessions import SessionStore
from tests import stack as stacks


@pytest.fixture(scope="module")
def stack() -> Iterator[stacks.Stack]:
    """The same supervisor as `make run`, in a data folder of its own under the project."""
    folder = Path(embedded.__file__).parent.parent / ".test-data" / f"kill-{secrets.token_hex(3)}"
    with stacks.running_stack(folder, environment={"SECRET_KEY": settings.SECRET_KEY}) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def rows(stack: stacks.Stack, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within it the models speak to the running stack's database; nothing is rolled back."""
    # After the browser suite Playwright's event loop still counts as running in this thread; nothing else uses it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with django_db_blocker.unblock(), _on_database(stack.database_url):
        yield


@contextlib.contextmanager
def _on_database(url: str) -> Iterator[None]:
    """Point the default connection at another database, and back afterwards."""
    default = connections["default"]
    kept = dict(default.settings_dict)
    default.close()
    default.settings_dict.update(_settings_for(url, kept))
    try:
        yield
    finally:
        default.close()
        default.settings_dict.clear()
        default.settings_dict.update(kept)


def _settings_for(url: str, kept: dict) -> dict:
    return kept | {"OPTIONS": {}} | dj_database_url.parse(url) | {"ENGINE": kept["ENGINE"]}


def cookies_of(person: Person) -> dict[str, str]:
    """The cookies of a person who has just logged in; the session's row is in the running stack's database."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {settings.SESSION_COOKIE_NAME: str(session.session_key), settings.CSRF_COOKIE_NAME: "k" * 32}
