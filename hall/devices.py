"""Pairing devices by six digits, and knowing them again by their token."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from hall import guesses
from hall.guesses import Allowance
from hall.models import Device, Person
from hall.refusals import Invalid, WrongState

COOKIE = "hall_device"
COOKIE_SECONDS = 400 * 24 * 3600  # the longest a browser keeps a cookie (RFC 6265bis, section 5.5)
CODE_LIVES = dt.timedelta(minutes=10)
# A million codes, few of them alive at a time: a hundred guesses in ten minutes hit one in ten thousand.
PER_ADDRESS = 10
EVERYBODY = 100


def of_request(request: HttpRequest) -> Device | None:
    """The paired device a request comes from. No query without the device cookie."""
    return of_cookies(request.COOKIES)


def of_cookies(cookies: Mapping[str, str]) -> Device | None:
    """The paired device that holds the token in these cookies, with its hall; None without one. At most one query."""
    token = cookies.get(COOKIE, "")
    if not token:
        return None
    return (
        Device.objects.select_related("hall")
        .filter(token_hash=_hashed(token), is_active=True, hall__is_active=True)
        .first()
    )


def make_pairing_code(device: Device, *, by: Person | None, at: dt.datetime) -> str:
    """Six digits that pair this device once within ten minutes; a former code of it is void.

    A device that is paired stays so until the new code is typed. Raises WrongState for a device not in use.
    """
    with (
        transaction.atomic()
    ):  # two administrators never draw the same digits: the codes in use are read under one lock
        devices = {
            row.pk: row for row in Device.objects.select_for_update(no_key=True).exclude(pairing_code="").order_by("pk")
        }
        Device.objects.filter(pk__in=devices, pairing_expires_at__lte=at).update(
            pairing_code="", pairing_expires_at=None
        )
        taken = {row.pairing_code for row in devices.values() if row.pairing_expires_at and row.pairing_expires_at > at}
        code = _draw(taken)
        if (
            Device.objects.filter(pk=device.pk, is_active=True).update(
                pairing_code=code, pairing_expires_at=at + CODE_LIVES
            )
            != 1
        ):
            raise WrongState(_("This device is not in use."))
    device.pairing_code, device.pairing_expires_at = code, at + CODE_LIVES
    return code


def pair(code: str, *, address: str, by: Person | None, at: dt.datetime) -> tuple[Device, str]:
    """A device has typed its six digits: it gets a token, which only its hash remembers, and the code is used up.

    Another screen that held this device's token is cut off. Raises Invalid for digits that pair nothing, TooManyGuesses
    when this address, or all together, guessed wrong too often within ten minutes.
    """
    code = "".join(code.split())
    allowed = [
        Allowance(f"pair:{address}", PER_ADDRESS, CODE_LIVES),
        Allowance("pair", EVERYBODY, CODE_LIVES),
    ]
    guesses.require_room(*allowed, at=at)
    device, token = _use_up(code, by, at)
    if device is None:
        guesses.wrong(*allowed, at=at)
        raise Invalid(_("These digits pair no device. They are valid for ten minutes and once only."))
    return device, token


def revoke(device: Device, *, by: Person | None, at: dt.datetime) -> Device:
    """The device's token and code are void at once; its open screen ends within ten seconds (hall.hub)."""
    with transaction.atomic():  # a device that types its code now is either before this or finds no code
        device = Device.objects.select_for_update(of=("self",), no_key=True).select_related("hall").get(pk=device.pk)
        (
            device.pairing_code,
            device.pairing_expires_at,
            device.token_hash,
            device.paired_at,
        ) = "", None, "", None
        _save(device, by, at)
    return device


def _use_up(code: str, by: Person | None, at: dt.datetime) -> tuple[Device | None, str]:
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        return None, ""
    with transaction.atomic():  # of two screens that type the same digits one is paired
        device = (
            Device.objects.select_for_update(of=("self",), no_key=True).select_related("hall")
            .filter(pairing_code=code, pairing_expires_at__gt=at, is_active=True, hall__is_active=True).first()
        )  # fmt: skip
        if device is None:
            return None, ""
        token = secrets.token_urlsafe(32)
        (
            device.pairing_code,
            device.pairing_expires_at,
            device.token_hash,
            device.paired_at,
        ) = "", None, _hashed(token), at
        _save(device, by, at)
    return device, token


def _save(device: Device, by: Person | None, at: dt.datetime) -> None:
    device._history_user = by  # type: ignore[attr-defined]  # read by simple_history when it saves
    device._history_date = at  # type: ignore[attr-defined]
    device.save(update_fields=["pairing_code", "pairing_expires_at", "token_hash", "paired_at"])


def _draw(taken: set[str]) -> str:
    while True:
        code = f"{secrets.randbelow(10**6):06d}"
        if code not in taken:
            return code


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
