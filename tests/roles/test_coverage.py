"""Zones with nobody: red by themselves, an alarm that names who covers, minutes that are counted."""

import datetime as dt

import pytest

from hall import clock, postings
from hall.models import Alarm, Hall, Kind, Person, Zone
from roles import coverage
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def bare_zone(hall: Hall, slug: str = "selfservice", **fields: object) -> Zone:
    given = {"name_zh": "自助服务区", "name_en": "Self-service zone", "needs_somebody": True, **fields}
    return make.zone(hall, slug, **given)


def floater(hall: Hall, zone: Zone, *, at: dt.datetime = AT, **fields: object) -> Person:
    person = make.person(hall, Kind.FLOATER, **fields)
    postings.send(person, zone, only_here=True, by=None, at=at)
    return person


@pytest.mark.covers("H-02", "R-Q25")
def test_a_zone_where_somebody_must_be_and_nobody_is_is_vacant_since_he_left():
    hall = make.hall()
    zone = bare_zone(hall)
    wang = floater(hall, zone, at=AT)
    postings.leave(postings.held_by(wang, hall)[0], by=wang, at=AT + 5 * MINUTE)

    (now,) = coverage.floor_now(hall, AT + 8 * MINUTE).zones

    assert (now.vacant_since, now.holders) == (AT + 5 * MINUTE, [])


@pytest.mark.covers("H-02")
def test_the_zone_map_says_who_holds_each_zone_and_since_when():
    hall = make.hall()
    zone = bare_zone(hall)
    floater(hall, zone, name_en="Wang Qian")

    (now,) = coverage.floor_now(hall, AT + MINUTE).zones

    assert [(holder.name_en, holder.kind, holder.since) for holder in now.holders] == [("Wang Qian", Kind.FLOATER, AT)]
    assert now.vacant_since is None


def test_a_zone_that_may_be_empty_is_not_vacant():
    hall = make.hall()
    bare_zone(hall, needs_somebody=False)

    assert [zone.vacant_since for zone in coverage.floor_now(hall, AT).zones] == [None]


def test_a_closed_hall_has_no_vacant_zone():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    bare_zone(hall)

    assert [zone.vacant_since for zone in coverage.floor_now(hall, AT - dt.timedelta(hours=3)).zones] == [None]


def test_before_anybody_came_a_zone_is_vacant_since_the_hall_opened():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    bare_zone(hall)

    assert [zone.vacant_since for zone in coverage.floor_now(hall, AT).zones] == [AT - 60 * MINUTE]


@pytest.mark.covers("R-Q25")
def test_after_the_limit_the_alarm_names_the_zone_and_the_neighbour_who_covers():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    zone = bare_zone(hall)
    floater(hall, make.zone(hall, "waiting", position=1), name_zh="王倩", name_en="Wang Qian")

    raised = coverage.sweep(at=AT)

    alarm = Alarm.objects.get(hall=hall, rule="R-Q25")
    assert (raised, alarm.subject, alarm.due_at) == (1, f"zone:{zone.pk}", AT - 58 * MINUTE)
    assert (alarm.data["zone_en"], alarm.data["neighbour_en"]) == ("Self-service zone", "Wang Qian")
    assert alarm.data["ladder"] == ["duty_manager", "hall_manager", "headquarters"]


def test_within_the_limit_nobody_is_alarmed():
    hall = make.hall()
    zone = bare_zone(hall)
    wang = floater(hall, zone)
    postings.leave(postings.held_by(wang, hall)[0], by=wang, at=AT)

    assert coverage.sweep(at=AT + MINUTE) == 0
    assert coverage.sweep(at=AT + 2 * MINUTE) == 1


def test_sweeping_again_raises_nothing_twice():
    hall = make.hall()
    bare_zone(hall)
    coverage.sweep(at=AT)

    assert coverage.sweep(at=AT + MINUTE) == 0
    assert Alarm.objects.filter(hall=hall).count() == 1


def test_the_alarm_ends_by_itself_when_somebody_comes():
    hall = make.hall()
    zone = bare_zone(hall)
    coverage.sweep(at=AT)
    floater(hall, zone, at=AT + MINUTE)

    coverage.sweep(at=AT + 2 * MINUTE)

    alarm = Alarm.objects.get(hall=hall)
    assert (alarm.settled_because, alarm.settled_at) == ("cause_gone", AT + 2 * MINUTE)


def test_the_watch_of_the_present_leaves_a_recorded_days_alarm_alone():
    hall = make.hall(clock="played", played_at=AT)
    bare_zone(hall)
    coverage.sweep(at=AT, hall_ids=[hall.pk])

    coverage.sweep(at=AT + MINUTE)

    assert Alarm.objects.get(hall=hall).settled_at is None


