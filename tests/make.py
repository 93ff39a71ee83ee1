"""Rows for tests: plain functions with dull defaults. A test names every value that it asserts.

Halls are open round the clock, every number is drawn by the verbs, and everything happens at `AT` unless told otherwise.
"""

import contextlib
import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from hall import devices, postings
from hall.models import (
    STANDING,
    AlarmRung,
    Counter,
    Device,
    Hall,
    Kind,
    Limit,
    LimitOverride,
    Membership,
    OpeningInterval,
    Person,
    Post,
    Posting,
    Zone,
)
from hall.refusals import Refused
from queueing import tickets
from queueing.models import CustomerClass, Service, Ticket

AT = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)  # a Monday, 10:00 in the hall
MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)

CATALOGUE = Path(__file__).resolve().parent.parent / "hall" / "limit_catalogue.yaml"

_numbers = itertools.count(1)


def limits() -> None:
    """The catalogue's limits and ladders, where a transactional test has emptied the tables. One query when they are there."""
    if Limit.objects.exists():
        return
    catalogue = _catalogue()
    Limit.objects.bulk_create(
        [
            Limit(title_zh=row["zh"], title_en=row["en"], **{name: row[name] for name in row.keys() - {"zh", "en"}})
            for row in catalogue["limits"]
        ]
    )
    AlarmRung.objects.bulk_create(
        [
            AlarmRung(rule=rule, position=position, kind=kind)
            for rule, kinds in catalogue["ladders"].items()
            for position, kind in enumerate(kinds)
        ]
    )


@functools.cache
def _catalogue() -> dict[str, Any]:
    """Read once: every transactional test that makes a hall needs it."""
    return yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))


def limit(hall: Hall, rule: str, name: str, value: object) -> LimitOverride:
    """A hall's own value of a limit."""
    row = Limit.objects.get(rule=rule, name=name)
    return LimitOverride.objects.update_or_create(hall=hall, limit=row, defaults={"value": str(value)})[0]


def hall(*, opens: dt.time = dt.time(0), closes: dt.time = dt.time(0), **fields: object) -> Hall:
    """A hall open every day from `opens` to `closes`; the defaults are round the clock."""
    limits()
    number = next(_numbers)
    made = Hall.objects.create(
        **{"code": f"hall-{number}", "name_zh": f"人民路营业厅{number}", "name_en": f"Hall {number}", **fields}
    )
    OpeningInterval.objects.bulk_create(
        [OpeningInterval(hall=made, weekday=weekday, opens=opens, closes=closes) for weekday in range(7)]
    )
    return made


def person(
    hall: Hall | None = None,
    kind: str = Kind.CLERK,
    *,
    password: str | None = None,
    holds: bool = True,
    **fields: object,
) -> Person:
    """Somebody, with one membership when a hall is given, who holds its post now.

    Without a password he can only be logged in by force.
    """
    number = next(_numbers)
    given = {"login": f"person-{number}", "name_zh": f"王{number}", "name_en": f"Wang {number}", **fields}
    made = Person.objects.create(password=make_password(password), **given)
    if hall is not None:
        membership(made, hall, kind, holds=holds)
    return made


def membership(person: Person, hall: Hall, kind: str = Kind.CLERK, *, holds: bool = True) -> Membership:
    """He belongs to the hall as this kind, and holds the post that goes with it since long ago, unless told otherwise."""
    row = post(kind)
    made = Membership.objects.create(person=person, hall=hall, kind=kind, post=row)
    if holds and kind not in STANDING:
        Posting.objects.create(hall=hall, person=person, post=row, since=AT - 60 * MINUTE)
    return made


def post(kind: str = Kind.CLERK, **fields: object) -> Post:
    """The usual post of a kind, made when it is first asked for."""
    slug = postings.USUAL.get(Kind(kind), "cleaner")
    given = {"code": slug.upper()[:2] + slug[-2:].upper(), "name_zh": slug, "name_en": slug, "kind": kind, **fields}
    return Post.objects.get_or_create(slug=slug, defaults=given)[0]


def zone(hall: Hall, slug: str = "counter", **fields: object) -> Zone:
    return Zone.objects.create(
        **{"hall": hall, "slug": slug, "name_zh": "业务受理区", "name_en": "Counter zone", **fields}
    )


