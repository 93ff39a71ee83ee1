"""Who may do what: the table kind × action, and the only ways to fetch a hall, a counter or a ticket for a request."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from hall import plain
from hall.models import STANDING, Counter, Device, Hall, Kind, Membership, Person


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
    MY_SHIFT = "my_shift"  # one's own page: take and leave a post, do one's tasks, read notices
    SEE_POSTS = "see_posts"  # the posts' pages, who holds which, the roster
    ROSTER = "roster"  # plan shifts, meals, swaps
    ASSIGN = "assign"  # give and take somebody else's post
    CHECK = "check"  # tick the opening and closing checklists
    OVERRIDE = "override"  # open although the checklist is not done, with a reason
    BRIEF = "brief"  # hold the briefing and the meeting after the shift
    ROUND = "round"  # rounds and sampling
    RECORD = "record"  # fill in records
    SEE_RECORDS = "see_records"  # list, search, export and print them


A = Action
K = Kind

# What everybody may who belongs to a hall, whether he holds a post now or not.
ANYBODY = frozenset({A.MY_SHIFT, A.SEE_POSTS, A.SEE_CALL_SCREEN, A.RECORD})
# What a post gives before it is held, since opening a counter is how it is taken.
BELONGING: dict[Kind, frozenset[Action]] = {
    K.DUTY_MANAGER: frozenset({A.SERVE}),
    K.CLERK: frozenset({A.SERVE}),
    K.VIP_RECEPTION: frozenset({A.SERVE}),
}

# What its holder may (O-16). Headquarters and hall managers hold theirs at all hours.
TABLE: dict[Kind, frozenset[Action]] = {
    K.HEADQUARTERS: ANYBODY | {A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.ANSWER_ALARM, A.EDIT, A.ROSTER, A.SEE_RECORDS},
    K.HALL_MANAGER: ANYBODY | {
        A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM,
        A.CLOSE_COUNTER, A.CLOSE_DAY, A.EDIT, A.ROSTER, A.ASSIGN, A.CHECK, A.OVERRIDE, A.BRIEF, A.ROUND, A.SEE_RECORDS,
    },
    K.DUTY_MANAGER: ANYBODY | {
        A.SEE_BOARD, A.SEE_TODAY, A.SEE_WALL, A.SEE_FLOOR, A.SERVE, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM,
        A.CLOSE_COUNTER, A.CLOSE_DAY, A.ROSTER, A.ASSIGN, A.CHECK, A.OVERRIDE, A.BRIEF, A.ROUND, A.SEE_RECORDS,
    },
    K.CLERK: ANYBODY | {A.SERVE, A.CARE},
    K.VIP_RECEPTION: ANYBODY | {A.SERVE, A.CARE},
    K.GUIDE: ANYBODY | {A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM},
    K.FLOATER: ANYBODY | {A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.ANSWER_ALARM, A.CHECK},
    K.GUARD: ANYBODY | {A.SEE_FLOOR, A.GIVE_TICKET, A.RECLAIM, A.CARE, A.CHECK},
    K.RECEPTIONIST: ANYBODY | {A.SEE_FLOOR, A.CARE},
    K.STAFF: ANYBODY | {A.CHECK},
}  # fmt: skip

# What an unattended, paired device may do; a tablet does nothing by itself, it lets people switch by PIN.
DEVICE_TABLE: dict[str, frozenset[Action]] = {
    Device.Screen.WALL: frozenset({A.SEE_WALL}),
    Device.Screen.CALL: frozenset({A.SEE_CALL_SCREEN}),
    Device.Screen.KIOSK: frozenset({A.GIVE_TICKET}),
    Device.Screen.TABLET: frozenset(),
}


# As what people belong to halls, and whether they are it now: person_id, hall_id, kind, held. In a recorded day nobody
# takes posts: who belongs there looks at all of it.
RIGHTS = f"""
    SELECT m.person_id, m.hall_id, m.kind,
        m.kind IN ({", ".join(f"'{kind}'" for kind in sorted(STANDING))}) OR mh.clock = 'played' AS held
    FROM hall_membership m JOIN hall_hall mh ON mh.id = m.hall_id
    UNION ALL
    SELECT g.person_id, g.hall_id, p.kind, true
    FROM hall_posting g JOIN hall_post p ON p.id = g.post_id
    WHERE g.until IS NULL
      AND EXISTS (
          SELECT 1 FROM hall_membership m WHERE m.person_id = g.person_id AND m.hall_id = g.hall_id
            AND (g.is_delegate OR m.kind = p.kind)
      )
