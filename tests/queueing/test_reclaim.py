"""A spare ticket is politely taken back."""

import pytest

from hall.refusals import Invalid, WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


@pytest.mark.covers("R-Q06", "F-04")
def test_a_spare_ticket_is_taken_back_and_nobody_calls_it():
    hall = make.hall()
    service, guide = make.service(hall), make.person(hall, "guide")
    counter = make.counter(hall, services=[service])
    spare = make.ticket(service)

    tickets.reclaim(spare, reason="has A002", by=guide, at=AT + MINUTE)

    stored = Ticket.objects.get()
    event = stored.events.last()
    assert (stored.state, stored.waited_before) == (State.RECLAIMED, MINUTE)
    assert (event.verb, event.reason, event.by) == ("reclaimed", "has A002", guide)
    assert tickets.call_next(counter, by=None, at=AT + MINUTE) is None


def test_every_screen_is_told(announced):
    ticket = make.ticket(make.service(make.hall()))
    announced.clear()

    tickets.reclaim(ticket, by=None, at=AT)

    assert announced == [(ticket.hall_id, "queue")]


def test_a_reason_too_long_is_refused():
    ticket = make.ticket(make.service(make.hall()))

    with make.refusal(Invalid):
        tickets.reclaim(ticket, reason="x" * 201, by=None, at=AT)

    assert Ticket.objects.get().state == State.WAITING


def test_a_called_ticket_is_refused():
    hall = make.hall()
    service = make.service(hall)
    ticket = make.called(service, make.counter(hall, services=[service]))

    with make.refusal(WrongState):
        tickets.reclaim(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.CALLED
