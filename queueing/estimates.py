"""How long a customer will wait: a first honest estimate, told as one (R-Q07, X-37)."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q

from hall import limits
from hall.models import Counter
from queueing.models import CLASS_RANK, CustomerClass, Service, State, Ticket

RECENT = 30  # so many of the last services make the measured mean
FEWEST = 5  # with fewer the guess of R-Q07 is told


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


def told_at_issue(service: Service, customer_class: str, *, at: dt.datetime) -> Estimate:
    """What the customer is told with a ticket of this service and class, issued now. Four queries."""
    rank = CLASS_RANK[CustomerClass(customer_class)]
    ahead = competing(service).filter(Q(class_rank__lt=rank) | Q(class_rank=rank, issued_at__lte=at)).count()
    return _told(service, ahead, at=at)


def told_now(ticket: Ticket, *, at: dt.datetime) -> Estimate:
    """What a waiting ticket may expect from now on, as QueueState.estimate_for says it. Four queries."""
    rank, issued_at = ticket.class_rank, ticket.issued_at
    before = Q(class_rank__lt=rank) | Q(class_rank=rank, issued_at__lt=issued_at)
    before |= Q(class_rank=rank, issued_at=issued_at, pk__lt=ticket.pk)
    return _told(ticket.service, competing(ticket.service).filter(before).count(), at=at)


def _told(service: Service, ahead: int, *, at: dt.datetime) -> Estimate:
    counters_open = Counter.objects.filter(services=service, state=Counter.State.OPEN).count()
    each = limits.in_force(service.hall_id, ["R-Q07"]).duration("R-Q07", "each")
    return expected_wait(ahead, handling=handling_time(service.hall_id, at=at), counters_open=counters_open, each=each)


def competing(service: Service):  # type: ignore[no-untyped-def]
    """The waiting tickets of services that share a counter with this one: those who are called before or after each other."""
    sharing = Service.objects.filter(Q(pk=service.pk) | Q(counters__services=service))
    return Ticket.objects.waiting().filter(hall_id=service.hall_id, service__in=sharing.values("pk"))
