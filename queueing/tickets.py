"""Every move of a ticket, from issue to its end. Nothing else changes a ticket's state."""

import datetime as dt
import hashlib
import hmac
import json

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _

from hall import alarms, counters, hours, limits, live, plain, text
from hall.limits import Limits
from hall.locks import lock_queue
from hall.models import Counter, DayClose, Hall, Person
from hall.models.halls import Clock
from hall.refusals import HallClosed, Invalid, TooManyRecalls, WrongState
from queueing import call_order, estimates
from queueing.models import CLASS_RANK, FAVOURED, LIVE_STATES, CustomerClass, Service, State, Ticket, TicketEvent

LAST_SERIAL = 9999
NOT_ASKED = object()

# Where the time spent in a state is summed up when the ticket leaves it.
SPENT_IN = {
    State.WAITING: "waited_before",
    State.CALLED: "way_before",
    State.SERVING: "served_before",
    State.HELD: "held_before",
}


def issue(
    service: Service, *, customer_class: str = CustomerClass.NORMAL, person: str = "", need_note: str = "",
    documents_checked: bool = False, number: str | None = None, by: Person | None, at: dt.datetime,
) -> Ticket:  # fmt: skip
    """A customer gets a ticket: next number of the service's letter today, and what he is told of his wait.

    `person` is a phone or card number, kept as a keyed hash and its last two digits (R-Q06). `number` is for replays only.
    Raises HallClosed when the hall gives no tickets, WrongState if the person has a live ticket, Invalid for an
    unknown class, a service not offered, or text that cannot be stored.
    """
    if customer_class not in CustomerClass.values:
        raise Invalid(_("Please choose the customer's class."))
    need_note = text.clean(need_note, most=200)
    with lock_queue(service.hall_id) as hall:
        if not service.is_active:
            raise Invalid(_("This service is not offered here."))
        if not hours.gives_tickets(hall, at):
            raise HallClosed(_no_tickets(hall, at))
        person_hash, person_hint = _known_person(hall, person)
        if customer_class not in FAVOURED:
            # Nobody else would call it.
            customer_class = CustomerClass.GREEN if service.is_green else CustomerClass.NORMAL
        business_date = hall.business_date(at)
        letter, serial = _draw_number(hall, service, business_date, number)
        # A log does not say what was told.
        told = estimates.told_at_issue(service, customer_class, at=at) if number is None else None
        due = limits.in_force(hall.pk, ["R-Q02"])
        ticket = Ticket.objects.create(
            hall=hall, service=service, business_date=business_date, letter=letter, serial=serial,
            number=number or f"{letter}{serial:03d}", customer_class=customer_class,
            class_rank=CLASS_RANK[CustomerClass(customer_class)], state_since=at, issued_at=at, last_event_at=at,
            need_note=need_note, documents_checked=documents_checked, person_hash=person_hash, person_hint=person_hint,
            told_ahead=told.ahead if told else None, told_wait=told.wait if told else None, **_due_times(at, dt.timedelta(0), due),
        )  # fmt: skip
        TicketEvent.objects.create(ticket=ticket, verb="issued", to_state=State.WAITING, at=at, by=by)
        live.announce(hall.pk, "queue")
    return ticket


def call_next(counter: Counter, *, by: Person | None, at: dt.datetime) -> Ticket | None:
    """Call the next waiting ticket that this counter serves.

    Returns the ticket, now CALLED, or None if nobody it serves is waiting. Raises CounterBusy if the counter has a
    ticket called or in service, CounterNotOpen if it is paused or closed, CounterTaken if a colleague is signed in there.
    """
    with lock_queue(counter.hall_id) as hall:
        counter = counters.fresh(counter)
        counters.require_own(counter, by)
        counters.require_free(counter)
        most = limits.in_force(hall.pk, ["X-24"]).count("X-24", "favoured_in_a_row")
        ticket = call_order.next_for(counter, most_favoured=most)
        if ticket is not None:
            _call(ticket, counter, verb="called", by=by, at=at)
    return ticket


