"""Who may do what: docs/rights.md, cell by cell, through the real pages."""

import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from hall import access, devices
from hall.access import DEVICE_TABLE, Action
from hall.models import STANDING, Device, Hall, Kind
from tests import make
from tests.roles import record_rows

pytestmark = pytest.mark.django_db

RIGHTS = Path(__file__).resolve().parent.parent.parent / "docs" / "rights.md"

# One page or action for each right: address name, further arguments, method.
PAGES = {
    Action.SEE_BOARD: ("board", [], "get"),
    Action.SEE_TODAY: ("today", [], "get"),
    Action.SEE_WALL: ("wall", [], "get"),
    Action.SEE_CALL_SCREEN: ("call-screen", [], "get"),
    Action.SEE_FLOOR: ("floor", [], "get"),
    Action.SERVE: ("counters", [], "get"),
    Action.GIVE_TICKET: ("kiosk", [], "get"),
    Action.RECLAIM: ("reclaim", [], "tap"),
    Action.CARE: ("floor-care-give", [], "tap"),
    Action.ANSWER_ALARM: ("acknowledge-alarms", [], "tap"),
    Action.CLOSE_COUNTER: ("close-counter", [1], "get"),
    Action.CLOSE_DAY: ("close-day", [], "get"),
    Action.MY_SHIFT: ("my-shift", [], "get"),
    Action.SEE_POSTS: ("posts", [], "get"),
    Action.ROSTER: ("roster-plan", [], "tap"),
    Action.ASSIGN: ("shift-delegate", [], "tap"),
    Action.CHECK: ("secure-hall", [], "tap"),
    Action.OVERRIDE: ("open-anyway", [], "tap"),
    Action.BRIEF: ("meeting-skip", [], "tap"),
    Action.ROUND: ("rounds", [], "get"),
    Action.RECORD: ("records", [], "get"),
    Action.SEE_RECORDS: ("record-csv", ["TST-A"], "get"),
}  # and EDIT is the admin site's
REFUSED = {302, 401, 403, 404, 405}


def table(heading: str) -> dict[tuple[str, str], bool]:
    """One table of docs/rights.md as {(action, kind or screen): whether}."""
    lines = RIGHTS.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0].splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, cells = rows[0], {}
    for row in rows[2:]:
        cells |= {
            (row[0], name): value == "yes"
            for name, value in zip(head, row, strict=True)
            if re.fullmatch("yes|–", value)
        }
    return cells


PEOPLE, DEVICES, IDLE = table("People"), table("Paired devices"), table("Without holding a post")


def furnished() -> Hall:
    """A hall with what the pages name: counter 1 and a form."""
    hall = make.hall()
    make.counter(hall, 1)
    record_rows.form(record_rows.field("what"), code="TST-A")
    return hall


def ask(client: Client, action: Action, hall: Hall) -> int:
    """The status with which the page of this action answers."""
    name, more, method = PAGES[action]
    address = reverse(name, args=[hall.code, *more])
    answer = client.get(address) if method == "get" else make.tap(client, address)
    return answer.status_code


def paired(hall: Hall, screen: str) -> Client:
    """The browser of a paired device."""
    device = make.device(hall, screen)
    _, token = devices.pair(devices.make_pairing_code(device, by=None, at=make.AT), address="here", by=None, at=make.AT)
    client = make.client()
    client.cookies[devices.COOKIE] = token
    return client


def test_the_table_of_the_documents_has_every_kind_and_every_action():
    assert set(PEOPLE) == {(action.value, kind.value) for action in Action for kind in Kind}


def test_each_action_but_editing_is_asked_of_a_page():
    assert set(PAGES) == set(Action) - {Action.EDIT}


@pytest.mark.parametrize("kind", list(Kind))
def test_a_person_of_each_kind_may_do_what_the_documents_say(kind: str):
    hall = make.hall()
    person = make.person(hall, kind)

    rights = {(action.value, kind): access.may(person, hall, action) for action in Action}

    assert rights == {cell: value for cell, value in PEOPLE.items() if cell[1] == kind}


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in STANDING])
def test_who_holds_nothing_may_what_the_documents_say_and_is_led_to_my_shift_by_the_rest(kind: str):
    hall = furnished()
    person = make.person(hall, kind, holds=False)
    client = make.client(person)

    rights = {(action.value, kind) for action in Action if access.may(person, hall, action)}
    answers = {action: ask(client, action, hall) for action in PAGES if (action.value, kind) not in rights}

    assert rights == {cell for cell, value in IDLE.items() if value and cell[1] == kind}
    assert {action for action, status in answers.items() if status == 403 and PAGES[action][2] == "get"} == {
        action for action in answers if PAGES[action][2] == "get" and not PEOPLE[action, kind]
    }
    assert set(answers.values()) <= {302, 403}


