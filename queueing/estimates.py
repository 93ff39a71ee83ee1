"""How long a customer will wait: a first honest estimate, told as one (R-Q07, X-37)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from hall import limits, plain
from hall.models import Counter
from queueing.models import CLASS_RANK, CustomerClass, Service, State, Ticket

RECENT = 30  # so many of the last services make the measured mean
FEWEST = 5  # with fewer the guess of R-Q07 is told


class InLine(NamedTuple):
    """What the call order knows of one who waits."""

    service_id: int
    customer_class: str
    issued_at: dt.datetime
    pk: float  # of a ticket not yet given: infinity

    @property
    def is_green(self) -> bool:
        return self.customer_class == CustomerClass.GREEN

    def is_before(self, other: "InLine") -> bool:
        """Whether this one is called first where both may be called: green before all at a green counter, then class, then issue."""
        if self.is_green != other.is_green:
            return self.is_green
        mine = (CLASS_RANK[CustomerClass(self.customer_class)], self.issued_at, self.pk)
        return mine < (CLASS_RANK[CustomerClass(other.customer_class)], other.issued_at, other.pk)


@dataclass(frozen=True)
class Pools:
    """Which counters call whom: (counter id, kind, is open, service id), one row per counter and service it serves."""

    rows: list[tuple[int, str, bool, int]]

    def of(self, one: InLine) -> frozenset[int]:
        """The open counters that would call this one; those that could, were they open, where none is."""
        key = (one.service_id, one.is_green)
        return self._open.get(key) or self._any.get(key) or frozenset()

    def open_for(self, one: InLine) -> int:
        return len(self._open.get((one.service_id, one.is_green), ()))

    @cached_property
    def _open(self) -> dict[tuple[int, bool], frozenset[int]]:
        return _pooled(row for row in self.rows if row[2])

    @cached_property
    def _any(self) -> dict[tuple[int, bool], frozenset[int]]:
        return _pooled(self.rows)


def _pooled(rows: Iterable[tuple[int, str, bool, int]]) -> dict[tuple[int, bool], frozenset[int]]:
    found: dict[tuple[int, bool], set[int]] = {}
    for counter_id, kind, _is_open, service_id in rows:
        found.setdefault((service_id, False), set()).add(counter_id)
        if kind == Counter.Kind.GREEN:  # green tickets are called nowhere else
            found.setdefault((service_id, True), set()).add(counter_id)
    return {key: frozenset(counters) for key, counters in found.items()}


@dataclass(frozen=True)
class Estimate:
    """What a customer is told: people ahead, and a wait. `measured` is False where the wait is R-Q07's rule of thumb."""

    ahead: int
    wait: dt.timedelta
    measured: bool


def expected_wait(ahead: int, *, handling: dt.timedelta | None, counters_open: int, each: dt.timedelta) -> Estimate:
    """People ahead times handling time, shared by the counters that serve them.

    `handling` is the measured mean service time, or None where too few were served: then `each` (R-Q07: 3 minutes) is
    told per person ahead, undivided, as the field guide's "10 ahead, 30 minutes". A plain product: it ignores who may be
    favoured later, walking and pauses, so it is always called an estimate.
    """
    if handling is None or counters_open == 0:
        return Estimate(ahead, ahead * each, measured=False)
    return Estimate(ahead, ahead * handling / counters_open, measured=True)


def handling_time(hall_id: int, *, at: dt.datetime) -> dt.timedelta | None:
    """Mean service time of the last 30 services finished in the hall within a day, None with fewer than 5. One query."""
    recent = (
        Ticket.objects.filter(
            hall_id=hall_id, state=State.DONE, called_at__gt=at - dt.timedelta(days=1), called_at__lte=at
        )
        .order_by("-called_at")[:RECENT]
        .values_list("served_before", flat=True)
    )
    served = list(recent)
    if len(served) < FEWEST:
        return None
    return sum(served, dt.timedelta(0)) / len(served)


def people_ahead(one: InLine, waiting: Iterable[InLine], pools: Pools) -> int:
    """How many are called before this one at the counters that would call him.

    Each one before him counts by the share of his own counters that they have in common: of two who may go to four
    counters each, two of them the same, one is met at them. Where all counters serve all services it is a plain count.
    """
    mine = pools.of(one)
    met = 0.0
    for other in waiting:
        if not other.is_before(one):
            continue
        theirs = pools.of(other)
        if theirs:
            met += len(theirs & mine) / len(theirs)
        elif other.service_id == one.service_id:
            met += 1
    return int(met + 0.5)


# Which counter serves what: its services that its clerk masters, as queueing.call_order says.
SERVED = """
    SELECT c.id, c.kind, c.state, s.service_id
    FROM hall_counter c JOIN queueing_service_counters s ON s.counter_id = c.id
    WHERE c.hall_id = %(hall)s AND (
        EXISTS (SELECT 1 FROM queueing_service_masters m WHERE m.service_id = s.service_id AND m.person_id = c.clerk_id)
        OR NOT EXISTS (
            SELECT 1 FROM queueing_service_masters m JOIN queueing_service o ON o.id = m.service_id
            WHERE m.person_id = c.clerk_id AND o.hall_id = %(hall)s
        )
    )
"""


def told_at_issue(service: Service, customer_class: str, *, at: dt.datetime) -> Estimate:
    """What the customer is told with a ticket of this service and class, issued now. Four queries."""
    return _told(service.hall_id, InLine(service.pk, customer_class, at, float("inf")), at=at)


def told_now(ticket: Ticket, *, at: dt.datetime) -> Estimate:
    """What a waiting ticket may expect from now on, as QueueState.estimate_for says it. Four queries."""
    return _told(ticket.hall_id, in_line(ticket), at=at)


def in_line(ticket: Ticket) -> InLine:
    return InLine(ticket.service_id, ticket.customer_class, ticket.issued_at, ticket.pk)


def _told(hall_id: int, one: InLine, *, at: dt.datetime) -> Estimate:
    rows = Ticket.objects.waiting().filter(hall_id=hall_id)
    waiting = [InLine(*row) for row in rows.values_list("service_id", "customer_class", "issued_at", "pk")]
    pools = Pools(
        [
            (pk, kind, state == Counter.State.OPEN, service_id)
            for pk, kind, state, service_id in plain.rows(SERVED, {"hall": hall_id})
        ]
    )
    return expected_wait(
        people_ahead(one, waiting, pools),
        handling=handling_time(hall_id, at=at),
        counters_open=pools.open_for(one),
        each=limits.in_force(hall_id, ["R-Q07"]).duration("R-Q07", "each"),
    )
