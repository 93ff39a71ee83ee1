"""A hall made live to look at: seeded customers, clerks and floaters, who act through the same verbs as people's taps.

The simulation keeps out of people's way. A simulated clerk acts only at the counter where it is signed in itself; it leaves
a counter that somebody else has closed, and it does nothing for half an hour after a person has tapped in its name.
What it knows it reads from the database at every act, so it may be stopped and started at any time.
"""

import datetime as dt
import heapq
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from django.db import DatabaseError
from django.db.models import prefetch_related_objects

from hall import counters, hours, limits, live, postings
from hall.locks import lock_queue
from hall.models import Counter, CounterEvent, Hall, Kind, Membership, Person, Tap, Zone
from hall.refusals import HallClosed, Refused
from queueing import care, tickets, waits
from queueing.models import AT_COUNTER, CareAct, CustomerClass, Service, State, Ticket
from roles import coverage

SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)

PRELUDE = dt.timedelta(hours=2)  # of the past that is played when a hall has stood still
LATEST = 3 * MINUTE  # older than this nothing is caught up: the simulated people have slept too
PEOPLE_FIRST = 30 * MINUTE  # how long a person who tapped is left alone
PEOPLE_LOOKED_FOR_EVERY = 10 * SECOND
WATCH_EVERY = MINUTE  # in the past and in played halls, which beat does not sweep

# The rush: the wait that a newcomer must expect goes up and down between these, in minutes.
RUSH_EVERY = 75 * MINUTE
# The last rush was at its height so long before the present: who came then waits too long now.
RUSH_BEFORE_NOW = 20 * MINUTE
CALM = 7.0
FIRST_HEIGHT = 27.0
HEIGHTS = (14.0, 24.0)
NIGHT_SHARE = 0.45  # of the day's waits, with fewer counters
NIGHT = (22, 7)  # local hours

HOME_ZONE = "selfservice"  # where simulated floaters stand
AWAY_CHANCE = 0.03  # of leaving it, at each act: about twice an hour, so that a zone with nobody is seen

SERVICE_MINUTES = [3.0, 6.0, 4.6, 4.0, 6.5, 3.6]  # means, by the services' positions
HANDLING = 5.2 * MINUTE  # from call to call at one counter, about
NOTES = [
    "查国际漫游费用",
    "换 5G 套餐",
    "卡坏了，要补卡",
    "家里宽带搬家",
    "老人不会用手机缴费",
    "过户给家人",
    "问合约什么时候到期",
]

Act = Callable[[dt.datetime], dt.timedelta | None]  # acts at an instant; when to act again, None: never


@dataclass
class Plan:
    """What a simulated clerk expects of the customer in front of it."""

    ticket_id: int
    state: str
    due_at: dt.datetime
    comes: bool = True


@dataclass
class Desk:
    """One counter and its simulated clerk."""

    counter: Counter
    person: Person
    service_ids: set[int]
    break_at: dt.datetime
    plan: Plan | None = None
    back_at: dt.datetime | None = None  # when the clerk means to end a pause without an announced return
    held_until: dt.datetime | None = None


