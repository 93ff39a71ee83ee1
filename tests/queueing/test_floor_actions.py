"""Every action of the floor tablet: who may, who may not, and what is refused without a trace."""

import re
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.urls import reverse

from hall import clock
from hall.models import Device, Hall, Kind, Person
from queueing import care, tickets
from queueing.models import CareAct, CustomerClass, Service, State, Ticket
from tests import make
from tests.queueing.tablets import everything, form

pytestmark = pytest.mark.django_db


def giving(service: Service) -> dict:
    return {"service": service.pk, "customer_class": "normal"}


def waiting(service: Service) -> dict:
    return form(make.ticket(service, at=clock.now()))


def cared(service: Service) -> dict:
    return waiting(service) | {"kind": "water"}


def given(service: Service) -> dict:
    return {"act": care.give(make.ticket(service), "water", by=None, at=make.AT).pk}


def left(service: Service) -> dict:
    at = clock.now()  # only tickets of today are restored
    return form(tickets.abandon(make.ticket(service, at=at), by=None, at=at))


# Action → what must be there, and what the form carries.
ACTIONS: dict[str, Callable[[Service], dict]] = {
    "give-ticket": giving,
    "floor-care-give": cared,
    "floor-care-undo": given,
    "abandon": waiting,
    "reclaim": waiting,
    "floor-restore": left,
}
ABOUT_A_TICKET = ["floor-care-give", "abandon", "reclaim", "floor-restore"]
every_action = pytest.mark.parametrize("name", ACTIONS)


def tap(hall: Hall, name: str, data: dict, *, by: Person | None = None, **keywords: str) -> HttpResponse:
    """A floater of the hall, unless somebody else is named, taps an action."""
    person = by or make.person(hall, Kind.FLOATER, name_en="Wang")
    return make.tap(make.client(person), reverse(name, args=[hall.code]), data, **keywords)


