"""Races of what the staff tell each other: two begin one briefing, both sides of a handover tap at once."""

import datetime as dt

import pytest

from hall.models import Kind
from hall.refusals import WrongState
from roles import briefings, handovers
from roles.models import Briefing, ShiftHandover
from tests import make
from tests.at_once import together
from tests.make import AT, MINUTE
from tests.roles.briefing_rows import offered

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_managers_who_begin_at_once_hold_one_briefing() -> None:
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    managers = [make.person(hall, Kind.DUTY_MANAGER) for _number in range(3)]

    results = together(*[lambda by=by: briefings.start(hall, figures=None, by=by, at=AT) for by in managers])

    assert {result.pk for result in results if isinstance(result, Briefing)} == {Briefing.objects.get().pk}
    assert len([result for result in results if isinstance(result, Briefing)]) == 3


def test_a_handover_accepted_and_taken_back_at_once_is_one_of_them() -> None:
    hall = make.hall()
    giver, receiver = make.person(hall), make.person(hall)
    made = offered(hall, giver, receiver)
    copy = ShiftHandover.objects.get(pk=made.pk)

    results = together(
        lambda: handovers.accept(made, by=receiver, at=AT + MINUTE),
        lambda: handovers.withdraw(copy, by=giver, at=AT + MINUTE),
    )

    assert sorted(type(result).__name__ for result in results) == sorted(["NoneType", WrongState.__name__])
    assert ShiftHandover.objects.get().state in ("accepted", "withdrawn")


def test_the_same_shift_offered_twice_at_once_is_offered_once() -> None:
    hall = make.hall()
    giver, receiver = make.person(hall), make.person(hall)

    results = together(*[lambda: offered(hall, giver, receiver)] * 2)

    assert sorted(type(result).__name__ for result in results) == ["ShiftHandover", WrongState.__name__]
    assert ShiftHandover.objects.count() == 1
