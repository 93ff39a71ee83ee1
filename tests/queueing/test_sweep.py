"""The sweep: waits over their limit, the average, what nobody answered; and the watch's heartbeats."""

import datetime as dt

import pytest

from hall.models import Alarm, AlarmEvent, Heartbeat
from queueing import tickets, waits
from queueing.models import Ticket
from queueing.waits import Swept
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


@pytest.mark.covers("R-Q02")
def test_a_wait_over_its_limit_raises_one_alarm_due_at_the_exact_instant(hall, service):
    ticket = make.ticket(service, at=AT)
    make.ticket(service, at=AT + MINUTE)
    at = AT + 15 * MINUTE + 2 * SECOND

    swept = waits.sweep(at=at)

    alarm = Alarm.objects.get()
    ticket.refresh_from_db()
    assert swept == Swept(tickets=1)
    assert (alarm.hall, alarm.rule, alarm.subject, alarm.rung) == (hall, "R-Q02", f"ticket:{ticket.pk}", 0)
    assert (alarm.due_at, alarm.raised_at) == (AT + 15 * MINUTE, at)
    assert (alarm.next_rung_at, alarm.act_by) == (at + 3 * MINUTE, at + 5 * MINUTE)
    assert alarm.data == {
        "number": ticket.number,
        "minutes": 15,
        "ladder": ["floater", "duty_manager", "hall_manager", "headquarters"],
    }
    assert ticket.over_seen_at == at
    assert list(alarm.events.values_list("verb", "at", "rung")) == [("raised", at, 0)]


@pytest.mark.covers("R-Q02")
def test_a_wait_of_exactly_the_limit_is_not_over(service):
    make.ticket(service, at=AT)

    assert waits.sweep(at=AT + 15 * MINUTE).tickets == 0
    assert waits.sweep(at=AT + 15 * MINUTE + MICROSECOND).tickets == 1


@pytest.mark.covers("R-Q02", "H-21")
def test_each_halls_own_limits_hold(hall, service):
    make.limit(hall, "R-Q02", "threshold", "7.5")
    make.limit(hall, "R-Q02", "acknowledge", 1)
    make.ticket(service, at=AT)
    make.ticket(make.service(make.hall()), at=AT)

    waits.sweep(at=AT + 8 * MINUTE)

    alarm = Alarm.objects.get()
    assert (alarm.hall, alarm.due_at) == (hall, AT + 7 * MINUTE + 30 * SECOND)
    assert alarm.next_rung_at == AT + 9 * MINUTE
    assert alarm.data["minutes"] == 7.5


def test_a_second_sweep_does_nothing(service):
    make.ticket(service, at=AT)
    waits.sweep(at=AT + 16 * MINUTE)

    assert waits.sweep(at=AT + 16 * MINUTE + SECOND) == Swept()
    assert AlarmEvent.objects.count() == 1


@pytest.mark.covers("R-Q02")
def test_after_a_stop_the_sweep_catches_up_with_the_true_instants(service):
    first, second = make.ticket(service, at=AT), make.ticket(service, at=AT + MINUTE)

    waits.sweep(at=AT + 120 * MINUTE)

    assert dict(Alarm.objects.filter(rule="R-Q02").values_list("subject", "due_at")) == {
        f"ticket:{first.pk}": AT + 15 * MINUTE,
        f"ticket:{second.pk}": AT + 16 * MINUTE,
    }


def test_more_than_a_batch_is_seen_in_one_sweep(hall, service, monkeypatch):
    first = make.ticket(service, at=AT)
    values = {field.attname: getattr(first, field.attname) for field in Ticket._meta.fields if field.attname != "id"}
    Ticket.objects.bulk_create(
        [Ticket(**{**values, "serial": n, "number": f"A{n}", "token": f"t{n}"}) for n in range(2, 2302)]
    )

    assert waits.sweep(at=AT + 16 * MINUTE).tickets == 2301
    assert Alarm.objects.filter(rule="R-Q02").count() == 2301