@pytest.mark.parametrize("kind", list(Kind))
def test_each_page_opens_for_those_who_may_and_is_403_for_their_colleagues(kind: str):
    hall = furnished()
    client = make.client(make.person(hall, kind))

    answers = {action: ask(client, action, hall) for action in PAGES}

    assert {action: status not in REFUSED for action, status in answers.items()} == {
        action: PEOPLE[action, kind] for action in PAGES
    }
    assert {status for status in answers.values() if status in REFUSED} <= {403}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_admin_site_opens_for_those_who_edit(kind: str):
    person = make.person(make.hall(), kind, is_staff=True)

    status = make.client(person).get("/admin/", follow=True).status_code

    assert status == (200 if PEOPLE[Action.EDIT, kind] else 403)


def test_a_stranger_of_another_hall_gets_404():
    hall = furnished()
    stranger = make.person(make.hall(), Kind.HALL_MANAGER)
    make.membership(stranger, make.hall(), Kind.DUTY_MANAGER)
    client = make.client(stranger)

    assert {action: ask(client, action, hall) for action in PAGES} == dict.fromkeys(PAGES, 404)


def test_nobody_signed_in_is_led_to_the_login_page():
    hall = furnished()
    client = make.client()

    answers = {action: ask(client, action, hall) for action in PAGES}

    assert answers == {action: 302 if method == "get" else 401 for action, (_, _, method) in PAGES.items()}


def test_a_superuser_without_membership_gets_404():
    hall = furnished()
    client = make.client(make.person(is_superuser=True, is_staff=True))

    assert {action: ask(client, action, hall) for action in PAGES} == dict.fromkeys(PAGES, 404)


def test_somebody_who_is_no_longer_active_is_nobody():
    hall = furnished()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER, is_active=False))

    assert {ask(client, action, hall) for action in PAGES} == {302, 401}


def test_an_unknown_hall_and_a_hall_not_in_use_are_404():
    hall = make.hall()
    person = make.person(hall, Kind.DUTY_MANAGER)
    make.membership(person, hall, Kind.HALL_MANAGER)
    Hall.objects.filter(pk=hall.pk).update(is_active=False)
    client = make.client(person)

    assert {ask(client, action, code) for action in PAGES for code in (hall, Hall(code="no-such-hall"))} == {404}


def test_the_rights_of_several_memberships_add_up():
    hall = make.hall()
    person = make.person(hall, Kind.CLERK)
    make.membership(person, hall, Kind.GUIDE)

    assert access.may(person, hall, Action.SERVE)
    assert access.may(person, hall, Action.GIVE_TICKET)


@pytest.mark.parametrize("screen", list(Device.Screen))
def test_a_paired_device_opens_its_own_screen_and_no_other(screen: str):
    hall = furnished()
    client = paired(hall, screen)
    allowed = {action for action in Action if DEVICES.get((action, screen), False)}

    answers = {action: ask(client, action, hall) for action in PAGES}

    assert allowed == DEVICE_TABLE[screen]
    assert {action for action, status in answers.items() if status not in REFUSED} == allowed
    assert {status for status in answers.values() if status in REFUSED} <= {302, 401}


@pytest.mark.parametrize(
    ("screen", "action"), [("wall", Action.SEE_WALL), ("call", Action.SEE_CALL_SCREEN), ("kiosk", Action.GIVE_TICKET)]
)
def test_a_device_of_one_hall_opens_nothing_of_another(screen: str, action: Action):
    client = paired(make.hall(), screen)

    assert ask(client, action, make.hall()) == 302


def test_a_tablet_with_nobody_signed_in_leads_to_the_pin_page_and_back():
    hall = make.hall()

    response = paired(hall, Device.Screen.TABLET).get(f"/h/{hall.code}/floor/")

    assert response["Location"] == f"/pin/?next=/h/{hall.code}/floor/"


def test_a_stranger_on_a_device_of_the_hall_may_what_the_device_may_and_no_more():
    hall = make.hall()
    client = paired(hall, Device.Screen.WALL)
    client.force_login(make.person(make.hall(), Kind.DUTY_MANAGER))

    assert (ask(client, Action.SEE_WALL, hall), ask(client, Action.SEE_BOARD, hall)) == (200, 404)


def test_a_counter_of_another_hall_is_404():
    hall, other = make.hall(), make.hall()
    make.counter(other, 5)

    response = make.client(make.person(hall, Kind.CLERK)).get(f"/h/{hall.code}/counter/5/")

    assert response.status_code == 404


def test_the_halls_somebody_edits_are_those_of_his_editing_kinds():
    managed, headed, served = make.hall(), make.hall(), make.hall()
    person = make.person(managed, Kind.HALL_MANAGER)
    make.membership(person, headed, Kind.HEADQUARTERS)
    make.membership(person, served, Kind.DUTY_MANAGER)

    assert access.halls_edited_by(person) == {managed.pk, headed.pk}
