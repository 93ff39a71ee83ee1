"""The day by hour: K-10, K-11 and K-12, checked against numbers reckoned by hand."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall import counters, reports
from hall.models import Hall
from hall.reports import Flow
from queueing import tickets
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 11, 23)  # AT is 10:00 of it in the hall
HOUR = dt.timedelta(hours=1)
EVENING = AT + 12 * HOUR


def hour(hall: Hall, label: str, *, at: dt.datetime = EVENING) -> Flow:
    return next(flow for flow in reports.day(hall, DAY, at=at).hours if flow.label == label)


def test_counts_each_ticket_in_the_hour_of_its_issue_and_of_its_call() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    make.called(service, counter, at=AT + 55 * MINUTE, called_at=AT + 65 * MINUTE)
    make.ticket(service, at=AT + 70 * MINUTE)

    flows = [hour(hall, "10:00"), hour(hall, "11:00")]

    assert [(flow.issued, flow.called) for flow in flows] == [(1, 0), (1, 1)]


@pytest.mark.covers("K-10", "K-11")
def test_takes_mean_wait_and_share_over_of_those_called_in_the_hour() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall) for _number in range(4)])
    for counter, wait in zip(hall.counters.order_by("number"), (4, 10, 15, 25), strict=True):
        make.called(service, counter, at=AT, called_at=AT + wait * MINUTE)

    flow = hour(hall, "10:00")

    assert (flow.called, flow.mean_wait_minutes, flow.over, flow.share_over) == (4, 13.5, 1, 25.0)


def test_follows_the_halls_own_limit() -> None:
    hall = make.hall()
    make.limit(hall, "R-Q02", "threshold", 5)
    counter = make.counter(hall)
    make.called(make.service(hall, counters=[counter]), counter, called_at=AT + 6 * MINUTE)

    assert hour(hall, "10:00").share_over == 100.0


def test_counts_time_in_service_and_on_hold_as_no_wait() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    first, second = make.service(hall, counters=[counter]), make.service(hall, "B", counters=[counter])
    ticket = make.serving(first, counter, at=AT, called_at=AT + 4 * MINUTE)
    tickets.transfer(ticket, service=second, by=None, at=AT + 14 * MINUTE)
    tickets.call_next(counter, by=None, at=AT + 20 * MINUTE)

    flow = hour(hall, "10:00")

    assert (flow.issued, flow.called, flow.mean_wait_minutes) == (1, 1, 10.0)


def test_counts_who_did_not_come_and_who_left_unless_restored() -> None:
    hall = make.hall(clock="played")
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    for minute in (0, 10):
        tickets.no_show(make.called(service, counter, at=AT + minute * MINUTE), by=None, at=AT + (minute + 1) * MINUTE)
    tickets.restore(hall.tickets.earliest("pk"), by=None, at=AT + 15 * MINUTE)
    tickets.abandon(make.ticket(service, at=AT + 20 * MINUTE), by=None, at=AT + 30 * MINUTE)

    flow = hour(hall, "10:00")

    assert (flow.no_shows, flow.abandoned, flow.lost) == (1, 1, 2)


@pytest.mark.covers("K-12")
def test_divides_serving_by_open_minutes_pauses_left_out() -> None:
    hall = make.hall()
    counter = make.counter(hall, state="closed")
    service = make.service(hall, counters=[counter])
    counters.open_counter(counter, by=None, at=AT)
    make.done(service, counter, at=AT + 5 * MINUTE, finished_at=AT + 20 * MINUTE)
    counters.pause(counter, reason="lunch", expected_return_at=None, by=None, at=AT + 25 * MINUTE)
    counters.open_counter(counter, by=None, at=AT + 45 * MINUTE)
    make.done(service, counter, at=AT + 50 * MINUTE, finished_at=AT + 70 * MINUTE)
    counters.close(counter, by=None, at=AT + 80 * MINUTE)

    flows = [hour(hall, "10:00"), hour(hall, "11:00")]

    assert [(flow.serving_minutes, flow.open_minutes, flow.utilisation) for flow in flows] == [
        (25.0, 40.0, 62.5),
        (10.0, 20.0, 50.0),
    ]


@pytest.mark.covers("K-12")
def test_leaves_the_time_on_hold_out_of_serving() -> None:
    hall = make.hall()
    counter = make.counter(hall, state="closed")
    counters.open_counter(counter, by=None, at=AT)
    ticket = make.serving(make.service(hall, counters=[counter]), counter, at=AT)
    tickets.hold(ticket, by=None, at=AT + 10 * MINUTE)
    tickets.take_back(ticket, counter, by=None, at=AT + 30 * MINUTE)
    tickets.finish(ticket, by=None, at=AT + 35 * MINUTE)

    assert hour(hall, "10:00").serving_minutes == 15.0


def test_counts_what_still_goes_on_up_to_now() -> None:
    hall = make.hall()
    counter = make.counter(hall, state="closed")
    counters.open_counter(counter, by=None, at=AT - HOUR)
    make.serving(make.service(hall, counters=[counter]), counter, at=AT + 10 * MINUTE)

    flow = hour(hall, "10:00", at=AT + 30 * MINUTE)

    assert (flow.serving_minutes, flow.open_minutes, flow.utilisation) == (20.0, 30.0, 66.7)


def test_knows_a_counter_left_open_over_night() -> None:
    hall = make.hall()
    counter = make.counter(hall, state="closed")
    counters.open_counter(counter, by=None, at=AT - 24 * HOUR)

    assert hour(hall, "00:00").open_minutes == 60.0


def test_adds_up_the_day_from_its_tickets_not_from_its_hours_means() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall) for _number in range(3)])
    one, two, three = hall.counters.order_by("number")
    make.called(service, one, at=AT, called_at=AT + 30 * MINUTE)
    make.called(service, two, at=AT + 60 * MINUTE, called_at=AT + 66 * MINUTE)
    make.called(service, three, at=AT + 60 * MINUTE, called_at=AT + 66 * MINUTE)

    total = reports.day(hall, DAY, at=EVENING).total

    assert (total.called, total.mean_wait_minutes, total.over, total.share_over) == (3, 14.0, 1, 33.3)


def test_shows_opening_hours_begun_and_hours_in_which_something_happened() -> None:
    hall = make.hall(opens=dt.time(9), closes=dt.time(12))
    make.ticket(make.service(hall, counters=[make.counter(hall)]), at=AT + 110 * MINUTE)

    labels = [flow.label for flow in reports.day(hall, DAY, at=AT + 115 * MINUTE).hours]

    assert labels == ["09:00", "10:00", "11:00"]


def test_has_25_hours_when_summer_time_ends() -> None:
    hall = make.hall(time_zone="Europe/Berlin")

    report = reports.day(hall, dt.date(2026, 10, 25), at=AT)

    assert [flow.label for flow in report.hours[:5]] == ["00:00", "01:00", "02:00", "02:00", "03:00"]
    assert len(report.hours) == 25


def test_takes_a_counter_as_paused_whose_two_taps_came_in_at_once() -> None:
    hall = make.hall()
    counter = make.counter(hall, state="closed")
    counters.open_counter(counter, by=None, at=AT)  # its tap waited for the lock, and came in later
    counters.pause(counter, reason="lunch", expected_return_at=None, by=None, at=AT - dt.timedelta(milliseconds=5))

    assert reports.day(hall, DAY, at=EVENING).total.open_minutes == 0


@pytest.mark.parametrize("time_zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_counts_only_the_days_own_hours_after_the_hall_has_moved_to_another_time_zone(time_zone) -> None:
    hall = make.hall()
    ticket = make.ticket(make.service(hall), at=AT + 10 * HOUR)
    Hall.objects.filter(pk=hall.pk).update(time_zone=time_zone)
    hall.refresh_from_db()

    report = reports.day(hall, ticket.business_date, at=AT + 11 * HOUR)

    assert report.total.issued == (1 if hall.business_date(ticket.issued_at) == ticket.business_date else 0)


def test_keeps_another_halls_tickets_out() -> None:
    hall, other = make.hall(), make.hall()
    counter = make.counter(other)
    make.done(make.service(other, counters=[counter]), counter, finished_at=AT + MINUTE)

    total = reports.day(hall, DAY, at=EVENING).total

    assert (total.issued, total.called, total.serving_minutes, total.open_minutes) == (0, 0, 0.0, 0.0)


def test_asks_the_database_equally_often_whatever_the_day() -> None:
    counts = []
    for customers in (1, 30):
        hall = make.hall()
        counter = make.counter(hall)
        service = make.service(hall, counters=[counter])
        for number in range(customers):
            make.done(service, counter, at=AT + number * MINUTE, finished_at=AT + number * MINUTE)
        with CaptureQueriesContext(connection) as queries:
            reports.day(hall, DAY, at=EVENING)
        counts.append(len(queries))

    assert counts == [7, 7]
