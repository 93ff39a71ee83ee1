"""The customer leaves without being served."""

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


def test_who_waits_may_leave():
    service, counter = floor()
    ticket = make.ticket(service)

    tickets.abandon(ticket, by=None, at=AT + 7 * MINUTE)

    stored = Ticket.objects.get()
    assert (stored.state, stored.waited_before, stored.alarm_due_at) == (State.ABANDONED, 7 * MINUTE, None)
    assert stored.events.last().verb == "abandoned"
    assert tickets.call_next(counter, by=None, at=AT + 8 * MINUTE) is None


def test_who_is_held_may_leave_and_the_next_one_stays_at_the_counter():
    service, counter = floor()
    held = tickets.hold(make.serving(service, counter), by=None, at=AT)
    make.called(service, counter)

    tickets.abandon(held, by=None, at=AT)

    counter.refresh_from_db()
    assert (Ticket.objects.get(pk=held.pk).state, counter.ticket_number) == (State.ABANDONED, "A002")


def test_every_screen_is_told(announced):
    service, _counter = floor()
    ticket = make.ticket(service)
    announced.clear()

    tickets.abandon(ticket, by=None, at=AT)

    assert announced == [(service.hall_id, "queue")]


def test_who_is_called_already_is_refused():
    service, counter = floor()
    ticket = make.called(service, counter)

    with make.refusal(WrongState, match="A001 is called now"):
        tickets.abandon(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.CALLED
