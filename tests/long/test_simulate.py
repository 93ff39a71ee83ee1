"""`manage.py simulate`: a hall comes alive by the same verbs, and keeps out of people's way."""

import datetime as dt
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from hall import counters
from hall.management import demo
from hall.management.commands import simulate
from hall.models import Alarm, Counter, Hall, Kind, Person, Tap
from hall.models.halls import Clock
from queueing import simulation, tickets, waits
from queueing.models import CareAct, State, Ticket
from queueing.simulation import Simulation
from tests import make

NOW = make.AT + dt.timedelta(hours=4)


def small_hall(*, clerks: int = 3, **fields: object) -> Hall:
    """A hall of three counters and two services, nobody signed in, and people for them."""
    hall = make.hall(**fields)
    a, b = make.service(hall, "A"), make.service(hall, "B", position=1)
    for number in (1, 2, 3):
        make.counter(hall, number, services=[a, b], state=Counter.State.CLOSED, free_since=None)
    for number in range(clerks):
        make.person(hall, Kind.CLERK, login=f"clerk-{hall.pk}-{number}")
    make.person(hall, Kind.FLOATER)
    return hall


def lived(hall: Hall, *, minutes: float, seed: int = 1, **options: object) -> Simulation:
    """The hall's people at work for so long, from NOW on."""
    people = Simulation(hall, seed=seed, at=NOW, **options)
    people.begin(NOW)
    people.run_until(NOW + minutes * make.MINUTE)
    return people


@pytest.fixture
def demo_hall(db: None) -> Hall:
    make.limits()
    return demo.make_demo_hall(at=NOW - dt.timedelta(days=1))


@pytest.mark.covers("R-Q02")
@pytest.mark.django_db
def test_somebody_has_waited_too_long_when_a_newcomer_looks(demo_hall: Hall) -> None:
    people = Simulation(
        demo_hall, seed=1, leave_counters=simulate.LEFT_COUNTERS, leave_people=simulate.LEFT_PEOPLE, at=NOW
    )

    simulation.play_prelude(people, at=NOW)

    waits.sweep(at=NOW, hall_ids=[demo_hall.pk])
    assert Alarm.objects.filter(hall=demo_hall, rule="R-Q02", settled_at=None).count() >= 1
    assert Ticket.objects.filter(hall=demo_hall, state=State.DONE).count() >= 60
    assert Ticket.objects.filter(hall=demo_hall, issued_at__lt=NOW - simulation.PRELUDE).count() == 0
    assert Ticket.objects.filter(hall=demo_hall, last_event_at__gt=NOW).count() == 0
    assert not Alarm.objects.filter(hall=demo_hall, raised_at__lt=F("due_at")).exists()
    free = Counter.objects.filter(hall=demo_hall, number__in=simulate.LEFT_COUNTERS).values_list("state", "clerk")
    assert list(free) == [("closed", None), ("closed", None)]


@pytest.mark.django_db
def test_customers_come_and_clerks_serve_them() -> None:
    hall = small_hall()

    lived(hall, minutes=40)

    states = dict.fromkeys(Ticket.objects.filter(hall=hall).values_list("state", flat=True))
    assert {State.DONE, State.WAITING, State.SERVING} <= set(states)
    assert Counter.objects.filter(hall=hall, clerk=None).count() == 0


@pytest.mark.django_db
def test_floaters_care_for_those_who_have_waited_too_long() -> None:
    hall = small_hall()
    ticket = make.ticket(hall.services.get(letter="A"), at=NOW - 20 * make.MINUTE)
    people = Simulation(hall, seed=1, leave_counters=(1, 2, 3), at=NOW)
    people.begin(NOW)

    people.run_until(NOW + 3 * make.MINUTE)

    act = CareAct.objects.get(ticket=ticket)
    assert act.by.memberships.get().kind == Kind.FLOATER


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_customers() -> None:
    first, second = small_hall(), small_hall()

    lived(first, minutes=30, seed=7)
    lived(second, minutes=30, seed=7)

    given = [
        list(Ticket.objects.filter(hall=hall).values_list("number", "issued_at", "customer_class"))
        for hall in (first, second)
    ]
    assert given[0] == given[1]


@pytest.mark.django_db
def test_a_counter_where_a_person_signed_in_is_left_alone() -> None:
    hall = small_hall()
    human = make.person(hall, Kind.CLERK)
    counter = hall.counters.get(number=2)
    counters.sign_in(counter, by=human, at=NOW)
    counters.open_counter(counter, by=human, at=NOW)

    lived(hall, minutes=30)

    counter.refresh_from_db()
    assert (counter.clerk, counter.ticket_number) == (human, "")
    assert Ticket.objects.filter(counter=counter).count() == 0


@pytest.mark.django_db
def test_a_clerk_in_whose_name_a_person_tapped_does_nothing_for_half_an_hour() -> None:
    hall = small_hall(clerks=1)
    people = lived(hall, minutes=20)
    clerk = Person.objects.get(memberships__hall=hall, memberships__kind=Kind.CLERK)
    Tap.objects.create(key="k", actor=f"person:{clerk.pk}", digest="d", at=NOW + 20 * make.MINUTE)
    before = hall.tickets.filter(events__by=clerk).count()

    people.run_until(NOW + 49 * make.MINUTE)

    assert hall.tickets.filter(events__by=clerk).count() == before
    people.run_until(NOW + 60 * make.MINUTE)
    assert hall.tickets.filter(events__by=clerk).count() > before


