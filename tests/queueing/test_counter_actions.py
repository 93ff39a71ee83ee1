"""Every action of the counter tablet: who may, who may not, and what is refused without a trace."""

from collections.abc import Callable

import pytest
from django.urls import reverse

from hall import clock
from hall.models import Counter, Kind
from queueing import care, tickets
from queueing.models import CareAct, CustomerClass, State, Ticket
from tests import make
from tests.make import MINUTE
from tests.queueing.tablets import NOW, Desk, everything, form

pytestmark = pytest.mark.django_db


def closed(desk: Desk) -> dict:
    Counter.objects.filter(pk=desk.counter.pk).update(state=Counter.State.CLOSED, clerk=None, free_since=None)
    return {}


def paused(desk: Desk) -> dict:
    Counter.objects.filter(pk=desk.counter.pk).update(state=Counter.State.PAUSED, pause_reason="lunch", free_since=None)
    return {}


def free(desk: Desk) -> dict:
    return {}


def pausing(desk: Desk) -> dict:
    return {"reason": "lunch", "minutes": "30"}


def waiting(desk: Desk) -> dict:
    return form(make.ticket(desk.service))


def out_of_turn(desk: Desk) -> dict:
    return form(make.ticket(desk.service), reason="is unwell")


def called(desk: Desk) -> dict:
    return form(make.called(desk.service, desk.counter))


def called_twice_again(desk: Desk) -> dict:
    ticket = make.called(desk.service, desk.counter)
    for _each in range(2):
        tickets.recall(ticket, by=None, at=NOW)
    return form(ticket)


def serving(desk: Desk) -> dict:
    return form(make.serving(desk.service, desk.counter))


def to_the_other(desk: Desk) -> dict:
    return form(make.serving(desk.service, desk.counter), to=desk.other.pk)


def held(desk: Desk) -> dict:
    return form(tickets.hold(make.serving(desk.service, desk.counter), by=None, at=NOW))


def done(desk: Desk) -> dict:
    return form(make.done(desk.service, desk.counter))


def absent(desk: Desk) -> dict:
    at = clock.now()  # only tickets of today are restored
    ticket = make.called(desk.service, desk.counter, at=at)
    for _each in range(2):
        tickets.recall(ticket, by=None, at=at)
    return form(tickets.no_show(ticket, by=None, at=at))


def gift(desk: Desk) -> dict:
    return form(desk.long_waiter(), kind="gift")


def given(desk: Desk) -> dict:
    return {"act": care.give(desk.long_waiter(), "gift", by=desk.clerk, at=NOW).pk}


# Action → what must be there, and what the form carries.
ACTIONS: dict[str, Callable[[Desk], dict]] = {
    "open-counter": closed,
    "pause": pausing,
    "resume": paused,
    "close": free,
    "call-next": waiting,
    "call-this": out_of_turn,
    "recall": called,
    "start": called,
    "finish": serving,
    "reopen": done,
    "hold": serving,
    "take-back": held,
    "transfer": to_the_other,
    "no-show": called_twice_again,
    "uncall": called,
    "counter-restore": absent,
    "counter-care": gift,
    "counter-care-undo": given,
}
ABOUT_A_TICKET = [
    "call-this", "recall", "start", "finish", "reopen", "hold", "take-back", "transfer", "no-show", "uncall",
    "counter-restore", "counter-care",
]  # fmt: skip
every_action = pytest.mark.parametrize("name", ACTIONS)