def test_the_halls_concerned_are_told(hall, service, announced):
    for _ in range(2):
        make.ticket(service, at=AT)
    make.hall()
    announced.clear()

    waits.sweep(at=AT + 16 * MINUTE)

    assert announced == [(hall.pk, "alarms", "queue")]


@pytest.mark.covers("R-Q02")
@pytest.mark.parametrize("end", ["call", "abandon", "reclaim"])
def test_the_alarm_settles_by_itself_when_the_wait_ends(hall, service, end):
    ticket = make.ticket(service, at=AT)
    waits.sweep(at=AT + 16 * MINUTE)

    at = AT + 17 * MINUTE
    if end == "call":
        tickets.call_next(service.counters.first(), by=None, at=at)
    elif end == "abandon":
        tickets.abandon(ticket, by=None, at=at)
    else:
        tickets.reclaim(ticket, by=None, at=at)

    alarm = Alarm.objects.get()
    assert (alarm.settled_at, alarm.settled_by, alarm.settled_because) == (at, None, "cause_gone")
    assert alarm.next_rung_at is None


@pytest.mark.covers("R-Q02")
def test_who_waits_again_after_a_transfer_is_over_at_once_when_he_was_before(hall, service):
    ticket = make.called(service, service.counters.get(number=1), at=AT, called_at=AT + 20 * MINUTE)
    tickets.transfer(ticket, to=service.counters.get(number=2), by=None, at=AT + 25 * MINUTE)

    waits.sweep(at=AT + 25 * MINUTE + SECOND)

    assert Alarm.objects.get().due_at == AT + 25 * MINUTE


def test_a_recorded_day_is_swept_only_when_it_is_named():
    hall = make.hall(clock="played")
    make.ticket(make.service(hall), at=AT)

    assert waits.sweep(at=AT + 16 * MINUTE).tickets == 0
    assert waits.sweep(at=AT + 16 * MINUTE, hall_ids=[hall.pk]).tickets == 1


def test_named_halls_are_swept_alone_and_leave_no_heartbeat(hall, service):
    make.ticket(service, at=AT)
    other = make.hall()

    assert waits.sweep(at=AT + 16 * MINUTE, hall_ids=[other.pk]) == Swept()
    assert not Heartbeat.objects.exists()


# The average ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def patient(hall):
    """No single wait is over in this hall, so that only the average speaks."""
    make.limit(hall, "R-Q02", "threshold", 600)


@pytest.mark.covers("R-Q01", "Q-04")
def test_an_average_over_its_limit_raises_one_alarm_for_the_hall(hall, service, patient):
    for _ in range(3):
        make.ticket(service, at=AT)
    at = AT + 16 * MINUTE

    swept = waits.sweep(at=at)

    alarm = Alarm.objects.get()
    assert swept == Swept(raised=1)
    assert (alarm.rule, alarm.subject, alarm.due_at, alarm.raised_at) == ("R-Q01", "hall", AT + 15 * MINUTE, at)
    assert (alarm.next_rung_at, alarm.act_by) == (at + 3 * MINUTE, at + 5 * MINUTE)
    assert alarm.data == {"minutes": 15, "count": 3, "ladder": ["duty_manager", "hall_manager", "headquarters"]}
    assert waits.sweep(at=at + SECOND) == Swept()


@pytest.mark.covers("R-Q01")
def test_an_average_of_exactly_the_limit_is_not_over(hall, service, patient):
    for _ in range(3):
        make.ticket(service, at=AT)

    assert waits.sweep(at=AT + 15 * MINUTE).raised == 0


