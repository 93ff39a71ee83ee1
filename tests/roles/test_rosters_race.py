"""Races of the roster: two who plan the same person, two who answer one swap."""

import pytest

from hall.models import Kind
from hall.refusals import WrongState
from roles import rosters
from roles.models import Shift, ShiftEvent
from roles.rosters import Overlaps
from tests import make
from tests.at_once import together
from tests.make import AT
from tests.roles.roster_rows import MONDAY, plan, shift

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_plan_one_person_at_once_one_is_told():
    hall = make.hall()
    person = make.person(hall, Kind.CLERK)
    plans = [plan(person, hall, "09:00", "17:00"), plan(person, hall, "12:00", "20:00")]

    results = together(*[lambda new=new: rosters.plan(hall, new, by=None, at=AT) for new in plans])

    assert [type(result) for result in results if isinstance(result, Exception)] == [Overlaps]
    assert (Shift.objects.count(), ShiftEvent.objects.count()) == (1, 1)


def test_of_two_who_copy_a_week_at_once_one_is_told():
    hall = make.hall()
    for _number in range(3):
        shift(make.person(hall, Kind.CLERK), hall)
    monday = MONDAY + rosters.WEEK

    results = together(*[lambda: rosters.copy_week(hall, monday, by=None, at=AT) for _time in range(2)])

    # Told in words, or stopped by the database, which lets a tap try again (hall.taps): never both copied.
    assert [type(result) for result in results].count(list) == 1
    assert len(rosters.planned_between(hall, monday, monday)) == 3


def test_of_two_who_answer_a_swap_at_once_one_is_told():
    hall = make.hall()
    giver, taker = make.person(hall, Kind.CLERK), make.person(hall, Kind.CLERK)
    mine = shift(giver, hall, on=MONDAY + rosters.WEEK)
    asked = rosters.ask_swap(mine, to=taker, by=giver, at=AT)

    results = together(
        lambda: rosters.agree_swap(asked, by=None, at=AT), lambda: rosters.refuse_swap(asked, by=None, at=AT)
    )

    mine.refresh_from_db()
    asked.refresh_from_db()
    assert [type(result) for result in results if isinstance(result, Exception)] == [WrongState]
    assert mine.person == (taker if asked.state == "agreed" else giver)
