"""Fragments of the call screen: who is called where, how long the rest will wait, which counters are suspended.

Both languages at once, whatever the screen's own; nobody's name.
"""

import datetime as dt
from dataclasses import dataclass
from functools import cache

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hall.models import Counter
from queueing.fragments import opening
from queueing.fragments.state import QueueState
from queueing.models import Service, State, Ticket

SHOWN = (State.CALLED, State.SERVING, State.HELD, State.DONE)  # who did not come is sent to the guide, not to a counter
MOST_ROWS = 4
MOST_SMALL_ROWS = 8  # in two columns, when so many are called at once
MOST_SERVICES = 8
DIGITS_ZH = dict(zip("0123456789", "零一二三四五六七八九", strict=True))

WORDS = {
    "called_now": _("Called now"),
    "counter": pgettext_lazy("after its number", "Counter"),
    "vip_seat": _("VIP seat"),
    "expected_wait": _("Estimated wait"),
    "no_wait": _("No wait"),
    "not_open": _("No counter open"),
    "minutes": _("min"),
    "nobody_called": _("Nobody is called at the moment"),
    "take_a_seat": _("Please take a seat. Your number will be shown here and called out."),
    "missed": _("Missed your number? Ask the guide"),
    "closed": _("No more tickets today"),
    "again_at": _("Tickets again at %(time)s"),
    "again_on": _("Tickets again on %(date)s at %(time)s"),
    "suspended": _("Suspended"),
    "suspended_one": _("Counter %(number)s is suspended"),
    "suspended_until": _("Counter %(number)s is back at %(time)s"),
    "call": _("%(number)s, please go to counter %(counter)s"),
    "sound_test": _("The sound is on."),
}


@dataclass(frozen=True)
class Both:
    """The same text in both languages."""

    zh: str
    en: str

    def __mod__(self, values: dict[str, object]) -> "Both":
        return Both(self.zh % values, self.en % values)


@dataclass(frozen=True)
class Call:
    """One number on the screen. `key` is another one for every call and recall; `say` is what the voice says."""

    key: str
    number: str
    counter: int
    is_new: bool
    is_vip: bool
    service: Both
    say: Both


@dataclass(frozen=True)
class Soon:
    """One service: how many wait for it, and the minutes a new ticket may expect; None where no counter is open for it."""

    service: Both
    waiting: int
    minutes: int | None


@dataclass(frozen=True)
class Suspended:
    """A counter whose sign is flipped; `returns` is the hall's clock time, or empty."""

    number: int
    returns: str


def render(state: QueueState, subject: int) -> dict[str, str]:
    """The call screen's fragments: call-plate, call-soon, call-foot. At most four queries, the hall's hours."""
    return {"call-plate": plate(state), "call-soon": soon(state), "call-foot": foot(state)}


def plate(state: QueueState) -> str:
    """The newest call as a lit plate, those before it, and for the voice everybody who is called now."""
    found = calls(state)
    new = [call for call in found if call.is_new]
    small = len(new) > MOST_ROWS + 1
    rows = found[1 : 1 + (MOST_SMALL_ROWS if small else MOST_ROWS)]
    context = {"newest": found[0] if found else None, "before": rows, "small": small, "voice": new, "words": words()}
    return render_to_string("queueing/_call_plate.html", context)


def soon(state: QueueState) -> str:
    """Who waits, by service, with minutes."""
    rows = [_soon(state, service) for service in state.services]
    rows = sorted(rows, key=lambda row: row.waiting == 0)[:MOST_SERVICES] if len(rows) > MOST_SERVICES else rows
    return render_to_string("queueing/_call_soon.html", {"rows": rows, "waiting": len(state.waiting), "words": words()})


def foot(state: QueueState) -> str:
    """Suspended counters with their return (R-B13), or when tickets are given again; and where to go for a missed number."""
    paused = [counter for counter in state.counters if counter.state == Counter.State.PAUSED]
    context = {
        "one": _suspended(state, paused[0]) if len(paused) == 1 else None,
        "several": [Suspended(counter.number, _returns(state, counter)) for counter in paused],
        "closed": _closed(state),
        "words": words(),
    }
    return render_to_string("queueing/_call_foot.html", context)


def calls(state: QueueState) -> list[Call]:
    """Today's calls, the newest call or recall first. A recalled number is found however many were called since."""
    numbers = {counter.pk: counter for counter in state.counters}
    tickets = {ticket.pk: ticket for ticket in (*state.recent_calls, *state.at_counters) if ticket.state in SHOWN}
    ordered = sorted(tickets.values(), key=_called_at, reverse=True)
    return [_call(ticket, numbers[ticket.counter_id]) for ticket in ordered if ticket.counter_id in numbers]


def words() -> dict[str, Both]:
    return {name: both(name) for name in WORDS}


@cache
def both(name: str) -> Both:
    """One of the WORDS in both languages."""
    with translation.override("zh-hans"):
        zh = str(WORDS[name])
    with translation.override("en"):
        return Both(zh, str(WORDS[name]))


def minutes_of(wait: dt.timedelta) -> int:
    """An expected wait in whole minutes, rounded up: 0 only for no wait at all."""
    return -(-int(wait.total_seconds()) // 60)


def names(service: Service) -> Both:
    """The service's names; the only one there is stands once."""
    return Both(service.name_zh, "" if service.name_en == service.name_zh else service.name_en)


def _called_at(ticket: Ticket) -> tuple[dt.datetime, int]:
    times = [at for at in (ticket.called_at, ticket.recalled_at) if at is not None]
    return max(times), ticket.pk


def _call(ticket: Ticket, counter: Counter) -> Call:
    assert ticket.called_at is not None
    return Call(
        key=f"{ticket.pk}-{int(ticket.called_at.timestamp() * 1000)}-{ticket.recalls}",
        number=ticket.number,
        counter=counter.number,
        is_new=ticket.state == State.CALLED,
        is_vip=counter.kind == Counter.Kind.VIP,
        service=names(ticket.service),
        say=_say(ticket.number, counter.number),
    )


def _say(number: str, counter: int) -> Both:
    """The number letter by letter: a voice would read A017 as seventeen, or as a word."""
    text = both("call")
    zh = text.zh % {"number": " ".join(DIGITS_ZH.get(sign, sign) for sign in number), "counter": counter}
    return Both(zh, text.en % {"number": " ".join(number), "counter": counter})


def _soon(state: QueueState, service: Service) -> Soon:
    waiting = sum(ticket.service_id == service.pk for ticket in state.waiting)
    opened = any(row.state == Counter.State.OPEN and row.pk in service.counter_ids for row in state.counters)  # type: ignore[attr-defined]
    minutes = minutes_of(state.estimate_new(service).wait) if opened else None
    return Soon(names(service), waiting, minutes)


def _suspended(state: QueueState, counter: Counter) -> Both:
    time = _returns(state, counter)
    return both("suspended_until" if time else "suspended_one") % {"number": counter.number, "time": time}


def _returns(state: QueueState, counter: Counter) -> str:
    return f"{state.hall.local(counter.expected_return_at):%H:%M}" if counter.expected_return_at else ""


def _closed(state: QueueState) -> Both | None:
    """What is said when no tickets are given; None while they are."""
    found = opening.of(state.hall, state.at)
    if found.gives:
        return None
    if found.again_at is None:
        return both("closed")
    local = state.hall.local(found.again_at)
    if found.again_today:
        return both("again_at") % {"time": f"{local:%H:%M}"}
    return both("again_on") % {"date": f"{local:%m-%d}", "time": f"{local:%H:%M}"}
