"""Fragments of the live board: summary strip, queue, counters, what needs somebody. Reads only."""

import datetime as dt
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hall import alarm_texts, alarms
from hall.alarms import Line
from hall.models import STANDING, Alarm
from queueing.fragments import rows
from queueing.fragments.state import QueueState
from queueing.models import State, Ticket

NAMED_MOST = 2  # holders of a post named on an alarm


@dataclass(frozen=True)
class Tab:
    """A service and how many wait for it; the browser filters the rows by its id."""

    service_id: int
    name: str
    count: int


def render(state: QueueState, subject: int) -> dict[str, str]:
    """The board's fragments: board-busy, board-strip, board-queue, board-zones, board-counters, board-needs. No query."""
    return {
        "board-busy": render_to_string("queueing/_board_busy.html", {"word": rows.busy_word(state)}),
        "board-strip": strip(state),
        "board-queue": queue(state),
        "board-zones": zones(state),
        "board-counters": counters(state),
        "board-needs": needs(state),
    }


def strip(state: QueueState) -> str:
    """Average (K-10), longest, waiting, served."""
    return render_to_string("queueing/_strip.html", {"prefix": "board"} | figures(state))


def figures(state: QueueState) -> dict[str, object]:
    """The figures of the summary strip, the same on board and wall."""
    longest = rows.longest(state)
    return {
        "average": state.average,
        "average_level": rows.average_level(state),
        "average_limit": state.limits.duration("R-Q01", "threshold"),
        "fewest": state.limits.count("R-Q01", "minimum"),
        "longest": longest,
        "longest_level": _level_of(state, longest),
        "scale": rows.scale(state),
        "over": rows.over_count(state),
        "waiting": len(state.waiting),
        "unit": rows.people(len(state.waiting)),
        "waiting_note": _at_counters_said(state),
        "served": state.served_today,
        "served_unit": rows.people(state.served_today),
        "handling": state.handling,
    }


def queue(state: QueueState) -> str:
    """Everybody who waits, oldest first, and a tab for each service."""
    waiting = [ticket.service_id for ticket in state.waiting]
    last = next(iter(state.recent_calls), None)
    return render_to_string(
        "queueing/_board_queue.html",
        {
            "hall": state.hall,
            "rows": rows.queue(state),
            "scale": rows.scale(state),
            "tabs": [Tab(service.pk, service.name, waiting.count(service.pk)) for service in state.services],
            "last": last if not state.waiting else None,
        },
    )


def counters(state: QueueState) -> str:
    """Every counter by number, and who is on hold."""
    numbers = {counter.pk: counter.number for counter in state.counters}
    held = [{"ticket": ticket, "counter": numbers.get(ticket.counter_id or 0)} for ticket in state.held]
    return render_to_string(
        "queueing/_board_counters.html",
        {"hall": state.hall, "rows": rows.counters(state), "said": rows.counters_said(state), "held": held},
    )


def zones(state: QueueState) -> str:
    """The zones that somebody holds or must hold, who and for how long; one with nobody is red by itself (R-Q25)."""
    shown = [zone for zone in state.floor.zones if zone.holders or zone.needs_somebody]
    bare = sum(zone.vacant_since is not None for zone in shown)
    return render_to_string(
        "queueing/_board_zones.html", {"hall": state.hall, "zones": shown, "bare": bare, "held": len(shown) - bare}
    )


def needs(state: QueueState, *, refusal: str = "") -> str:
    """What needs somebody: the open alarms, many alike as one; `refusal` is why a tap on one did nothing."""
    return render_to_string(
        "queueing/_board_needs.html",
        {
            "hall": state.hall,
            "cards": cards(state),
            "count": len(state.alarms),
            "refusal": refusal,
            "scale": rows.scale(state),
        },
    )


def _level_of(state: QueueState, ticket: Ticket | None) -> str:
    if ticket is None:
        return ""
    lines = rows.scale(state)
    return rows.level(ticket.waited(state.at), warn=lines.warn, over=lines.over)


def _at_counters_said(state: QueueState) -> str:
    called = sum(ticket.state == State.CALLED for ticket in state.at_counters)
    serving = len(state.at_counters) - called
    parts = [
        (called, ngettext("%(count)d called", "%(count)d called", called)),
        (serving, ngettext("%(count)d in service", "%(count)d in service", serving)),
        (len(state.held), ngettext("%(count)d on hold", "%(count)d on hold", len(state.held))),
    ]
    return " · ".join(text % {"count": count} for count, text in parts if count) or _("nobody at the counters")


@dataclass(frozen=True)
class Card:
    """One thing that needs somebody: one alarm, or many alike. `ids` are the alarms that an answer answers."""

    ids: list[int]
    joined: str  # the ids with commas
    acknowledge_url: str
    done_url: str
    wait: Ticket | None  # whose wait the chip shows; None: it shows since when
    since: dt.datetime  # the instant the limit was crossed
    title: str
    action: str
    who: str  # who was told last
    holders: str  # the names of those who hold that post now; in words if nobody does
    act_by: dt.datetime | None
    unanswered: bool  # nobody answered in time below
    next_who: str  # who is told next, and when
    next_at: dt.datetime | None
    taken_by: str
    taken_at: dt.datetime | None

    @property
    def many(self) -> bool:
        return len(self.ids) > 1


def cards(state: QueueState) -> list[Card]:
    """The open alarms as cards, in the order of hall.alarms.grouped; an answered card keeps its place under a finger."""
    waiting = {f"ticket:{ticket.pk}": ticket for ticket in state.waiting}
    return [_card(state, line, waiting) for line in alarms.grouped(state.alarms)]


def _card(state: QueueState, line: Line, waiting: dict[str, Ticket]) -> Card:
    first = line.longest
    waits = [waiting[alarm.subject] for alarm in line.alarms if alarm.subject in waiting]
    said = alarm_texts.said(line.alarms)
    ids = [alarm.pk for alarm in line.alarms]
    return Card(
        ids=ids,
        joined=",".join(str(pk) for pk in ids),
        acknowledge_url=_answer_url("acknowledge", state.hall.code, ids),
        done_url=_answer_url("settle", state.hall.code, ids),
        wait=max(waits, key=lambda ticket: ticket.waited(state.at), default=None),
        since=first.due_at,
        title=said.title,
        action=said.action,
        who=said.who,
        holders=_holders(state, first),
        act_by=line.act_by,
        unanswered=first.rung > 0 and first.acknowledged_at is None,
        next_who=alarm_texts.who(first, rung=first.rung + 1) if first.next_rung_at is not None else "",
        next_at=min((alarm.next_rung_at for alarm in line.alarms if alarm.next_rung_at is not None), default=None),
        taken_by=first.acknowledged_by.name if first.acknowledged_by is not None else "",
        taken_at=first.acknowledged_at,
    )


def _holders(state: QueueState, alarm: Alarm) -> str:
    """Who holds the post that an alarm's rung tells, by name; "" for those who are there at all hours."""
    kind = alarm_texts.kind_of(alarm)
    if kind is None or kind in STANDING:
        return ""
    names = [holder.name for holder in state.floor.of_kind(kind)]
    more = len(names) - NAMED_MOST
    if more > 0:
        return ", ".join(names[:NAMED_MOST]) + f" +{more}"
    return ", ".join(names) or _("nobody holds this post now")


def _answer_url(verb: str, code: str, ids: list[int]) -> str:
    """Where an answer is sent: one alarm by its id, many alike with their ids in the form."""
    return reverse(f"{verb}-alarm", args=[code, ids[0]]) if len(ids) == 1 else reverse(f"{verb}-alarms", args=[code])
