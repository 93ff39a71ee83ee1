"""The customer is at the counter and service begins."""

import pytest

from hall.refusals import WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def called():
    hall = make.hall()
    service = make.service(hall)
    return make.called(service, make.counter(hall, services=[service]))


def test_service_begins_and_the_way_is_measured():
    ticket = called()

    tickets.start(ticket, by=None, at=AT + 2 * MINUTE)

    stored = Ticket.objects.get()
    assert (stored.state, stored.started_at, stored.way_before) == (State.SERVING, AT + 2 * MINUTE, 2 * MINUTE)
    assert [(event.verb, event.from_state, event.at) for event in stored.events.order_by("-pk")[:1]] == [
        ("started", "called", AT + 2 * MINUTE)
    ]


def test_the_counter_keeps_its_customer():
    ticket = called()

    tickets.start(ticket, by=None, at=AT)

    ticket.counter.refresh_from_db()
    assert ticket.counter.ticket_number == "A001"


def test_every_screen_and_the_counter_are_told(announced):
    ticket = called()
    announced.clear()

    tickets.start(ticket, by=None, at=AT)

    assert announced == [(ticket.hall_id, "queue", f"counter:{ticket.counter_id}")]


def test_starting_twice_is_refused_with_the_state():
    ticket = called()
    tickets.start(ticket, by=None, at=AT)

    with make.refusal(WrongState, match="A001 is in service now"):
        tickets.start(ticket, by=None, at=AT + MINUTE)

    assert Ticket.objects.get().started_at == AT