@pytest.mark.covers("R-Q01")
def test_the_average_crosses_no_earlier_than_what_changed_it(hall, service, patient):
    young = make.ticket(service, at=AT + 15 * MINUTE)
    for _ in range(3):
        make.ticket(service, at=AT)
    tickets.abandon(young, by=None, at=AT + 16 * MINUTE)  # 12.25 minutes with him, 16 without

    waits.sweep(at=AT + 16 * MINUTE + 20 * SECOND)

    assert Alarm.objects.get().due_at == AT + 16 * MINUTE


@pytest.mark.covers("R-Q01", "Q-04")
def test_the_hall_alarm_settles_by_itself_at_or_below_the_limit(hall, service, patient, announced):
    for _ in range(3):
        make.ticket(service, at=AT)
    waits.sweep(at=AT + 16 * MINUTE)
    make.ticket(service, at=AT + 17 * MINUTE)
    announced.clear()

    swept = waits.sweep(at=AT + 17 * MINUTE)  # 17, 17, 17 and 0

    alarm = Alarm.objects.get()
    assert swept == Swept(settled=1)
    assert (alarm.settled_at, alarm.settled_because) == (AT + 17 * MINUTE, "cause_gone")
    assert list(alarm.events.values_list("verb", flat=True)) == ["raised", "settled"]
    assert announced == [(hall.pk, "alarms")]


@pytest.mark.covers("R-Q01", "K-10")
def test_too_few_tickets_settle_the_hall_alarm(hall, service, patient):
    given = [make.ticket(service, at=AT) for _ in range(3)]
    waits.sweep(at=AT + 16 * MINUTE)
    tickets.abandon(given[0], by=None, at=AT + 17 * MINUTE)

    assert waits.sweep(at=AT + 17 * MINUTE) == Swept(settled=1)


@pytest.mark.covers("R-Q01", "H-21")
def test_the_averages_limit_is_the_halls_own(hall, service, patient):
    make.limit(hall, "R-Q01", "threshold", 5)
    for _ in range(3):
        make.ticket(service, at=AT)

    waits.sweep(at=AT + 6 * MINUTE)

    assert Alarm.objects.get().due_at == AT + 5 * MINUTE


@pytest.mark.covers("R-Q01")
def test_what_a_person_has_settled_is_raised_again_only_after_ten_minutes(hall, service, patient):
    for _ in range(3):
        make.ticket(service, at=AT)
    waits.sweep(at=AT + 16 * MINUTE)
    Alarm.objects.update(settled_at=AT + 17 * MINUTE, settled_because="done", next_rung_at=None)

    assert waits.sweep(at=AT + 27 * MINUTE - SECOND) == Swept()
    assert waits.next_due(hall.pk, at=AT + 20 * MINUTE) == AT + 27 * MINUTE
    assert waits.sweep(at=AT + 27 * MINUTE) == Swept(raised=1)
    assert Alarm.objects.get(settled_at=None).due_at == AT + 27 * MINUTE


# Heartbeats -------------------------------------------------------------------------------------------------------------


def test_each_round_leaves_the_watchs_heartbeat():
    waits.sweep(at=AT)
    waits.sweep(at=AT + SECOND)
    waits.sweep(at=AT)  # a late message sets nothing back

    assert list(Heartbeat.objects.values_list("name", "at")) == [("watch", AT + SECOND)]


def test_a_web_process_stands_in_when_the_watch_is_late(service):
    make.ticket(service, at=AT)
    waits.sweep(at=AT + 15 * MINUTE)

    assert waits.stand_in_sweep(at=AT + 15 * MINUTE + 10 * SECOND) is False
    assert not Alarm.objects.exists()
    assert waits.stand_in_sweep(at=AT + 15 * MINUTE + 11 * SECOND) is True
    assert Alarm.objects.count() == 1
    assert dict(Heartbeat.objects.values_list("name", "at")) == {
        "watch": AT + 15 * MINUTE,
        "stand-in": AT + 15 * MINUTE + 11 * SECOND,
    }


def test_a_watch_that_never_ran_is_stood_in_for():
    assert waits.stand_in_sweep(at=AT) is True
