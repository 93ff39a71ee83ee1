"""Every write to a counter: sign in, open, pause, resume, close, and who stands at it."""

import datetime as dt

from django.utils.translation import gettext as _

from hall import live, plain, postings, text
from hall.locks import lock_queue
from hall.models import Counter, CounterEvent, Person
from hall.refusals import CounterBusy, CounterNotOpen, CounterTaken, Invalid

LONGEST_PAUSE = dt.timedelta(hours=12)


def sign_in(counter: Counter, *, by: Person, at: dt.datetime) -> Counter:
    """A clerk takes the counter; it stays closed or paused until opened. Signing in twice changes nothing.

    Raises CounterTaken if a colleague is signed in there, or the clerk is at another counter.
    """
    with lock_queue(counter.hall_id):
        counter = fresh(counter)
        if counter.clerk_id == by.pk:
            return counter
        if counter.clerk is not None:
            raise CounterTaken(
                _("%(name)s is at counter %(number)s.") % {"name": counter.clerk.name, "number": counter.number}
            )
        elsewhere = Counter.objects.filter(clerk=by).select_related("hall").first()
        if elsewhere is not None:
            raise CounterTaken(
                _("You are still at counter %(number)s. Close it there first.") % {"number": elsewhere.number}
            )
        postings.take_counter(counter, by, by=by, at=at)
        return _change(counter, "signed_in", by=by, at=at, clerk=by, clerk_since=at)


def open_counter(counter: Counter, *, by: Person | None, at: dt.datetime) -> Counter:
    """The counter serves from now on. Opening an open one changes nothing.

    Raises CounterTaken if a colleague is signed in there. A recorded day opens counters without a clerk.
    """
    with lock_queue(counter.hall_id):
        counter = fresh(counter)
        require_own(counter, by)
        if counter.state == Counter.State.OPEN:
            return counter
        verb = "resumed" if counter.state == Counter.State.PAUSED else "opened"
        return _change(
            counter, verb, by=by, at=at,
            state=Counter.State.OPEN, state_since=at, free_since=at, pause_reason="", pause_note="", expected_return_at=None,
        )  # fmt: skip


def resume(counter: Counter, *, by: Person | None, at: dt.datetime) -> Counter:
    """The pause is over. Resuming an open counter changes nothing.

    Raises CounterNotOpen if it was closed meanwhile (its clerk is signed out: who serves there signs in again),
    CounterTaken if a colleague is signed in there.
    """
    with lock_queue(counter.hall_id):
        if fresh(counter).state == Counter.State.CLOSED:
            raise CounterNotOpen(_("Counter %(number)s is closed. Open it first.") % {"number": counter.number})
        return open_counter(counter, by=by, at=at)


def pause(
    counter: Counter,
    *,
    reason: str,
    expected_return_at: dt.datetime | None,
    note: str = "",
    by: Person | None,
    at: dt.datetime,
) -> Counter:
    """The sign is flipped to suspended (R-B13): the queue stops calling here, the screens say until when.

    Raises CounterNotOpen if it is not open, CounterBusy with a customer called or in service, CounterTaken if a
    colleague is signed in there, Invalid for an unknown reason or a return in the past or over 12 hours away.
    """
    if reason not in Counter.PauseReason.values:
        raise Invalid(_("Please choose a reason for the pause."))
    if expected_return_at is not None and not at <= expected_return_at <= at + LONGEST_PAUSE:
        raise Invalid(_("The return must lie within the next 12 hours."))
    note = text.clean(note, most=100)
    with lock_queue(counter.hall_id):
        counter = fresh(counter)
        require_own(counter, by)
        require_free(counter)
        return _change(
            counter, "paused", by=by, at=at, reason=reason,
            data={"expected_return_at": expected_return_at.isoformat() if expected_return_at else None},
            state=Counter.State.PAUSED, state_since=at, free_since=None,
            pause_reason=reason, pause_note=note, expected_return_at=expected_return_at,
        )  # fmt: skip


def close(counter: Counter, *, by: Person | None, at: dt.datetime) -> Counter:
    """The counter serves no more and its clerk is signed out. Closing a closed one signs out whoever was left there.

    Raises CounterBusy with a customer called or in service, CounterTaken if a colleague is signed in there.
    """
    with lock_queue(counter.hall_id):
        counter = fresh(counter)
        require_own(counter, by)
        if counter.ticket_number:
            raise CounterBusy(_("Counter %(number)s still has %(ticket)s.") % _who(counter))
        return _close(counter, by=by, at=at)