@every_action
def test_the_floater_may(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    before = everything()

    answer = tap(service.hall, name, data)

    assert answer.status_code == 200
    assert everything() != before


@every_action
def test_the_counter_clerk_may_only_care(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)

    answer = tap(service.hall, name, data, by=make.person(service.hall, Kind.CLERK))

    assert answer.status_code == (200 if name.startswith("floor-care") else 403)


@every_action
def test_headquarters_may_not_act_on_the_floor(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    before = everything()

    answer = tap(service.hall, name, data, by=make.person(service.hall, Kind.HEADQUARTERS))

    assert answer.status_code == 403
    assert everything() == before


@every_action
def test_a_stranger_finds_nothing(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    before = everything()

    answer = tap(service.hall, name, data, by=make.person(make.hall(), Kind.FLOATER))

    assert answer.status_code == 404
    assert everything() == before


@every_action
def test_nobody_is_led_to_the_login_page(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    before = everything()

    answer = make.tap(make.client(), reverse(name, args=[service.hall.code]), data)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login/")
    assert everything() == before


@every_action
def test_looking_at_an_action_is_refused(name):
    hall = make.hall()

    answer = make.client(make.person(hall, Kind.FLOATER)).get(reverse(name, args=[hall.code]))

    assert answer.status_code == 405


@every_action
def test_a_tap_without_its_key_changes_nothing(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    client = make.client(make.person(service.hall, Kind.FLOATER))
    before = everything()

    answer = client.post(reverse(name, args=[service.hall.code]), data)

    assert answer.status_code == 422
    assert everything() == before


@every_action
def test_the_same_tap_twice_is_done_once(name):
    service = make.service(make.hall())
    floater = make.person(service.hall, Kind.FLOATER)
    data = ACTIONS[name](service)
    tap(service.hall, name, data, by=floater, key="the-same-tap")
    after = everything()

    answer = tap(service.hall, name, data, by=floater, key="the-same-tap")

    assert answer.status_code == 200
    assert everything() == after


@every_action
def test_a_key_used_for_something_else_changes_nothing(name):
    service = make.service(make.hall())
    floater = make.person(service.hall, Kind.FLOATER)
    data = ACTIONS[name](service)
    tap(service.hall, name, data, by=floater, key="the-same-tap")
    after = everything()

    answer = tap(service.hall, name, data | {"need_note": "another"}, by=floater, key="the-same-tap")

    assert answer.status_code == 422
    assert everything() == after


@pytest.mark.parametrize("name", ABOUT_A_TICKET)
def test_a_ticket_of_another_hall_is_not_found(name):
    service = make.service(make.hall())
    data = ACTIONS[name](service)
    foreign = make.ticket(make.service(make.hall()))
    before = everything()

    answer = tap(service.hall, name, data | {"ticket": foreign.pk})

    assert answer.status_code == 404
    assert everything() == before


@pytest.mark.parametrize("name", ["abandon", "reclaim"])
def test_a_ticket_that_was_called_meanwhile_is_refused_with_the_truth(name):
    hall = make.hall()
    service = make.service(hall)
    data = waiting(service)
    tickets.call_next(make.counter(hall, services=[service]), by=None, at=clock.now())
    before = everything()

    answer = tap(hall, name, data)

    assert answer.status_code == 409
    assert "A001 is called now." in answer.content.decode()
    assert everything() == before


def test_a_service_of_another_hall_gives_no_ticket():
    hall = make.hall()
    foreign = make.service(make.hall())

    answer = tap(hall, "give-ticket", giving(foreign))

    assert answer.status_code == 422
    assert Ticket.objects.count() == 0


@pytest.mark.parametrize(
    "field",
    [
        {"customer_class": "king"},
        {"customer_class": ""},
        {"service": "x"},
        {"service": ""},
        {"person": "12"},
        {"need_note": "a\x00b"},
    ],
)
def test_a_bad_field_gives_no_ticket(field):
    service = make.service(make.hall())

    answer = tap(service.hall, "give-ticket", giving(service) | field)

    assert answer.status_code == 422
    assert Ticket.objects.count() == 0


def test_a_closed_hall_gives_no_ticket():
    hall = make.hall()
    hall.opening_intervals.all().delete()
    service = make.service(hall)

    answer = tap(hall, "give-ticket", giving(service))

    assert answer.status_code == 409
    assert "The hall is closed." in answer.content.decode()
    assert Ticket.objects.count() == 0


@pytest.mark.covers("R-Q06")
def test_a_person_with_a_live_ticket_gets_no_second_one():
    service = make.service(make.hall())
    tap(service.hall, "give-ticket", giving(service) | {"person": "138 0000 1234"})

    answer = tap(service.hall, "give-ticket", giving(service) | {"person": "13800001234"})

    assert answer.status_code == 409
    assert "This customer already has A001." in answer.content.decode()
    assert Ticket.objects.count() == 1


@pytest.mark.covers("R-Q06")
def test_a_spare_ticket_is_taken_back_and_can_be_restored():
    service = make.service(make.hall())

    answer = tap(service.hall, "reclaim", waiting(service))

    ticket = Ticket.objects.get()
    assert ticket.state == State.RECLAIMED
    assert "A001 was taken back." in answer.content.decode()
    assert reverse("floor-restore", args=[service.hall.code]) in answer.content.decode()


@pytest.mark.covers("R-Q12")
def test_a_priority_customer_is_called_before_those_who_came_earlier():
    hall = make.hall()
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    make.ticket(service, at=clock.now())

    tap(hall, "give-ticket", giving(service) | {"customer_class": "special"})

    called = tickets.call_next(counter, by=None, at=clock.now())
    assert (called.number, called.customer_class) == ("A002", CustomerClass.SPECIAL)


def test_the_ticket_keeps_what_was_said():
    service = make.service(make.hall())

    tap(
        service.hall,
        "give-ticket",
        giving(service) | {"person": "13800001234", "need_note": " new plan ", "documents": "yes"},
    )

    ticket = Ticket.objects.get()
    assert (ticket.need_note, ticket.documents_checked, ticket.person_hint) == ("new plan", True, "34")


@pytest.mark.covers("Q-03")
def test_the_customer_is_told_how_many_are_ahead_and_that_the_wait_is_an_estimate():
    hall = make.hall()
    service = make.service(hall, counters=[])
    make.counter(hall, services=[service])
    for _each in range(2):
        make.ticket(service, at=clock.now())

    answer = tap(hall, "give-ticket", giving(service)).content.decode()

    assert '<h2 class="given-number">A003</h2>' in answer
    assert "<b>2</b> ahead · about <b>6 min</b>, an estimate" in answer


def test_the_qr_code_leads_to_the_ticket_at_the_public_address(settings):
    settings.PUBLIC_URL = "http://hall.example"
    service = make.service(make.hall())

    answer = tap(service.hall, "give-ticket", giving(service)).content.decode()

    assert '<svg viewBox="0 0 ' in answer
    assert 'class="qr"' in answer
    assert reverse("ticket-print", args=[Ticket.objects.get().token]) in answer


@pytest.mark.covers("R-Q02", "Q-06")
def test_an_act_of_care_says_when_it_was_done():
    service = make.service(make.hall())

    answer = tap(service.hall, "floor-care-give", cared(service))

    act = CareAct.objects.get()
    words = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())
    assert act.kind == "water"
    assert f"Water {service.hall.local(act.at):%H:%M}" in words


@pytest.mark.covers("Q-06")
def test_a_second_gift_is_refused_with_who_gave_the_first():
    service = make.service(make.hall())
    data = waiting(service) | {"kind": "gift"}
    tap(service.hall, "floor-care-give", data, by=make.person(service.hall, Kind.FLOATER, name_en="Wang"))

    answer = tap(service.hall, "floor-care-give", data)

    assert answer.status_code == 409
    assert "The gift was already given at" in answer.content.decode()
    assert "by Wang." in answer.content.decode()
    assert CareAct.objects.count() == 1


def test_an_unknown_act_of_care_is_refused():
    service = make.service(make.hall())

    answer = tap(service.hall, "floor-care-give", waiting(service) | {"kind": "massage"})

    assert answer.status_code == 422
    assert CareAct.objects.count() == 0


def test_a_kiosk_gives_no_ticket_at_the_floor_and_sees_nothing_of_it():
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    kiosk = make.paired_client(hall, Device.Screen.KIOSK)

    answer = make.tap(kiosk, f"/h/{hall.code}/floor/give-ticket/", {"service": service.pk, "customer_class": "vip"})

    assert answer.status_code == 401
    assert not Ticket.objects.exists()
