"""A tap: carried out once, whatever the network does. Key row and verb share one transaction."""

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from psycopg.errors import DeadlockDetected

from hall.models import Tap
from hall.models.halls import Clock
from hall.refusals import Invalid, Refused, WrongState

KEPT = dt.timedelta(hours=48)  # a tap's key: far longer than any tablet retries


@dataclass(frozen=True)
class Outcome:
    """What came of a tap: status 200, or a refusal's 409 or 422 with the reason in words; `value` is what the verb gave."""

    status: int = 200
    message: str = ""
    value: dict = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return self.status != 200


def carry_out(request: HttpRequest, act: Callable[[], dict | None], *, at: dt.datetime) -> Outcome:
    """Run `act` once for this tap's key, or give again what came of it. A refusal changes nothing and keeps no key.

    Two that wait for each other's rows (many alarms answered while the day is closed): the one that PostgreSQL stops is
    carried out again.

    A recorded day is looked at and stays as it was: 409. The key is the header Idempotency-Key. Missing or over 80
    characters: 422. The same key with another body: 422.
    """
    try:
        _require_live(request)
        key = _key(request)
        actor, digest = _actor(request), _digest(request)
        try:
            return _once(actor, key, digest, act, at)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
            return _once(actor, key, digest, act, at)  # nothing of it happened; whom it met has gone on
    except Refused as refusal:
        return Outcome(status=refusal.status, message=str(refusal))
    except IntegrityError as error:
        return Outcome(status=409, message=_in_words(error))


def _once(actor: str, key: str, digest: str, act: Callable[[], dict | None], at: dt.datetime) -> Outcome:
    with transaction.atomic():  # a second tap with the same key waits here until the first has committed
        if not _claim(actor, key, digest, at):
            return _again(actor, key, digest)
        value = act() or {}
        if value:
            Tap.objects.filter(actor=actor, key=key).update(outcome=value)
    return Outcome(value=value)


def forget_before(before: dt.datetime) -> int:
    """Delete the keys of taps carried out before an instant; no tablet sends them again. Returns how many."""
    return Tap.objects.filter(at__lt=before).delete()[0]


def _require_live(request: HttpRequest) -> None:
    hall = getattr(request, "hall", None)
    if hall is not None and hall.clock == Clock.PLAYED:
        raise WrongState(_("This is a recorded day. It can be looked at; nothing in it changes."))


def _key(request: HttpRequest) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 80 or not key.isascii() or not key.isprintable():
        raise Invalid(_("This tap came without its key. Please load the page again."))
    return key


def _actor(request: HttpRequest) -> str:
    device = getattr(request, "device", None)
    if request.user.is_authenticated:
        return f"person:{request.user.pk}"
    return f"device:{device.pk}" if device is not None else "anybody"


def _digest(request: HttpRequest) -> str:
    body = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    return hashlib.sha256(repr((request.path, body)).encode()).hexdigest()


def _claim(actor: str, key: str, digest: str, at: dt.datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hall_tap (key, actor, digest, outcome, at) VALUES (%s, %s, %s, '{}', %s) ON CONFLICT (actor, key) DO NOTHING",
            [key, actor, digest, at],
        )
        return cursor.rowcount == 1


def _again(actor: str, key: str, digest: str) -> Outcome:
    first = Tap.objects.get(actor=actor, key=key)
    if first.digest != digest:
        raise Invalid(_("This key was already used for something else. Please load the page again."))
    return Outcome(value=first.outcome)


def _in_words(error: IntegrityError) -> str:
    """A database constraint that stood behind a verb's guard, said as the guard would have said it."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    said = {
        "counter_has_one_ticket": _("This counter still has a customer."),
        "clerk_at_one_counter": _("You are still at another counter. Close it there first."),
        "person_has_one_live_ticket": _("This customer already has a ticket."),
        "one_gift_per_ticket": _("The gift was already given."),
    }
    if name not in said:
        raise error
    return said[name]