def close_for(counter: Counter, *, by: Person | None, at: dt.datetime) -> Counter:
    """The duty manager, or the day's end, closes somebody's counter. Raises CounterBusy with a customer there."""
    with lock_queue(counter.hall_id):
        counter = fresh(counter)
        if counter.ticket_number:
            raise CounterBusy(_("Counter %(number)s still has %(ticket)s.") % _who(counter))
        return _close(counter, by=by, at=at)


def require_own(counter: Counter, by: Person | None) -> None:
    """Guard: no colleague is signed in at the counter. A counter without a clerk is anybody's who may serve."""
    if by is not None and counter.clerk_id not in (None, by.pk):
        assert counter.clerk is not None
        raise CounterTaken(
            _("%(name)s is at counter %(number)s.") % {"name": counter.clerk.name, "number": counter.number}
        )


def require_free(counter: Counter) -> None:
    """Guard, under the hall's lock: the counter is open and nobody is called or in service there."""
    if counter.state == Counter.State.PAUSED:
        raise CounterNotOpen(_("Counter %(number)s is paused. End the pause first.") % {"number": counter.number})
    if counter.state != Counter.State.OPEN:
        raise CounterNotOpen(_("Counter %(number)s is closed. Open it first.") % {"number": counter.number})
    if counter.ticket_number:
        raise CounterBusy(_("Counter %(number)s is already serving %(ticket)s.") % _who(counter))


def occupy(counter: Counter, number: str, *, favoured_run: int | None = None) -> None:
    """Somebody is called to the counter; its row says who. Under the hall's lock; a verb of tickets announces."""
    _stands(counter.pk, number, None, favoured_run)


def vacate(counter_id: int, *, favoured_run: int | None = None, at: dt.datetime) -> None:
    """The customer has left the counter. Under the hall's lock; a verb of tickets announces."""
    _stands(counter_id, "", at, favoured_run)


def fresh(counter: Counter) -> Counter:
    """The counter as it is now, with its clerk and the hall that was known. One query."""
    found = plain.row(
        f"SELECT {plain.columns(Counter, 'c')}, {plain.columns(Person, 'p')} "
        "FROM hall_counter c LEFT JOIN hall_person p ON p.id = c.clerk_id WHERE c.id = %s",
        [counter.pk],
    )
    if found is None:
        raise Counter.DoesNotExist
    width = len(Counter._meta.concrete_fields)
    now = plain.made(Counter, found[:width])
    now.clerk = plain.made(Person, found[width:]) if now.clerk_id is not None else None
    if "hall" in counter._state.fields_cache:
        now.hall = counter.hall
    return now


def _stands(counter_id: int, number: str, free_since: dt.datetime | None, favoured_run: int | None) -> None:
    plain.changed(
        "UPDATE hall_counter SET ticket_number = %s, free_since = %s, favoured_run = coalesce(%s, favoured_run) WHERE id = %s",
        [number, free_since, favoured_run, counter_id],
    )


def _close(counter: Counter, *, by: Person | None, at: dt.datetime) -> Counter:
    if counter.state == Counter.State.CLOSED and counter.clerk_id is None:
        return counter
    postings.leave_counter(counter, by=by, at=at)
    return _change(
        counter, "closed", by=by, at=at,
        state=Counter.State.CLOSED, state_since=at, free_since=None, clerk=None, clerk_since=None,
        pause_reason="", pause_note="", expected_return_at=None, favoured_run=0,
    )  # fmt: skip


def _change(
    counter: Counter,
    verb: str,
    *,
    by: Person | None,
    at: dt.datetime,
    reason: str = "",
    data: dict | None = None,
    **fields: object,
) -> Counter:
    """Save the named fields past the history (which is for definitions), write the event, announce."""
    Counter.objects.filter(pk=counter.pk).update(**fields)
    CounterEvent.objects.create(counter=counter, verb=verb, at=at, by=by, reason=reason, data=data or {})
    live.announce(counter.hall_id, "counters", "queue", f"counter:{counter.pk}")
    for name, value in fields.items():
        setattr(counter, name, value)
    return counter


def _who(counter: Counter) -> dict[str, object]:
    return {"number": counter.number, "ticket": counter.ticket_number}