@every_action
def test_the_clerk_may(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    before = everything()

    answer = desk.tap(name, data)

    assert answer.status_code == 200
    assert everything() != before


@every_action
def test_a_colleague_who_does_not_serve_may_not(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    before = everything()

    answer = desk.tap(name, data, by=make.person(desk.hall, Kind.GUIDE))

    assert answer.status_code == 403
    assert everything() == before


@every_action
def test_a_stranger_finds_nothing(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    stranger = make.person(make.hall(), Kind.CLERK)
    before = everything()

    answer = desk.tap(name, data, by=stranger)

    assert answer.status_code == 404
    assert everything() == before


@every_action
def test_nobody_is_led_to_the_login_page(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    before = everything()

    answer = make.tap(make.client(), reverse(name, args=[desk.hall.code, 3]), data)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login/")
    assert everything() == before


@pytest.mark.parametrize("name", [name for name in ACTIONS if name != "open-counter"])
def test_the_clerk_of_another_counter_is_refused_in_words(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    before = everything()

    answer = desk.tap(name, data, by=make.person(desk.hall, Kind.CLERK))

    assert answer.status_code == 409
    assert "Chen is at counter 3." in answer.content.decode()
    assert everything() == before


@every_action
def test_looking_at_an_action_is_refused(name):
    desk = Desk()

    answer = make.client(desk.clerk).get(reverse(name, args=[desk.hall.code, 3]))

    assert answer.status_code == 405


@every_action
def test_a_tap_without_its_key_changes_nothing(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    before = everything()

    answer = make.client(desk.clerk).post(reverse(name, args=[desk.hall.code, 3]), data)

    assert answer.status_code == 422
    assert "without its key" in answer.content.decode()
    assert everything() == before


@every_action
def test_the_same_tap_twice_is_done_once(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    desk.tap(name, data, key="the-same-tap")
    after = everything()

    answer = desk.tap(name, data, key="the-same-tap")

    assert answer.status_code == 200
    assert everything() == after


@every_action
def test_a_key_used_for_something_else_changes_nothing(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    desk.tap(name, data, key="the-same-tap")
    after = everything()

    answer = desk.tap(name, data | {"note": "another"}, key="the-same-tap")

    assert answer.status_code == 422
    assert everything() == after


@pytest.mark.parametrize("name", ABOUT_A_TICKET)
def test_a_ticket_of_another_hall_is_not_found(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    foreign = make.ticket(make.service(make.hall()))
    before = everything()

    answer = desk.tap(name, data | {"ticket": foreign.pk})

    assert answer.status_code == 404
    assert everything() == before


@pytest.mark.parametrize("ticket", ["", "A001", "-1", "9" * 30, "1\x00"])
def test_a_ticket_that_is_no_number_is_not_understood(ticket):
    desk = Desk()
    data = called(desk)
    before = everything()

    answer = desk.tap("start", data | {"ticket": ticket})

    assert answer.status_code == 422
    assert everything() == before


@pytest.mark.parametrize("name", ABOUT_A_TICKET)
def test_a_ticket_that_has_moved_on_is_refused_with_the_truth(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    seen = State.HELD if data["state"] != State.HELD else State.WAITING
    before = everything()

    answer = desk.tap(name, data | {"state": seen.value})

    said = f"A001 is {Ticket.objects.get().get_state_display()} now."
    assert answer.status_code == 409
    assert answer.content.decode().startswith('<p class="refusal">')
    assert said in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("name", ["recall", "start", "finish", "hold", "transfer", "no-show", "uncall", "counter-care"])
def test_a_ticket_at_another_counter_is_left_there(name):
    desk = Desk()
    there = make.serving(desk.service, desk.other)
    before = everything()

    answer = desk.tap(name, form(there, kind="gift", to=desk.counter.pk))

    assert answer.status_code == 409
    assert "A001 is at counter 4." in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("name", ["call-next", "call-this", "take-back"])
@pytest.mark.parametrize("state", [paused, closed])
def test_nobody_is_called_to_a_counter_that_is_not_open(name, state):
    desk = Desk()
    data = ACTIONS[name](desk)
    state(desk)
    before = everything()

    answer = desk.tap(name, data)

    assert answer.status_code == 409
    assert everything() == before


@pytest.mark.parametrize("name", ["call-next", "call-this", "pause", "close", "take-back", "reopen"])
def test_a_counter_with_a_customer_is_busy(name):
    desk = Desk()
    data = ACTIONS[name](desk)
    make.called(desk.service, desk.counter)
    before = everything()

    answer = desk.tap(name, data)

    assert answer.status_code == 409
    assert everything() == before


def test_opening_signs_in_and_opens_in_one_tap():
    desk = Desk()
    closed(desk)

    answer = desk.tap("open-counter")

    desk.counter.refresh_from_db()
    assert (desk.counter.state, desk.counter.clerk) == (Counter.State.OPEN, desk.clerk)
    assert "Nobody waits for this counter." in answer.content.decode()


def test_a_counter_where_a_colleague_sits_is_not_opened():
    desk = Desk()
    newcomer = make.person(desk.hall, Kind.CLERK)
    before = everything()

    answer = desk.tap("open-counter", by=newcomer)

    assert answer.status_code == 409
    assert "Chen is at counter 3." in answer.content.decode()
    assert everything() == before


def test_who_is_at_another_counter_opens_no_second_one():
    desk = Desk()
    before = everything()

    answer = desk.tap("open-counter", counter=desk.other)

    assert answer.status_code == 409
    assert "You are still at counter 3." in answer.content.decode()
    assert everything() == before


@pytest.mark.covers("R-B13", "Q-10")
def test_a_pause_says_why_and_until_when():
    desk = Desk()

    answer = desk.tap("pause", {"reason": "lunch", "minutes": "30", "note": "canteen"})

    desk.counter.refresh_from_db()
    assert (desk.counter.state, desk.counter.pause_reason, desk.counter.pause_note) == ("paused", "lunch", "canteen")
    assert desk.counter.expected_return_at - desk.counter.state_since == 30 * MINUTE
    assert "Lunch: canteen" in answer.content.decode()


@pytest.mark.covers("R-B13")
def test_nobody_is_called_to_a_paused_counter():
    desk = Desk()
    make.ticket(desk.service)
    desk.tap("pause", {"reason": "lunch", "minutes": ""})

    answer = desk.tap("call-next")

    assert answer.status_code == 409
    assert Ticket.objects.get().state == State.WAITING


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"reason": "tired"},
        {"reason": "lunch", "minutes": "0"},
        {"reason": "lunch", "minutes": "721"},
        {"reason": "lunch", "note": "x" * 101},
    ],
)
def test_a_pause_that_says_nothing_is_refused(data):
    desk = Desk()
    before = everything()

    answer = desk.tap("pause", data)

    assert answer.status_code == 422
    assert everything() == before


@pytest.mark.covers("Q-11")
def test_special_customers_are_called_first_and_normal_ones_after_two():
    desk = Desk()
    make.ticket(desk.service)
    for minute in range(3):
        make.ticket(desk.service, CustomerClass.SPECIAL, at=NOW + (minute + 1) * MINUTE)

    called_numbers = []
    for _each in range(4):
        desk.tap("call-next")
        ticket = Ticket.objects.get(state=State.CALLED)
        called_numbers.append(ticket.number)
        desk.tap("start", form(ticket))
        desk.tap("finish", form(ticket))

    assert called_numbers == ["A002", "A003", "A001", "A004"]


def test_calling_where_nobody_waits_says_so():
    desk = Desk()

    answer = desk.tap("call-next")

    assert answer.status_code == 200
    assert answer.content.decode().startswith('<p class="notice"><span>Nobody waits for this counter.')


def test_a_call_out_of_turn_needs_its_reason():
    desk = Desk()
    data = waiting(desk)
    before = everything()

    answer = desk.tap("call-this", data)

    assert answer.status_code == 422
    assert "out of turn" in answer.content.decode()
    assert everything() == before


def test_a_typed_reason_goes_before_a_chosen_one():
    desk = Desk()

    desk.tap("call-this", out_of_turn(desk) | {"note": "holds a baby"})

    assert Ticket.objects.get().events.last().reason == "holds a baby"


@pytest.mark.covers("Q-11")
def test_who_was_not_called_often_enough_is_no_no_show():
    desk = Desk()
    data = called(desk)

    answer = desk.tap("no-show", data)

    assert answer.status_code == 409
    assert "Call A001 again first: 0 of 2." in answer.content.decode()
    assert Ticket.objects.get().state == State.CALLED


@pytest.mark.parametrize("field", ["service", "to"])
def test_a_transfer_leads_to_no_other_hall(field):
    desk = Desk()
    elsewhere = make.hall()
    foreign = {"service": make.service(elsewhere), "to": make.counter(elsewhere)}[field]
    data = form(make.serving(desk.service, desk.counter)) | {field: foreign.pk}
    before = everything()

    answer = desk.tap("transfer", data)

    assert answer.status_code == 404
    assert everything() == before


def test_a_transfer_to_nowhere_is_refused():
    desk = Desk()
    data = form(make.serving(desk.service, desk.counter), service=desk.service.pk, to="")
    before = everything()

    answer = desk.tap("transfer", data)

    assert answer.status_code == 422
    assert everything() == before


@pytest.mark.covers("Q-06")
def test_the_gift_is_given_once():
    desk = Desk()
    data = gift(desk)
    care.give(Ticket.objects.get(), "gift", by=make.person(desk.hall, Kind.FLOATER, name_en="Wang"), at=NOW)

    answer = desk.tap("counter-care", data)

    assert answer.status_code == 409
    assert "already given at 10:00 by Wang" in answer.content.decode()
    assert CareAct.objects.count() == 1


def test_an_act_of_another_hall_is_not_taken_back():
    desk = Desk()
    foreign = care.give(make.ticket(make.service(make.hall())), "water", by=None, at=NOW)

    answer = desk.tap("counter-care-undo", {"act": foreign.pk})

    assert answer.status_code == 404
    assert CareAct.objects.get().undone_at is None
