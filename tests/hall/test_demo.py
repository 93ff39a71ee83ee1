"""The demo hall: what a newcomer finds."""

import datetime as dt

import pytest

from hall import clock, hours
from hall.management import demo
from hall.management.commands import prepare
from hall.models import Counter, Device, Hall, Kind, Person
from hall.models.halls import Clock
from roles import notices
from roles.models import Shift, Task

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)


def test_is_open_round_the_clock_every_day() -> None:
    hall = demo.make_demo_hall(at=AT)

    for hour in range(0, 8 * 24, 1):
        assert hours.gives_tickets(hall, AT + dt.timedelta(hours=hour))


def test_has_eight_counters_of_every_kind() -> None:
    hall = demo.make_demo_hall(at=AT)

    kinds = list(hall.counters.order_by("number").values_list("kind", flat=True))
    assert kinds == ["fixed", "fixed", "fixed", "fixed", "green", "vip", "mobile", "handheld"]
    assert set(kinds) == set(Counter.Kind.values)


def test_each_counter_serves_something_and_only_green_serves_the_green_channel_besides_vip() -> None:
    hall = demo.make_demo_hall(at=AT)

    served = {
        counter.number: "".join(sorted(service.letter for service in counter.services.all()))
        for counter in hall.counters.all()
    }
    assert served == {1: "ACDF", 2: "ACDF", 3: "ACDEF", 4: "ACDEF", 5: "ABCF", 6: "ABCDEF", 7: "ACD", 8: "AD"}
    assert [service.letter for service in hall.services.filter(is_green=True)] == ["B"]


def test_everybody_signs_in_with_the_password_that_the_welcome_tells() -> None:
    demo.make_demo_hall(at=AT)

    assert Person.objects.count() == 17
    assert all(person.check_password("hall") and person.pin_hash for person in Person.objects.all())
    assert "password hall" in demo.WELCOME
    assert [login for login in ("zhou", "li", "liu", "wang", "gu", "hq") if f"{login} (" not in demo.WELCOME] == []


def test_every_kind_of_person_is_there() -> None:
    hall = demo.make_demo_hall(at=AT)

    assert set(hall.memberships.values_list("kind", flat=True)) == set(Kind.values)


def test_only_the_hall_manager_and_headquarters_open_the_admin_site() -> None:
    demo.make_demo_hall(at=AT)

    staff = Person.objects.filter(is_staff=True).order_by("login")
    assert [(person.login, person.is_superuser) for person in staff] == [("gu", False), ("hq", True)]


def test_the_devices_are_there_and_not_paired_yet() -> None:
    hall = demo.make_demo_hall(at=AT)

    assert set(hall.devices.values_list("screen", flat=True)) == set(Device.Screen.values)
    assert not hall.devices.exclude(token_hash="").exists()


def test_the_roster_of_this_and_next_week_is_planned_with_meals_and_a_delegate() -> None:
    hall = demo.make_demo_hall(at=AT)

    shifts = Shift.objects.filter(hall=hall)
    days = {AT.date() + number * dt.timedelta(days=1) for number in range(14)}  # AT is a Monday
    assert set(shifts.values_list("on", flat=True)) == days
    assert shifts.count() == 14 * 15
    assert not shifts.filter(person__login="li", meal_from=None).exists()
    assert set(shifts.exclude(delegate=None).values_list("person__login", "delegate__login")) == {("zhou", "wu")}


def test_only_gao_has_a_notice_to_read_before_she_opens_her_counter() -> None:
    hall = demo.make_demo_hall(at=AT)

    people = Person.objects.filter(memberships__hall=hall).distinct()
    assert [person.login for person in people if notices.owed(person, hall, AT)] == ["gao"]


def test_what_today_owes_is_there() -> None:
    hall = demo.make_demo_hall(at=AT)

    codes = set(Task.objects.filter(hall=hall, business_date=AT.date()).values_list("code", flat=True))
    assert {"D-DM-28", "D-SG-10", "D-DM-05"} <= codes  # of the day, of the opening, of the duty manager's shift


def test_is_made_where_there_is_no_hall_and_once_only() -> None:
    first = prepare.make_demo_if_empty(wanted=True)
    second = prepare.make_demo_if_empty(wanted=True)

    assert Hall.objects.count() == 1
    assert first == second == {"demo": True, "welcome": demo.WELCOME}


def test_is_not_made_beside_a_hall_of_one_s_own() -> None:
    Hall.objects.create(code="own", name_zh="自己的厅")

    assert prepare.make_demo_if_empty(wanted=True) == {"demo": False, "welcome": ""}


def test_is_made_beside_a_recorded_day() -> None:
    Hall.objects.create(code="day", name_zh="录下的一天", clock=Clock.PLAYED, played_at=clock.now())

    assert prepare.make_demo_if_empty(wanted=True)["demo"] is True


def test_is_not_made_when_not_wanted() -> None:
    assert prepare.make_demo_if_empty(wanted=False) == {"demo": False, "welcome": ""}
    assert not Hall.objects.exists()