def test_one_hall_never_covers_for_another():
    hall, other = make.hall(), make.hall()
    bare_zone(hall)
    floater(other, make.zone(other, "waiting"))

    coverage.sweep(at=AT)

    assert Alarm.objects.get(hall=hall).data["neighbour_en"] == ""


@pytest.mark.covers("K-22")
def test_the_minutes_with_nobody_are_counted_within_the_opening():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    zone = bare_zone(hall)
    nine = AT - 60 * MINUTE
    wang = floater(hall, zone, at=nine + 10 * MINUTE)
    postings.leave(postings.held_by(wang, hall)[0], by=wang, at=nine + 30 * MINUTE)
    floater(hall, zone, at=nine + 37 * MINUTE)

    assert coverage.vacuum(hall, AT.date(), at=AT) == {zone: 17 * MINUTE}


@pytest.mark.covers("K-22")
def test_two_who_overlap_leave_no_gap():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    zone = bare_zone(hall)
    nine = AT - 60 * MINUTE
    wang = floater(hall, zone, at=nine - 5 * MINUTE)
    floater(hall, zone, at=nine + 20 * MINUTE)
    postings.leave(postings.held_by(wang, hall)[0], by=wang, at=nine + 30 * MINUTE)

    assert coverage.vacuum(hall, AT.date(), at=AT) == {}


def test_a_day_without_opening_has_no_vacuum():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    bare_zone(hall)
    hall.holidays.create(on=AT.date())

    assert coverage.vacuum(hall, AT.date(), at=AT) == {}


@pytest.mark.covers("R-Q25")
def test_the_board_shows_the_empty_zone_and_the_alarm_with_the_manager_on_duty():
    hall = make.hall()
    bare_zone(hall)
    manager = make.person(hall, Kind.DUTY_MANAGER, name_en="Zhou Ming")
    coverage.sweep(at=AT)

    page = make.client(manager).get(f"/h/{hall.code}/board/").content.decode()

    assert 'class="zone is-over"' in page
    assert "Nobody in zone Self-service zone" in page and "Duty manager</b> (Zhou Ming)" in page


def test_an_alarm_for_a_post_that_nobody_holds_says_so():
    hall = make.hall()
    bare_zone(hall)
    coverage.sweep(at=AT)

    page = make.client(make.person(hall, Kind.HALL_MANAGER)).get(f"/h/{hall.code}/board/").content.decode()

    assert "Duty manager</b> (nobody holds this post now)" in page


@pytest.mark.covers("H-02")
def test_the_manager_sends_somebody_to_a_zone_with_one_tap_and_the_zone_is_held():
    hall = make.hall()
    zone = bare_zone(hall)
    wang = make.person(hall, Kind.FLOATER)
    (posting,) = postings.held_by(wang, hall)
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answer = make.tap(client, f"/h/{hall.code}/zones/{zone.pk}/send/", {"posting": posting.pk})

    assert answer.status_code == 200
    assert [row.zone_id for row in postings.held_by(wang, hall)] == [zone.pk]


def test_sending_is_for_those_who_assign():
    hall = make.hall()
    zone = bare_zone(hall)
    (posting,) = postings.held_by(make.person(hall, Kind.FLOATER), hall)

    answer = make.tap(
        make.client(make.person(hall, Kind.GUIDE)), f"/h/{hall.code}/zones/{zone.pk}/send/", {"posting": posting.pk}
    )

    assert answer.status_code == 403


def test_a_zone_of_another_hall_is_not_found():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    assert client.get(f"/h/{hall.code}/zones/{bare_zone(make.hall()).pk}/").status_code == 404


def test_the_same_tap_twice_sends_once():
    hall = make.hall()
    zone = bare_zone(hall)
    (posting,) = postings.held_by(make.person(hall, Kind.FLOATER), hall)
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))
    address = f"/h/{hall.code}/zones/{zone.pk}/send/"

    answers = [make.tap(client, address, {"posting": posting.pk}, key="one-and-the-same").status_code for _ in range(2)]

    assert answers == [200, 200]
    assert len(postings.held_by(posting.person, hall)) == 1


@pytest.mark.covers("K-22")
def test_the_page_of_the_day_tells_the_minutes_of_each_zone_with_nobody(monkeypatch):
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    wang = floater(hall, bare_zone(hall), at=AT - 60 * MINUTE)
    postings.leave(postings.held_by(wang, hall)[0], by=wang, at=AT + 455 * MINUTE)
    monkeypatch.setattr(clock, "now", lambda: AT + 600 * MINUTE)

    page = make.client(make.person(hall, Kind.HALL_MANAGER)).get(f"/h/{hall.code}/today/").content.decode()

    assert "Zones with nobody while the hall was open:</b> Self-service zone 25 min" in page
