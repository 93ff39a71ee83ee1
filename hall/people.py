"""Every write to a person that is not an edit in the admin site: signing in, PIN, language."""

import datetime as dt
import itertools

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext as _

from hall import guesses, text
from hall.guesses import Allowance
from hall.models import Device, Hall, Kind, Membership, Person
from hall.refusals import Invalid, Refused, WrongState

PIN_TRIES = 5
SHORTEST_PIN, LONGEST_PIN = 4, 6
LONGEST_PASSWORD = 200
LANGUAGES = ("", "zh-hans", "en")
# Wrong passwords: of one name at one address, at one address (a hall's tablets share one), of one name from anywhere.
WRONG_WITHIN = dt.timedelta(minutes=5)
PER_NAME_AND_ADDRESS = 5
PER_ADDRESS = 60
PER_NAME = 30


class WrongPin(Refused):
    """The PIN is wrong, or locked. Status 422."""

    status = 422


def check_login(request: HttpRequest, login: str, password: str, *, address: str, at: dt.datetime) -> Person:
    """The person with this login name and password; his PIN's wrong tries are forgotten.

    Raises Invalid when they do not fit together (or the person is no longer active: the answer tells no difference),
    TooManyGuesses after five wrong passwords of a name at one address within five minutes, 30 of a name from anywhere,
    or 60 from one address.
    """
    login = text.clean(login, most=40)
    own = Allowance(f"login:{login.lower()}@{address}", PER_NAME_AND_ADDRESS, WRONG_WITHIN)
    allowed = [
        own,
        Allowance(f"login@{address}", PER_ADDRESS, WRONG_WITHIN),
        Allowance(f"login:{login.lower()}", PER_NAME, WRONG_WITHIN),
    ]
    guesses.require_room(*allowed, at=at)
    fits = len(password) <= LONGEST_PASSWORD  # hashing a megabyte is work for nothing
    person = authenticate(request, username=login, password=password) if fits else None
    if person is None:
        guesses.wrong(*allowed, at=at)
        raise Invalid(_("Login name and password do not fit together. Mind capital letters."))
    guesses.right(own)
    Person.objects.filter(pk=person.pk).exclude(pin_failures=0).update(pin_failures=0)
    return person


def set_pin(person: Person, pin: str, *, by: Person | None, at: dt.datetime) -> None:
    """The person may switch in by this PIN on paired tablets; an empty text takes it away.

    Raises Invalid unless it is 4 to 6 digits, not all the same and not counting up or down.
    """
    if pin:
        _require_good_pin(pin)
    Person.objects.filter(pk=person.pk).update(pin_hash=make_password(pin) if pin else "", pin_failures=0)


def with_pin(hall: Hall) -> list[Person]:
    """The active people of a hall who have a PIN, by login name. One query."""
    return list(
        Person.objects.filter(memberships__hall=hall, is_active=True).exclude(pin_hash="").distinct().order_by("login")
    )


def kinds_by_hall(person: Person) -> dict[int, set[Kind]]:
    """Hall id → as what a person belongs there. One query."""
    found: dict[int, set[Kind]] = {}
    for hall_id, kind in Membership.objects.filter(person=person).values_list("hall_id", "kind"):
        found.setdefault(hall_id, set()).add(Kind(kind))
    return found


def switch_by_pin(person_id: int, pin: str, *, by: Device | None, at: dt.datetime) -> Person:
    """Somebody takes over the tablet `by` by his PIN; returns him.

    Five wrong tries lock the PIN until he signs in with his password. Each try is counted before it is checked, so that
    tries at the same instant on many tablets count too. Raises WrongState if this is no tablet of a hall he belongs to,
    WrongPin, in words, for a wrong or a locked PIN.
    """
    if by is None or by.screen != Device.Screen.TABLET:
        raise WrongState(_("Switching by PIN works on a paired tablet only."))
    person = next((one for one in with_pin(by.hall) if one.pk == person_id), None)
    if person is None:
        raise WrongState(_("This person cannot switch in by PIN here."))
    if Person.objects.filter(pk=person.pk, pin_failures__lt=PIN_TRIES).update(pin_failures=F("pin_failures") + 1) != 1:
        raise WrongPin(_("The PIN is locked after five wrong tries. Sign in with the password; that unlocks it."))
    if not check_password(pin, person.pin_hash):
        raise WrongPin(_wrong_pin(person))
    Person.objects.filter(pk=person.pk).update(pin_failures=0)
    return person


def set_language(person: Person, language: str, *, by: Person | None, at: dt.datetime) -> None:
    """The person reads this language from now on, on every device. Raises Invalid for one that Hall does not speak."""
    require_language(language)
    Person.objects.filter(pk=person.pk).update(language=language)


def require_language(language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid(_("Hall does not speak this language."))


def _require_good_pin(pin: str) -> None:
    if not (pin.isascii() and pin.isdigit() and SHORTEST_PIN <= len(pin) <= LONGEST_PIN):
        raise Invalid(_("A PIN has 4 to 6 digits."))
    steps = {int(after) - int(before) for before, after in itertools.pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        raise Invalid(_("This PIN is too easy to guess. Please choose another one."))


def _wrong_pin(person: Person) -> str:
    failures = Person.objects.values_list("pin_failures", flat=True).get(pk=person.pk)
    if failures >= PIN_TRIES:
        return _("Wrong for the fifth time: the PIN is locked. Sign in with the password; that unlocks it.")
    return _("This PIN is wrong. Tries left: %(count)d.") % {"count": PIN_TRIES - failures}
