"""The ticket's life, property-based: whatever verbs come in whatever order, what must hold holds."""

import datetime as dt
import itertools

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hall import counters
from hall.models import Counter
from hall.refusals import Refused
from queueing import call_order, tickets
from queueing.fragments import state as queue_state
from queueing.models import AT_COUNTER, CustomerClass, State, Ticket
from tests import make
from tests.make import AT

pytestmark = pytest.mark.django_db

VERBS = [
    "issue",
    "call_next",
    "call_this",
    "recall",
    "start",
    "finish",
    "reopen",
    "hold",
    "take_back",
    "transfer",
    "transfer_to",
    "no_show",
    "uncall",
    "restore",
    "abandon",
    "reclaim",
    "pause",
    "open",
    "close",
]

# verb, which ticket, which counter or service, seconds until the next step: time may also stand still or come late
steps = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 9), st.integers(0, 2), st.integers(-30, 400)),
    min_size=10,
    max_size=60,
)

SPENT = ("waited_before", "way_before", "served_before", "held_before")
COUNTED = (State.WAITING, State.CALLED, State.SERVING, State.HELD)


class Floor:
    """A hall with three services and three counters; every step is one verb, refused or not."""

    def __init__(self) -> None:
        self.hall = make.hall()
        self.services = [make.service(self.hall, letter) for letter in "AB"]
        self.services.append(make.service(self.hall, "G", is_green=True))
        kinds = (Counter.Kind.FIXED, Counter.Kind.VIP, Counter.Kind.GREEN)
        self.counters = [make.counter(self.hall, services=self.services, kind=kind) for kind in kinds]
        self.at = AT

    def step(self, verb: str, which: int, place: int, seconds: int) -> None:
        at = self.at
        self.at = max(self.at, self.at + dt.timedelta(seconds=seconds))
        counter, service = self.counters[place], self.services[place]
        given = list(Ticket.objects.filter(hall=self.hall).order_by("pk"))
        told = {"by": None, "at": at + dt.timedelta(seconds=min(seconds, 0))}  # a step may bring an instant of the past
        try:
            with transaction.atomic():
                if verb == "issue" or not given:
                    tickets.issue(service, customer_class=CustomerClass.values[which % 4], by=None, at=at)
                elif verb == "call_next":
                    tickets.call_next(counter, **told)
                elif verb == "open":
                    counters.open_counter(counter, **told)
                elif verb == "close":
                    counters.close(counter, **told)
                elif verb == "pause":
                    counters.pause(counter, reason="lunch", expected_return_at=None, **told)
                else:
                    self.move(verb, given[which % len(given)], counter, service, told)
        except Refused:
            pass

    def move(self, verb: str, ticket: Ticket, counter: Counter, service: object, told: dict) -> None:
        if verb == "call_this":
            tickets.call_this(ticket, counter, reason="test", **told)
        elif verb == "take_back":
            tickets.take_back(ticket, counter, **told)
        elif verb == "transfer":
            tickets.transfer(ticket, service=service, **told)
        elif verb == "transfer_to":
            tickets.transfer(ticket, to=counter, **told)
        else:
            getattr(tickets, verb)(ticket, **told)


def require_truth(floor: Floor) -> None:
    """What must hold between any two verbs."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    given = Ticket.objects.filter(hall=floor.hall).prefetch_related("events")
    for ticket in given:
        events = list(ticket.events.all())
        times = [event.at for event in events]
        assert times == sorted(times)
        assert times[0] == ticket.issued_at
        assert times[-1] == ticket.last_event_at
        assert [event.from_state for event in events[1:]] == [event.to_state for event in events[:-1]]
        assert events[-1].to_state == ticket.state
        spent = dict.fromkeys(State, dt.timedelta(0))
        for event, following in itertools.pairwise(events):
            spent[State(event.to_state)] += following.at - event.at
        if ticket.state in COUNTED:  # what is still running is not summed up yet
            spent[State(ticket.state)] -= ticket.last_event_at - ticket.state_since
        assert [getattr(ticket, name) for name in SPENT] == [spent[state] for state in COUNTED]
        assert (ticket.alarm_due_at is None) == (ticket.state != State.WAITING)
    for counter in Counter.objects.filter(hall=floor.hall):
        there = [ticket.number for ticket in given if ticket.counter_id == counter.pk and ticket.state in AT_COUNTER]
        assert there == ([counter.ticket_number] if counter.ticket_number else [])
        assert (counter.free_since is not None) == (counter.state == Counter.State.OPEN and not counter.ticket_number)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(steps)
@pytest.mark.covers("F-04")
def test_whatever_happens_the_truth_holds(run):
    with transaction.atomic():
        floor = Floor()
        for step in run:
            floor.step(*step)
            require_truth(floor)
        transaction.set_rollback(True)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(steps)
def test_whatever_happened_the_screens_show_whom_each_counter_would_call(run):
    with transaction.atomic():
        floor = Floor()
        for step in run:
            floor.step(*step)

        state = queue_state.load(floor.hall, floor.at)

        for counter in state.counters:
            expected = list(call_order.waiting_for(counter, most=1000))
            assert state.callable_at(counter) == expected
        transaction.set_rollback(True)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(steps)
@pytest.mark.covers("R-Q22")
def test_whatever_happened_everybody_who_waits_can_still_be_called(run):
    with transaction.atomic():
        floor = Floor()
        for step in run:
            floor.step(*step)
        later = floor.at
        for ticket in Ticket.objects.filter(hall=floor.hall, state__in=AT_COUNTER):
            tickets.uncall(ticket, by=None, at=later) if ticket.state == State.CALLED else tickets.finish(
                ticket, by=None, at=later
            )
        for counter in floor.counters:
            counters.open_counter(counter, by=None, at=later)
            while (ticket := tickets.call_next(counter, by=None, at=later)) is not None:
                tickets.start(ticket, by=None, at=later)
                tickets.finish(ticket, by=None, at=later)

        assert Ticket.objects.filter(hall=floor.hall, state=State.WAITING).count() == 0
        transaction.set_rollback(True)
