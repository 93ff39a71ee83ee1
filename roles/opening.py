"""Every write to a hall's day: begun, opened by its checklist or by an override, secured after closing (F-13, F-14)."""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils.translation import gettext as _

from hall import live, text
from hall.models import Counter, Hall, Person
from hall.refusals import CounterNotOpen, Invalid, WrongState
from roles.models import HallDay, OpeningGate, Task

REASON_MOST = 200  # characters
STAYS_ON = ("machine_room", "surveillance")  # what is not switched off after trading (R-A03)


def is_open(hall: Hall, at: dt.datetime) -> bool:
    """Whether counters may open: the checklist is done, somebody overrode it, or the hall has no gate. At most two queries.

    A hall without a gate, open round the clock or shut that day is always open. A hall with a gate whose day has not
    begun yet is not: "my shift" begins it.
    """
    day = HallDay.objects.filter(hall=hall, business_date=hall.business_date(at)).first()
    if day is not None:
        return not day.has_gate or day.opened_at is not None
    return not OpeningGate.objects.filter(hall=hall, is_on=True).exists()


def require_open(hall: Hall, at: dt.datetime) -> None:
    """Guard before a counter opens (F-13). Raises CounterNotOpen, in words, while the gate is shut."""
    if not is_open(hall, at):
        raise CounterNotOpen(_("The hall is not open yet: its opening checklist in “My shift” comes first."))


def begin(days: Iterable[tuple[Hall, dt.date, bool]], *, at: dt.datetime) -> int:
    """These halls' dates have their tasks: hall, date, whether its counters wait. Returns how many had not begun. Three queries."""
    wanted = {(hall.pk, on): gated for hall, on, gated in days}
    halls, dates = {pk for pk, _on in wanted}, {on for _pk, on in wanted}
    known = HallDay.objects.filter(hall__in=halls, business_date__in=dates).values_list("hall_id", "business_date")
    new = wanted.keys() - set(known)
    rows = [HallDay(hall_id=pk, business_date=on, made_at=at, has_gate=wanted[pk, on]) for pk, on in sorted(new)]
    HallDay.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


@contextmanager
def lock(hall_id: int, on: dt.date) -> Iterator[HallDay | None]:
    """Open the transaction and lock a hall's day: what is done last of a checklist is seen as the last."""
    with transaction.atomic():
        yield (
            HallDay.objects.select_for_update(of=("self",), no_key=True).filter(hall=hall_id, business_date=on).first()
        )


def open_when_ready(hall_id: int, on: dt.date, *, by: Person, at: dt.datetime) -> None:
    """The hall is open when nothing of its opening checklist is left."""
    left = Task.objects.filter(hall=hall_id, business_date=on, part=Task.Part.OPENING, state=Task.State.OPEN)
    if not left.exists():
        opened = HallDay.objects.filter(hall=hall_id, business_date=on, opened_at=None)
        if opened.update(opened_at=at, opened_by=by):
            live.announce(hall_id, "counters")


def override(hall: Hall, *, reason: str, by: Person, at: dt.datetime) -> None:
    """The hall opens although its checklist is not done. Raises Invalid without a reason, WrongState if it is open or has no day."""
    reason = text.clean(reason, most=REASON_MOST)
    if not reason:
        raise Invalid(_("Please say why the hall opens before its checklist is done."))
    with lock(hall.pk, hall.business_date(at)) as day:
        if day is None:
            raise WrongState(_("This day has no checklist yet. Please load the page again."))
        if day.opened_at is not None:
            raise WrongState(_("The hall is open already."))
        HallDay.objects.filter(pk=day.pk).update(opened_at=at, opened_by=by, open_reason=reason)
        live.announce(hall.pk, "counters")


def set_gate(hall: Hall, is_on: bool, *, waits: bool, by: Person, at: dt.datetime) -> None:
    """Counters wait for the opening checklist from now on, or no longer. `waits`: today has something to wait for."""
    with lock(hall.pk, hall.business_date(at)) as day:
        gate = OpeningGate.objects.get_or_create(hall=hall)[0]
        if gate.is_on != is_on:
            gate.is_on = is_on
            gate._history_user, gate._history_date = by, at  # type: ignore[attr-defined]  # read by simple_history
            gate.save()
        if day is not None:
            HallDay.objects.filter(pk=day.pk).update(has_gate=is_on and waits)
        live.announce(hall.pk, "counters")


def secure(hall: Hall, on: dt.date, *, left_on: Iterable[str], note: str = "", by: Person, at: dt.datetime) -> HallDay:
    """After trading: all is off but the machine room's air conditioning and the surveillance, and somebody signs it (R-A03).

    Raises WrongState while somebody is signed in at a counter, an item of the closing checklist is open, or it is signed
    already; Invalid unless both that stay on are confirmed.
    """
    note = text.clean(note, most=REASON_MOST)
    confirmed = [name for name in STAYS_ON if name in set(left_on)]
    if len(confirmed) != len(STAYS_ON):
        raise Invalid(_("Please confirm that the machine room's air conditioning and the surveillance stay on."))
    with lock(hall.pk, on) as day:
        if day is None or day.secured_at is not None:
            raise WrongState(_("The closing checklist is signed already."))
        _require_signed_out(hall)
        left = Task.objects.filter(hall=hall, business_date=on, part=Task.Part.CLOSING, state=Task.State.OPEN).count()
        if left:
            raise WrongState(
                _("Still open on the closing checklist: %(count)d. Do them or say why not.") % {"count": left}
            )
        day.secured_at, day.secured_by, day.left_on, day.secure_note = at, by, confirmed, note
        day.save(update_fields=["secured_at", "secured_by", "left_on", "secure_note"])
    return day


def _require_signed_out(hall: Hall) -> None:
    rows = Counter.objects.filter(hall=hall).exclude(clerk=None).order_by("number").select_related("clerk")
    there = [f"{row.number} ({row.clerk.name})" for row in rows if row.clerk]
    if there:
        raise WrongState(_("Still signed in at counter: %(counters)s.") % {"counters": ", ".join(there)})
