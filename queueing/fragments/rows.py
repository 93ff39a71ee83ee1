"""What board and wall draw alike: levels, figures, queue rows and counters, as ready values for the templates. Reads only."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from hall.models import Counter
from hall.templatetags.hall import iso, seconds
from queueing.models import CareAct, CustomerClass, State, Ticket

if TYPE_CHECKING:
    from queueing.fragments.state import QueueState

SCALE = 4 / 3  # a wait bar's full length, in limits: the limit's line falls at three quarters
CLASS_ICON = {CustomerClass.SPECIAL: "priority", CustomerClass.VIP: "star", CustomerClass.GREEN: "green"}
CARE_ICON = {
    CareAct.Kind.WATER: "water", CareAct.Kind.GIFT: "gift", CareAct.Kind.INFORMED: "message", CareAct.Kind.APOLOGY: "check",
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """The one scale of all wait bars: its length and, from 0 to 100, where warning and limit (R-Q02) lie."""

    warn: dt.timedelta
    over: dt.timedelta

    @property
    def length(self) -> dt.timedelta:
        return max(self.over, dt.timedelta(minutes=1)) * SCALE

    @property
    def warn_x(self) -> float:
        return self.place(self.warn)

    @property
    def over_x(self) -> float:
        return self.place(self.over)

    def place(self, wait: dt.timedelta) -> float:
        return round(min(wait / self.length, 1) * 100, 2)


@dataclass(frozen=True)
class Care:
    icon: str
    word: str


@dataclass(frozen=True)
class QueueRow:
    """One who waits. `level` is "over", "warn" or "" at the state's instant; the browser goes on from since and before."""

    number: str
    service: str
    service_id: int
    class_word: str
    class_icon: str
    for_counter: int | None
    care: list[Care]
    since: str  # for machines: ISO instant, and seconds waited before it
    before: str
    level: str
    told_x: str  # place on the scale, 0 to 100; empty: nothing was told


@dataclass(frozen=True)
class CounterRow:
    """One counter: what it does, in a word and a shape; whom it serves, since when."""

    number: int
    kind_word: str
    kind_icon: str
    state: str  # serving, called, free, paused, closed
    word: str
    icon: str
    ticket: str
    clerk: str
    note: str
    since: dt.datetime | None
    back_at: dt.datetime | None


def level(wait: dt.timedelta, *, warn: dt.timedelta, over: dt.timedelta) -> str:
    """Over means waited > limit (design, section 5); a warning begins at its own limit."""
    if wait > over:
        return "over"
    return "warn" if wait >= warn else ""


def scale(state: "QueueState") -> Scale:
    return Scale(warn=state.limits.duration("R-Q02", "warning"), over=state.limits.duration("R-Q02", "threshold"))


def queue(state: "QueueState") -> list[QueueRow]:
    """Everybody who waits, oldest issue first."""
    lines = scale(state)
    numbers = {counter.pk: counter.number for counter in state.counters}
    return [_queue_row(state, ticket, lines, numbers) for ticket in state.waiting]


def over_count(state: "QueueState") -> int:
    """How many wait over the limit of R-Q02."""
    limit = state.limits.duration("R-Q02", "threshold")
    return sum(ticket.waited(state.at) > limit for ticket in state.waiting)


def longest(state: "QueueState") -> Ticket | None:
    """Who has waited longest, whole wait counted; None when nobody waits."""
    return max(state.waiting, key=lambda ticket: ticket.waited(state.at), default=None)


def average_level(state: "QueueState") -> str:
    """Where the average (K-10) stands against R-Q01; "" below the minimum count."""
    if state.average.wait is None:
        return ""
    return level(
        state.average.wait,
        warn=state.limits.duration("R-Q01", "warning"),
        over=state.limits.duration("R-Q01", "threshold"),
    )


def busy_word(state: "QueueState") -> str:
    """X-36: busy when anybody waits over its limit, idle when nobody waits, else neither."""
    if not state.waiting:
        return pgettext("the hall", "Idle")
    return pgettext("the hall", "Busy") if is_busy(state) else ""


