"""When a hall is open: several intervals a day, midnight, holidays, daylight saving."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from hall import hours
from hall.models import DayClose, Hall, Holiday, OpeningInterval
from tests import make

pytestmark = pytest.mark.django_db

MONDAY = dt.date(2026, 11, 23)
NEW_YORK = "America/New_York"
SPRING = dt.date(2026, 3, 8)  # a Sunday: 02:00 EST becomes 03:00 EDT
AUTUMN = dt.date(2026, 11, 1)  # a Sunday: 02:00 EDT becomes 01:00 EST


def hall_open(*intervals: tuple[int, str, str], zone: str = "Asia/Shanghai", **fields: object) -> Hall:
    """A hall with these intervals: weekday, opens, closes."""
    hall = make.hall(time_zone=zone, **fields)
    hall.opening_intervals.all().delete()
    for weekday, opens, closes in intervals:
        OpeningInterval.objects.create(
            hall=hall, weekday=weekday, opens=dt.time.fromisoformat(opens), closes=dt.time.fromisoformat(closes)
        )
    return Hall.objects.get(pk=hall.pk)


def local(on: dt.date, time: str, zone: str = "Asia/Shanghai") -> dt.datetime:
    return dt.datetime.combine(on, dt.time.fromisoformat(time), ZoneInfo(zone))


def test_several_intervals_a_day_stand_in_order_with_a_gap_between():
    hall = hall_open((0, "13:30", "17:00"), (0, "08:30", "12:00"), (1, "09:00", "10:00"))

    found = hours.intervals_on(hall, MONDAY)

    assert [(part.opens_at, part.closes_at) for part in found] == [
        (local(MONDAY, "08:30"), local(MONDAY, "12:00")),
        (local(MONDAY, "13:30"), local(MONDAY, "17:00")),
    ]
    assert hours.open_interval(hall, local(MONDAY, "12:00")) is None
    assert hours.open_interval(hall, local(MONDAY, "13:30")) == found[1]
    assert hours.open_interval(hall, local(MONDAY, "08:29:59")) is None


def test_a_holiday_is_shut_whatever_the_weekday():
    hall = hall_open((0, "08:30", "17:00"))
    Holiday.objects.create(hall=hall, on=MONDAY)

    assert hours.intervals_on(hall, MONDAY) == []
    assert hours.gives_tickets(hall, local(MONDAY, "10:00")) is False


def test_an_evening_that_ends_at_midnight_ends_with_the_local_day():
    hall = hall_open((0, "20:00", "00:00"))

    assert hours.open_interval(hall, local(MONDAY, "23:59:59")).closes_at == local(dt.date(2026, 11, 24), "00:00")
    assert hours.open_interval(hall, local(dt.date(2026, 11, 24), "00:00")) is None


def test_a_night_that_goes_on_over_midnight_has_no_last_ticket_at_midnight():
    hall = hall_open((0, "20:00", "00:00"), (1, "00:00", "02:00"), last_ticket_before_close=dt.timedelta(minutes=10))
    tuesday = dt.date(2026, 11, 24)

    assert hours.gives_tickets(hall, local(MONDAY, "23:55")) is True
    assert hours.gives_tickets(hall, local(tuesday, "01:49:59")) is True
    assert hours.gives_tickets(hall, local(tuesday, "01:50")) is False


def test_a_ticket_after_midnight_is_of_the_new_day():
    hall = hall_open((0, "20:00", "00:00"), (1, "00:00", "02:00"))
    service = make.service(hall)

    before = make.ticket(service, at=local(MONDAY, "23:59:59"))
    after = make.ticket(service, at=local(dt.date(2026, 11, 24), "00:00"))

    assert (before.business_date, before.number) == (MONDAY, "A001")
    assert (after.business_date, after.number) == (dt.date(2026, 11, 24), "A001")


@pytest.mark.covers("Q-18")
def test_the_last_ticket_is_given_before_closing():
    hall = hall_open((0, "08:30", "17:00"), last_ticket_before_close=dt.timedelta(minutes=15))

    assert hours.last_ticket_at(hall, local(MONDAY, "10:00")) == local(MONDAY, "16:45")
    assert hours.gives_tickets(hall, local(MONDAY, "16:44:59")) is True
    assert hours.gives_tickets(hall, local(MONDAY, "16:45")) is False
    assert hours.last_ticket_at(hall, local(MONDAY, "18:00")) is None


@pytest.mark.covers("Q-18")
def test_a_closed_day_gives_no_tickets_though_the_doors_are_open():
    hall = hall_open((0, "08:30", "17:00"))
    DayClose.objects.create(hall=hall, business_date=MONDAY, closed_at=local(MONDAY, "15:00"))

    assert hours.gives_tickets(hall, local(MONDAY, "16:00")) is False


@pytest.mark.parametrize(
    ("on", "elapsed"),
    [
        pytest.param(SPRING, 23, id="the day the clock goes forward"),
        pytest.param(AUTUMN, 25, id="the day it goes back"),
        pytest.param(dt.date(2026, 6, 7), 24, id="any other Sunday"),
    ],
)
def test_a_day_round_the_clock_lasts_as_long_as_it_does(on, elapsed):
    hall = hall_open((6, "00:00", "00:00"), zone=NEW_YORK)

    (day,) = hours.intervals_on(hall, on)

    assert day.closes_at - day.opens_at == dt.timedelta(hours=elapsed)


@pytest.mark.parametrize("on", [SPRING, AUTUMN])
def test_closing_time_is_the_wall_clocks_on_the_days_it_is_changed(on):
    hall = hall_open((6, "09:00", "17:00"), zone=NEW_YORK)

    (day,) = hours.intervals_on(hall, on)

    assert hall.local(day.closes_at).time() == dt.time(17)
    assert day.closes_at - day.opens_at == dt.timedelta(hours=8)


def test_an_opening_in_the_hour_that_does_not_exist_is_an_hour_later():
    hall = hall_open((6, "02:30", "06:00"), zone=NEW_YORK)

    (day,) = hours.intervals_on(hall, SPRING)

    assert hall.local(day.opens_at).time() == dt.time(3, 30)


def test_the_hour_that_comes_twice_is_open_both_times():
    hall = hall_open((6, "00:30", "06:00"), zone=NEW_YORK)
    first = dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)  # 01:30 EDT
    second = first + dt.timedelta(hours=1)  # 01:30 EST

    assert hall.local(first).time() == hall.local(second).time() == dt.time(1, 30)
    assert hours.open_interval(hall, first) == hours.open_interval(hall, second) is not None


def test_two_halls_of_two_zones_open_at_their_own_eight():
    here, there = hall_open((0, "08:00", "17:00")), hall_open((0, "08:00", "17:00"), zone=NEW_YORK)
    at = dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)

    assert hours.open_interval(here, at) is not None
    assert hours.open_interval(there, at) is None
    assert there.business_date(at) == dt.date(2026, 11, 22)


def test_hours_read_ahead_take_no_query(django_assert_num_queries):
    hall = hall_open((0, "08:30", "17:00"))
    hall = Hall.objects.prefetch_related("opening_intervals", "holidays").get(pk=hall.pk)

    with django_assert_num_queries(0):
        assert hours.last_ticket_at(hall, local(MONDAY, "10:00")) == local(MONDAY, "17:00")