class Simulation:
    """The people of one hall. `run_until` lets everything happen that is due; nothing sleeps and nothing reads a clock."""

    def __init__(
        self, hall: Hall, *, seed: int, leave_counters: Iterable[int] = (), leave_people: Iterable[str] = (), at: dt.datetime,
    ) -> None:  # fmt: skip
        self.hall = hall
        self.seed = seed
        self.random = Random(seed)  # noqa: S311 (no secret: who comes to a demo hall)
        self.anchor = at
        self.watching = False
        prefetch_related_objects([hall], "opening_intervals", "holidays")
        self.services = list(Service.objects.filter(hall=hall, is_active=True).order_by("position", "id"))
        self.desks = self._desks(set(leave_counters), set(leave_people), at)
        self.floaters = self._people(Kind.FLOATER, set(leave_people))
        self.night_desks = self._fewest_desks()
        self._heap: list[tuple[dt.datetime, int, Act]] = []
        self._order = itertools.count()
        self._people_seen_at: dt.datetime | None = None
        self._busy_people: set[int] = set()

    def begin(self, at: dt.datetime, *, watch: bool = False) -> None:
        """Everybody starts to act at about this instant; whoever waits already is taken on. With `watch` it sweeps too."""
        for desk in self.desks:
            self._plan(at + self._between(0, 15), partial(self._at_desk, desk))
            held = Ticket.objects.filter(hall=self.hall, state=State.HELD, counter=desk.counter).exists()
            desk.held_until = at + self._between(60, 240) if held else None
        for floater in self.floaters:
            self._plan(at + self._between(20, 90), partial(self._at_floor, floater))
        for pk in Ticket.objects.filter(hall=self.hall, state=State.WAITING).values_list("pk", flat=True):
            self._plan(at + self._between(30 * 60, 70 * 60), partial(self._leave, pk))
        self._plan(at + self._between(1, 20), self._arrive)
        self.watching = watch
        if watch:
            self._plan(at, self._watch)

    def run_until(self, until: dt.datetime, *, stopped: Callable[[], bool] = lambda: False) -> None:
        """Let everything happen that is due, each at its own instant. A database error leaves the act to be done again."""
        while self._heap and self._heap[0][0] <= until and not stopped():
            at, _order, act = heapq.heappop(self._heap)
            try:
                again = act(at)
            except Refused:
                again = self._between(10, 30)  # somebody was quicker: look again
            except DatabaseError:
                self._plan(at + 5 * SECOND, act)
                raise
            if again is not None:
                self._plan(at + again, act)

    def catch_up(self, now: dt.datetime) -> None:
        """After a sleep nothing older than some minutes is made up for: what was planned happens later instead."""
        late = self.late(now)
        if late > LATEST:
            self._heap = [(at + late, order, act) for at, order, act in self._heap]  # the order stays, so it is a heap
            for desk in self.desks:
                desk.break_at += late

    def late(self, now: dt.datetime) -> dt.timedelta:
        """How long ago the next act should have been."""
        return max(now - self._heap[0][0], dt.timedelta(0)) if self._heap else dt.timedelta(0)

    def expected_wait(self, at: dt.datetime) -> float:
        """The wait, in minutes, that the rush aims at for a customer who comes now."""
        phase = (at - self.anchor + RUSH_BEFORE_NOW) / RUSH_EVERY
        rush = math.floor(phase + 0.5)
        height = FIRST_HEIGHT if rush == 0 else Random(f"{self.seed}:{rush}").uniform(*HEIGHTS)  # noqa: S311 (as above)
        wait = CALM + (height - CALM) * (1 + math.cos(2 * math.pi * phase)) / 2
        return wait * NIGHT_SHARE if self._is_quiet(at) else wait

    # Customers

    def _arrive(self, at: dt.datetime) -> dt.timedelta | None:
        """A customer takes a ticket. The more wait than the rush aims at, the later comes the next one."""
        working = [desk for desk in self._wanted(at) if desk.back_at is None]
        gap = HANDLING.total_seconds() / max(len(working), 1)
        if not working:
            return dt.timedelta(seconds=60)
        waiting = Ticket.objects.filter(hall=self.hall, state=State.WAITING).count()
        missing = self.expected_wait(at) - waiting * gap / 60
        rate = min(max(1 + missing / 4, 0.15), 2.2) / gap
        following = dt.timedelta(seconds=min(self.random.expovariate(rate), 600))
        services = [service for service in self.services if any(_serves(desk, service) for desk in working)]
        if not services:
            return dt.timedelta(seconds=60)
        weights = [0.4 if service.is_green else 1 + 2 / (1 + place) for place, service in enumerate(services)]
        service = self.random.choices(services, weights)[0]
        chance = self.random.random()
        customer_class = (
            CustomerClass.VIP if chance < 0.05 else CustomerClass.SPECIAL if chance < 0.11 else CustomerClass.NORMAL
        )
        triaged = self.random.random() < 0.3
        try:
            ticket = tickets.issue(
                service, customer_class=customer_class, need_note=self.random.choice(NOTES) if triaged else "",
                documents_checked=triaged and self.random.random() < 0.7, by=None, at=at,
            )  # fmt: skip
        except HallClosed:
            return dt.timedelta(minutes=5)
        patience = self._between(9 * 60, 24 * 60) if self.random.random() < 0.05 else self._between(45 * 60, 75 * 60)
        self._plan(at + patience, partial(self._leave, ticket.pk))
        return following

    def _leave(self, ticket_id: int, at: dt.datetime) -> dt.timedelta | None:
        """A customer's patience ends; whoever still waits goes."""
        ticket = Ticket.objects.filter(pk=ticket_id, state=State.WAITING).first()
        if ticket is not None:
            tickets.abandon(ticket, by=None, at=at)
        return None

    # Clerks

    def _at_desk(self, desk: Desk, at: dt.datetime) -> dt.timedelta:
        """A clerk looks at the own counter and does the next thing there."""
        counter = Counter.objects.get(pk=desk.counter.pk)
        if self._is_with_people(desk.person, at):
            return 30 * SECOND
        if counter.clerk_id != desk.person.pk:
            desk.plan = None
            return self._sit_down(desk, counter, at)
        if counter.state == Counter.State.PAUSED:
            return self._during_pause(desk, counter, at)
        desk.back_at = None
        if counter.state == Counter.State.CLOSED:
            counters.open_counter(counter, by=desk.person, at=at)
            return self._between(3, 12)
        if counter.ticket_number:
            return self._with_customer(desk, counter, at)
        return self._when_free(desk, counter, at)

    def _sit_down(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        if counter.clerk_id is not None or counter.state != Counter.State.CLOSED or desk not in self._wanted(at):
            return 30 * SECOND
        closed = CounterEvent.objects.filter(counter=counter, verb="closed").order_by("-id").first()
        if closed is not None and closed.by_id not in (None, desk.person.pk) and at - closed.at < PEOPLE_FIRST:
            return MINUTE  # a person closed it
        counters.sign_in(counter, by=desk.person, at=at)
        counters.open_counter(counter, by=desk.person, at=at)
        return self._between(3, 20)

    def _when_free(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        if desk.held_until is not None and at >= desk.held_until:
            desk.held_until = None
            held = Ticket.objects.filter(hall=self.hall, state=State.HELD, counter=counter).first()
            if held is not None:
                tickets.take_back(held, counter, by=desk.person, at=at)
                return 2 * SECOND
        wanted = self._wanted(at)
        if desk not in wanted and desk.held_until is None:
            counters.close(counter, by=desk.person, at=at)
            return MINUTE
        if (
            at >= desk.break_at
            and len(wanted) > 2
            and sum(other.back_at is not None for other in self.desks) * 3 < len(wanted)
        ):
            return self._pause(desk, counter, at)
        ticket = tickets.call_next(counter, by=desk.person, at=at)
        if ticket is None:
            return self._between(4, 9)
        return self._with_customer(desk, counter, at)

    def _with_customer(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        ticket = Ticket.objects.filter(counter=counter, state__in=AT_COUNTER).select_related("service").first()
        if ticket is None:
            return 5 * SECOND
        plan = desk.plan
        if plan is None or (plan.ticket_id, plan.state) != (ticket.pk, ticket.state):
            plan = desk.plan = self._expect(ticket, at)
        if at < plan.due_at:
            return self._at_most_a_minute(plan.due_at - at)
        if ticket.state == State.CALLED:
            return self._customer_called(desk, plan, ticket, at)
        chance = self.random.random()
        if chance < 0.02 and desk.held_until is None:
            tickets.hold(ticket, reason="填表", by=desk.person, at=at)
            desk.held_until = at + self._between(90, 300)
        elif chance < 0.04 and (other := self._other_service(ticket, at)) is not None:
            tickets.transfer(ticket, service=other, by=desk.person, at=at)
        else:
            tickets.finish(ticket, by=desk.person, at=at)
        return self._between(4, 16)

    def _customer_called(self, desk: Desk, plan: Plan, ticket: Ticket, at: dt.datetime) -> dt.timedelta:
        """The customer comes and service starts, with a gift after a long wait; or is called again, and then a no-show."""
        if plan.comes:
            if self.random.random() < 0.7:
                self._give_gift(desk, ticket, at)
            tickets.start(ticket, by=desk.person, at=at)
            return SECOND
        if ticket.recalls >= limits.in_force(self.hall.pk, ["F-04"]).count("F-04", "recalls"):
            tickets.no_show(ticket, by=desk.person, at=at)
            return self._between(3, 8)
        tickets.recall(ticket, by=desk.person, at=at)
        plan.comes = self.random.random() < 0.2
        plan.due_at = at + self._between(15, 25)
        return plan.due_at - at

    def _give_gift(self, desk: Desk, ticket: Ticket, at: dt.datetime) -> None:
        """After too long a wait, if none was given (R-Q03)."""
        over = limits.in_force(self.hall.pk, ["R-Q03"]).duration("R-Q03", "threshold")
        given = CareAct.objects.filter(ticket=ticket, kind=CareAct.Kind.GIFT, undone_at=None).exists()
        if ticket.waited_before > over and not given:
            care.give(ticket, CareAct.Kind.GIFT, by=desk.person, at=at)

    def _expect(self, ticket: Ticket, at: dt.datetime) -> Plan:
        if ticket.state == State.CALLED:
            return Plan(ticket.pk, ticket.state, at + self._between(12, 40), comes=self.random.random() > 0.06)
        mean = SERVICE_MINUTES[ticket.service.position % len(SERVICE_MINUTES)]
        minutes = min(max(self.random.lognormvariate(math.log(mean) - 0.1, 0.45), 0.8), 18)
        return Plan(ticket.pk, ticket.state, at + minutes * MINUTE)

    def _pause(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        desk.break_at = at + self._between(60 * 60, 110 * 60)
        chance = self.random.random()
        if chance < 0.12:
            reason, expected = Counter.PauseReason.FAILURE, None
        elif 11 <= self.hall.local(at).hour < 14 and chance < 0.5:
            reason, expected = Counter.PauseReason.LUNCH, 30 * MINUTE
        else:
            reason, expected = Counter.PauseReason.BREAK, 8 * MINUTE
        desk.back_at = at + (expected or 9 * MINUTE) * self.random.uniform(0.8, 1.15)
        back_at = at + expected if expected is not None else None
        counters.pause(counter, reason=reason, expected_return_at=back_at, by=desk.person, at=at)
        return MINUTE

    def _during_pause(self, desk: Desk, counter: Counter, at: dt.datetime) -> dt.timedelta:
        if desk.back_at is None:  # paused before this simulation began
            desk.back_at = max(counter.expected_return_at or at, at)
        if at < desk.back_at:
            return self._at_most_a_minute(desk.back_at - at)
        desk.back_at = None
        counters.open_counter(counter, by=desk.person, at=at)
        return self._between(2, 8)

    def _other_service(self, ticket: Ticket, at: dt.datetime) -> Service | None:
        others = [
            service for service in self.services
            if service.pk != ticket.service_id and not service.is_green and any(_serves(desk, service) for desk in self._wanted(at))
        ]  # fmt: skip
        return self.random.choice(others) if others else None

    # Floaters

    def _at_floor(self, floater: Person, at: dt.datetime) -> dt.timedelta:
        """A floater goes to the one who has waited longest beyond the limit and had no care for a while."""
        again = self._between(50, 110)
        if self._is_with_people(floater, at):
            return again
        away = self._off_and_on(floater, at)
        if away is not None:
            return away
        late = Ticket.objects.filter(hall=self.hall, state=State.WAITING, alarm_due_at__lte=at - self._between(90, 240))
        ticket = late.exclude(care__at__gt=at - 12 * MINUTE).order_by("issued_at", "id").first()
        if ticket is None:
            return again
        over = limits.in_force(self.hall.pk, ["R-Q02"]).duration("R-Q02", "threshold")
        given = set(CareAct.objects.filter(ticket=ticket, undone_at=None).values_list("kind", flat=True))
        if ticket.waited(at) > over * 1.4 and CareAct.Kind.GIFT not in given:
            kind = CareAct.Kind.GIFT
        else:
            kind = self.random.choice([CareAct.Kind.WATER, CareAct.Kind.INFORMED])
        care.give(ticket, kind, by=floater, at=at)
        return again

    def _off_and_on(self, floater: Person, at: dt.datetime) -> dt.timedelta | None:
        """A floater takes his zone, and now and then leaves it for some minutes. How long he is away, None: he is there."""
        held = [posting for posting in postings.held_by(floater, self.hall) if posting.zone_id is not None]
        if held and self.random.random() < AWAY_CHANCE:
            postings.leave(held[0], reason="break", by=floater, at=at)
            return self._between(150, 420)
        home = Zone.objects.filter(hall=self.hall, slug=HOME_ZONE).first()
        posts = [post for post in postings.posts_of(floater, self.hall) if post.kind == Kind.FLOATER]
        if not held and home is not None and posts:
            postings.take(floater, self.hall, posts[0], zone=home, by=floater, at=at)
        return None

    # What everybody shares

    def _watch(self, at: dt.datetime) -> dt.timedelta | None:
        if not self.watching:
            return None
        waits.sweep(at=at, hall_ids=[self.hall.pk])
        coverage.sweep(at=at, hall_ids=[self.hall.pk])
        return WATCH_EVERY

    def _wanted(self, at: dt.datetime) -> list[Desk]:
        """The desks that should be staffed: fewer at night, none in a closed hall once nobody waits."""
        if hours.open_interval(self.hall, at) is None and not Ticket.objects.filter(hall=self.hall).live().exists():
            return []
        return self.night_desks if self._is_quiet(at) else self.desks

    def _is_quiet(self, at: dt.datetime) -> bool:
        """At night, once a newcomer has seen the rush."""
        hour = self.hall.local(at).hour
        return (hour >= NIGHT[0] or hour < NIGHT[1]) and not -PRELUDE <= at - self.anchor < 45 * MINUTE

    def _is_with_people(self, person: Person, at: dt.datetime) -> bool:
        """Whether somebody has tapped in this person's name of late: then a human is there."""
        if self.watching:
            return False
        if self._people_seen_at is None or not dt.timedelta(0) <= at - self._people_seen_at < PEOPLE_LOOKED_FOR_EVERY:
            actors = {f"person:{mine.pk}": mine.pk for mine in [*(desk.person for desk in self.desks), *self.floaters]}
            tapped = Tap.objects.filter(at__gt=at - PEOPLE_FIRST, actor__in=list(actors)).values_list(
                "actor", flat=True
            )
            self._busy_people = {actors[actor] for actor in tapped}
            self._people_seen_at = at
        return person.pk in self._busy_people

    def _desks(self, leave_counters: set[int], leave_people: set[str], at: dt.datetime) -> list[Desk]:
        clerks = self._people(Kind.CLERK, leave_people)
        hosts = self._people(Kind.VIP_RECEPTION, leave_people)
        found = []
        for counter in Counter.objects.filter(hall=self.hall).exclude(number__in=leave_counters).order_by("number"):
            group = hosts if counter.kind == Counter.Kind.VIP and hosts else clerks
            service_ids = set(counter.services.values_list("pk", flat=True))
            if group and service_ids:
                found.append(Desk(counter, group.pop(0), service_ids, break_at=at + self._between(-90 * 60, 80 * 60)))
        return found

    def _people(self, kind: Kind, leave_people: set[str]) -> list[Person]:
        rows = Membership.objects.filter(hall=self.hall, kind=kind, person__is_active=True).exclude(
            person__login__in=leave_people
        )
        return [row.person for row in rows.select_related("person").order_by("person_id")]

    def _fewest_desks(self) -> list[Desk]:
        """So few desks that every service is served, and at least two."""
        chosen: list[Desk] = []
        missing = {
            service.pk: service for service in self.services if any(_serves(desk, service) for desk in self.desks)
        }
        rest = list(self.desks)
        while rest and (missing or len(chosen) < 2):
            best = max(rest, key=lambda desk: sum(_serves(desk, service) for service in missing.values()))
            rest.remove(best)
            chosen.append(best)
            missing = {pk: service for pk, service in missing.items() if not _serves(best, service)}
        return chosen

    def _plan(self, at: dt.datetime, act: Act) -> None:
        heapq.heappush(self._heap, (at, next(self._order), act))

    def _at_most_a_minute(self, span: dt.timedelta) -> dt.timedelta:
        """Where people may act as well, a clerk looks up every minute; in the past nobody else did anything."""
        return span if self.watching else min(span, MINUTE)

    def _between(self, least: float, most: float) -> dt.timedelta:
        """A span between so many seconds."""
        return dt.timedelta(seconds=self.random.uniform(least, most))


def play_prelude(simulation: Simulation, *, at: dt.datetime, stopped: Callable[[], bool] = lambda: False) -> None:
    """The last two hours happen, with their past times and without sleeping, in one transaction: nobody sees half of them.

    Who was left from an earlier day goes first. Afterwards the simulation goes on from here.
    """
    hall = simulation.hall
    start = at - PRELUDE
    with lock_queue(hall.pk):  # the watch of the present must not see waits of the past that have not ended yet
        clear(simulation, at=start)
        simulation.begin(start, watch=True)
        simulation.run_until(at, stopped=stopped)
        simulation.watching = False
        if stopped():
            raise Stopped


class Stopped(Exception):
    """The prelude was told to stop; nothing of it has happened."""


def stood_still(hall: Hall, *, at: dt.datetime) -> bool:
    """Whether nobody has taken a ticket in the last two hours."""
    return not Ticket.objects.filter(hall=hall, issued_at__gt=at - PRELUDE).exists()


def clear(simulation: Simulation, *, at: dt.datetime) -> None:
    """Whoever was left by an earlier run, hours ago, goes, and the simulated clerks' counters are closed."""
    mine = {desk.counter.pk for desk in simulation.desks}
    for ticket in Ticket.objects.filter(hall=simulation.hall).live().select_related("counter"):
        if ticket.state in (State.WAITING, State.HELD):
            tickets.abandon(ticket, by=None, at=at)
        elif ticket.counter_id not in mine:
            continue  # a person's
        elif ticket.state == State.SERVING:
            tickets.finish(ticket, by=None, at=at)
        else:
            tickets.abandon(tickets.uncall(ticket, by=None, at=at), by=None, at=at)
    for desk in simulation.desks:
        if Counter.objects.filter(pk=desk.counter.pk, clerk=desk.person).exists():
            counters.close(desk.counter, by=desk.person, at=at)


def set_played_clock(hall: Hall, *, at: dt.datetime) -> None:
    """A played hall now stands at this instant, and its watch has looked."""
    waits.sweep(at=at, hall_ids=[hall.pk])
    Hall.objects.filter(pk=hall.pk).update(played_at=at)
    live.announce(hall.pk, "queue", "counters", "alarms")


def _serves(desk: Desk, service: Service) -> bool:
    return service.pk in desk.service_ids and (not service.is_green or desk.counter.kind == Counter.Kind.GREEN)
