"""The customer is served."""

import pytest

from hall.refusals import WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def serving():
    hall = make.hall()
    service = make.service(hall)
    return make.serving(service, make.counter(hall, services=[service]))


def test_the_ticket_is_done_and_its_service_measured():
    ticket = serving()

    tickets.finish(ticket, by=None, at=AT + 6 * MINUTE)

    stored = Ticket.objects.get()
    assert (stored.state, stored.finished_at, stored.served_before) == (State.DONE, AT + 6 * MINUTE, 6 * MINUTE)
    assert list(stored.events.values_list("verb", flat=True)) == ["issued", "called", "started", "finished"]


def test_the_counter_is_free_from_then_on():
    ticket = serving()

    tickets.finish(ticket, by=None, at=AT + 6 * MINUTE)

    ticket.counter.refresh_from_db()
    assert (ticket.counter.ticket_number, ticket.counter.free_since) == ("", AT + 6 * MINUTE)


def test_every_screen_and_the_counter_are_told(announced):
    ticket = serving()
    announced.clear()

    tickets.finish(ticket, by=None, at=AT)

    assert announced == [(ticket.hall_id, "queue", f"counter:{ticket.counter_id}")]


def test_a_ticket_only_called_is_refused():
    hall = make.hall()
    service = make.service(hall)
    ticket = make.called(service, make.counter(hall, services=[service]))

    with make.refusal(WrongState, match="A001 is called now"):
        tickets.finish(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.CALLED
