"""What a customer sees of his own ticket on his phone. Reads only, by light queries of its own."""

import datetime as dt
from dataclasses import dataclass

from django.template.loader import render_to_string

from hall.models import Counter, Room
from queueing import estimates
from queueing.estimates import Estimate
from queueing.fragments import opening
from queueing.models import LIVE_STATES, CustomerClass, State, Ticket

POLL_SECONDS = 10
ENDED_POLL_SECONDS = 30  # an ended ticket may still be restored
MOST_MARKS = 9  # squares drawn for the people ahead


@dataclass(frozen=True)
class Place:
    """Where a VIP waits (R-Q13): the member room, or without one the rest area and a VIP seat that calls him."""

    room: str
    seat: int | None


def card(ticket: Ticket, *, at: dt.datetime, refusal: str = "") -> str:
    """The whole card in the ticket's present state, its root is #ticket. `ticket` has hall, service and counter.

    Queries: four while it waits, two more for a VIP; three or four after the day's close; none otherwise.
    """
    context: dict[str, object] = {"ticket": ticket, "hall": ticket.hall, "at": at, "refusal": refusal}
    context["poll_seconds"] = POLL_SECONDS if ticket.state in LIVE_STATES else ENDED_POLL_SECONDS
    context["call_key"] = f"{ticket.pk}-{ticket.called_at}-{ticket.recalls}" if ticket.state == State.CALLED else ""
    if ticket.state == State.WAITING:
        told = estimates.told_now(ticket, at=at)
        context |= {"told": told, "expected_at": at + told.wait, "marks": _marks(told)}
        context["place"] = _place(ticket) if ticket.customer_class == CustomerClass.VIP else None
    if ticket.state == State.CLOSED_AT_DAY_END:
        context["opening"] = opening.of(ticket.hall, at)
    return render_to_string("queueing/_ticket.html", context)


def _marks(told: Estimate) -> list[int]:
    """The squares of those ahead, as x positions in the drawing: one each, at most MOST_MARKS."""
    return [24 * number for number in range(min(told.ahead, MOST_MARKS))]


def _place(ticket: Ticket) -> Place:
    room = Room.objects.filter(hall_id=ticket.hall_id, use=Room.Use.MEMBER).order_by("pk").first()
    seat = Counter.objects.filter(hall_id=ticket.hall_id, kind=Counter.Kind.VIP).order_by("number").first()
    return Place(str(room) if room else "", seat.number if seat else None)
