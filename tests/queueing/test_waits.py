"""K-10, the average wait; when something falls due next; and what a changed limit does to those who wait."""

import datetime as dt

import pytest

from hall.models import Alarm
from queueing import tickets, waits
from queueing.models import Ticket
from queueing.waits import Average
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db

MICROSECOND = dt.timedelta(microseconds=1)


@pytest.fixture
def hall():
    return make.hall()


@pytest.fixture
def service(hall):
    return make.service(hall, counters=[make.counter(hall, 1), make.counter(hall, 2)])


def counters(service):
    return list(service.counters.order_by("number"))


@pytest.mark.covers("K-10")
def test_the_average_is_of_the_waiting_so_far_and_of_the_called_in_full(hall, service):
    make.called(service, counters(service)[0], at=AT, called_at=AT + 9 * MINUTE)
    make.ticket(service, at=AT + 4 * MINUTE)
    make.ticket(service, at=AT + 10 * MINUTE)

    found = waits.average(hall.pk, at=AT + 16 * MINUTE)

    assert found == Average(wait=dt.timedelta(minutes=9), count=3)  # 9, 12 and 6


@pytest.mark.covers("K-10")
def test_who_was_called_counts_until_the_window_is_over(hall, service):
    make.called(service, counters(service)[0], at=AT, called_at=AT + 9 * MINUTE)
    make.ticket(service, at=AT + 30 * MINUTE)
    make.ticket(service, at=AT + 30 * MINUTE)
    make.ticket(service, at=AT + 30 * MINUTE)

    assert waits.average(hall.pk, at=AT + 39 * MINUTE - SECOND).count == 4
    assert waits.average(hall.pk, at=AT + 39 * MINUTE) == Average(wait=9 * MINUTE, count=3)


@pytest.mark.covers("K-10")
def test_fewer_than_three_tickets_have_no_average(hall, service):
    make.ticket(service)
    make.ticket(service)

    assert waits.average(hall.pk, at=AT + 40 * MINUTE) == Average(wait=None, count=2)


@pytest.mark.covers("K-10", "H-21")
def test_window_and_minimum_are_the_halls_own(hall, service):
    make.limit(hall, "R-Q01", "minimum", 1)
    make.limit(hall, "R-Q01", "window", 5)
    make.called(service, counters(service)[0], at=AT, called_at=AT + 2 * MINUTE)

    assert waits.average(hall.pk, at=AT + 6 * MINUTE) == Average(wait=2 * MINUTE, count=1)
    assert waits.average(hall.pk, at=AT + 7 * MINUTE) == Average(wait=None, count=0)


@pytest.mark.covers("K-10")
def test_time_at_a_counter_does_not_count_as_waiting_after_a_transfer(hall, service):
    make.limit(hall, "R-Q01", "minimum", 1)
    ticket = make.called(service, counters(service)[0], at=AT, called_at=AT + 5 * MINUTE)
    tickets.start(ticket, by=None, at=AT + 6 * MINUTE)
    tickets.transfer(ticket, to=counters(service)[1], by=None, at=AT + 20 * MINUTE)

    assert waits.average(hall.pk, at=AT + 22 * MINUTE) == Average(wait=7 * MINUTE, count=1)


def test_another_halls_queue_does_not_count(hall, service):
    other = make.service(make.hall())
    for _ in range(5):
        make.ticket(other)

    assert waits.average(hall.pk, at=AT + MINUTE) == Average(wait=None, count=0)


def test_the_average_takes_one_query(hall, service, django_assert_num_queries):
    make.ticket(service)

    with django_assert_num_queries(1):
        waits.average(hall.pk, at=AT)


# When something falls due next ------------------------------------------------------------------------------------------


@pytest.mark.covers("R-Q02")
def test_next_is_the_first_wait_that_crosses_its_limit(hall, service):
    make.ticket(service, at=AT)
    make.ticket(service, at=AT + MINUTE)

    due = waits.next_due(hall.pk, at=AT + 2 * MINUTE)

    assert due == AT + 15 * MINUTE + MICROSECOND
    assert waits.sweep(at=due - MICROSECOND, hall_ids=[hall.pk]).tickets == 0
    assert waits.sweep(at=due, hall_ids=[hall.pk]).tickets == 1


def test_nothing_is_next_in_an_empty_hall(hall):
    assert waits.next_due(hall.pk, at=AT) is None


@pytest.mark.covers("R-Q01")
def test_next_is_the_instant_at_which_the_average_crosses(hall, service):
    make.limit(hall, "R-Q02", "threshold", 100)
    for minute in (0, 2, 7):
        make.ticket(service, at=AT + minute * MINUTE)

    due = waits.next_due(hall.pk, at=AT + 8 * MINUTE)

    assert due == AT + 18 * MINUTE + MICROSECOND  # waits of 18, 16 and 11 minutes: 15 each
    assert waits.sweep(at=due - MICROSECOND, hall_ids=[hall.pk]).raised == 0
    assert waits.sweep(at=due, hall_ids=[hall.pk]).raised == 1
    assert Alarm.objects.get(rule="R-Q01").due_at == AT + 18 * MINUTE


@pytest.mark.covers("R-Q01")
def test_who_leaves_the_window_may_let_the_average_cross(hall, service):
    make.limit(hall, "R-Q02", "threshold", 100)
    make.limit(hall, "R-Q01", "threshold", 25)
    make.called(service, counters(service)[0], at=AT, called_at=AT)  # a wait of nothing, counted until 30 minutes later
    for _ in range(3):
        make.ticket(service, at=AT)

    due = waits.next_due(hall.pk, at=AT + MINUTE)

    assert due == AT + 30 * MINUTE  # 22.5 minutes with the one called, 30 without
    waits.sweep(at=due, hall_ids=[hall.pk])
    assert Alarm.objects.get(rule="R-Q01").due_at == AT + 30 * MINUTE


