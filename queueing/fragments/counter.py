"""Fragments of one counter's tablet: the line on top, the customer's card, the side steps, the next step."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string

from hall import counters, limits, plain
from hall.limits import Limits
from hall.models import Counter, Hall
from queueing import call_order
from queueing.fragments.state import QueueState
from queueing.models import FAVOURED, CareAct, CustomerClass, Service, State, Ticket

RULES = ["F-04", "R-Q02", "R-Q03", "X-24"]
SHOWN_AHEAD = 4
FRAGMENTS = ["counter-line", "counter-card", "counter-side", "counter-next"]

# Who stands at a counter or was put on hold there, and whether any care was given. Plain SQL, as queueing.call_order.
HERE = f"""
    SELECT {plain.columns(Ticket, "t")}, {plain.columns(Service, "s")},
        EXISTS (SELECT 1 FROM queueing_careact c WHERE c.ticket_id = t.id)
    FROM queueing_ticket t JOIN queueing_service s ON s.id = t.service_id
    WHERE t.counter_id = %s AND t.state IN ('called', 'serving', 'held')
"""


@dataclass(frozen=True)
class CounterState:
    """What one counter's tablet shows at `at`; from of_counter() or, without a query, from of_queue(): the same bytes."""

    hall: Hall
    at: dt.datetime
    limits: Limits
    counter: Counter  # with clerk
    current: Ticket | None  # called or in service here, with service and .care_given
    ahead: list[Ticket]  # the next to be called here and who comes after, at most 4; empty while somebody is here
    waiting: int  # who waits for this counter
    held: int  # customers of this counter who stepped aside


def render(state: QueueState, subject: int) -> dict[str, str]:
    """The tablet of the counter with this id. No query. A counter that was deleted shows nothing."""
    counter = next((row for row in state.counters if row.pk == subject), None)
    return render_counter(of_queue(state, counter)) if counter is not None else {}


def render_counter(state: CounterState) -> dict[str, str]:
    """{fragment id: html} of one counter. No query."""
    context = _context(state)
    return {name: render_to_string(f"queueing/_{name.replace('-', '_')}.html", context) for name in FRAGMENTS}


def of_counter(counter: Counter, at: dt.datetime) -> CounterState:
    """Read what one counter's tablet shows: the answer to a tap. Queries: at most 8, at most 6 while somebody is here."""
    hall = counter.hall
    counter = counters.fresh(counter)
    here = _here(counter)
    current = next((ticket for ticket in here if ticket.state != State.HELD), None)
    if current is not None:
        given = current.care.filter(undone_at=None).select_related("by") if current.has_care else []  # type: ignore[attr-defined]
        current.care_given = list(given)  # type: ignore[attr-defined]
    rules = limits.in_force(hall.pk, RULES)
    if current is not None:
        ahead, count = [], call_order.count_for(counter)
    else:
        first = list(call_order.waiting_for(counter, most=SHOWN_AHEAD))
        count = first[0].count_of_all if first else 0  # type: ignore[attr-defined]
        most = rules.count("X-24", "favoured_in_a_row")
        if count <= SHOWN_AHEAD or _head_is_next(first[0], counter, most):
            next_one = next_of(first, counter, most)
        else:
            next_one = call_order.next_for(counter, most_favoured=most)
        ahead = _with_next_first(first, next_one)
        prefetch_related_objects(ahead, "service")
    return CounterState(
        hall, at, rules, counter, current, ahead, count, held=sum(ticket.state == State.HELD for ticket in here)
    )


def _here(counter: Counter) -> list[Ticket]:
    """Who is called, in service or on hold at a counter, each with service and `.has_care`. One query."""
    width = len(Ticket._meta.concrete_fields)
    found = []
    for row in plain.rows(HERE, [counter.pk]):
        ticket = plain.made(Ticket, row[:width])
        ticket.service = plain.made(Service, row[width:-1])
        ticket.has_care = row[-1]  # type: ignore[attr-defined]
        found.append(ticket)
    return found


def of_queue(state: QueueState, counter: Counter) -> CounterState:
    """The same out of the whole hall's queue. No query."""
    current = state.ticket_at.get(counter.pk)
    waiting = state.callable_at(counter)
    next_one = next_of(waiting, counter, state.limits.count("X-24", "favoured_in_a_row"))
    ahead = _with_next_first(waiting[:SHOWN_AHEAD], next_one) if current is None else []
    held = sum(ticket.counter_id == counter.pk for ticket in state.held)
    return CounterState(state.hall, state.at, state.limits, counter, current, ahead, len(waiting), held)


def next_of(waiting: Sequence[Ticket], counter: Counter, most_favoured: int) -> Ticket | None:
    """Whom the counter would call now, out of all who wait for it, in call order: the rule of queueing.call_order.next_for."""

    def first(classes: Sequence[str]) -> Ticket | None:
        return next((ticket for ticket in waiting if ticket.customer_class in classes), None)

    preferred = call_order.PREFERRED.get(Counter.Kind(counter.kind))
    if preferred is not None and (guest := first([preferred])) is not None:
        return guest
    head = waiting[0] if waiting else None
    if head is not None and head.customer_class in FAVOURED and counter.favoured_run >= most_favoured:
        return first([CustomerClass.NORMAL, CustomerClass.GREEN]) or head
    return head


def _head_is_next(head: Ticket, counter: Counter, most_favoured: int) -> bool:
    """Whether the first in call order is the next here, whoever else waits: the few that were read are enough."""
    if counter.kind in (Counter.Kind.GREEN, Counter.Kind.VIP):
        return False
    return head.customer_class not in FAVOURED or counter.favoured_run < most_favoured


def _with_next_first(waiting: Sequence[Ticket], next_one: Ticket | None) -> list[Ticket]:
    if next_one is None:
        return []
    return [next_one, *(ticket for ticket in waiting if ticket.pk != next_one.pk)][:SHOWN_AHEAD]


def _context(state: CounterState) -> dict[str, object]:
    counter, current = state.counter, state.current
    recalls = state.limits.count("F-04", "recalls")
    return {
        "hall": state.hall,
        "counter": counter,
        "mode": current.state
        if current is not None
        else ("free" if counter.state == Counter.State.OPEN else counter.state),
        "current": current,
        "next_one": state.ahead[0] if state.ahead else None,
        "after": state.ahead[1:],
        "waiting": state.waiting,
        "held": state.held,
        "recalls": recalls,
        "may_recall": current is not None and current.recalls < recalls,
        "warn": state.limits.duration("R-Q02", "warning"),
        "over": state.limits.duration("R-Q02", "threshold"),
        "waited": current.waited_before if current is not None else None,
        "prompt": _prompt(state),
    }


def _prompt(state: CounterState) -> dict[str, object] | None:
    """R-Q03: who waited over the limit gets an apology and the small gift before his business starts; one gift per ticket (X-06)."""
    current = state.current
    if current is None or current.waited_before <= state.limits.duration("R-Q03", "threshold"):
        return None
    given = {act.kind: act for act in current.care_given}  # type: ignore[attr-defined]
    gift = given.get(CareAct.Kind.GIFT)
    return {
        "apology": given.get(CareAct.Kind.APOLOGY),
        "gift": gift,
        "gift_here": gift is not None and gift.by_id == state.counter.clerk_id,
    }