def call_this(ticket: Ticket, counter: Counter, *, reason: str, by: Person | None, at: dt.datetime) -> Ticket:
    """Call one certain waiting ticket out of turn, with a reason. Any service, any class.

    Raises Invalid without a reason, WrongState if it does not wait, CounterBusy and CounterNotOpen as call_next.
    """
    reason = text.clean(reason, most=200)
    if not reason:
        raise Invalid(_("Please say why this number is called out of turn."))
    with lock_queue(counter.hall_id):
        counter = counters.fresh(counter)
        counters.require_own(counter, by)
        counters.require_free(counter)
        ticket = _fresh(ticket, counter.hall_id)
        _require(ticket, State.WAITING)
        _call(ticket, counter, verb="called", reason=reason, by=by, at=at)
    return ticket


def recall(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """Call the same number again: screen and voice repeat it. Raises TooManyRecalls at the limit, WrongState if not called."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.CALLED)
        if ticket.recalls >= limits.in_force(hall.pk, ["F-04"]).count("F-04", "recalls"):
            raise TooManyRecalls
        _note(ticket, "recalled", by=by, at=at, recalls=ticket.recalls + 1, recalled_at=max(at, ticket.last_event_at))
    return ticket


def start(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """The customer is at the counter and service begins. Raises WrongState if not called."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.CALLED)
        _move(
            ticket,
            State.SERVING,
            "started",
            by=by,
            at=at,
            started_at=ticket.started_at or max(at, ticket.last_event_at),
        )
    return ticket


def finish(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """The customer is served; the counter is free. Raises WrongState if not in service."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.SERVING)
        at = max(at, ticket.last_event_at)
        _move(ticket, State.DONE, "finished", by=by, at=at, finished_at=at)
        _leave_counter(ticket, at=at)
    return ticket


def reopen(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """Undo a finish: the customer is in service again at the same counter.

    Raises WrongState if not done, finished too long ago, or with another live ticket since; CounterBusy and CounterNotOpen as call_next.
    """
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.DONE)
        assert ticket.finished_at is not None and ticket.counter is not None
        longest = limits.in_force(hall.pk, ["F-04"]).duration("F-04", "undo_finish")
        if at - ticket.finished_at > longest or _is_closed(hall, ticket.business_date):
            raise WrongState(
                _("%(number)s was finished too long ago to be taken up again.") % {"number": ticket.number}
            )
        _require_no_live_ticket(hall, ticket.person_hash)
        counter = counters.fresh(ticket.counter)
        counters.require_free(counter)
        _move(ticket, State.SERVING, "reopened", by=by, at=at, finished_at=None)
        counters.occupy(counter, ticket.number)
    return ticket


def hold(ticket: Ticket, *, reason: str = "", by: Person | None, at: dt.datetime) -> Ticket:
    """The customer steps aside (fills a form, fetches a paper); the counter is free for others. Raises WrongState if not in service."""
    reason = text.clean(reason, most=200)
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.SERVING)
        _move(ticket, State.HELD, "held", by=by, at=at, reason=reason)
        _leave_counter(ticket, at=ticket.state_since)
    return ticket


def take_back(ticket: Ticket, counter: Counter, *, by: Person | None, at: dt.datetime) -> Ticket:
    """A held customer is served again, at this counter. Raises WrongState if not held, CounterBusy and CounterNotOpen as call_next."""
    with lock_queue(counter.hall_id):
        counter = counters.fresh(counter)
        counters.require_own(counter, by)
        counters.require_free(counter)
        ticket = _fresh(ticket, counter.hall_id)
        _require(ticket, State.HELD)
        _move(ticket, State.SERVING, "taken_back", by=by, at=at, counter=counter)
        counters.occupy(counter, ticket.number)
    return ticket


def transfer(
    ticket: Ticket,
    *,
    service: Service | None = None,
    to: Counter | None = None,
    reason: str = "",
    by: Person | None,
    at: dt.datetime,
) -> Ticket:
    """The customer waits again, for another service or another counter; the card and its issue time stay (F-04).

    From called, in service or held. Raises WrongState otherwise, Invalid if neither service nor counter is another one,
    or either is of another hall.
    """
    reason = text.clean(reason, most=200)
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.CALLED, State.SERVING, State.HELD)
        if any(place is not None and place.hall_id != hall.pk for place in (service, to)):
            raise Invalid(_("Please choose a service or a counter of this hall."))
        if (service is None or service.pk == ticket.service_id) and (to is None or to.pk == ticket.counter_id):
            raise Invalid(_("Please choose another service or another counter."))
        if service is not None and not service.is_active:
            raise Invalid(_("This service is not offered here."))
        left = ticket.counter_id if ticket.state != State.HELD else None
        data = {"from_service": ticket.service_id, "from_counter": ticket.counter_id}
        fields: dict[str, object] = {"for_counter": to}
        if service is not None:
            fields["service"] = service
            fields["customer_class"] = _class_for(ticket, service)
        _wait_again(ticket, "transferred", by=by, at=at, reason=reason, data=data, **fields)
        if left is not None:
            counters.vacate(left, at=ticket.state_since)
    return ticket


def no_show(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """Called, and did not come. Raises WrongState if not called, or (in a live hall) not yet called again as often as the limit says."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.CALLED)
        if hall.clock == Clock.LIVE:
            needed = limits.in_force(hall.pk, ["F-04"]).count("F-04", "recalls")
            if ticket.recalls < needed:
                raise WrongState(
                    _("Call %(number)s again first: %(done)d of %(needed)d.")
                    % {"number": ticket.number, "done": ticket.recalls, "needed": needed}
                )
        _move(ticket, State.NO_SHOW, "no_show", by=by, at=at)
        _leave_counter(ticket, at=ticket.state_since)
    return ticket


def uncall(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """Undo a call: the ticket waits again in its old place, and the counter's turn is as before. Raises WrongState if not called."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.CALLED)
        called = ticket.events.filter(verb="called").last()
        assert called is not None and ticket.counter_id is not None
        left = ticket.counter_id
        _wait_again(ticket, "uncalled", by=by, at=at, data={"from_counter": left})
        counters.vacate(left, favoured_run=called.data.get("favoured_run_before"), at=ticket.state_since)
    return ticket


def restore(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """Somebody who did not come, left, or whose ticket was taken back waits again in his old place.

    Raises WrongState otherwise, if his day is closed or over, or if the person has another live ticket.
    """
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.NO_SHOW, State.ABANDONED, State.RECLAIMED)
        if ticket.business_date != hall.business_date(at) or _is_closed(hall, ticket.business_date):
            raise WrongState(_("%(number)s is of another day. Please give a new ticket.") % {"number": ticket.number})
        _require_no_live_ticket(hall, ticket.person_hash)
        _wait_again(ticket, "restored", by=by, at=at)
    return ticket


def abandon(ticket: Ticket, *, by: Person | None, at: dt.datetime) -> Ticket:
    """The customer leaves without being served. From waiting or held; raises WrongState otherwise."""
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.WAITING, State.HELD)
        _move(ticket, State.ABANDONED, "abandoned", by=by, at=at, counter=None)
    return ticket


def reclaim(ticket: Ticket, *, reason: str = "", by: Person | None, at: dt.datetime) -> Ticket:
    """A spare ticket is politely taken back (R-Q06). Raises WrongState if it does not wait."""
    reason = text.clean(reason, most=200)
    with lock_queue(ticket.hall_id) as hall:
        ticket = _fresh(ticket, hall.pk)
        _require(ticket, State.WAITING)
        _move(ticket, State.RECLAIMED, "reclaimed", by=by, at=at, reason=reason)
    return ticket


def close_at_day_end(ticket: Ticket, *, reason: str, by: Person | None, at: dt.datetime) -> Ticket:
    """The day's close ends a ticket that is still live, with a reason. Under the hall's lock (queueing.days)."""
    left = ticket.counter_id if ticket.state in (State.CALLED, State.SERVING) else None
    _move(ticket, State.CLOSED_AT_DAY_END, "closed_at_day_end", by=by, at=at, reason=reason)
    if left is not None:
        counters.vacate(left, at=ticket.state_since)
    return ticket


def _call(ticket: Ticket, counter: Counter, *, verb: str, by: Person | None, at: dt.datetime, reason: str = "") -> None:
    before = counter.favoured_run
    run = before + 1 if ticket.customer_class in FAVOURED else 0
    at = max(at, ticket.last_event_at)
    _move(
        ticket, State.CALLED, verb, by=by, at=at, reason=reason, data={"favoured_run_before": before},
        counter=counter, called_at=at, recalls=0, recalled_at=None,
    )  # fmt: skip
    counters.occupy(counter, ticket.number, favoured_run=run)


def _wait_again(
    ticket: Ticket,
    verb: str,
    *,
    by: Person | None,
    at: dt.datetime,
    reason: str = "",
    data: dict | None = None,
    **fields: object,
) -> None:
    """Back to waiting: what was waited before counts on, way and service do not (design, section 5)."""
    at = max(at, ticket.last_event_at)
    due = _due_times(at, ticket.waited_before, limits.in_force(ticket.hall_id, ["R-Q02"]))
    _move(
        ticket, State.WAITING, verb, by=by, at=at, reason=reason, data=data, counter=None,
        called_at=None, started_at=None, recalls=0, recalled_at=None, over_seen_at=None, **due, **fields,
    )  # fmt: skip


def _move(
    ticket: Ticket,
    to: State,
    verb: str,
    *,
    by: Person | None,
    at: dt.datetime,
    reason: str = "",
    data: dict | None = None,
    **fields: object,
) -> None:
    """Compare and set on the old state, one event with one time, announce. `at` is never before the ticket's last event."""
    at = max(at, ticket.last_event_at)
    old = State(ticket.state)
    counter_before = ticket.counter_id
    fields |= {"state": to, "state_since": at, "last_event_at": at}
    if old in SPENT_IN:
        fields[SPENT_IN[old]] = getattr(ticket, SPENT_IN[old]) + (at - ticket.state_since)
    was_over = ticket.over_seen_at is not None
    if old == State.WAITING:
        fields |= {"warn_due_at": None, "alarm_due_at": None, "over_seen_at": None}
    at_counter = _counter_id(fields, counter_before) or counter_before
    event = {
        "verb": verb, "from_state": old, "to_state": to, "at": at, "by_id": by.pk if by is not None else None,
        "counter_id": at_counter, "reason": reason, "data": json.dumps(data or {}),
    }  # fmt: skip
    changed = _write(ticket.pk, old, fields, event, seen=ticket.over_seen_at)
    if changed == 0 and old == State.WAITING:
        was_over = True  # the sweep, which takes no hall lock, has raised this wait's alarm since it was read
        changed = _write(ticket.pk, old, fields, event)
    if changed != 1:
        raise WrongState
    for name, value in fields.items():
        setattr(ticket, name, value)
    if old == State.WAITING and was_over:
        alarms.settle_cause_gone(ticket.hall_id, "R-Q02", f"ticket:{ticket.pk}", at=at)
    topics = {f"counter:{counter_id}" for counter_id in (counter_before, ticket.counter_id) if counter_id}
    live.announce(ticket.hall_id, "queue", *sorted(topics))


def _note(ticket: Ticket, verb: str, *, by: Person | None, at: dt.datetime, **fields: object) -> None:
    """Something happened without a change of state: named fields, one event, announce."""
    at = max(at, ticket.last_event_at)
    fields["last_event_at"] = at
    event = {
        "verb": verb, "from_state": ticket.state, "to_state": ticket.state, "at": at,
        "by_id": by.pk if by is not None else None, "counter_id": ticket.counter_id, "reason": "", "data": "{}",
    }  # fmt: skip
    if _write(ticket.pk, State(ticket.state), fields, event) != 1:
        raise WrongState
    for name, value in fields.items():
        setattr(ticket, name, value)
    live.announce(ticket.hall_id, "queue", f"counter:{ticket.counter_id}")


def _write(
    ticket_id: int, old: State, fields: dict[str, object], event: dict[str, object], *, seen: object = NOT_ASKED
) -> int:
    """The ticket's new values and its event, if it is still in the old state: one statement. Returns 1, or 0 if it is not.

    With `seen`, also only if the sweep has not been there since (Ticket.over_seen_at).
    """
    sets, values = plain.settings(Ticket, fields)
    names = ", ".join(event)
    guard, guarded = ("", []) if seen is NOT_ASKED else (" AND over_seen_at IS NOT DISTINCT FROM %s", [seen])
    return plain.changed(
        f"WITH moved AS (UPDATE queueing_ticket SET {sets} WHERE id = %s AND state = %s{guard} RETURNING id) "
        f"INSERT INTO queueing_ticketevent (ticket_id, {names}) SELECT id{', %s' * len(event)} FROM moved",
        [*values, ticket_id, old, *guarded, *event.values()],
    )


def _counter_id(fields: dict[str, object], before: int | None) -> int | None:
    """Where the ticket is after the move: at the counter that the fields name, else where it was."""
    if "counter" not in fields:
        return before
    counter = fields["counter"]
    return counter.pk if isinstance(counter, Counter) else None


def _leave_counter(ticket: Ticket, *, at: dt.datetime) -> None:
    assert ticket.counter_id is not None
    counters.vacate(ticket.counter_id, at=at)


def _fresh(ticket: Ticket, hall_id: int) -> Ticket:
    """The ticket as it is under the lock. The fetch names the hall: a ticket of another hall is none."""
    return Ticket.objects.get(pk=ticket.pk, hall_id=hall_id)


def _require(ticket: Ticket, *states: State) -> None:
    if ticket.state not in states:
        raise WrongState(
            _("%(number)s is %(state)s now.") % {"number": ticket.number, "state": ticket.get_state_display()}
        )


def _due_times(since: dt.datetime, waited_before: dt.timedelta, rules: Limits) -> dict[str, dt.datetime]:
    """When a wait that goes on from `since` crosses the warning and the limit (R-Q02); never before `since`."""
    return {
        "warn_due_at": max(since, since + rules.duration("R-Q02", "warning") - waited_before),
        "alarm_due_at": max(since, since + rules.duration("R-Q02", "threshold") - waited_before),
    }


def _draw_number(hall: Hall, service: Service, business_date: dt.date, number: str | None) -> tuple[str, int]:
    """Letter and serial. Under the hall's lock nobody else draws; the unique constraint stands behind."""
    if number is not None:
        letter, digits = number[:1], number[1:]
        if not (letter.isascii() and letter.isupper() and digits.isascii() and digits.isdigit() and len(digits) <= 6):
            raise Invalid(_("“%(number)s” is not a ticket number.") % {"number": number[:20]})
        if Ticket.objects.filter(hall=hall, business_date=business_date, letter=letter, serial=int(digits)).exists():
            raise WrongState(_("%(number)s was already given today.") % {"number": number})
        return letter, int(digits)
    drawn = Ticket.objects.filter(hall=hall, business_date=business_date, letter=service.letter).aggregate(
        last=Max("serial")
    )
    serial = (drawn["last"] or 0) + 1
    if serial > LAST_SERIAL:
        raise HallClosed(_("All numbers of this service are used up today."))
    return service.letter, serial


def _known_person(hall: Hall, person: str) -> tuple[str, str]:
    """Keyed hash and last two digits of a phone or card number; two empty texts for nobody known. One live ticket each (R-Q06)."""
    person = text.clean(person, most=40)
    if not person:
        return "", ""
    digits = "".join(character for character in person if character.isascii() and character.isalnum()).upper()
    if not 4 <= len(digits) <= 30:
        raise Invalid(_("Please give a phone or card number of 4 to 30 digits, or none."))
    hashed = hmac.new(settings.SECRET_KEY.encode(), f"{hall.pk}:{digits}".encode(), hashlib.sha256).hexdigest()
    _require_no_live_ticket(hall, hashed)
    return hashed, digits[-2:]


def _require_no_live_ticket(hall: Hall, person_hash: str) -> None:
    if not person_hash:
        return
    other = Ticket.objects.filter(hall=hall, person_hash=person_hash, state__in=LIVE_STATES).first()
    if other is not None:
        raise WrongState(_("This customer already has %(number)s.") % {"number": other.number})


def _class_for(ticket: Ticket, service: Service) -> str:
    """Green follows the service; what the customer is stays with him."""
    if ticket.customer_class in FAVOURED:
        return ticket.customer_class
    return CustomerClass.GREEN if service.is_green else CustomerClass.NORMAL


def _is_closed(hall: Hall, business_date: dt.date) -> bool:
    return DayClose.objects.filter(hall=hall, business_date=business_date).exists()


def _no_tickets(hall: Hall, at: dt.datetime) -> str:
    if _is_closed(hall, hall.business_date(at)):
        return _("The day is closed. No more tickets today.")
    part = hours.open_interval(hall, at)
    if part is None:
        return _("The hall is closed.")
    return _("The last ticket is given at %(time)s.") % {
        "time": f"{hall.local(part.closes_at - hall.last_ticket_before_close):%H:%M}"
    }
