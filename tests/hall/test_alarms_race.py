"""Races of alarms: two people take one, and a person answers while the ladder climbs."""

import pytest

from hall import alarms
from hall.models import Alarm, AlarmEvent, Kind
from hall.refusals import WrongState
from tests import make
from tests.at_once import together
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alarm():
    return alarms.raise_alarm(
        hall_id=make.hall().pk, rule="R-Q02", subject="ticket:7", due_at=AT, act_by=None, data={}, at=AT
    )


def test_of_two_who_take_an_alarm_at_once_one_has_it_and_one_is_told(alarm):
    people = [make.person(alarm.hall, Kind.DUTY_MANAGER) for _ in range(2)]

    results = together(*[lambda by=by: alarms.acknowledge(alarm, by=by, at=AT + MINUTE) for by in people])

    alarm.refresh_from_db()
    assert sorted(type(result) for result in results if isinstance(result, Exception)) == [WrongState]
    assert alarm.acknowledged_by in people
    assert AlarmEvent.objects.filter(verb="acknowledged").count() == 1


def test_raised_by_two_at_once_it_is_one_alarm():
    hall = make.hall()

    results = together(
        *[
            lambda: alarms.raise_alarm(
                hall_id=hall.pk, rule="R-Q01", subject="hall", due_at=AT, act_by=None, data={}, at=AT
            )
        ]
        * 4
    )

    assert sum(result is not None for result in results) == 1
    assert Alarm.objects.count() == AlarmEvent.objects.count() == 1


def test_two_sweeps_at_once_climb_one_rung(alarm):
    results = together(*[lambda: alarms.climb(at=AT + 4 * MINUTE)] * 4)

    alarm.refresh_from_db()
    assert sorted(results) == [0, 0, 0, 1]
    assert alarm.rung == 1


def test_who_takes_an_alarm_that_is_just_climbing_has_it(alarm):
    by = make.person(alarm.hall, Kind.FLOATER)

    results = together(
        lambda: alarms.acknowledge(alarm, by=by, at=AT + 4 * MINUTE), lambda: alarms.climb(at=AT + 4 * MINUTE)
    )

    alarm.refresh_from_db()
    assert [result for result in results if isinstance(result, Exception)] == []
    assert (alarm.acknowledged_by, alarm.next_rung_at) == (by, None)
