"""Who may do what: the table kind × action, and the only ways to fetch a hall, a counter or a ticket for a request."""

from enum import StrEnum

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from hall import plain
from hall.models import Counter, Device, Hall, Kind, Membership, Person


class Action(StrEnum):
    """What can be done in a hall. docs/rights.md shows the table; tests/hall/test_access.py goes through it cell by cell."""

    SEE_BOARD = "see_board"
    SEE_TODAY = "see_today"
    SEE_WALL = "see_wall"
    SEE_CALL_SCREEN = "see_call_screen"
    SEE_FLOOR = "see_floor"
    SERVE = "serve"  # counter tablet: sign in, call, start, finish, pause
    GIVE_TICKET = "give_ticket"
    RECLAIM = "reclaim"  # take back a spare ticket, mark as left, restore
    CARE = "care"
    ANSWER_ALARM = "answer_alarm"
    CLOSE_COUNTER = "close_counter"  # of a colleague
    CLOSE_DAY = "close_day"
    EDIT = "edit"  # definitions, in the admin site


A = Action
K = Kind

TABLE: dict[Kind, frozenset[Action]] = {
    K.HEADQUARTERS: frozenset({A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.SEE_CALL_SCREEN, A.ANSWER_ALARM, A.EDIT}),
    K.HALL_MANAGER: frozenset(
        {A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM,
         A.CLOSE_COUNTER, A.CLOSE_DAY, A.EDIT}
    ),
    K.DUTY_MANAGER: frozenset(
        {A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.SERVE, A.GIVE_TICKET, A.RECLAIM, A.CARE,
         A.ANSWER_ALARM, A.CLOSE_COUNTER, A.CLOSE_DAY}
    ),
    K.CLERK: frozenset({A.SEE_CALL_SCREEN, A.SERVE, A.CARE}),
    K.VIP_RECEPTION: frozenset({A.SEE_CALL_SCREEN, A.SERVE, A.CARE}),
    K.GUIDE: frozenset({A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM}),
    K.FLOATER: frozenset({A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM}),
    K.GUARD: frozenset({A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE}),
    K.RECEPTIONIST: frozenset({A.SEE_CALL_SCREEN, A.SEE_FLOOR, A.CARE}),
}  # fmt: skip

# What an unattended, paired device may do; a tablet does nothing by itself, it lets people switch by PIN.
DEVICE_TABLE: dict[str, frozenset[Action]] = {
    Device.Screen.WALL: frozenset({A.SEE_WALL}),
    Device.Screen.CALL: frozenset({A.SEE_CALL_SCREEN}),
    Device.Screen.KIOSK: frozenset({A.GIVE_TICKET}),
    Device.Screen.TABLET: frozenset(),
}


# A counter, its hall, and as what the person who asks belongs there: one statement, since every tap asks.
COUNTER = f"""
    SELECT {plain.columns(Counter, "c")}, {plain.columns(Hall, "h")},
        ARRAY(SELECT m.kind FROM hall_membership m WHERE m.hall_id = h.id AND m.person_id = %s)
    FROM hall_counter c JOIN hall_hall h ON h.id = c.hall_id
    WHERE c.number = %s AND h.code = %s AND h.is_active
"""


class SignInNeeded(PermissionDenied):
    """Nobody is signed in; hall.middleware.AskWhoItIs leads to the login page."""


def kinds_of(person: Person, hall: Hall) -> set[Kind]:
    """As what a person belongs to a hall; empty for a stranger."""
    if not person.is_authenticated or not person.is_active:
        return set()
    return {Kind(kind) for kind in Membership.objects.filter(person=person, hall=hall).values_list("kind", flat=True)}


def kinds_by_hall(person: Person) -> dict[int, set[Kind]]:
    """Hall id → as what a person belongs there. One query."""
    found: dict[int, set[Kind]] = {}
    for hall_id, kind in Membership.objects.filter(person=person).values_list("hall_id", "kind"):
        found.setdefault(hall_id, set()).add(Kind(kind))
    return found


def may(person: Person, hall: Hall, action: Action) -> bool:
    """Whether the person may do this in the hall. A superuser has no right of his own outside the admin site."""
    return any(action in TABLE[kind] for kind in kinds_of(person, hall))


def device_may(device: Device | None, hall: Hall, action: Action) -> bool:
    return (
        device is not None and device.is_active and device.hall_id == hall.pk and action in DEVICE_TABLE[device.screen]
    )


def halls_of(person: Person) -> list[Hall]:
    """The halls a person belongs to, by code."""
    return list(Hall.objects.filter(memberships__person=person, is_active=True).distinct())


def halls_edited_by(person: Person) -> set[int]:
    """The ids of the halls whose definitions a person may edit: all for a superuser. One query, none for nobody."""
    if not person.is_authenticated or not person.is_active:
        return set()
    if person.is_superuser:
        return set(Hall.objects.values_list("pk", flat=True))
    kinds = [kind for kind in Kind if Action.EDIT in TABLE[kind]]
    return set(Membership.objects.filter(person=person, kind__in=kinds).values_list("hall_id", flat=True))


def hall(request: HttpRequest, code: str, action: Action) -> Hall:
    """The hall, for somebody who may do this there. 404 for a stranger or unknown code, 403 for the wrong kind.

    Raises SignInNeeded when nobody is signed in and it is no device that may: an unknown code is not told from a known one.
    """
    found = Hall.objects.filter(code=code, is_active=True).first()
    _admit(request, found, action)
    if found is None:
        raise Http404
    return found


def counter(request: HttpRequest, code: str, number: int, action: Action) -> Counter:
    """One counter of a hall, with the hall, for somebody who may do this there. 404 and 403 as hall()."""
    found = plain.row(COUNTER, [request.user.pk, number, code])
    if found is None:
        hall(request, code, action)  # an unknown counter is told only to those who may enter
        raise Http404
    width = len(Counter._meta.concrete_fields)
    one = plain.made(Counter, found[:width])
    one.hall = plain.made(Hall, found[width:-1])
    _admit(request, one.hall, action, {Kind(kind) for kind in found[-1]})
    return one


def _admit(request: HttpRequest, found: Hall | None, action: Action, kinds: set[Kind] | None = None) -> None:
    request.hall = found  # type: ignore[attr-defined]  # for hall.taps: nothing is done in a recorded day
    if found is not None and device_may(request.device, found, action):  # type: ignore[attr-defined]
        return
    if not request.user.is_authenticated:
        raise SignInNeeded
    if found is None:
        raise Http404
    if kinds is None:
        kinds = kinds_of(request.user, found)
    if not kinds:
        raise Http404
    if not any(action in TABLE[kind] for kind in kinds):
        raise PermissionDenied(_("Your post does not include this."))
