"""The queue of one hall at one instant: one set of queries, from which every screen of the hall is rendered."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch

from hall import limits
from hall.limits import Limits
from hall.models import Alarm, Counter, Hall
from queueing import estimates, waits
from queueing.models import CareAct, CustomerClass, Service, State, Ticket
from roles import coverage
from roles.coverage import FloorNow

RECENT_CALLS = 12


@dataclass(frozen=True)
class QueueState:
    """One hall's queue at `at`. Lists are in the order they are shown; loaded by load() with at most 12 queries."""

    hall: Hall
    at: dt.datetime
    limits: Limits
    services: list[Service]  # by position, each with .counter_ids (set[int])
    counters: Sequence[Counter]  # by number, with clerk and .service_ids (set[int]): its own that its clerk masters
    waiting: list[Ticket]  # oldest issue first, with service and .care_given (list[CareAct], undone ones left out)
    at_counters: list[Ticket]  # called or in service, with service and .care_given
    held: list[Ticket]
    recent_calls: list[Ticket]  # of today, newest call first (a recall moves none), with service and counter
    average: waits.Average  # K-10
    handling: dt.timedelta | None  # measured mean service time, None: too few
    served_today: int
    alarms: list[Alarm]  # open ones, highest rung first, then oldest
    floor: FloorNow  # zones and who holds them

    @cached_property
    def ticket_at(self) -> dict[int, Ticket]:
        """Counter id → the ticket called or served there."""
        return {ticket.counter_id: ticket for ticket in self.at_counters if ticket.counter_id is not None}

    @cached_property
    def call_order(self) -> list[Ticket]:
        """The waiting in the order they will be called, fairness apart."""
        return sorted(self.waiting, key=lambda ticket: (ticket.class_rank, ticket.issued_at, ticket.pk))

    def callable_at(self, counter: Counter) -> list[Ticket]:
        """Who waits for this counter, in call order: the same rule as queueing.call_order."""
        open_ids = {row.pk for row in self.counters if row.state == Counter.State.OPEN}
        mine = []
        for ticket in self.call_order:
            if ticket.for_counter_id == counter.pk:
                mine.append(ticket)
                continue
            if ticket.service_id not in counter.service_ids:  # type: ignore[attr-defined]
                continue
            if ticket.for_counter_id in open_ids:
                continue
            if ticket.customer_class == CustomerClass.GREEN and counter.kind != Counter.Kind.GREEN:
                continue
            mine.append(ticket)
        return mine

    def estimate_for(self, ticket: Ticket) -> estimates.Estimate:
        """What this ticket may expect from now on."""
        return self._estimate(estimates.in_line(ticket))

    def estimate_new(self, service: Service) -> estimates.Estimate:
        """What a ticket of this service for a customer of no favoured class, issued now, may expect."""
        customer_class = CustomerClass.GREEN if service.is_green else CustomerClass.NORMAL
        return self._estimate(estimates.InLine(service.pk, customer_class, self.at, float("inf")))

    def _estimate(self, one: estimates.InLine) -> estimates.Estimate:
        return estimates.expected_wait(
            estimates.people_ahead(one, self._in_line, self._pools),
            handling=self.handling,
            counters_open=self._pools.open_for(one),
            each=self.limits.duration("R-Q07", "each"),
        )

    @cached_property
    def _in_line(self) -> list[estimates.InLine]:
        return [estimates.in_line(ticket) for ticket in self.waiting]

    @cached_property
    def _pools(self) -> estimates.Pools:
        return estimates.Pools(
            [
                (row.pk, row.kind, row.state == Counter.State.OPEN, service_id)
                for row in self.counters
                for service_id in row.service_ids  # type: ignore[attr-defined]
            ]
        )


def load(hall: Hall, at: dt.datetime) -> QueueState:
    """Read the hall's queue. Shape: QueueState. Queries: at most 12, whatever waits."""
    rules = limits.in_force(hall.pk)
    services = list(Service.objects.filter(hall=hall, is_active=True).order_by("position", "id"))
    served = Service.counters.through.objects.filter(counter=OuterRef("pk")).values("service_id")
    mastered = Service.masters.through.objects.filter(person=OuterRef("clerk"), service__hall=hall).values("service_id")
    counters = list(
        Counter.objects.filter(hall=hall)
        .select_related("clerk")
        .annotate(served=ArraySubquery(served), mastered=ArraySubquery(mastered))
        .order_by("number")
    )
    for counter in counters:
        counter.service_ids = set(counter.served) & set(counter.mastered or counter.served)  # type: ignore[attr-defined]
    for service in services:
        service.counter_ids = {row.pk for row in counters if service.pk in row.service_ids}  # type: ignore[attr-defined]
    care = Prefetch("care", CareAct.objects.filter(undone_at=None).select_related("by"), to_attr="care_given")
    live = list(
        Ticket.objects.filter(hall=hall)
        .live()
        .select_related("service")
        .prefetch_related(care)
        .order_by("issued_at", "id")
    )
    for ticket in live:
        ticket.hall = hall
    today = hall.business_date(at)
    return QueueState(
        hall=hall,
        at=at,
        limits=rules,
        services=services,
        counters=counters,
        waiting=[ticket for ticket in live if ticket.state == State.WAITING],
        at_counters=[ticket for ticket in live if ticket.state in (State.CALLED, State.SERVING)],
        held=[ticket for ticket in live if ticket.state == State.HELD],
        recent_calls=list(
            Ticket.objects.filter(hall=hall, business_date=today, called_at__isnull=False)
            .select_related("service", "counter")
            .order_by("-called_at")[:RECENT_CALLS]
        ),
        average=waits.average(hall.pk, at=at),
        handling=estimates.handling_time(hall.pk, at=at),
        served_today=Ticket.objects.filter(hall=hall, business_date=today, state=State.DONE).count(),
        alarms=list(
            Alarm.objects.filter(hall=hall, settled_at=None)
            .select_related("acknowledged_by")
            .order_by("-rung", "due_at", "id")
        ),
        floor=coverage.floor_now(hall, at),
    )
