"""The customer waits again, for another service or another counter."""

import pytest

from hall.refusals import Invalid, WrongState
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def floor():
    """Two services, each with a counter of its own."""
    hall = make.hall()
    first, second = make.service(hall, "A"), make.service(hall, "B")
    return first, second, make.counter(hall, services=[first]), make.counter(hall, services=[second])


@pytest.mark.covers("F-04")
def test_the_card_and_its_issue_time_stay():
    first, second, counter, _other = floor()
    ticket = make.serving(first, counter, at=AT, called_at=AT + 5 * MINUTE)

    tickets.transfer(ticket, service=second, reason="wrong queue", by=None, at=AT + 9 * MINUTE)

    stored = Ticket.objects.get()
    assert (stored.number, stored.issued_at, stored.service, stored.state) == ("A001", AT, second, State.WAITING)
    assert (stored.waited_before, stored.served_before, stored.state_since) == (5 * MINUTE, 4 * MINUTE, AT + 9 * MINUTE)
    event = stored.events.last()
    assert (event.verb, event.reason, event.data) == (
        "transferred", "wrong queue", {"from_service": first.pk, "from_counter": counter.pk},
    )  # fmt: skip


@pytest.mark.covers("R-Q02")
def test_what_was_waited_before_counts_towards_the_limit_and_service_does_not():
    first, second, counter, _other = floor()
    ticket = make.serving(first, counter, at=AT, called_at=AT + 12 * MINUTE)

    ticket = tickets.transfer(ticket, service=second, by=None, at=AT + 30 * MINUTE)

    assert (ticket.warn_due_at, ticket.alarm_due_at) == (AT + 30 * MINUTE, AT + 33 * MINUTE)


def test_it_stands_before_those_who_came_later():
    first, second, counter, other = floor()
    ticket = make.called(first, counter, at=AT)
    make.ticket(second, at=AT + MINUTE)
    tickets.transfer(ticket, service=second, by=None, at=AT + 2 * MINUTE)

    assert tickets.call_next(other, by=None, at=AT + 3 * MINUTE) == ticket


def test_the_counter_it_left_is_free():
    first, second, counter, _other = floor()

    tickets.transfer(make.called(first, counter), service=second, by=None, at=AT + MINUTE)

    counter.refresh_from_db()
    assert (counter.ticket_number, counter.free_since) == ("", AT + MINUTE)


def test_a_held_customer_leaves_the_next_one_at_the_counter():
    first, second, counter, _other = floor()
    held = tickets.hold(make.serving(first, counter), by=None, at=AT)
    make.called(first, counter)

    tickets.transfer(held, service=second, by=None, at=AT)

    counter.refresh_from_db()
    assert counter.ticket_number == "A002"


def test_a_ticket_for_a_counter_is_called_there_and_not_elsewhere():
    first, _second, counter, _other = floor()
    sister = make.counter(first.hall, services=[first])
    ticket = make.called(first, counter)

    tickets.transfer(ticket, to=sister, by=None, at=AT)

    assert tickets.call_next(counter, by=None, at=AT) is None
    assert tickets.call_next(sister, by=None, at=AT) == ticket


def test_a_ticket_for_a_counter_is_called_there_whatever_it_serves():
    first, _second, counter, other = floor()
    ticket = make.called(first, counter)

    tickets.transfer(ticket, to=other, by=None, at=AT)

    assert tickets.call_next(other, by=None, at=AT) == ticket


def test_a_ticket_for_a_counter_that_is_not_open_is_called_by_those_who_serve_it():
    first, _second, counter, _other = floor()
    paused = make.counter(first.hall, services=[first], state="paused", pause_reason="lunch", free_since=None)
    ticket = make.called(first, counter)

    tickets.transfer(ticket, to=paused, by=None, at=AT)

    assert tickets.call_next(counter, by=None, at=AT) == ticket


def test_green_follows_the_service_and_priority_stays_with_the_customer():
    first, _second, counter, other = floor()
    green = make.service(first.hall, "G", is_green=True)
    normal, special = make.called(first, counter), make.ticket(first, "special")
    tickets.call_this(special, other, reason="test", by=None, at=AT)

    for ticket in (normal, special):
        tickets.transfer(ticket, service=green, by=None, at=AT)

    assert [Ticket.objects.get(pk=ticket.pk).customer_class for ticket in (normal, special)] == ["green", "special"]


def test_every_screen_and_the_counter_are_told(announced):
    first, second, counter, _other = floor()
    ticket = make.called(first, counter)
    announced.clear()

    tickets.transfer(ticket, service=second, by=None, at=AT)

    assert announced == [(first.hall_id, "queue", f"counter:{counter.pk}")]


def test_a_ticket_that_waits_already_is_refused():
    first, second, _counter, _other = floor()
    ticket = make.ticket(first)

    with make.refusal(WrongState):
        tickets.transfer(ticket, service=second, by=None, at=AT)

    assert Ticket.objects.get().service == first


def test_the_same_place_a_closed_service_and_another_hall_are_refused():
    first, _second, counter, _other = floor()
    ticket = make.called(first, counter)
    shut, far = make.service(first.hall, "C", is_active=False), make.service(make.hall())
    far_counter = make.counter(far.hall)

    for places in ({}, {"service": first}, {"to": counter}, {"service": shut}, {"service": far}, {"to": far_counter}):
        with make.refusal(Invalid):
            tickets.transfer(ticket, by=None, at=AT, **places)

    stored = Ticket.objects.get()
    assert (stored.state, stored.service, stored.counter) == (State.CALLED, first, counter)