def is_busy(state: "QueueState") -> bool:
    """X-36: somebody waits over the limit for it."""
    limit = state.limits.duration("X-36", "busy_wait")
    return any(ticket.waited(state.at) > limit for ticket in state.waiting)


def counters(state: "QueueState") -> list[CounterRow]:
    """Every counter, by number."""
    return [_counter_row(state, counter) for counter in state.counters]


def counters_said(state: "QueueState") -> str:
    """How many counters are open, paused and closed, in words: "6 open · 1 paused · 2 closed"."""
    found = [counter.state for counter in state.counters]
    parts = [
        (Counter.State.OPEN, pgettext("counters", "%(count)d open")),
        (Counter.State.PAUSED, pgettext("counters", "%(count)d paused")),
        (Counter.State.CLOSED, pgettext("counters", "%(count)d closed")),
    ]
    return " · ".join(text % {"count": found.count(kind)} for kind, text in parts if kind in found)


def people(count: int) -> str:
    """The unit behind a count of people."""
    return ngettext("person", "people", count)


def _queue_row(state: "QueueState", ticket: Ticket, lines: Scale, numbers: dict[int, int]) -> QueueRow:
    return QueueRow(
        number=ticket.number,
        service=ticket.service.name,
        service_id=ticket.service_id,
        class_word=str(ticket.get_customer_class_display()) if ticket.customer_class in CLASS_ICON else "",
        class_icon=CLASS_ICON.get(CustomerClass(ticket.customer_class), ""),
        for_counter=numbers.get(ticket.for_counter_id) if ticket.for_counter_id else None,
        care=[
            Care(CARE_ICON[CareAct.Kind(kind)], str(CareAct.Kind(kind).label))
            for kind in dict.fromkeys(act.kind for act in ticket.care_given)  # type: ignore[attr-defined]
        ],
        since=iso(ticket.state_since),
        before=str(seconds(ticket.waited_before)),
        level=level(ticket.waited(state.at), warn=lines.warn, over=lines.over),
        told_x=str(lines.place(ticket.told_wait)) if ticket.told_wait is not None else "",
    )


def _counter_row(state: "QueueState", counter: Counter) -> CounterRow:
    ticket = state.ticket_at.get(counter.pk)
    doing, word, icon, since = _doing(counter, ticket)
    return CounterRow(
        number=counter.number,
        kind_word=str(counter.get_kind_display()) if counter.kind != Counter.Kind.FIXED else "",
        kind_icon={Counter.Kind.VIP: "star", Counter.Kind.GREEN: "green"}.get(Counter.Kind(counter.kind), ""),
        state=doing,
        word=word,
        icon=icon,
        ticket=ticket.number if ticket is not None else "",
        clerk=counter.clerk.name if counter.clerk is not None else "",
        note=_counter_note(counter, ticket),
        since=since,
        back_at=counter.expected_return_at if doing == "paused" else None,
    )


def _doing(counter: Counter, ticket: Ticket | None) -> tuple[str, str, str, dt.datetime | None]:
    if counter.state == Counter.State.PAUSED:
        return "paused", pgettext("counter", "Paused"), "pause", counter.state_since
    if counter.state == Counter.State.CLOSED:
        return "closed", pgettext("counter", "Closed"), "shut", None
    if ticket is None:
        return "free", pgettext("counter", "Free"), "free", counter.free_since
    if ticket.state == State.SERVING:
        return "serving", pgettext("counter", "Serving"), "serving", ticket.state_since
    return "called", pgettext("counter", "Called"), "recall", ticket.state_since


def _counter_note(counter: Counter, ticket: Ticket | None) -> str:
    if counter.state == Counter.State.PAUSED:
        return counter.pause_note or str(counter.get_pause_reason_display())
    if ticket is not None:
        return ticket.service.name
    if counter.kind != Counter.Kind.FIXED:
        return str(counter.get_kind_display())
    return _("nobody signed in") if counter.state == Counter.State.OPEN and counter.clerk_id is None else ""
