"""A staffed day: a played hall with the demo's counters and people of its own, its staff's day and its customers' in one time."""

import datetime as dt
import itertools
from collections import Counter as Tally
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F, prefetch_related_objects

from hall import counters, halls, live
from hall.locks import lock_queue
from hall.management import demo
from hall.models import Alarm, Counter, Hall, Kind, Membership, Person, Post
from hall.models.halls import Clock, Weekday
from queueing import days, simulation
from queueing.models import State, Ticket
from queueing.simulation import Desk, Plan, Simulation
from roles import briefings, catalogue, coverage, floor_time, notices, opening, rounds, staff_day
from roles.models import Briefing, HallDay, Round, Shift, ShiftHandover, Task
from roles.staff_day import Acts, Refusal, StaffDay

MINUTE = dt.timedelta(minutes=1)
OPENS, CLOSES = dt.time(9), dt.time(18)
LAST_TICKET = dt.timedelta(minutes=15)  # before closing
RUSH_AFTER_OPENING = dt.timedelta(minutes=90)
BREAK = dt.timedelta(minutes=8)
SLOWER = (
    2.2  # than the simulation's own service: a day of fewer customers with more to do is as full, and sooner played
)
WAITS = 0.3  # of the waits that the simulation aims at
LOOKED_EVERY = 2 * MINUTE  # by the watch
WALKED_EVERY = 3 * MINUTE  # by a floater
IDLE = 25 * dt.timedelta(seconds=1)  # how often a clerk looks up while nobody waits
PATIENCE = 90 * MINUTE  # after closing: so long the last customers are served
LEFT = "营业结束，已请顾客改日办理"


@dataclass(frozen=True)
class Result:
    """What came of a staffed day; instants in UTC."""

    hall: Hall
    on: dt.date
    opened_at: dt.datetime | None
    open_reason: str  # empty: opened by its checklist
    briefing_at: dt.datetime | None
    briefing_in_time: bool
    tasks: dict[str, int]  # done, excepted, open, late; of those due that day
    vacuum: dict[str, float]  # zone → minutes with nobody, of those where somebody must be
    rounds: list[tuple[str, dt.datetime, bool]]  # kind, start, over in time
    sampled: int
    to_sample: int
    handovers: dict[str, int]  # by state
    on_floor: float | None  # K-09, in percent
    shifts: int
    refusals: list[Refusal]
    tickets: int
    outcomes: dict[str, int]
    mean_wait: dt.timedelta | None
    longest_wait: dt.timedelta | None
    alarms: dict[str, int]  # by rule
    last_customer_at: dt.datetime
    secured_at: dt.datetime | None
    closed_at: dt.datetime


