"""Fragments of the floor tablet: the counts on its tabs, and the care list."""

from django.template.loader import render_to_string

from queueing.fragments.state import QueueState
from queueing.models import CareAct, Ticket

ACTS = [(CareAct.Kind.WATER, "water"), (CareAct.Kind.GIFT, "gift"), (CareAct.Kind.INFORMED, "message")]  # kind, icon


def render(state: QueueState, subject: int) -> dict[str, str]:
    """{fragment id: html} of the floor tablet; the same for everybody on the floor. No query."""
    over = state.limits.duration("R-Q02", "threshold")
    warn = state.limits.duration("R-Q02", "warning")
    by_need = sorted(state.waiting, key=lambda ticket: (-ticket.waited(state.at).total_seconds(), ticket.pk))
    urgent = [ticket for ticket in by_need if ticket.waited(state.at) >= warn]
    calm = [ticket for ticket in by_need if ticket.waited(state.at) < warn]
    context = {
        "hall": state.hall,
        "over": over,
        "warn": warn,
        "waiting": len(state.waiting),
        "urgent": [_guest(ticket, is_over=ticket.waited(state.at) > over) for ticket in urgent],
        "alone": [_guest(ticket) for ticket in calm if not _care_of(ticket)],
        "seen": [_guest(ticket) for ticket in calm if _care_of(ticket)],
    }
    return {
        "floor-arrive-count": render_to_string("queueing/_floor_arrive_count.html", context),
        "floor-care-count": render_to_string("queueing/_floor_care_count.html", context),
        "floor-care": render_to_string("queueing/_floor_care.html", context),
    }


def _guest(ticket: Ticket, *, is_over: bool = False) -> dict[str, object]:
    """One who waits, with what was done for him: per kind of care its last act or None."""
    acts = acts_of(ticket)
    return {"ticket": ticket, "is_over": is_over, "acts": acts, "informed": acts[2]}


def acts_of(ticket: Ticket) -> list[dict[str, object]]:
    """Water, gift, informed, each with its word, icon and last act; the ticket has .care_given."""
    given = {act.kind: act for act in _care_of(ticket)}
    return [{"kind": kind, "word": kind.label, "icon": icon, "done": given.get(kind)} for kind, icon in ACTS]


def _care_of(ticket: Ticket) -> list[CareAct]:
    return ticket.care_given  # type: ignore[attr-defined]
