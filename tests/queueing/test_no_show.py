"""Called, and did not come."""

import pytest

from hall.models.halls import Clock
from hall.refusals import WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def called(recalls=2, **fields):
    hall = make.hall(**fields)
    service = make.service(hall)
    ticket = make.called(service, make.counter(hall, services=[service]))
    for _each in range(recalls):
        tickets.recall(ticket, by=None, at=AT)
    return ticket


@pytest.mark.covers("Q-11", "F-04")
def test_after_two_recalls_the_ticket_did_not_come_and_the_counter_is_free():
    ticket = called()

    tickets.no_show(ticket, by=None, at=AT + 2 * MINUTE)

    stored = Ticket.objects.get()
    stored.counter.refresh_from_db()
    assert (stored.state, stored.way_before) == (State.NO_SHOW, 2 * MINUTE)
    assert (stored.counter.ticket_number, stored.counter.free_since) == ("", AT + 2 * MINUTE)
    assert stored.events.last().verb == "no_show"


@pytest.mark.parametrize("recalls", [0, 1])
def test_before_that_it_is_refused_and_says_how_often(recalls):
    ticket = called(recalls)

    with make.refusal(WrongState, match=f"{recalls} of 2"):
        tickets.no_show(ticket, by=None, at=AT + MINUTE)

    assert Ticket.objects.get().state == State.CALLED


def test_a_recorded_day_needs_no_recall():
    ticket = called(0, clock=Clock.PLAYED)

    assert tickets.no_show(ticket, by=None, at=AT).state == State.NO_SHOW


def test_every_screen_and_the_counter_are_told(announced):
    ticket = called()
    announced.clear()

    tickets.no_show(ticket, by=None, at=AT)

    assert announced == [(ticket.hall_id, "queue", f"counter:{ticket.counter_id}")]


def test_a_ticket_in_service_is_refused():
    ticket = called()
    tickets.start(ticket, by=None, at=AT)

    with make.refusal(WrongState):
        tickets.no_show(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.SERVING