class Customers(Simulation):
    """The simulation between the staff's acts: zones, meals and who may open a counter are the staff's matter."""

    def __init__(self, day: StaffDay, *, closes_at: dt.datetime, at: dt.datetime) -> None:
        super().__init__(day.hall, seed=day.seed, at=at)
        self.closes_at = closes_at
        meals = Shift.objects.filter(hall=day.hall, on=day.on, cancelled=False, meal_from__isnull=False)
        self.meals = {
            person: (since, until) for person, since, until in meals.values_list("person", "meal_from", "meal_until")
        }

    def expected_wait(self, at: dt.datetime) -> float:
        """In minutes, of the simulation's own kind of service."""
        return super().expected_wait(at) * WAITS

    def _expect(self, ticket: Ticket, at: dt.datetime) -> Plan:
        plan = super()._expect(ticket, at)
        if ticket.state == State.SERVING:
            plan.due_at = at + (plan.due_at - at) * SLOWER
        return plan

    def _watch(self, at: dt.datetime) -> dt.timedelta | None:
        return LOOKED_EVERY if super()._watch(at) is not None else None

    def _at_floor(self, floater: Person, at: dt.datetime) -> dt.timedelta:
        return max(super()._at_floor(floater, at), WALKED_EVERY)

    def _sit_down(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        """Raises Refused, and looks again later, while the hall is not open or the clerk has something to read."""
        opening.require_open(self.hall, at)
        notices.require_read(desk.person, self.hall, at)
        return super()._sit_down(desk, counter, at)

    def _when_free(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        """The meal of the roster comes first; while nobody waits, the clerk looks up less often."""
        since, until = self.meals.get(desk.person.pk, (None, None))
        if since is None or until is None or not since <= at < until or desk.held_until is not None:
            if at < self.closes_at and desk.held_until is None and not self._is_waited_for():
                return IDLE
            return super()._when_free(desk, counter, at)
        del self.meals[desk.person.pk]
        desk.back_at = at + (until - since)
        counters.pause(
            counter, reason=Counter.PauseReason.LUNCH, expected_return_at=desk.back_at, by=desk.person, at=at
        )
        return MINUTE

    def _is_waited_for(self) -> bool:
        return Ticket.objects.filter(hall=self.hall, state=State.WAITING).exists()

    def _pause(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        desk.break_at = at + self._between(80 * 60, 140 * 60)
        desk.back_at = at + BREAK
        counters.pause(
            counter, reason=Counter.PauseReason.BREAK, expected_return_at=desk.back_at, by=desk.person, at=at
        )
        return MINUTE

    def _off_and_on(self, floater: Person, at: dt.datetime) -> dt.timedelta | None:
        """Who holds nothing is at his meal or has gone home."""
        return None if floater.postings.filter(hall=self.hall, until=None).exists() else 5 * MINUTE


def play(on: dt.date, *, code: str | None, seed: int, at: dt.datetime) -> Result:
    """Make the hall and play its whole day into it, or nothing. `at` is the present: the day must be over by then.

    Raises Refused, in words, for a code that is taken, and wherever a verb refuses what it should not.
    """
    with transaction.atomic():  # the whole day or nothing of it
        if not Post.objects.exists():
            catalogue.load(by=None, at=at)
        hall = make_hall(on, code=code or free_code(on), at=at)
        with lock_queue(hall.pk):
            return _play(hall, on, seed)


def make_hall(on: dt.date, *, code: str, at: dt.datetime) -> Hall:
    """A played hall, open from 9 to 18, like the demo's, with people of its own: nobody can be at counters of two halls at once.

    Whoever runs the demo hall or belongs to headquarters there belongs to it too.
    """
    hall = halls.make_hall(
        code=code, name_zh=f"一日演练 {on}", name_en=f"Staffed day {on}", clock=Clock.PLAYED,
        opening=[(day, OPENS, CLOSES) for day in Weekday], by=None, at=at,
    )  # fmt: skip
    hall.last_ticket_before_close = LAST_TICKET
    halls.keep(hall, by=None, at=at)
    demo.furnish(hall, at=at)
    password, pin_hash = make_password(demo.PASSWORD), make_password(demo.PIN)
    known = Membership.objects.filter(hall__code=demo.CODE, kind__in=[Kind.HALL_MANAGER, Kind.HEADQUARTERS])
    shared = {row.kind: row.person for row in known.select_related("person")}
    for login, name_zh, name_en, kinds, _is_staff, _is_superuser in demo.PEOPLE:
        person = shared.get(kinds[0])
        if person is None:
            person = Person(
                login=f"{login}-{code}"[:40], name_zh=name_zh, name_en=name_en, password=password, pin_hash=pin_hash
            )
            halls.keep(person, by=None, at=at)
        halls.belong(hall, person, kinds, by=None, at=at)
    demo.name_cleaner(hall, at=at)
    return hall


def free_code(on: dt.date) -> str:
    """staffed-2026-11-20, or with -2, -3, … where that is taken. One query."""
    stem = f"staffed-{on}"
    taken = set(Hall.objects.filter(code__startswith=stem).values_list("code", flat=True))
    return next(
        code for code in itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2))) if code not in taken
    )


