"""The close of the day: the duty manager's, or at 04:00 by itself. No ticket is lost."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from hall import counters, postings
from hall.models import Alarm, Counter, DayClose, Kind, Posting
from hall.refusals import HallClosed, Invalid, WrongState
from queueing import days, tickets
from queueing.models import State, Ticket
from roles import coverage
from roles.models import Shift
from tests import make

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = dt.date(2026, 11, 23)
TUESDAY = dt.date(2026, 11, 24)


def local(on: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(on.year, on.month, on.day, hour, minute, tzinfo=SHANGHAI)


AFTERNOON = local(MONDAY, 16)
CLOSING = local(MONDAY, 17)
FOUR = local(TUESDAY, 4)


@pytest.fixture
def hall():
    """Open from 08:30 to 17:00."""
    return make.hall(opens=dt.time(8, 30), closes=dt.time(17), time_zone="Asia/Shanghai")


@pytest.fixture
def counter(hall):
    return make.counter(hall, 3)


@pytest.fixture
def service(hall, counter):
    return make.service(hall, counters=[counter])


@pytest.fixture
def manager(hall):
    return make.person(hall, Kind.DUTY_MANAGER, name_en="Li Wei")


# The duty manager's act -------------------------------------------------------------------------------------------------


@pytest.mark.covers("Q-18", "R-Q22")
def test_closing_the_day_ends_who_still_waits_each_with_a_reason(hall, service, manager, announced):
    waiting = make.ticket(service, at=AFTERNOON)
    announced.clear()

    closed = days.close_day(hall, reasons={waiting.pk: "went home, comes tomorrow"}, by=manager, at=CLOSING)

    waiting.refresh_from_db()
    event = waiting.events.last()
    assert waiting.state == State.CLOSED_AT_DAY_END
    assert (event.verb, event.reason, event.by) == ("closed_at_day_end", "went home, comes tomorrow", manager)
    assert (closed.business_date, closed.closed_at, closed.by) == (MONDAY, CLOSING, manager)
    assert (hall.pk, "queue") in announced


@pytest.mark.covers("Q-18", "R-Q22")
def test_a_ticket_without_a_reason_refuses_and_names_the_tickets(hall, service, manager):
    first, second, third = (make.ticket(service, at=AFTERNOON) for _ in range(3))

    with make.refusal(Invalid, match=r"^Please give a reason for A001, A003\.$"):
        days.close_day(hall, reasons={second.pk: "went home", third.pk: "  "}, by=manager, at=CLOSING)

    assert set(Ticket.objects.values_list("state", flat=True)) == {State.WAITING}
    assert not DayClose.objects.exists()
    assert first.events.count() == 1


@pytest.mark.covers("Q-18")
def test_who_is_on_hold_needs_a_reason_too(hall, service, counter, manager):
    held = make.called(service, counter, at=AFTERNOON)
    tickets.start(held, by=None, at=AFTERNOON)
    tickets.hold(held, by=None, at=AFTERNOON)

    with make.refusal(Invalid, match=r"A001"):
        days.close_day(hall, reasons={}, by=manager, at=CLOSING)


@pytest.mark.covers("R-Q22")
@pytest.mark.parametrize("started", [False, True])
def test_a_customer_at_a_counter_is_served_first(hall, service, counter, manager, started):
    ticket = make.called(service, counter, at=AFTERNOON)
    if started:
        tickets.start(ticket, by=None, at=AFTERNOON)

    with make.refusal(WrongState, match=r"^Counter 3 still has A001\. Finish there first\.$"):
        days.close_day(hall, reasons={ticket.pk: "late"}, by=manager, at=CLOSING)

    assert not DayClose.objects.exists()


def test_the_counters_are_closed_and_their_clerks_signed_out(hall, counter, manager):
    clerk = make.person(hall, Kind.CLERK)
    counters.sign_in(counter, by=clerk, at=AFTERNOON)

    days.close_day(hall, reasons={}, by=manager, at=CLOSING)

    counter.refresh_from_db()
    assert (counter.state, counter.clerk) == (Counter.State.CLOSED, None)


@pytest.mark.covers("Q-18")
def test_after_closing_early_no_more_tickets_are_given_that_day(hall, service, manager):
    days.close_day(hall, reasons={}, by=manager, at=AFTERNOON)

    with make.refusal(HallClosed, match="The day is closed"):
        make.ticket(service, at=AFTERNOON)
    assert make.ticket(service, at=local(TUESDAY, 9)).number == "A001"


def test_closing_twice_is_refused_and_says_who_did(hall, manager):
    days.close_day(hall, reasons={}, by=manager, at=CLOSING)

    with make.refusal(WrongState, match=r"^Li Wei has closed the day already, at 17:00\.$"):
        days.close_day(hall, reasons={}, by=manager, at=CLOSING)
    assert DayClose.objects.count() == 1


def test_after_midnight_the_day_before_is_meant(hall, service, manager):
    waiting = make.ticket(service, at=AFTERNOON)

    closed = days.close_day(hall, reasons={waiting.pk: "went home"}, by=manager, at=local(TUESDAY, 0, 30))

    assert closed.business_date == MONDAY
    assert make.ticket(service, at=local(TUESDAY, 9)).number == "A001"


def test_a_reason_that_cannot_be_stored_changes_nothing(hall, service, manager):
    waiting = make.ticket(service, at=AFTERNOON)

    with make.refusal(Invalid):
        days.close_day(hall, reasons={waiting.pk: "went\x00home"}, by=manager, at=CLOSING)

    waiting.refresh_from_db()
    assert waiting.state == State.WAITING


# Left open --------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("Q-18", "R-Q22")
def test_a_day_left_open_is_closed_at_four_with_one_alarm(hall, service, counter):
    serving = make.called(service, counter, at=AFTERNOON)
    tickets.start(serving, by=None, at=AFTERNOON)
    waiting = make.ticket(service, at=AFTERNOON)

    assert days.close_left_open_days(at=FOUR - dt.timedelta(seconds=1)) == 0
    assert days.close_left_open_days(at=FOUR) == 1

    for ticket in (serving, waiting):
        ticket.refresh_from_db()
        assert ticket.state == State.CLOSED_AT_DAY_END
        assert ticket.events.last().reason == "left open"
    closed = DayClose.objects.get()
    assert (closed.business_date, closed.closed_at, closed.by, closed.reason) == (MONDAY, FOUR, None, "left open")
    alarm = Alarm.objects.get()
    assert (alarm.rule, alarm.subject, alarm.due_at) == ("R-Q22", "day:2026-11-23", FOUR)
    assert alarm.data == {"date": "2026-11-23", "count": 2, "ladder": ["hall_manager"]}
    counter.refresh_from_db()
    assert (counter.state, counter.ticket_number) == (Counter.State.CLOSED, "")


def test_a_second_round_has_nothing_to_do(hall, service):
    make.ticket(service, at=AFTERNOON)
    days.close_left_open_days(at=FOUR)

    assert days.close_left_open_days(at=FOUR + dt.timedelta(minutes=1)) == 0
    assert Alarm.objects.count() == 1


def test_a_day_whose_customers_all_went_served_is_closed_without_an_alarm(hall, service, counter):
    ticket = make.called(service, counter, at=AFTERNOON)
    tickets.start(ticket, by=None, at=AFTERNOON)
    tickets.finish(ticket, by=None, at=AFTERNOON)

    assert days.close_left_open_days(at=FOUR) == 1

    assert DayClose.objects.get().reason == "left open"
    assert not Alarm.objects.exists()


def test_a_day_that_the_manager_closed_is_left_alone(hall, service, manager):
    waiting = make.ticket(service, at=AFTERNOON)
    days.close_day(hall, reasons={waiting.pk: "went home"}, by=manager, at=CLOSING)
    postings.end(Posting.objects.filter(person=manager), by=manager, at=CLOSING)

    assert days.close_left_open_days(at=FOUR) == 0
    assert DayClose.objects.get().by == manager


def test_tickets_of_several_days_left_open_are_each_closed_for_their_day(hall, service):
    make.ticket(service, at=AFTERNOON - dt.timedelta(days=3))
    make.ticket(service, at=AFTERNOON)

    days.close_left_open_days(at=FOUR)

    assert sorted(DayClose.objects.values_list("business_date", flat=True)) == [dt.date(2026, 11, 20), MONDAY]
    assert sorted(Alarm.objects.values_list("subject", flat=True)) == ["day:2026-11-20", "day:2026-11-23"]


@pytest.mark.covers("H-21")
def test_the_hour_is_the_halls_own(hall, service):
    make.limit(hall, "R-Q22", "left_open_until", "01:30")
    make.ticket(service, at=AFTERNOON)

    assert days.close_left_open_days(at=local(TUESDAY, 1, 29)) == 0
    assert days.close_left_open_days(at=local(TUESDAY, 1, 30)) == 1


@pytest.mark.covers("Q-18")
def test_four_is_four_by_each_halls_own_clock(hall, service):
    far = make.hall(opens=dt.time(8, 30), closes=dt.time(17), time_zone="America/New_York")
    there = make.service(far)
    late = make.ticket(there, at=dt.datetime(2026, 11, 23, 21, tzinfo=dt.UTC))  # 16:00 in New York
    make.ticket(service, at=AFTERNOON)

    days.close_left_open_days(at=FOUR)  # 15:00 of the day before in New York
    late.refresh_from_db()
    assert late.state == State.WAITING

    days.close_left_open_days(at=dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC))
    late.refresh_from_db()
    assert late.state == State.CLOSED_AT_DAY_END


def test_a_hall_open_round_the_clock_keeps_its_counters_and_todays_tickets():
    hall = make.hall(time_zone="Asia/Shanghai")
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    yesterday = make.ticket(service, at=local(MONDAY, 23, 50))
    today = make.ticket(service, at=local(TUESDAY, 0, 10))

    days.close_left_open_days(at=FOUR)

    for ticket in (yesterday, today, counter):
        ticket.refresh_from_db()
    assert (yesterday.state, today.state) == (State.CLOSED_AT_DAY_END, State.WAITING)
    assert counter.state == Counter.State.OPEN
    assert make.ticket(service, at=FOUR).number == "A002"


def test_a_counter_opened_before_the_doors_stays_open(hall, counter, service):
    counters.close_for(counter, by=None, at=CLOSING)
    counters.open_counter(counter, by=None, at=local(TUESDAY, 8, 20))
    make.ticket(service, at=AFTERNOON)  # yesterday's, found only now: the sweep was down

    days.close_left_open_days(at=local(TUESDAY, 8, 25))

    counter.refresh_from_db()
    assert counter.state == Counter.State.OPEN


def test_a_counter_forgotten_on_a_day_without_tickets_is_closed(hall, counter):
    Counter.objects.update(state_since=AFTERNOON)

    assert days.close_left_open_days(at=FOUR) == 1
    counter.refresh_from_db()
    assert counter.state == Counter.State.CLOSED
    assert days.close_left_open_days(at=FOUR) == 0


def test_a_post_that_nobody_gave_up_ends_so_that_its_zone_is_bare_in_the_morning(hall, counter):
    Counter.objects.update(state=Counter.State.CLOSED)
    zone = make.zone(hall, "waiting", needs_somebody=True)
    wang = make.person(hall, Kind.FLOATER)
    postings.send(wang, zone, only_here=True, by=None, at=AFTERNOON)

    assert days.close_left_open_days(at=FOUR) == 1
    (posting,) = Posting.objects.filter(person=wang, zone=zone)
    assert (posting.until, posting.reason, posting.ended_by) == (FOUR, "forgotten", None)
    assert coverage.floor_now(hall, local(TUESDAY, 8, 40)).zones[0].vacant_since == local(TUESDAY, 8, 30)
    assert days.close_left_open_days(at=FOUR) == 0


def test_a_post_taken_after_four_or_in_a_hall_open_round_the_clock_is_kept(hall, counter):
    Counter.objects.update(state=Counter.State.CLOSED)
    guard = make.person(hall, Kind.GUARD, holds=False)
    postings.take(guard, hall, make.post(Kind.GUARD), by=None, at=FOUR + dt.timedelta(minutes=1))
    night = make.person(make.hall(time_zone="Asia/Shanghai"), Kind.GUARD)

    assert days.close_left_open_days(at=FOUR + dt.timedelta(minutes=5)) == 0
    assert Posting.objects.filter(person__in=[guard, night], until=None).count() == 2


def test_a_guard_planned_for_the_night_keeps_his_post(hall, counter):
    Counter.objects.update(state=Counter.State.CLOSED)
    guard = make.person(hall, Kind.GUARD)
    Shift.objects.create(
        hall=hall, on=MONDAY, post=make.post(Kind.GUARD), person=guard, starts=local(MONDAY, 20), ends=local(TUESDAY, 6)
    )

    assert days.close_left_open_days(at=FOUR) == 0
    assert days.close_left_open_days(at=local(TUESDAY, 6)) == 1
    assert not Posting.objects.filter(person=guard, until=None).exists()


def test_a_recorded_day_is_never_closed_by_itself():
    hall = make.hall(clock="played")
    ticket = make.ticket(make.service(hall), at=AFTERNOON)

    assert days.close_left_open_days(at=FOUR + dt.timedelta(days=30)) == 0
    ticket.refresh_from_db()
    assert ticket.state == State.WAITING


def test_one_halls_failure_stops_no_other(hall, service, monkeypatch, caplog):
    broken = make.ticket(service, at=AFTERNOON)
    fine = make.ticket(make.service(make.hall(time_zone="Asia/Shanghai")), at=AFTERNOON)
    close = tickets.close_at_day_end

    def fail_for_the_first(ticket, **kwargs):
        if ticket.pk == broken.pk:
            raise RuntimeError("broken row")
        return close(ticket, **kwargs)

    monkeypatch.setattr(tickets, "close_at_day_end", fail_for_the_first)

    assert days.close_left_open_days(at=FOUR) == 1

    broken.refresh_from_db()
    fine.refresh_from_db()
    assert (broken.state, fine.state) == (State.WAITING, State.CLOSED_AT_DAY_END)
    assert f"The day left open in hall {hall.code} could not be closed" in caplog.text


def test_looking_for_days_left_open_takes_the_same_queries_whatever_halls_there_are(django_assert_num_queries):
    make.hall(opens=dt.time(8, 30), closes=dt.time(17))
    with django_assert_num_queries(6):
        days.close_left_open_days(at=FOUR)
    for _ in range(30):
        make.hall(opens=dt.time(8, 30), closes=dt.time(17))

    with django_assert_num_queries(6):
        days.close_left_open_days(at=FOUR)