def service(hall: Hall, letter: str = "A", *, counters: Iterable[Counter] = (), **fields: object) -> Service:
    number = next(_numbers)
    given = {"code": f"service-{number}", "name_zh": f"业务{number}", "name_en": f"Service {number}", **fields}
    made = Service.objects.create(hall=hall, letter=letter, **given)
    made.counters.set(counters)
    return made


def counter(hall: Hall, number: int | None = None, *, services: Iterable[Service] = (), **fields: object) -> Counter:
    """A counter, open and without a clerk unless told otherwise; numbers go up from 1 in each hall."""
    if number is None:
        number = 1 + max(Counter.objects.filter(hall=hall).values_list("number", flat=True), default=0)
    given = {"state": Counter.State.OPEN, "state_since": AT, "free_since": AT, **fields}
    made = Counter.objects.create(hall=hall, number=number, **given)
    for row in services:
        row.counters.add(made)  # from this side only: django-simple-history 3 cannot keep the other side's history
    return made


def ticket(
    service: Service, customer_class: str = CustomerClass.NORMAL, *, at: dt.datetime = AT, **options: object
) -> Ticket:
    """A waiting ticket, given at `at` by the verb."""
    return tickets.issue(service, customer_class=customer_class, **{"by": None, "at": at, **options})


def queue(service: Service, count: int, *, at: dt.datetime = AT) -> None:
    """So many who wait, numbered from 1, given one a second from `at` on. Written past the verbs: for great numbers only."""
    Ticket.objects.bulk_create(
        [
            Ticket(
                hall=service.hall, service=service, business_date=service.hall.business_date(at), letter=service.letter,
                serial=number, number=f"{service.letter}{number:03d}", issued_at=given, state_since=given, last_event_at=given,
                warn_due_at=given + 10 * MINUTE, alarm_due_at=given + 15 * MINUTE,
            )
            for number, given in ((number, at + (number - 1) * SECOND) for number in range(1, count + 1))
        ]
    )  # fmt: skip


def called(service: Service, counter: Counter, *, at: dt.datetime = AT, called_at: dt.datetime | None = None) -> Ticket:
    """A ticket given at `at` and called to this counter at `called_at` (the same instant unless told otherwise)."""
    return tickets.call_this(ticket(service, at=at), counter, reason="test", by=None, at=called_at or at)


def serving(
    service: Service,
    counter: Counter,
    *,
    at: dt.datetime = AT,
    called_at: dt.datetime | None = None,
    started_at: dt.datetime | None = None,
) -> Ticket:
    """A ticket in service at this counter."""
    given = called(service, counter, at=at, called_at=called_at)
    return tickets.start(given, by=None, at=started_at or called_at or at)


def done(service: Service, counter: Counter, *, at: dt.datetime = AT, finished_at: dt.datetime | None = None) -> Ticket:
    """A ticket that was served at this counter, called and started at once."""
    return tickets.finish(serving(service, counter, at=at), by=None, at=finished_at or at)


def device(hall: Hall, screen: str = Device.Screen.CALL, **fields: object) -> Device:
    """A device that is not paired yet."""
    return Device.objects.create(**{"hall": hall, "screen": screen, "name": f"device {next(_numbers)}", **fields})


def paired_client(hall: Hall, screen: str = Device.Screen.CALL) -> Client:
    """The browser of a device that was paired as this screen."""
    code = devices.make_pairing_code(device(hall, screen), by=None, at=AT)
    _paired, token = devices.pair(code, address="127.0.0.1", by=None, at=AT)
    made = client()
    made.cookies[devices.COOKIE] = token
    return made


def client(person: Person | None = None) -> Client:
    """A browser, logged in if a person is given; it asks for English."""
    made = Client(headers={"accept-language": "en"})
    if person is not None:
        made.force_login(person)
    return made


def tap(client: Client, address: str, data: dict[str, object] | None = None, *, key: str | None = None) -> HttpResponse:
    """What taps.js sends: a form with a key of its own, unless the same key is sent again."""
    headers = {"idempotency-key": key or f"tap-{next(_numbers):08d}", "hx-request": "true"}
    return client.post(address, data or {}, headers=headers)


@contextlib.contextmanager
def refusal(kind: type[Refused], match: str | None = None) -> Iterator[None]:
    """What stands inside is refused so; a savepoint plays the tap's own transaction, which the refusal undoes."""
    with pytest.raises(kind, match=match), transaction.atomic():
        yield
