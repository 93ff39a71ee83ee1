"""Undo a call."""

import pytest

from hall.refusals import WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def floor():
    hall = make.hall()
    service = make.service(hall)
    return service, make.counter(hall, services=[service])


def test_the_ticket_waits_again_in_its_old_place():
    service, counter = floor()
    ticket = make.called(service, counter, at=AT, called_at=AT + 4 * MINUTE)
    make.ticket(service, at=AT + MINUTE)

    tickets.uncall(ticket, by=None, at=AT + 5 * MINUTE)

    stored = Ticket.objects.get(pk=ticket.pk)
    assert (stored.state, stored.counter, stored.called_at, stored.issued_at) == (State.WAITING, None, None, AT)
    assert (stored.waited_before, stored.way_before, stored.alarm_due_at) == (4 * MINUTE, MINUTE, AT + 16 * MINUTE)
    assert tickets.call_next(counter, by=None, at=AT + 6 * MINUTE) == ticket


def test_nothing_is_deleted():
    service, counter = floor()
    ticket = make.called(service, counter)

    tickets.uncall(ticket, by=None, at=AT)

    assert list(ticket.events.values_list("verb", flat=True)) == ["issued", "called", "uncalled"]


def test_the_counters_turn_is_as_before():
    service, counter = floor()
    make.ticket(service, "vip")
    ticket = tickets.call_next(counter, by=None, at=AT)

    tickets.uncall(ticket, by=None, at=AT + MINUTE)

    counter.refresh_from_db()
    assert (counter.favoured_run, counter.ticket_number, counter.free_since) == (0, "", AT + MINUTE)


def test_a_ticket_transferred_to_this_counter_stays_this_counters():
    service, counter = floor()
    other = make.counter(service.hall, services=[service])
    ticket = tickets.transfer(make.called(service, other), to=counter, by=None, at=AT)
    tickets.call_next(counter, by=None, at=AT)

    tickets.uncall(ticket, by=None, at=AT)

    assert tickets.call_next(other, by=None, at=AT) is None
    assert tickets.call_next(counter, by=None, at=AT) == ticket


def test_every_screen_and_the_counter_are_told(announced):
    service, counter = floor()
    ticket = make.called(service, counter)
    announced.clear()

    tickets.uncall(ticket, by=None, at=AT)

    assert announced == [(service.hall_id, "queue", f"counter:{counter.pk}")]


def test_once_service_has_begun_it_is_refused():
    service, counter = floor()
    ticket = make.serving(service, counter)

    with make.refusal(WrongState):
        tickets.uncall(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.SERVING
