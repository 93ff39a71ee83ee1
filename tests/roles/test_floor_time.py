"""The duty manager's time on the floor: by taps, by doings, and honest about what is not known."""

import datetime as dt

import pytest

from hall import postings
from hall.models import Alarm, Kind, Posting
from hall.refusals import Invalid, WrongState
from roles import floor_time, rounds
from roles.floor_time import StayOnFloor
from roles.models import FloorTime
from roles.spans import both, joined, total, without
from tests import make
from tests.roles.round_rows import begun, local, manager, open_hall

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

MONDAY = dt.date(2026, 11, 23)


def minutes(span: dt.timedelta) -> float:
    return span.total_seconds() / 60


def crowd(hall: object, since: dt.datetime, until: dt.datetime | None = None) -> Alarm:
    return Alarm.objects.create(
        hall=hall, rule="R-Q01", subject="hall", due_at=since, raised_at=since, settled_at=until
    )


def test_spans_are_joined_cut_and_added():
    nine, ten, eleven, noon = (local(hour) for hour in (9, 10, 11, 12))

    assert joined([(ten, noon), (nine, eleven), (noon, noon)]) == [(nine, noon)]
    assert both([(nine, eleven)], [(ten, noon)]) == [(ten, eleven)]
    assert without([(nine, noon)], [(ten, eleven)]) == [(nine, ten), (eleven, noon)]
    assert total([(nine, eleven), (ten, noon)]) == dt.timedelta(hours=3)


@pytest.mark.covers("O-05", "K-09", "R-B06")
def test_the_ratio_is_floor_time_over_time_on_duty():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "floor", by=person, at=local(9))
    floor_time.go(hall, person, "office", by=person, at=local(15))
    floor_time.go(hall, person, "floor", by=person, at=local(16))
    Posting.objects.filter(person=person).update(until=local(17))

    found = floor_time.ratio(hall, person, MONDAY, at=local(20))

    assert (minutes(found.on_duty), minutes(found.floor), minutes(found.office), minutes(found.unknown)) == (480, 420, 60, 0)  # fmt: skip
    assert (found.at_least, found.at_most) == (87.5, 87.5)


@pytest.mark.covers("O-05", "K-09")
def test_time_of_which_nothing_is_known_counts_neither_as_floor_nor_as_office():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "floor", by=person, at=local(11))

    found = floor_time.ratio(hall, person, MONDAY, at=local(13))

    assert (minutes(found.floor), minutes(found.office), minutes(found.unknown)) == (120, 0, 120)
    assert (found.at_least, found.at_most) == (50.0, 100.0)


@pytest.mark.covers("O-05")
def test_rounds_and_answered_alarms_show_that_somebody_was_on_the_floor():
    hall = open_hall()
    person = manager(hall, since=local(9))
    made = begun(hall, person, at=local(9, 10))
    rounds.end(made, by=person, at=local(9, 40))
    answered = crowd(hall, local(11), local(11, 30))
    Alarm.objects.filter(pk=answered.pk).update(acknowledged_at=local(11, 2), acknowledged_by=person)

    found = floor_time.ratio(hall, person, MONDAY, at=local(13))

    assert (minutes(found.floor), minutes(found.by_activity), minutes(found.unknown)) == (35, 35, 205)


def test_what_he_said_counts_before_what_his_doings_show():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "office", by=person, at=local(9))
    answered = crowd(hall, local(10), local(10, 5))
    Alarm.objects.filter(pk=answered.pk).update(acknowledged_at=local(10, 2), acknowledged_by=person)

    found = floor_time.ratio(hall, person, MONDAY, at=local(11))

    assert (minutes(found.floor), minutes(found.office)) == (0, 120)


def test_what_was_said_ends_with_the_posting_in_which_it_was_said():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "floor", by=person, at=local(9))
    Posting.objects.filter(person=person).update(until=local(12))
    Posting.objects.create(hall=hall, person=person, post=make.post(Kind.DUTY_MANAGER), since=local(14))

    found = floor_time.ratio(hall, person, MONDAY, at=local(15))

    assert (minutes(found.on_duty), minutes(found.floor), minutes(found.unknown)) == (240, 180, 60)
    assert floor_time.where(hall, person) is None


def test_a_posting_moved_without_a_break_goes_on():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "floor", by=person, at=local(9))
    post = make.post(Kind.DUTY_MANAGER)
    postings.take(person, hall, post, zone=make.zone(hall), by=person, at=local(10))

    assert minutes(floor_time.ratio(hall, person, MONDAY, at=local(11)).floor) == 120


def test_time_over_midnight_belongs_to_each_date():
    hall = make.hall()
    person = manager(hall, since=local(22, 0, 22))
    floor_time.go(hall, person, "floor", by=person, at=local(22, 0, 22))
    Posting.objects.filter(person=person).update(until=local(1))

    assert minutes(floor_time.ratio(hall, person, dt.date(2026, 11, 22), at=local(9)).floor) == 120
    assert minutes(floor_time.ratio(hall, person, MONDAY, at=local(9)).floor) == 60


@pytest.mark.covers("X-28", "R-Q10")
def test_busy_time_is_counted_apart():
    hall = open_hall()
    person = manager(hall, since=local(9))
    floor_time.go(hall, person, "floor", by=person, at=local(9))
    crowd(hall, local(10), local(11))
    crowd(hall, local(10, 30), local(11, 30))
    floor_time.go(hall, person, "office", by=person, at=local(11))

    found = floor_time.ratio(hall, person, MONDAY, at=local(12))

    assert (minutes(found.busy), minutes(found.busy_floor), minutes(found.busy_office)) == (90, 60, 30)


@pytest.mark.covers("R-Q10", "X-28")
def test_leaving_a_busy_floor_is_warned_and_needs_a_reason():
    hall = open_hall()
    person = manager(hall)
    floor_time.go(hall, person, "floor", by=person, at=make.AT)
    crowd(hall, make.AT)

    with make.refusal(StayOnFloor, match="stays on the floor"):
        floor_time.go(hall, person, "office", by=person, at=local(10, 5))
    assert FloorTime.objects.get().until is None

    floor_time.go(hall, person, "office", reason="police at the back door", by=person, at=local(10, 5))
    said = [(row.place, row.reason) for row in FloorTime.objects.all()]
    assert said == [("floor", ""), ("office", "police at the back door")]


def test_saying_it_twice_changes_nothing():
    hall = open_hall()
    person = manager(hall)

    first = floor_time.go(hall, person, "floor", by=person, at=make.AT)

    assert floor_time.go(hall, person, "floor", by=person, at=local(11)) == first
    assert FloorTime.objects.count() == 1


def test_only_who_is_duty_manager_now_says_where_he_is():
    hall = open_hall()
    for person in (make.person(hall), make.person(hall, Kind.DUTY_MANAGER, holds=False), manager(open_hall())):
        with make.refusal(WrongState):
            floor_time.go(hall, person, "floor", by=person, at=make.AT)
    with make.refusal(Invalid):
        floor_time.go(hall, manager(hall), "moon", by=person, at=make.AT)

    assert not FloorTime.objects.exists()


def test_who_was_not_on_duty_has_no_ratio():
    hall = open_hall()
    person = make.person(hall)

    found = floor_time.ratio(hall, person, MONDAY, at=make.AT)

    assert (found.on_duty, found.at_least, found.at_most) == (dt.timedelta(0), None, None)
