"""Call one certain waiting ticket out of turn, with a reason."""

import pytest

from hall.refusals import CounterBusy, CounterNotOpen, Invalid, WrongState
from queueing import tickets
from queueing.models import State, Ticket, TicketEvent
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def floor(**fields):
    hall = make.hall()
    service = make.service(hall)
    return hall, service, make.counter(hall, services=[service], **fields)


def test_calls_the_chosen_ticket_and_keeps_the_reason():
    hall, service, counter = floor()
    clerk = make.person(hall)
    make.ticket(service)
    chosen = make.ticket(service)

    ticket = tickets.call_this(chosen, counter, reason=" feels unwell ", by=clerk, at=AT + MINUTE)

    assert (ticket.number, ticket.state, ticket.called_at) == ("A002", State.CALLED, AT + MINUTE)
    event = TicketEvent.objects.get(verb="called")
    assert (event.ticket, event.reason, event.by, event.counter) == (chosen, "feels unwell", clerk, counter)


def test_any_service_may_be_called_so():
    hall, _service, counter = floor()
    green = make.ticket(make.service(hall, "G", is_green=True))

    assert tickets.call_this(green, counter, reason="test", by=None, at=AT).state == State.CALLED


def test_every_screen_and_the_counter_are_told(announced):
    hall, service, counter = floor()
    ticket = make.ticket(service)
    announced.clear()

    tickets.call_this(ticket, counter, reason="test", by=None, at=AT)

    assert announced == [(hall.pk, "queue", f"counter:{counter.pk}")]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "a\x00"])
def test_without_a_good_reason_nothing_happens(reason):
    _hall, service, counter = floor()
    ticket = make.ticket(service)

    with make.refusal(Invalid):
        tickets.call_this(ticket, counter, reason=reason, by=None, at=AT)

    assert Ticket.objects.get().state == State.WAITING


def test_a_ticket_that_does_not_wait_is_refused():
    hall, service, counter = floor()
    ticket = make.called(service, make.counter(hall, services=[service]))

    with make.refusal(WrongState, match="A001"):
        tickets.call_this(ticket, counter, reason="test", by=None, at=AT)

    assert TicketEvent.objects.filter(verb="called").count() == 1


def test_a_busy_counter_is_refused():
    _hall, service, counter = floor()
    make.called(service, counter)
    ticket = make.ticket(service)

    with make.refusal(CounterBusy, match="A001"):
        tickets.call_this(ticket, counter, reason="test", by=None, at=AT)

    ticket.refresh_from_db()
    assert ticket.state == State.WAITING


def test_a_closed_counter_is_refused():
    _hall, service, counter = floor(state="closed", free_since=None)
    ticket = make.ticket(service)

    with make.refusal(CounterNotOpen):
        tickets.call_this(ticket, counter, reason="test", by=None, at=AT)

    ticket.refresh_from_db()
    assert ticket.state == State.WAITING
