"""Rows for the call-next bench: halls with many open counters, a long queue, and one signed-in person per hall."""

import datetime as dt
import secrets

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection

from hall import clock
from hall.models import Counter, Hall, Kind, Membership, OpeningInterval, Person
from hall.sessions import SessionStore
from queueing.models import Service, Ticket


def make_hall(name: str, *, counters: int, waiting: int) -> Hall:
    """A round-the-clock hall with open counters that have no clerk, all serving one service that many wait for."""
    hall = Hall.objects.create(code=name, name_zh=name)
    OpeningInterval.objects.bulk_create(
        [OpeningInterval(hall=hall, weekday=day, opens=dt.time(0), closes=dt.time(0)) for day in range(7)]
    )
    at = clock.now()
    service = Service.objects.create(hall=hall, code="a", letter="A", name_zh="账单查询")
    rows = Counter.objects.bulk_create(
        [
            Counter(hall=hall, number=number, state="open", state_since=at, free_since=at)
            for number in range(1, counters + 1)
        ]
    )
    service.counters.set(rows)
    queue(service, waiting=waiting, first=1, at=at)
    return hall


def queue(service: Service, *, waiting: int, first: int, at: dt.datetime) -> None:
    """So many more who wait, one second apart; none of them over a limit."""
    issued = [at - dt.timedelta(minutes=5) + dt.timedelta(microseconds=number) for number in range(waiting)]
    Ticket.objects.bulk_create(
        Ticket(
            hall_id=service.hall_id, service=service, business_date=at.date(), letter="A", serial=first + number,
            number=f"A{first + number:05d}", state_since=moment, issued_at=moment, last_event_at=moment,
            warn_due_at=at + dt.timedelta(hours=1), alarm_due_at=at + dt.timedelta(hours=1),
        )
        for number, moment in enumerate(issued)
    )  # fmt: skip


def tell_planner() -> None:
    """Statistics after a bulk load, as autovacuum would gather them within a minute."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def sign_in(hall: Hall) -> dict[str, str]:
    """The cookies of a duty manager of this hall who has just logged in."""
    person = Person.objects.create(login=f"bench-{hall.code}", name_zh="值班")
    person.set_password(secrets.token_urlsafe(8))
    person.save()
    Membership.objects.create(person=person, hall=hall, kind=Kind.DUTY_MANAGER)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return {settings.SESSION_COOKIE_NAME: str(session.session_key), settings.CSRF_COOKIE_NAME: "b" * 32}