@pytest.mark.covers("R-Q01")
def test_with_the_alarm_open_next_is_the_instant_at_which_its_cause_is_gone(hall, service):
    make.limit(hall, "R-Q02", "threshold", 100)
    make.limit(hall, "R-Q01", "act_within", 5)
    for number in (1, 2, 3):
        make.called(service, make.counter(hall, 10 + number), at=AT, called_at=AT + (15 + number) * MINUTE)
    waits.sweep(at=AT + 20 * MINUTE, hall_ids=[hall.pk])
    Alarm.objects.update(next_rung_at=None)

    due = waits.next_due(hall.pk, at=AT + 20 * MINUTE)

    assert due == AT + 46 * MINUTE  # the first of the three leaves the window: two are too few
    assert waits.sweep(at=due, hall_ids=[hall.pk]).settled == 1


@pytest.mark.covers("R-Q02")
def test_next_is_also_the_rung_that_nobody_answered(hall, service):
    make.ticket(service, at=AT)
    waits.sweep(at=AT + 16 * MINUTE, hall_ids=[hall.pk])

    due = waits.next_due(hall.pk, at=AT + 16 * MINUTE)

    assert due == AT + 19 * MINUTE
    assert waits.sweep(at=due, hall_ids=[hall.pk]).climbed == 1


def test_next_takes_one_query(hall, service, django_assert_num_queries):
    make.ticket(service)

    with django_assert_num_queries(1):
        waits.next_due(hall.pk, at=AT)


# A limit changes --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("H-21", "R-Q02")
def test_a_changed_limit_moves_the_due_times_of_those_who_wait(hall, service):
    ticket = make.ticket(service, at=AT)
    other = make.ticket(make.service(make.hall()), at=AT)
    make.limit(hall, "R-Q02", "threshold", 20)
    make.limit(hall, "R-Q02", "warning", 12)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT + MINUTE)

    ticket.refresh_from_db()
    other.refresh_from_db()
    assert (ticket.warn_due_at, ticket.alarm_due_at) == (AT + 12 * MINUTE, AT + 20 * MINUTE)
    assert (other.warn_due_at, other.alarm_due_at) == (AT + 10 * MINUTE, AT + 15 * MINUTE)


def test_what_was_waited_before_stays_counted(hall, service):
    ticket = make.called(service, counters(service)[0], at=AT, called_at=AT + 5 * MINUTE)
    tickets.transfer(ticket, to=counters(service)[1], by=None, at=AT + 9 * MINUTE)
    make.limit(hall, "R-Q02", "threshold", 20)
    make.limit(hall, "R-Q02", "warning", 4)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT + 9 * MINUTE)

    ticket.refresh_from_db()
    assert ticket.alarm_due_at == AT + 24 * MINUTE
    assert ticket.warn_due_at == AT + 9 * MINUTE  # never before the wait began


@pytest.mark.covers("H-21", "R-Q02")
def test_a_raised_limit_settles_the_alarm_of_a_wait_that_is_not_over_any_more(hall, service):
    soon, long = make.ticket(service, at=AT + 5 * MINUTE), make.ticket(service, at=AT)
    waits.sweep(at=AT + 21 * MINUTE)
    make.limit(hall, "R-Q02", "threshold", 20)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT + 21 * MINUTE)

    settled, open_ = Alarm.objects.get(subject=f"ticket:{soon.pk}"), Alarm.objects.get(subject=f"ticket:{long.pk}")
    assert (settled.settled_at, settled.settled_because) == (AT + 21 * MINUTE, "cause_gone")
    assert [event.verb for event in settled.events.all()] == ["raised", "settled"]
    assert open_.settled_at is None
    soon.refresh_from_db()
    assert soon.over_seen_at is None
    waits.sweep(at=AT + 26 * MINUTE)
    assert Alarm.objects.filter(subject=f"ticket:{soon.pk}", settled_at=None).count() == 1


@pytest.mark.covers("H-21", "R-Q02")
def test_a_lowered_limit_is_seen_by_the_next_sweep(hall, service):
    make.ticket(service, at=AT)
    make.limit(hall, "R-Q02", "threshold", 5)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT + 6 * MINUTE)

    waits.sweep(at=AT + 6 * MINUTE)
    assert Alarm.objects.get().due_at == AT + 5 * MINUTE


def test_without_a_hall_every_hall_is_rewritten_and_told(hall, service, announced):
    ticket = make.ticket(service, at=AT)
    other = make.hall()
    make.limit(hall, "R-Q02", "threshold", 20)
    announced.clear()

    waits.rewrite_due_times(hall_id=None, at=AT + MINUTE)

    ticket.refresh_from_db()
    assert ticket.alarm_due_at == AT + 20 * MINUTE
    assert announced == [(hall.pk, "limits", "queue"), (other.pk, "limits", "queue")]


def test_a_recorded_day_is_judged_at_its_last_played_instant():
    hall = make.hall(clock="played", played_at=AT + 16 * MINUTE)
    ticket = make.ticket(make.service(hall), at=AT)
    waits.sweep(at=AT + 16 * MINUTE, hall_ids=[hall.pk])
    make.limit(hall, "R-Q02", "threshold", 20)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT + dt.timedelta(days=40))

    ticket.refresh_from_db()
    assert ticket.over_seen_at is None
    assert Alarm.objects.get().settled_at == AT + 16 * MINUTE


def test_who_does_not_wait_has_no_due_time(hall, service):
    ticket = make.called(service, counters(service)[0], at=AT)

    waits.rewrite_due_times(hall_id=hall.pk, at=AT)

    assert Ticket.objects.get(pk=ticket.pk).alarm_due_at is None
