"""Playing a recorded day: a played hall from the roster, and the log's events through the tablets' own verbs, at their own times."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction

from hall import counters, halls, limits, live
from hall.locks import lock_queue
from hall.models import Alarm, Counter, Hall, Limit, LimitOverride, Membership, Person
from hall.models.halls import Clock, Weekday
from hall.models.limits import SECONDS, from_text
from queueing import tickets, waits
from queueing.models import CustomerClass, Service, State, Ticket
from queueing.recorded_day import Day, Event, Roster

REASON = "recorded"
CLASS_OF_PRIORITY = {0: CustomerClass.VIP, 1: CustomerClass.SPECIAL, 2: CustomerClass.NORMAL}
OUTCOME = {State.DONE: "served"}  # in the words of the log; every other state keeps its own
CHANGES_WAITS = ("issue", "call", "abandon")  # what the watch's next due instant depends on
MICROSECOND = dt.timedelta(microseconds=1)
RULES_OF_THRESHOLD = ("R-Q01", "R-Q02", "R-Q03")


@dataclass(frozen=True)
class TicketResult:
    """What became of one ticket. `wait` is issue to call; None for one that was never called."""

    number: str
    service: str
    customer_class: str
    issued_at: dt.datetime
    outcome: str  # served, no_show, abandoned; of a live ticket its state
    wait: dt.timedelta | None


@dataclass(frozen=True)
class AlarmResult:
    """One alarm of the day; `number` is the ticket's, empty for the hall's own."""

    rule: str
    subject: str
    number: str
    due_at: dt.datetime
    raised_at: dt.datetime
    settled_at: dt.datetime | None
    rung: int


@dataclass(frozen=True)
class DayResult:
    """One played day. Waits are of the tickets that were called, those who then did not come too."""

    on: dt.date
    first_at: dt.datetime
    last_at: dt.datetime
    tickets: list[TicketResult]  # in the order of issue
    outcomes: dict[str, int]
    called: int
    mean_wait: dt.timedelta | None  # None: nobody was called
    longest_wait: dt.timedelta | None
    limit: dt.timedelta
    over_limit: int
    alarms: list[AlarmResult]  # by due instant

    @property
    def share_over(self) -> float | None:
        """Of those called, 0 to 1; None when nobody was."""
        return self.over_limit / self.called if self.called else None


def free_code(on: dt.date) -> str:
    """played-2026-09-21, or with -2, -3, … where that is taken. One query."""
    stem = f"played-{on}"
    taken = set(Hall.objects.filter(code__startswith=stem).values_list("code", flat=True))
    return next(
        code for code in itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2))) if code not in taken
    )


def make_hall(
    roster: Roster, *, code: str, on: dt.date, time_zone: str, people_of: Hall | None, by: Person | None, at: dt.datetime,
) -> Hall:  # fmt: skip
    """The played hall of a roster: services, counters, hours and threshold. Whoever belongs to `people_of` belongs to it too.

    Raises Invalid, in words, for a code that is taken or malformed, or an unknown time zone.
    """
    with transaction.atomic():  # a hall without its counters is never seen
        hall = halls.make_hall(
            code=code, name_zh=f"回放 {on}", name_en=f"Recorded day {on}", time_zone=time_zone, clock=Clock.PLAYED,
            opening=[(day, roster.opens, roster.closes) for day in Weekday], by=by, at=at,
        )  # fmt: skip
        hall.last_ticket_before_close = roster.last_ticket_before_close
        halls.keep(hall, by=by, at=at)
        zone = hall.zones.filter(slug="counter").first()
        rows = {
            number: halls.keep(Counter(hall=hall, number=number, zone=zone), by=by, at=at) for number in roster.counters
        }
        for position, letter in enumerate(roster.services):
            service = halls.keep(
                Service(
                    hall=hall, code=letter.lower(), letter=letter, position=position,
                    name_zh=f"业务 {letter}", name_en=f"Service {letter}",
                ), by=by, at=at,
            )  # fmt: skip
            service.counters.set([rows[number] for number, skills in roster.counters.items() if letter in skills])
        _set_threshold(hall, roster.threshold, by=by, at=at)
        if people_of is not None:
            for membership in Membership.objects.filter(hall=people_of):
                halls.keep(Membership(hall=hall, person_id=membership.person_id, kind=membership.kind), by=by, at=at)
    return hall


class Player:
    """Plays the days of one log into one hall, one transaction each. What the log calls A0012 is the last one issued."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.services = {service.letter: service for service in Service.objects.filter(hall=hall)}
        self.counters = {counter.number: counter for counter in Counter.objects.filter(hall=hall)}
        self.tickets: dict[str, Ticket] = {}
        self.due_at: dt.datetime | None = None  # when the watch has something to do, unless something happens before

    def play(self, day: Day, *, tell: Callable[[int], object] = lambda count: None) -> DayResult:
        """Play one day and say what came of it; `tell` hears how many events were just played.

        The watch runs at every event and at every instant between two at which a limit is crossed. What is still live
        at the end stays so. Raises Refused where a verb refuses; then nothing of the day has happened.
        """
        with lock_queue(self.hall.pk):  # the whole day or nothing of it
            for at, events in _by_instant(day.events):
                self._watch_until(at - MICROSECOND)
                for event in events:
                    self._happen(event)
                if any(event.verb in CHANGES_WAITS for event in events):
                    self._watch(at)
                tell(len(events))
            self._watch_until(day.events[-1].at)
            self.hall.played_at = day.events[-1].at
            Hall.objects.filter(pk=self.hall.pk).update(played_at=self.hall.played_at)
            live.announce(self.hall.pk, "queue", "counters", "alarms")
        return result(self.hall, day)

    def _watch(self, at: dt.datetime) -> None:
        """Sweep at the instant of an event, where that event leaves something to see; and look ahead from there."""
        self.due_at = waits.next_due(self.hall.pk, at=at)
        if self.due_at is not None and self.due_at <= at + MICROSECOND:
            waits.sweep(at=at, hall_ids=[self.hall.pk])
            self.due_at = waits.next_due(self.hall.pk, at=at)

    def _watch_until(self, at: dt.datetime) -> None:
        """Sweep at each instant until `at` at which something falls due, in order."""
        while self.due_at is not None and self.due_at <= at:
            waits.sweep(at=self.due_at, hall_ids=[self.hall.pk])
            following = waits.next_due(self.hall.pk, at=self.due_at)
            assert following is None or following > self.due_at, "a sweep leaves nothing due"
            self.due_at = following

    def _happen(self, event: Event) -> None:
        at = event.at
        counter = self.counters[event.counter] if event.counter is not None else None
        if event.verb == "issue":
            assert event.priority is not None
            self.tickets[event.ticket] = tickets.issue(
                self.services[event.service], customer_class=CLASS_OF_PRIORITY[event.priority], number=event.ticket, by=None, at=at,
            )  # fmt: skip
        elif event.verb == "call":
            assert counter is not None
            tickets.call_this(self.tickets[event.ticket], counter, reason=REASON, by=None, at=at)
        elif event.verb == "start":
            tickets.start(self.tickets[event.ticket], by=None, at=at)
        elif event.verb == "finish":
            tickets.finish(self.tickets[event.ticket], by=None, at=at)
        elif event.verb == "no_show":
            tickets.no_show(self.tickets[event.ticket], by=None, at=at)
        elif event.verb == "abandon":
            tickets.abandon(self.tickets[event.ticket], by=None, at=at)
        elif event.verb in ("open", "resume"):
            assert counter is not None
            counters.open_counter(counter, by=None, at=at)
        elif event.verb == "pause":
            assert counter is not None
            back_at = at + event.planned if event.planned is not None else None
            counters.pause(counter, reason=event.reason, expected_return_at=back_at, by=None, at=at)
        else:
            assert event.verb == "close" and counter is not None
            counters.close(counter, by=None, at=at)


