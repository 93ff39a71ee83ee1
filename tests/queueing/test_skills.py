"""What a counter serves: its services that its clerk masters."""

import pytest

from hall import counters
from hall.models import Counter, Kind
from queueing import estimates, tickets
from queueing.fragments import state as queue_state
from tests import make
from tests.make import AT

pytestmark = pytest.mark.django_db


def desk():
    """A hall with bills and broadband at counter 1, and Li who sits there."""
    hall = make.hall()
    counter = make.counter(hall, state=Counter.State.CLOSED)
    bills, broadband = make.service(hall, "A", counters=[counter]), make.service(hall, "B", counters=[counter])
    li = make.person(hall, Kind.CLERK)
    counters.sign_in(counter, by=li, at=AT)
    counters.open_counter(counter, by=li, at=AT)
    return counter, li, bills, broadband


def test_a_clerk_of_whom_nothing_is_said_serves_all_of_the_counter():
    counter, li, _bills, broadband = desk()
    waiting = make.ticket(broadband)

    assert tickets.call_next(counter, by=li, at=AT) == waiting


def test_a_clerk_is_given_only_what_he_masters():
    counter, li, bills, broadband = desk()
    bills.masters.add(li)
    make.ticket(broadband)
    bill = make.ticket(bills)

    assert tickets.call_next(counter, by=li, at=AT) == bill


def test_what_nobody_at_a_counter_masters_waits():
    counter, li, bills, broadband = desk()
    bills.masters.add(li)
    make.ticket(broadband)

    assert tickets.call_next(counter, by=li, at=AT) is None


def test_skills_in_another_hall_say_nothing_here():
    counter, li, bills, _broadband = desk()
    make.service(make.hall()).masters.add(li)
    waiting = make.ticket(bills)

    assert tickets.call_next(counter, by=li, at=AT) == waiting


def test_the_board_shows_the_same_as_the_call():
    counter, li, bills, broadband = desk()
    bills.masters.add(li)
    make.ticket(broadband)
    bill = make.ticket(bills)

    state = queue_state.load(counter.hall, AT)

    assert state.callable_at(state.counters[0]) == [bill]


def test_a_service_that_nobody_masters_is_served_nowhere():
    counter, li, bills, broadband = desk()
    bills.masters.add(li)

    state = queue_state.load(counter.hall, AT)

    assert {service.pk: service.counter_ids for service in state.services} == {
        bills.pk: {counter.pk},
        broadband.pk: set(),
    }


def test_nobody_is_ahead_at_a_counter_whose_clerk_would_not_call_one():
    counter, li, bills, broadband = desk()
    broadband.counters.add(make.counter(counter.hall))
    make.ticket(bills)
    before = estimates.told_at_issue(broadband, "normal", at=AT).ahead
    bills.masters.add(li)

    assert (before, estimates.told_at_issue(broadband, "normal", at=AT).ahead) == (1, 0)
