"""Undo a finish."""

import pytest

from hall.models import DayClose
from hall.refusals import CounterBusy, CounterNotOpen, WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def done(**options):
    """A ticket finished at AT, one that waits, and their counter."""
    hall = make.hall()
    make.limit(hall, "F-04", "undo_finish", 5)
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    ticket = make.ticket(service, **options)
    tickets.call_this(ticket, counter, reason="test", by=None, at=AT)
    tickets.start(ticket, by=None, at=AT)
    tickets.finish(ticket, by=None, at=AT)
    return ticket, service, counter


def test_the_customer_is_in_service_again_at_the_same_counter():
    ticket, _service, counter = done()

    tickets.reopen(ticket, by=None, at=AT + 5 * MINUTE)

    stored = Ticket.objects.get()
    counter.refresh_from_db()
    assert (stored.state, stored.counter, stored.finished_at, stored.started_at) == (State.SERVING, counter, None, AT)
    assert (counter.ticket_number, counter.free_since) == ("A001", None)
    assert stored.events.last().verb == "reopened"


def test_the_time_between_is_not_service():
    ticket, _service, _counter = done()
    tickets.reopen(ticket, by=None, at=AT + 2 * MINUTE)

    assert tickets.finish(ticket, by=None, at=AT + 3 * MINUTE).served_before == MINUTE


def test_too_long_ago_is_refused():
    ticket, _service, _counter = done()

    with make.refusal(WrongState, match="too long ago"):
        tickets.reopen(ticket, by=None, at=AT + 5 * MINUTE + SECOND)

    assert Ticket.objects.get().state == State.DONE


def test_after_the_days_close_it_is_refused():
    ticket, service, _counter = done()
    DayClose.objects.create(hall=service.hall, business_date=ticket.business_date, closed_at=AT)

    with make.refusal(WrongState):
        tickets.reopen(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.DONE


def test_with_the_next_customer_at_the_counter_it_is_refused():
    ticket, service, counter = done()
    make.called(service, counter)

    with make.refusal(CounterBusy, match="A002"):
        tickets.reopen(ticket, by=None, at=AT)

    assert Ticket.objects.get(pk=ticket.pk).state == State.DONE


def test_at_a_closed_counter_it_is_refused():
    ticket, _service, counter = done()
    counter.state = "closed"
    counter.save()

    with make.refusal(CounterNotOpen):
        tickets.reopen(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.DONE


@pytest.mark.covers("R-Q06")
def test_a_person_who_took_another_ticket_since_is_refused():
    ticket, service, _counter = done(person="13800138000")
    make.ticket(service, person="13800138000")

    with make.refusal(WrongState, match="A002"):
        tickets.reopen(ticket, by=None, at=AT)

    assert Ticket.objects.get(pk=ticket.pk).state == State.DONE
