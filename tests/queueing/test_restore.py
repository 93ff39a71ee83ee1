"""Somebody who did not come, left, or whose ticket was taken back waits again in his old place."""

import datetime as dt

import pytest

from hall.models import DayClose
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


def no_show(service, counter, *, called_at=AT):
    ticket = make.called(service, counter, called_at=called_at)
    for _each in range(2):
        tickets.recall(ticket, by=None, at=called_at)
    return tickets.no_show(ticket, by=None, at=called_at)


@pytest.mark.covers("Q-11")
def test_who_did_not_come_waits_again_in_his_old_place():
    service, counter = floor()
    ticket = no_show(service, counter, called_at=AT + 3 * MINUTE)
    make.ticket(service, at=AT + MINUTE)

    tickets.restore(ticket, by=None, at=AT + 8 * MINUTE)

    stored = Ticket.objects.get(pk=ticket.pk)
    assert (stored.state, stored.counter, stored.called_at, stored.recalls) == (State.WAITING, None, None, 0)
    assert tickets.call_next(counter, by=None, at=AT + 8 * MINUTE) == ticket


def test_the_time_away_is_not_waiting():
    service, counter = floor()
    ticket = no_show(service, counter, called_at=AT + 3 * MINUTE)

    ticket = tickets.restore(ticket, by=None, at=AT + 30 * MINUTE)

    assert ticket.waited(AT + 31 * MINUTE) == 4 * MINUTE


@pytest.mark.parametrize("leave", [tickets.abandon, tickets.reclaim])
def test_who_left_or_gave_the_ticket_back_may_wait_again(leave):
    service, _counter = floor()
    ticket = leave(make.ticket(service), by=None, at=AT)

    assert tickets.restore(ticket, by=None, at=AT + MINUTE).state == State.WAITING


def test_every_screen_is_told(announced):
    service, _counter = floor()
    ticket = tickets.abandon(make.ticket(service), by=None, at=AT)
    announced.clear()

    tickets.restore(ticket, by=None, at=AT)

    assert announced == [(service.hall_id, "queue")]


def test_a_ticket_of_yesterday_is_refused():
    service, _counter = floor()
    ticket = tickets.abandon(make.ticket(service), by=None, at=AT)

    with make.refusal(WrongState, match="another day"):
        tickets.restore(ticket, by=None, at=AT + dt.timedelta(days=1))

    assert Ticket.objects.get().state == State.ABANDONED


def test_after_the_days_close_it_is_refused():
    service, _counter = floor()
    ticket = tickets.abandon(make.ticket(service), by=None, at=AT)
    DayClose.objects.create(hall=service.hall, business_date=ticket.business_date, closed_at=AT)

    with make.refusal(WrongState):
        tickets.restore(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.ABANDONED


@pytest.mark.covers("R-Q06")
def test_a_person_with_another_live_ticket_is_refused():
    service, _counter = floor()
    ticket = tickets.reclaim(make.ticket(service, person="13800138000"), by=None, at=AT)
    make.ticket(service, person="13800138000")

    with make.refusal(WrongState, match="A002"):
        tickets.restore(ticket, by=None, at=AT)

    assert Ticket.objects.get(pk=ticket.pk).state == State.RECLAIMED


def test_a_ticket_that_is_done_is_refused():
    service, counter = floor()
    ticket = make.done(service, counter)

    with make.refusal(WrongState):
        tickets.restore(ticket, by=None, at=AT)

    assert Ticket.objects.get().state == State.DONE