def result(hall: Hall, day: Day) -> DayResult:
    """What came of a played day. Five queries, whatever its size."""
    limit = limits.in_force(hall.pk, ["R-Q02"]).duration("R-Q02", "threshold")
    found = Ticket.objects.filter(hall=hall, business_date=day.on).select_related("service").order_by("issued_at", "id")
    rows = [
        TicketResult(
            number=ticket.number, service=ticket.service.letter, customer_class=ticket.customer_class, issued_at=ticket.issued_at,
            outcome=OUTCOME.get(State(ticket.state), ticket.state), wait=ticket.waited_before if ticket.called_at else None,
        )
        for ticket in found
    ]  # fmt: skip
    waited = [row.wait for row in rows if row.wait is not None]
    outcomes: dict[str, int] = {}
    for row in rows:
        outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
    return DayResult(
        on=day.on, first_at=day.events[0].at, last_at=day.events[-1].at, tickets=rows, outcomes=outcomes, called=len(waited),
        mean_wait=sum(waited, dt.timedelta(0)) / len(waited) if waited else None, longest_wait=max(waited, default=None),
        limit=limit, over_limit=sum(wait > limit for wait in waited), alarms=_alarms(hall, day),
    )  # fmt: skip


def _alarms(hall: Hall, day: Day) -> list[AlarmResult]:
    rows = Alarm.objects.filter(hall=hall, raised_at__gte=day.events[0].at, raised_at__lte=day.events[-1].at).order_by(
        "due_at", "id"
    )
    numbers = {f"ticket:{pk}": number for pk, number in Ticket.objects.filter(hall=hall).values_list("pk", "number")}
    return [
        AlarmResult(
            row.rule, row.subject, numbers.get(row.subject, ""), row.due_at, row.raised_at, row.settled_at, row.rung
        )
        for row in rows
    ]


def _by_instant(events: list[Event]) -> Iterator[tuple[dt.datetime, list[Event]]]:
    for at, group in itertools.groupby(events, key=lambda event: event.at):
        yield at, list(group)


def _set_threshold(hall: Hall, threshold: dt.timedelta | None, *, by: Person | None, at: dt.datetime) -> None:
    """The roster's limit of a wait, where it is not the default; a warning then comes at the latest at two thirds of it."""
    if threshold is None:
        return
    for limit in Limit.objects.filter(rule__in=RULES_OF_THRESHOLD, name__in=["threshold", "warning"]):
        default = from_text(limit, limit.default)
        assert isinstance(default, dt.timedelta)
        wanted = threshold if limit.name == "threshold" else min(default, threshold * 2 / 3)
        if wanted != default:
            value = f"{wanted.total_seconds() / SECONDS[limit.unit]:g}"
            halls.keep(LimitOverride(hall=hall, limit=limit, value=value), by=by, at=at)
