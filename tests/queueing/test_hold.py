"""The customer steps aside, and is taken back."""

import pytest

from hall.refusals import CounterBusy, CounterNotOpen, WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def serving():
    """A ticket in service, its service, its counter and the counter beside it."""
    hall = make.hall()
    service = make.service(hall)
    counters = [make.counter(hall, services=[service]) for _each in range(2)]
    return make.serving(service, counters[0]), service, *counters


def test_the_counter_is_free_while_the_customer_fills_the_form():
    ticket, service, counter, _other = serving()
    make.ticket(service)

    tickets.hold(ticket, reason="fills the form", by=None, at=AT + 2 * MINUTE)

    assert Ticket.objects.get(pk=ticket.pk).state == State.HELD
    assert ticket.events.last().reason == "fills the form"
    assert tickets.call_next(counter, by=None, at=AT + 2 * MINUTE).number == "A002"


def test_the_time_held_is_neither_waiting_nor_service():
    ticket, _service, counter, _other = serving()
    tickets.hold(ticket, by=None, at=AT + 2 * MINUTE)
    tickets.take_back(ticket, counter, by=None, at=AT + 7 * MINUTE)

    tickets.finish(ticket, by=None, at=AT + 8 * MINUTE)

    stored = Ticket.objects.get()
    assert (stored.waited_before, stored.served_before, stored.held_before) == (0 * MINUTE, 3 * MINUTE, 5 * MINUTE)


def test_another_counter_may_take_the_customer_back():
    ticket, _service, first, other = serving()
    tickets.hold(ticket, by=None, at=AT)

    tickets.take_back(ticket, other, by=None, at=AT + MINUTE)

    stored = Ticket.objects.get()
    other.refresh_from_db()
    first.refresh_from_db()
    assert (stored.state, stored.counter, stored.started_at) == (State.SERVING, other, AT)
    assert (other.ticket_number, first.ticket_number) == ("A001", "")


def test_both_counters_are_told(announced):
    ticket, _service, first, other = serving()
    tickets.hold(ticket, by=None, at=AT)
    announced.clear()

    tickets.take_back(ticket, other, by=None, at=AT)

    assert [set(said) for said in announced] == [
        {ticket.hall_id, "queue", f"counter:{first.pk}", f"counter:{other.pk}"}
    ]


def test_a_customer_only_called_cannot_be_held():
    hall = make.hall()
    service = make.service(hall)
    ticket = make.called(service, make.counter(hall, services=[service]))

    with make.refusal(WrongState):
        tickets.hold(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.CALLED


def test_a_busy_counter_takes_nobody_back():
    ticket, service, counter, _other = serving()
    tickets.hold(ticket, by=None, at=AT)
    make.called(service, counter)

    with make.refusal(CounterBusy, match="A002"):
        tickets.take_back(ticket, counter, by=None, at=AT)

    assert Ticket.objects.get(pk=ticket.pk).state == State.HELD


def test_a_paused_counter_takes_nobody_back():
    ticket, service, _counter, _other = serving()
    paused = make.counter(service.hall, state="paused", pause_reason="lunch", free_since=None)
    tickets.hold(ticket, by=None, at=AT)

    with make.refusal(CounterNotOpen):
        tickets.take_back(ticket, paused, by=None, at=AT)

    assert Ticket.objects.get().state == State.HELD


def test_nobody_is_taken_back_twice():
    ticket, _service, counter, other = serving()
    tickets.hold(ticket, by=None, at=AT)
    tickets.take_back(ticket, counter, by=None, at=AT)

    with make.refusal(WrongState):
        tickets.take_back(ticket, other, by=None, at=AT)

    assert Ticket.objects.get().counter == counter
