"""Who is signed in, read in plain SQL: every request asks (hall.plain)."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from hall import plain
from hall.models import Person


class SessionStore(db.SessionStore):
    """Django's sessions in the database."""

    def _get_session_from_db(self) -> Session | None:
        found = plain.row(
            f"SELECT {plain.columns(Session, 's')} FROM django_session s WHERE s.session_key = %s AND s.expire_date > %s",
            [self.session_key, timezone.now()],
        )
        if found is None:
            self._session_key = None
            return None
        return plain.made(Session, found)


class ByLogin(ModelBackend):
    """Django's own sign-in by login name and password; the person of a session is read in one plain statement."""

    def get_user(self, user_id: Any) -> Person | None:
        found = plain.row(f"SELECT {plain.columns(Person, 'p')} FROM hall_person p WHERE p.id = %s", [user_id])
        person = plain.made(Person, found) if found is not None else None
        return person if person is not None and self.user_can_authenticate(person) else None
