"""Call the same number again."""

import pytest

from hall.refusals import TooManyRecalls, WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def called():
    hall = make.hall()
    service = make.service(hall)
    return make.called(service, make.counter(hall, services=[service]))


def test_the_recall_is_counted_with_its_time_and_one_event():
    ticket = called()

    tickets.recall(ticket, by=None, at=AT + 20 * SECOND)

    stored = Ticket.objects.get()
    assert (stored.state, stored.called_at, stored.recalls, stored.recalled_at) == (
        State.CALLED,
        AT,
        1,
        AT + 20 * SECOND,
    )
    assert list(stored.events.values_list("verb", flat=True)) == ["issued", "called", "recalled"]


def test_every_screen_and_the_counter_are_told(announced):
    ticket = called()
    announced.clear()

    tickets.recall(ticket, by=None, at=AT)

    assert announced == [(ticket.hall_id, "queue", f"counter:{ticket.counter_id}")]


@pytest.mark.covers("Q-11")
def test_the_third_recall_is_refused():
    ticket = called()
    tickets.recall(ticket, by=None, at=AT)
    tickets.recall(ticket, by=None, at=AT)

    with make.refusal(TooManyRecalls):
        tickets.recall(ticket, by=None, at=AT + MINUTE)

    assert Ticket.objects.get().recalls == 2


def test_the_way_is_not_cut_by_a_recall():
    ticket = called()
    tickets.recall(ticket, by=None, at=AT + MINUTE)

    assert tickets.start(ticket, by=None, at=AT + 3 * MINUTE).way_before == 3 * MINUTE


def test_a_ticket_not_called_is_refused():
    ticket = make.ticket(make.service(make.hall()))

    with make.refusal(WrongState, match="A001"):
        tickets.recall(ticket, by=None, at=AT)

    assert Ticket.objects.get().events.count() == 1