"""

# A counter, its hall, and what the person who asks is there: one statement, since every tap asks.
COUNTER = f"""
    SELECT {plain.columns(Counter, "c")}, {plain.columns(Hall, "h")},
        ARRAY(SELECT r.kind || CASE WHEN r.held THEN '' ELSE '-' END FROM ({RIGHTS}) r WHERE r.hall_id = h.id AND r.person_id = %s)
    FROM hall_counter c JOIN hall_hall h ON h.id = c.hall_id
    WHERE c.number = %s AND h.code = %s AND h.is_active
"""


class SignInNeeded(PermissionDenied):
    """Nobody is signed in; hall.middleware.AskWhoItIs leads to the login page."""


class PostNotHeld(PermissionDenied):
    """The person may do this in a post of his that he does not hold now; hall.middleware leads to "my shift"."""


@dataclass(frozen=True)
class Rights:
    """What a person may in one hall now, and what he might if he held all his posts."""

    now: frozenset[Action]
    at_most: frozenset[Action]


NONE = Rights(frozenset(), frozenset())


def rights_of(person: Person, hall: Hall) -> Rights:
    """What a person may in a hall. NONE for a stranger or somebody out of service. At most one query."""
    return rights_by_hall(person, hall).get(hall.pk, NONE)


def rights_by_hall(person: Person, hall: Hall | None = None) -> dict[int, Rights]:
    """Hall id → what a person may there; only the halls he belongs to. One query, none for nobody."""
    if not person.is_authenticated or not person.is_active:
        return {}
    only = "" if hall is None else "AND r.hall_id = %s"
    rows = plain.rows(
        f"SELECT r.hall_id, r.kind, r.held FROM ({RIGHTS}) r WHERE r.person_id = %s {only}",
        [person.pk, *([] if hall is None else [hall.pk])],
    )
    found: dict[int, list[tuple[Kind, bool]]] = {}
    for hall_id, kind, held in rows:
        found.setdefault(hall_id, []).append((Kind(kind), held))
    return {hall_id: rights(kinds) for hall_id, kinds in found.items()}


def rights(kinds: Iterable[tuple[Kind, bool]]) -> Rights:
    """The rights of somebody who is these kinds, each held now or not."""
    kinds = list(kinds)
    if not kinds:
        return NONE
    at_most = ANYBODY.union(*(TABLE[kind] for kind, _held in kinds))
    now = ANYBODY.union(*(TABLE[kind] if held else BELONGING.get(kind, frozenset()) for kind, held in kinds))
    return Rights(now, at_most)


def kinds_of(person: Person, hall: Hall) -> set[Kind]:
    """What a person is in a hall now: his standing kinds and the posts he holds. Empty for a stranger. One query."""
    if not person.is_authenticated or not person.is_active:
        return set()
    rows = plain.rows(
        f"SELECT r.kind FROM ({RIGHTS}) r WHERE r.person_id = %s AND r.hall_id = %s AND r.held", [person.pk, hall.pk]
    )
    return {Kind(kind) for (kind,) in rows}


def may(person: Person, hall: Hall, action: Action) -> bool:
    """Whether the person may do this in the hall now. A superuser has no right of his own outside the admin site."""
    return action in rights_of(person, hall).now


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
    _admit(request, one.hall, action, rights((Kind(kind.rstrip("-")), not kind.endswith("-")) for kind in found[-1]))
    return one


def _admit(request: HttpRequest, found: Hall | None, action: Action, known: Rights | None = None) -> None:
    request.hall = found  # type: ignore[attr-defined]  # for hall.taps: nothing is done in a recorded day
    if found is not None and device_may(request.device, found, action):  # type: ignore[attr-defined]
        return
    if not request.user.is_authenticated:
        raise SignInNeeded
    if found is None:
        raise Http404
    rights = known if known is not None else rights_of(request.user, found)
    if not rights.at_most:
        raise Http404
    if action in rights.now:
        return
    if action in rights.at_most:
        raise PostNotHeld(_("You do not hold the post that does this. Take it in “My shift” first."))
    raise PermissionDenied(_("Your post does not include this."))
