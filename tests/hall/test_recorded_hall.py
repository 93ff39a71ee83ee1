"""A recorded day is looked at and stays as it was: every kind of tap in it is refused in words."""

import pytest

from hall.models import Kind
from queueing.models import Ticket
from tests import make
from tests.queueing.tablets import NOW, Desk, everything

pytestmark = pytest.mark.django_db

SAID = "This is a recorded day. It can be looked at; nothing in it changes."


@pytest.fixture
def desk() -> Desk:
    desk = Desk(make.hall(clock="played", played_at=NOW))
    make.ticket(desk.service, at=NOW - make.MINUTE)
    return desk


@pytest.mark.parametrize(
    "name", ["open-counter", "pause", "resume", "close", "call-next", "call-this", "start", "transfer", "counter-care"]
)
def test_no_tap_of_a_counter_changes_it(desk: Desk, name: str) -> None:
    before = everything()

    answer = desk.tap(name, {"ticket": Ticket.objects.get().pk})

    assert (answer.status_code, SAID in answer.content.decode()) == (409, True)
    assert everything() == before


@pytest.mark.parametrize("place", ["floor/give-ticket", "floor/abandon", "kiosk/take", "day/close"])
def test_no_tap_of_the_floor_or_the_board_changes_it(desk: Desk, place: str) -> None:
    manager = make.person(desk.hall, Kind.DUTY_MANAGER)
    before = everything()

    answer = make.tap(make.client(manager), f"/h/{desk.hall.code}/{place}/", {"service": desk.service.pk})

    assert (answer.status_code, SAID in answer.content.decode()) == (409, True)
    assert everything() == before


def test_nobody_leaves_it_from_his_phone(desk: Desk) -> None:
    before = everything()

    answer = make.tap(make.client(), f"/t/{Ticket.objects.get().token}/leave/", {"state": "waiting"})

    assert (answer.status_code, SAID in answer.content.decode()) == (409, True)
    assert everything() == before