def _play(hall: Hall, on: dt.date, seed: int) -> Result:
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    day = staff_day.of_hall(hall, on, seed=seed)
    for instant, act in sorted(day.before(), key=lambda pair: pair[0]):
        act(instant)
    opens_at, closes_at = (dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC) for time in (OPENS, CLOSES))
    customers = Customers(day, closes_at=closes_at, at=opens_at + RUSH_AFTER_OPENING + simulation.RUSH_BEFORE_NOW)
    customers.begin(opens_at, watch=True)
    acts = day.acts()
    _together(customers, [pair for pair in acts if pair[0] < closes_at])
    later = [pair for pair in acts if pair[0] >= closes_at]
    last_at = _serve_the_last(customers, later, closes_at)
    last_act = max(instant for instant, _act in day.closing(last_at))
    _together(customers, day.closing(last_at))
    closed_at = last_act + MINUTE
    reasons = dict.fromkeys(Ticket.objects.filter(hall=hall).live().values_list("pk", flat=True), LEFT)
    days.close_day(hall, reasons=reasons, by=day.duty_manager, at=closed_at)
    simulation.set_played_clock(hall, at=closed_at)
    live.announce(hall.pk, "queue", "counters", "alarms", "postings", "roster", "briefing")
    return result(day, last_at=last_at, closed_at=closed_at)


def _together(customers: Customers, acts: Acts) -> None:
    """The staff's acts, each after all that customers and clerks have done until then."""
    for instant, act in acts:
        customers.run_until(instant)
        act(instant)


def _serve_the_last(customers: Customers, acts: Acts, closes_at: dt.datetime) -> dt.datetime:
    """Minute by minute after closing, until nobody waits and every counter is closed; the staff go on meanwhile."""
    hall = customers.hall
    for minute in range(1, round(PATIENCE / MINUTE)):
        at = closes_at + minute * MINUTE
        _together(customers, [pair for pair in acts if at - MINUTE <= pair[0] < at])
        customers.run_until(at)
        at_work = (
            Ticket.objects.filter(hall=hall).live().exists()
            or hall.counters.exclude(state=Counter.State.CLOSED).exists()
        )
        if not at_work:
            return at
    return closes_at + PATIENCE


def result(day: StaffDay, *, last_at: dt.datetime, closed_at: dt.datetime) -> Result:
    """What came of it, read from the hall's rows."""
    hall, on = day.hall, day.on
    hall_day = HallDay.objects.get(hall=hall, business_date=on)
    briefing = Briefing.objects.filter(hall=hall, on=on, ended_at__isnull=False).first()
    in_time, _due = briefings.in_time(hall, on, on)
    due = Task.objects.filter(hall=hall, due_by__lt=closed_at + 4 * 60 * MINUTE)
    states = Tally(due.values_list("state", flat=True))
    late = due.filter(done_at__gt=F("due_by")).count()
    bare = {zone.slug: span for zone, span in coverage.vacuum(hall, on, at=closed_at).items()}
    needed = hall.zones.filter(needs_somebody=True).order_by("position").values_list("slug", flat=True)
    found = list(Ticket.objects.filter(hall=hall, business_date=on))
    waits = [ticket.waited_before for ticket in found if ticket.called_at is not None]
    sampled, to_sample = rounds.coverage(hall, on, on)
    return Result(
        hall=hall,
        on=on,
        opened_at=hall_day.opened_at,
        open_reason=hall_day.open_reason,
        briefing_at=briefing.started_at if briefing else None,
        briefing_in_time=in_time == 1,
        tasks={state: states.get(state, 0) for state in Task.State.values} | {"late": late},
        vacuum={slug: round(bare.get(slug, dt.timedelta(0)) / MINUTE, 1) for slug in needed},
        rounds=[
            (row.kind, row.started_at, row.ended_at is not None and (row.due_by is None or row.ended_at <= row.due_by))
            for row in Round.objects.filter(hall=hall, business_date=on).order_by("started_at")
        ],
        sampled=sampled,
        to_sample=to_sample,
        handovers=dict(Tally(ShiftHandover.objects.filter(hall=hall).order_by().values_list("state", flat=True))),
        on_floor=floor_time.ratio(hall, day.duty_manager, on, at=closed_at).at_least,
        shifts=Shift.objects.filter(hall=hall, on=on).count(),
        refusals=day.refusals,
        tickets=len(found),
        outcomes=dict(Tally(str(State(ticket.state)) for ticket in found)),
        mean_wait=sum(waits, dt.timedelta(0)) / len(waits) if waits else None,
        longest_wait=max(waits, default=None),
        alarms=dict(sorted(Tally(Alarm.objects.filter(hall=hall).order_by().values_list("rule", flat=True)).items())),
        last_customer_at=last_at,
        secured_at=hall_day.secured_at,
        closed_at=closed_at,
    )