@pytest.mark.django_db
def test_a_counter_that_a_person_closed_stays_closed_for_half_an_hour() -> None:
    hall = small_hall(clerks=1)
    manager = make.person(hall, Kind.DUTY_MANAGER)
    people = Simulation(hall, seed=1, at=NOW)
    people.begin(NOW)
    people.run_until(NOW + 20 * make.SECOND)
    counter = hall.counters.get(number=1)
    counters.close_for(counter, by=manager, at=NOW + 20 * make.SECOND)

    people.run_until(NOW + 25 * make.MINUTE)

    counter.refresh_from_db()
    assert counter.state == Counter.State.CLOSED
    people.run_until(NOW + 35 * make.MINUTE)
    counter.refresh_from_db()
    assert counter.state == Counter.State.OPEN


@pytest.mark.django_db
def test_a_person_who_finishes_for_the_simulation_is_not_in_its_way() -> None:
    hall = small_hall(clerks=1)
    people = lived(hall, minutes=10)
    ticket = Ticket.objects.filter(hall=hall, state=State.SERVING).first()
    if ticket is not None:
        tickets.finish(ticket, by=None, at=NOW + 10 * make.MINUTE)

    people.run_until(NOW + 20 * make.MINUTE)

    assert Ticket.objects.filter(hall=hall, called_at__gt=NOW + 10 * make.MINUTE).exists()


@pytest.mark.django_db
def test_another_run_goes_on_where_the_first_was_stopped() -> None:
    hall = small_hall()
    lived(hall, minutes=30)
    later = NOW + 31 * make.MINUTE
    assert not simulation.stood_still(hall, at=later)
    waiting = set(Ticket.objects.filter(hall=hall, state=State.WAITING).values_list("pk", flat=True))

    again = Simulation(hall, seed=2, at=later)
    again.begin(later)
    again.run_until(later + 40 * make.MINUTE)

    assert Ticket.objects.filter(pk__in=waiting, state=State.WAITING).count() == 0


@pytest.mark.django_db
def test_who_was_left_yesterday_goes_before_a_new_story_begins() -> None:
    hall = small_hall()
    lived(hall, minutes=30)
    tomorrow = NOW + dt.timedelta(days=1)
    old = set(Ticket.objects.filter(hall=hall).values_list("pk", flat=True))

    simulation.play_prelude(Simulation(hall, seed=2, at=tomorrow), at=tomorrow)

    assert Ticket.objects.filter(pk__in=old).live().count() == 0
    assert Ticket.objects.filter(hall=hall, issued_at__gt=tomorrow - simulation.PRELUDE).count() > 20


@pytest.mark.django_db
def test_after_a_sleep_nothing_old_is_made_up_for() -> None:
    hall = small_hall()
    people = lived(hall, minutes=10)
    woken = NOW + 40 * make.MINUTE

    people.catch_up(woken)
    people.run_until(woken)

    assert Ticket.objects.filter(hall=hall, issued_at__gt=NOW + 10 * make.MINUTE, issued_at__lt=woken).count() == 0


@pytest.mark.django_db
def test_the_queue_stays_bounded_and_goes_up_and_down() -> None:
    hall = small_hall()
    people = Simulation(hall, seed=3, at=NOW)
    people.begin(NOW)

    seen = []
    for step in range(1, 19):
        people.run_until(NOW + step * 10 * make.MINUTE)
        seen.append(Ticket.objects.filter(hall=hall, state=State.WAITING).count())

    assert max(seen) < 25
    assert max(seen) > 6
    assert min(seen[6:]) < 6


@pytest.mark.django_db
def test_a_played_hall_runs_faster_and_stands_at_its_new_instant() -> None:
    hall = small_hall(clock=Clock.PLAYED, played_at=NOW)

    call_command("simulate", "--hall", hall.code, "--seed", "1", "--minutes", "30", "--speed", "100000")

    hall.refresh_from_db()
    assert hall.played_at == NOW + 30 * make.MINUTE
    assert Ticket.objects.filter(hall=hall).count() > 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hall", "nowhere"], "There is no hall with the code 'nowhere'."),
        (["--hall", "here", "--speed", "2"], "A live hall runs at speed 1; another speed needs a played hall."),
        (["--hall", "here", "--speed", "0"], "The speed must be over 0 and at most 1000000."),
        (["--hall", "here", "--minutes", "-1"], "The minutes must be over 0 and at most those of a year."),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], message: str) -> None:
    make.hall(code="here")

    with pytest.raises(CommandError) as refusal:
        call_command("simulate", *options)

    assert str(refusal.value) == message


def _later(seconds: float, act: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


@pytest.mark.django_db
def test_stops_quickly_when_told_to() -> None:
    hall = small_hall()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    told = time.monotonic() + 2
    _later(2, lambda: os.kill(os.getpid(), signal.SIGTERM))

    try:
        call_command("simulate", "--hall", hall.code, "--seed", "1")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    assert time.monotonic() - told < 2
