"""Taps that meet: real threads against PostgreSQL."""

import threading

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory

from hall import alarms, taps
from hall.models import Alarm, AlarmEvent, Tap
from tests import make
from tests.make import AT

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_taps_that_wait_for_each_other_both_are_carried_out() -> None:
    hall = make.hall()
    given = [
        alarms.raise_alarm(hall_id=hall.pk, rule="R-Q02", subject=f"ticket:{n}", due_at=AT, act_by=None, data={}, at=AT)
        for n in range(2)
    ]
    first_rows_held = threading.Barrier(2)
    outcomes: dict[str, taps.Outcome] = {}

    def tap(key: str, first: Alarm, second: Alarm, verb: object) -> None:
        tries = 0

        def act() -> None:
            nonlocal tries
            tries += 1
            verb(first, by=None, at=AT)
            if tries == 1:
                first_rows_held.wait(30)
            verb(second, by=None, at=AT)

        request = RequestFactory().post("/", headers={"idempotency-key": key})
        request.user = AnonymousUser()
        try:
            outcomes[key] = taps.carry_out(request, act, at=AT)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=tap, args=("tap-of-one", *given, alarms.settle)),
        threading.Thread(target=tap, args=("tap-of-two", *reversed(given), alarms.settle)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    # The one that was stopped is carried out again, and told that the other was quicker.
    assert sorted(outcome.status for outcome in outcomes.values()) == [200, 409]
    assert AlarmEvent.objects.filter(verb="settled").count() == 2
    assert Tap.objects.count() == 1
