"""Races of the sweep: against itself, and against taps. Real threads, each with its own connection."""

import threading
import time

import pytest
from django.db import connection, transaction

from hall import alarms
from hall.locks import lock_queue
from hall.models import Alarm, AlarmEvent
from queueing import tickets, waits
from queueing.models import State, Ticket
from tests import make
from tests.at_once import together
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db(transaction=True)

OVER = AT + 16 * MINUTE


@pytest.fixture
def hall():
    return make.hall()


@pytest.fixture
def service(hall):
    return make.service(hall, counters=[make.counter(hall)])


@pytest.mark.covers("R-Q01", "R-Q02")
def test_two_sweeps_at_once_raise_each_alarm_exactly_once(service):
    for _ in range(60):
        make.ticket(service, at=AT)

    results = together(*[lambda: waits.sweep(at=OVER)] * 4)

    assert sum(swept.tickets for swept in results) == 60
    assert Alarm.objects.filter(rule="R-Q02").count() == 60
    assert Alarm.objects.filter(rule="R-Q01").count() == 1
    assert AlarmEvent.objects.filter(verb="raised").count() == 61


@pytest.mark.covers("R-Q02")
def test_a_call_and_the_sweep_at_once_leave_no_alarm_behind(service):
    counter = service.counters.get()
    for round_ in range(25):
        at = AT + round_ * 60 * MINUTE
        make.ticket(service, at=at)

        results = together(
            lambda at=at: tickets.call_next(counter, by=None, at=at + 16 * MINUTE),
            lambda at=at: waits.sweep(at=at + 16 * MINUTE),
        )

        assert [result for result in results if isinstance(result, Exception)] == []
        called = Ticket.objects.get(state=State.CALLED)
        assert called.over_seen_at is None
        assert Alarm.objects.filter(settled_at=None).count() == 0
        tickets.start(called, by=None, at=at + 17 * MINUTE)
        tickets.finish(called, by=None, at=at + 18 * MINUTE)


@pytest.mark.covers("R-Q02")
def test_a_sweep_between_reading_and_moving_a_ticket_is_noticed(service, monkeypatch):
    ticket = make.ticket(service, at=AT)
    move = tickets._move

    def sweep_first(*args, **kwargs):
        together(lambda: waits.sweep(at=OVER))
        return move(*args, **kwargs)

    monkeypatch.setattr(tickets, "_move", sweep_first)
    tickets.call_next(service.counters.get(), by=None, at=OVER)

    alarm = Alarm.objects.get(subject=f"ticket:{ticket.pk}")
    assert alarm.settled_because == "cause_gone"


def test_a_sweep_does_not_wait_for_a_tap_that_holds_a_ticket(hall, service):
    held, free = make.ticket(service, at=AT), make.ticket(service, at=AT)

    with lock_queue(hall.pk):
        Ticket.objects.filter(pk=held.pk).update(need_note="just typed")  # a row lock, until this block ends
        (swept,) = together(lambda: waits.sweep(at=OVER))

    assert swept.tickets == 1
    assert Alarm.objects.get(rule="R-Q02").subject == f"ticket:{free.pk}"
    assert waits.sweep(at=OVER + SECOND).tickets == 1


def test_only_one_web_process_stands_in(service):
    make.ticket(service, at=AT)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [waits.STAND_IN_LOCK])
        (stood_in,) = together(lambda: waits.stand_in_sweep(at=OVER))

    assert stood_in is False
    assert not Alarm.objects.exists()


def test_a_limit_changed_while_tickets_are_called_keeps_both(hall, service):
    counter = service.counters.get()
    for round_ in range(10):
        at = AT + round_ * 60 * MINUTE
        make.ticket(service, at=at)
        waits.sweep(at=at + 16 * MINUTE)
        make.limit(hall, "R-Q02", "threshold", 20 + round_)

        results = together(
            lambda at=at: tickets.call_next(counter, by=None, at=at + 17 * MINUTE),
            lambda at=at: waits.rewrite_due_times(hall_id=hall.pk, at=at + 17 * MINUTE),
            lambda at=at: waits.sweep(at=at + 17 * MINUTE),
        )

        assert [result for result in results if isinstance(result, Exception)] == []
        called = Ticket.objects.get(state=State.CALLED)
        assert called.alarm_due_at is None
        assert Alarm.objects.filter(settled_at=None).count() == 0
        tickets.start(called, by=None, at=at + 17 * MINUTE)
        tickets.finish(called, by=None, at=at + 18 * MINUTE)
        make.limit(hall, "R-Q02", "threshold", 15)


def test_a_changed_limit_and_an_answer_to_many_alarms_never_wait_for_each_other(hall, service):
    given = [make.ticket(service, at=AT + number * SECOND) for number in range(2)]
    for ticket in reversed(given):  # so the alarms' order is not the tickets'
        Ticket.objects.filter(pk=ticket.pk).update(over_seen_at=OVER)
        alarms.raise_alarm(
            hall_id=hall.pk, rule="R-Q02", subject=f"ticket:{ticket.pk}", due_at=OVER, act_by=None, data={}, at=OVER
        )
    make.limit(hall, "R-Q02", "threshold", 60)
    first, second = Alarm.objects.order_by("pk")
    held = threading.Event()

    def answer() -> None:
        with transaction.atomic():
            alarms.acknowledge(first, by=None, at=OVER)
            held.set()
            time.sleep(0.5)  # the change of the limit comes to the alarms meanwhile
            alarms.acknowledge(second, by=None, at=OVER)

    def change() -> None:
        held.wait(30)
        waits.rewrite_due_times(hall_id=hall.pk, at=OVER)

    assert together(answer, change) == [None, None]
    assert list(Alarm.objects.values_list("settled_because", flat=True)) == ["cause_gone"] * 2
