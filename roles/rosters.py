"""Every write to the roster: planning, changing and cancelling shifts, copying a week, swaps, meals. What is so is hall.postings."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hall import live, text
from hall.models import Counter, Hall, Kind, Membership, Person, Post, Zone
from hall.postings import USUAL
from hall.refusals import Invalid, Refused, WrongState
from roles import meals
from roles.models import Shift, ShiftEvent, Swap
from roles.models.rosters import LONGEST_SHIFT

T = TypeVar("T")

WEEK = dt.timedelta(days=7)
LONGEST_NOTE = 100


class Overlaps(WrongState):
    """The person has another shift at that time."""


@dataclass(frozen=True)
class Plan:
    """One shift as it shall be: who, as what, where, from when to when."""

    person: Person
    post: Post
    starts: dt.datetime
    ends: dt.datetime
    zone: Zone | None = None
    counter: Counter | None = None
    meal_from: dt.datetime | None = None
    meal_until: dt.datetime | None = None
    delegate: Person | None = None  # of a duty manager
    note: str = ""


@dataclass
class Member:
    """Somebody who can be planned in a hall: the posts he may take there, in order, and his company if it is another one (O-14)."""

    person: Person
    posts: list[Post] = field(default_factory=list)
    company: str = ""


@dataclass(frozen=True)
class Copy:
    """What copying last week would do: the plans for this week, and what cannot be copied with the reason in words."""

    plans: list[tuple[Shift, Plan]]
    conflicts: list[tuple[Shift, str]]


# Reads


def crew(hall: Hall) -> dict[int, Member]:
    """Person id → who can be planned in a hall, by the order of their first post and their login. Two queries."""
    rows = Membership.objects.filter(hall=hall, person__is_active=True).select_related("person", "post")
    usual = {post.slug: post for post in Post.objects.filter(slug__in=USUAL.values(), is_active=True)}
    found: dict[int, Member] = {}
    for row in rows:
        member = found.setdefault(row.person_id, Member(row.person))
        member.company = member.company or row.company
        post = row.post if row.post is not None else usual.get(USUAL.get(Kind(row.kind), ""))
        if post is not None and post.is_active and post not in member.posts:
            member.posts.append(post)
    for member in found.values():
        member.posts.sort(key=lambda post: (post.position, post.code))
    last = (10**6, "")
    return dict(
        sorted(
            found.items(),
            key=lambda item: (
                (item[1].posts[0].position, item[1].posts[0].code) if item[1].posts else last,
                item[1].person.login,
            ),
        )
    )


def planned_on(hall: Hall, on: dt.date) -> list[Shift]:
    """The shifts that start on a date of the hall, with person, post, zone and counter, by their start. One query."""
    return list(_shown(Shift.objects.filter(hall=hall, on=on)))


def planned_now(hall: Hall, at: dt.datetime) -> list[Shift]:
    """The shifts that run at this instant (`starts <= at < ends`), also those that began yesterday. One query."""
    return list(_shown(Shift.objects.filter(hall=hall, starts__lte=at, ends__gt=at)))


def planned_between(hall: Hall, first: dt.date, last: dt.date) -> list[Shift]:
    """The shifts that start on dates from first to last, both included, by their start. One query."""
    return list(_shown(Shift.objects.filter(hall=hall, on__range=(first, last))))


def open_swaps(hall: Hall) -> list[Swap]:
    """The swaps that wait for an answer and whose shift has not been cancelled, oldest first. One query."""
    return list(
        Swap.objects.filter(shift__hall=hall, state=Swap.State.ASKED).select_related(
            "shift__post", "other__post", "giver", "to"
        )
    )


def swaps_of(shifts: Iterable[Shift]) -> dict[int, list[Swap]]:
    """Shift id → the swaps asked for it or in exchange for it, the newest first. One query."""
    ids = [shift.pk for shift in shifts]
    found: dict[int, list[Swap]] = {}
    rows = Swap.objects.filter(Q(shift_id__in=ids) | Q(other_id__in=ids)).select_related("giver", "to")
    for swap in rows.order_by("-id"):
        for pk in (swap.shift_id, swap.other_id):
            if pk is not None:
                found.setdefault(pk, []).append(swap)
    return found


def span(hall: Hall, on: dt.date, start: dt.time, end: dt.time) -> tuple[dt.datetime, dt.datetime]:
    """From when to when a shift is that starts on a local date: an end not after the start is on the next day."""
    last = on if end > start else on + dt.timedelta(days=1)
    return _instant(hall, on, start), _instant(hall, last, end)


def meal_span(hall: Hall, starts: dt.datetime, start: dt.time, end: dt.time) -> tuple[dt.datetime, dt.datetime]:
    """A meal by the wall clock within the shift that starts then: what is before the shift's own time is after midnight."""
    begun = hall.local(starts)
    on = begun.date() if start >= begun.time() else begun.date() + dt.timedelta(days=1)
    return span(hall, on, start, end)


# Verbs


def plan(hall: Hall, new: Plan, *, by: Person | None, at: dt.datetime) -> Shift:
    """Somebody is planned for a post.

    Raises Invalid for a person or place of another hall, a post that he does not have, a shift over 16 hours, a meal
    outside it; Overlaps where he has another shift then, in whatever hall; WrongState for a shift that would be over.
    """
    return plan_all(hall, [new], verb="planned", by=by, at=at)[0]


def plan_all(hall: Hall, plans: Iterable[Plan], *, verb: str, by: Person | None, at: dt.datetime) -> list[Shift]:
    """All of these are planned, or none. Raises what `plan` raises, for the first that does not fit."""
    known = crew(hall)
    ready = [fitting(hall, one, known, at=at) for one in plans]
    taken = shifts_of({one.person.pk for one in ready}, ready)
    for one in ready:
        require_free(hall, one, taken)
        taken.setdefault(one.person.pk, []).append((one.starts, one.ends))
    with transaction.atomic():  # all or none
        made = _keeping(lambda: Shift.objects.bulk_create([_row(hall, one) for one in ready]))
        ShiftEvent.objects.bulk_create([ShiftEvent(shift=row, verb=verb, at=at, by=by) for row in made])
        live.announce(hall.pk, "roster")
    return made


def change(shift: Shift, new: Plan, *, by: Person | None, at: dt.datetime) -> Shift:
    """The shift becomes this one; what stood there is kept in its event.

    Raises what `plan` raises, and WrongState once it is over or cancelled.
    """
    with transaction.atomic():  # two who change it at once: the second sees the first one's
        shift = _locked(shift, at)
        new = fitting(shift.hall, new, crew(shift.hall), at=at)
        require_free(shift.hall, new, shifts_of({new.person.pk}, [new], without=[shift.pk]))
        before = _told(shift)
        if new.person.pk != shift.person_id:
            _drop_swaps([shift.pk], by=by, at=at)
        row = _row(shift.hall, new)
        row.pk = shift.pk
        _keeping(lambda: row.save(force_update=True))
        ShiftEvent.objects.create(shift=row, verb="changed", at=at, by=by, data=before)
        live.announce(shift.hall_id, "roster")
    return row


def cancel(shift: Shift, *, by: Person | None, at: dt.datetime) -> Shift:
    """The shift is not worked; the row stays, and its time is free for another. Raises WrongState once it is over or cancelled."""
    with transaction.atomic():  # of two who cancel it, the second is told
        shift = _locked(shift, at)
        Shift.objects.filter(pk=shift.pk).update(cancelled=True)
        _drop_swaps([shift.pk], by=by, at=at)
        ShiftEvent.objects.create(shift=shift, verb="cancelled", at=at, by=by, data=_told(shift))
        live.announce(shift.hall_id, "roster")
    shift.cancelled = True
    return shift


def copy_preview(hall: Hall, monday: dt.date, *, at: dt.datetime) -> Copy:
    """What the week from `monday` would take over from the week before. Days that are over are left as they are. Four queries.

    Times are the wall clock's: over a change to summer time a shift from 9 stays from 9.
    """
    known = crew(hall)
    plans: list[tuple[Shift, Plan]] = []
    conflicts: list[tuple[Shift, str]] = []
    asked = []
    for shift in planned_between(hall, monday - WEEK, monday - dt.timedelta(days=1)):
        new = _a_week_later(hall, shift)
        if new.ends > at:
            asked.append((shift, new))
    taken = shifts_of({new.person.pk for _shift, new in asked}, [new for _shift, new in asked])
    for shift, new in asked:
        try:
            require_free(hall, fitting(hall, new, known, at=at), taken)
        except Refused as refusal:
            conflicts.append((shift, str(refusal)))
        else:
            plans.append((shift, new))
    return Copy(plans, conflicts)


def copy_week(
    hall: Hall, monday: dt.date, *, leave_out: Collection[int] = (), by: Person | None, at: dt.datetime
) -> list[Shift]:
    """Last week's shifts are planned again for the week from `monday`, all or none.

    `leave_out` are the ids of last week's shifts that the person has seen cannot be copied. Raises WrongState, naming
    them, where others cannot, and when nothing is left to copy.
    """
    found = copy_preview(hall, monday, at=at)
    unseen = [why for shift, why in found.conflicts if shift.pk not in leave_out]
    if unseen:
        count = len(unseen)
        said = ngettext(
            "%(count)d shift cannot be copied; nothing was. %(why)s",
            "%(count)d shifts cannot be copied; nothing was. %(why)s",
            count,
        )
        raise WrongState(said % {"count": count, "why": " ".join(unseen[:5])})
    if not found.plans:
        raise WrongState(_("There is nothing to copy from last week."))
    return plan_all(hall, [new for _shift, new in found.plans], verb="copied", by=by, at=at)


def ask_swap(
    shift: Shift, *, to: Person | None = None, other: Shift | None = None, reason: str = "", by: Person | None, at: dt.datetime
) -> Swap:  # fmt: skip
    """Somebody asks to give his shift to a colleague, or to exchange it for that colleague's `other` shift.

    Raises Invalid where one of them lacks the post that he would take, Overlaps where he has another shift then,
    WrongState when a shift has begun, is cancelled, or is asked for already.
    """
    reason = text.clean(reason, most=LONGEST_NOTE)
    taker = other.person if other is not None else to
    if taker is None:
        raise Invalid(_("Please choose a colleague."))
    with transaction.atomic():  # two asks for one shift: the second is told
        _require_swappable(shift, taker, other, at)
        if Swap.objects.filter(shift=shift, state=Swap.State.ASKED).exists():
            raise WrongState(_("A swap of this shift waits for an answer already."))
        made = _keeping(
            lambda: Swap.objects.create(
                shift=shift, giver=shift.person, to=taker, other=other, asked_by=by, asked_at=at, reason=reason
            )
        )
        live.announce(shift.hall_id, "roster")
    return made


def agree_swap(swap: Swap, *, by: Person | None, at: dt.datetime) -> Swap:
    """The shift goes to the colleague, and his to the giver where the two are exchanged.

    Raises what `ask_swap` raises, for things may have changed since; WrongState if it was answered already.
    """
    with transaction.atomic():  # answered once
        swap = _locked_swap(swap)
        shift, other = swap.shift, swap.other
        if shift.person_id != swap.giver_id or (other is not None and other.person_id != swap.to_id):
            raise WrongState(_("The roster has changed since. Please ask for the swap again."))
        _require_swappable(shift, swap.to, other, at)
        rows = [(shift, swap.to_id)] + ([(other, swap.giver_id)] if other is not None else [])
        new = Case(*(When(pk=row.pk, then=Value(person)) for row, person in rows))
        mine = Shift.objects.filter(pk__in=[row.pk for row, _person in rows])
        _keeping(lambda: mine.update(person=new))  # one statement: the two may be at the same time
        mine.filter(delegate=F("person")).update(delegate=None)
        ShiftEvent.objects.bulk_create(
            [ShiftEvent(shift=row, verb="swapped", at=at, by=by, data=_told(row)) for row, _person in rows]
        )
        Swap.objects.filter(pk=swap.pk).update(state=Swap.State.AGREED, by=by, at=at)
        _drop_swaps([row.pk for row, _person in rows], by=by, at=at)
        live.announce(shift.hall_id, "roster")
    swap.refresh_from_db()
    return swap


def refuse_swap(swap: Swap, *, reason: str = "", by: Person | None, at: dt.datetime) -> Swap:
    """The shift stays with whoever has it. Raises WrongState if the swap was answered already."""
    reason = text.clean(reason, most=LONGEST_NOTE)
    with transaction.atomic():  # answered once
        swap = _locked_swap(swap)
        Swap.objects.filter(pk=swap.pk).update(state=Swap.State.REFUSED, by=by, at=at, answer=reason)
        live.announce(swap.shift.hall_id, "roster")
    swap.refresh_from_db()
    return swap


def accept_meals(hall: Hall, on: dt.date, *, shown: str, by: Person | None, at: dt.datetime) -> int:
    """The meals proposed for a date are planned (R-Q11). Returns how many.

    `shown` is the proposal's text as the person saw it: WrongState if the roster would propose others by now.
    """
    with transaction.atomic():  # a shift that is changed meanwhile waits, or is seen
        list(Shift.objects.select_for_update(no_key=True).filter(hall=hall, on=on, cancelled=False).order_by("pk"))
        proposal = meals.propose(hall, planned_on(hall, on))
        if not proposal.placed or proposal.text() != shown:
            raise WrongState(_("The roster has changed meanwhile. Please look at the meals again."))
        for meal in proposal.placed:
            if meal.shift.ends <= at:
                raise WrongState(_("This shift is over; the roster keeps it as it was."))
            Shift.objects.filter(pk=meal.shift.pk).update(meal_from=meal.starts, meal_until=meal.ends)
        ShiftEvent.objects.bulk_create(
            [ShiftEvent(shift=meal.shift, verb="meal", at=at, by=by) for meal in proposal.placed]
        )
        live.announce(hall.pk, "roster")
    return len(proposal.placed)


# What fits, and what does not


def fitting(hall: Hall, new: Plan, known: dict[int, Member], *, at: dt.datetime) -> Plan:
    """The plan with its note cleaned and the counter's zone filled in. Raises what `plan` raises, but for Overlaps. No query."""
    if new.ends <= new.starts:
        raise Invalid(_("A shift ends after it starts."))
    if new.ends - new.starts > LONGEST_SHIFT:
        raise Invalid(_("A shift has at most 16 hours."))
    if new.ends <= at:
        raise WrongState(_("This time is over; the roster keeps it as it was."))
    require_post(known, new.person, new.post)
    for place in (new.zone, new.counter):
        if place is not None and place.hall_id != hall.pk:
            raise Invalid(_("Please choose a zone or counter of this hall."))
    if (new.meal_from is None) != (new.meal_until is None):
        raise Invalid(_("A meal has a beginning and an end."))
    meal = (new.meal_from, new.meal_until)
    if meal[0] and meal[1] and not new.starts <= meal[0] < meal[1] <= new.ends:
        raise Invalid(_("The meal is within the shift."))
    if new.delegate is not None:
        _require_delegate(new, known)
    zone = new.zone
    if zone is None and new.counter is not None:
        zone = new.counter.zone
    return replace(new, note=text.clean(new.note, most=LONGEST_NOTE), zone=zone)


def require_post(known: dict[int, Member], person: Person, post: Post) -> None:
    """Raises Invalid, in words, for somebody who does not belong to the hall or has not learnt the post."""
    member = known.get(person.pk)
    if member is None:
        raise Invalid(_("%(name)s does not belong to this hall.") % {"name": person.name})
    if post not in member.posts:
        raise Invalid(_("%(name)s does not have the post %(post)s here.") % {"name": person.name, "post": post.name})


Taken = dict[int, list[tuple[dt.datetime, dt.datetime]]]


def shifts_of(people: set[int], plans: list[Plan], *, without: Collection[int] = ()) -> Taken:
    """Person id → when these people have shifts, in whatever hall, around the time of the plans. One query, none without plans."""
    if not plans:
        return {}
    first, last = min(one.starts for one in plans), max(one.ends for one in plans)
    rows = Shift.objects.filter(person_id__in=people, cancelled=False, starts__lt=last, ends__gt=first)
    found: Taken = {}
    for person_id, starts, ends in rows.exclude(pk__in=without).values_list("person_id", "starts", "ends"):
        found.setdefault(person_id, []).append((starts, ends))
    return found


def require_free(hall: Hall, new: Plan, taken: Taken) -> None:
    """Raises Overlaps, naming person and time, where the person has another shift then."""
    for starts, ends in taken.get(new.person.pk, []):
        if starts < new.ends and new.starts < ends:
            raise Overlaps(
                _("%(name)s already has a shift from %(start)s to %(end)s.")
                % {
                    "name": new.person.name,
                    "start": f"{hall.local(starts):%m-%d %H:%M}",
                    "end": f"{hall.local(ends):%H:%M}",
                }
            )


def _require_delegate(new: Plan, known: dict[int, Member]) -> None:
    assert new.delegate is not None
    if new.post.kind != Kind.DUTY_MANAGER:
        raise Invalid(_("Only a duty manager's shift has a deputy."))
    if new.delegate.pk == new.person.pk:
        raise Invalid(_("The deputy is somebody else."))
    if new.delegate.pk not in known:
        raise Invalid(_("%(name)s does not belong to this hall.") % {"name": new.delegate.name})


def _require_swappable(shift: Shift, taker: Person, other: Shift | None, at: dt.datetime) -> None:
    known = crew(shift.hall)
    for row in (shift, other):
        if row is not None and (row.cancelled or row.starts <= at or row.hall_id != shift.hall_id):
            raise WrongState(_("This shift has begun or was cancelled; it cannot be swapped."))
    if taker.pk == shift.person_id:
        raise Invalid(_("Please choose a colleague."))
    pairs = [(taker, shift)] + ([(shift.person, other)] if other is not None else [])
    for person, row in pairs:
        require_post(known, person, row.post)
        new = replace(_as_plan(row), person=person)
        both = [one.pk for one in (shift, other) if one is not None]
        require_free(shift.hall, new, shifts_of({person.pk}, [new], without=both))


def _keeping(write: Callable[[], T]) -> T:
    """Write; what only the database saw (two people at the same instant) is said as the guard would have said it."""
    try:
        with transaction.atomic():  # the constraint's refusal undoes the write only
            return write()
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
        if name == "person_has_one_shift_at_a_time":
            raise Overlaps(_("Somebody was planned twice for the same time. Please look again.")) from error
        if name == "shift_has_one_open_swap":
            raise WrongState(_("A swap of this shift waits for an answer already.")) from error
        raise


def _locked(shift: Shift, at: dt.datetime) -> Shift:
    """The shift as it is under its lock. Raises WrongState if it is cancelled or over."""
    found = (
        Shift.objects.select_for_update(of=("self",), no_key=True)
        .select_related("hall", "person", "post", "zone", "counter", "delegate")
        .get(pk=shift.pk)
    )
    if found.cancelled:
        raise WrongState(_("This shift was cancelled already."))
    if found.ends <= at:
        raise WrongState(_("This shift is over; the roster keeps it as it was."))
    return found


def _locked_swap(swap: Swap) -> Swap:
    shifts = [pk for pk in (swap.shift_id, swap.other_id) if pk is not None]
    list(Shift.objects.select_for_update(no_key=True).filter(pk__in=shifts).order_by("pk"))
    found = (
        Swap.objects.select_for_update(of=("self",), no_key=True)
        .select_related("shift__hall", "shift__person", "shift__post", "other__person", "other__post", "giver", "to")
        .get(pk=swap.pk)
    )
    if found.state != Swap.State.ASKED:
        raise WrongState(_("This swap was answered already: %(state)s.") % {"state": found.get_state_display()})
    return found


def _drop_swaps(shifts: list[int], *, by: Person | None, at: dt.datetime) -> None:
    """Swaps that these shifts were asked for have become meaningless."""
    asked = Swap.objects.filter(Q(shift_id__in=shifts) | Q(other_id__in=shifts), state=Swap.State.ASKED)
    asked.update(state=Swap.State.REFUSED, by=by, at=at)


def _row(hall: Hall, new: Plan) -> Shift:
    return Shift(
        hall=hall, on=hall.business_date(new.starts), post=new.post, zone=new.zone, counter=new.counter, person=new.person,
        starts=new.starts, ends=new.ends, meal_from=new.meal_from, meal_until=new.meal_until, delegate=new.delegate, note=new.note,
    )  # fmt: skip


def _as_plan(shift: Shift) -> Plan:
    return Plan(
        person=shift.person, post=shift.post, starts=shift.starts, ends=shift.ends, zone=shift.zone, counter=shift.counter,
        meal_from=shift.meal_from, meal_until=shift.meal_until, delegate=shift.delegate, note=shift.note,
    )  # fmt: skip


def _a_week_later(hall: Hall, shift: Shift) -> Plan:
    """The same by the hall's wall clock seven days later."""

    def later(at: dt.datetime | None) -> dt.datetime | None:
        local = hall.local(at).replace(tzinfo=None) + WEEK if at is not None else None
        return local.replace(tzinfo=hall.zone_info).astimezone(dt.UTC) if local is not None else None

    starts, ends = later(shift.starts), later(shift.ends)
    assert starts is not None and ends is not None
    return replace(
        _as_plan(shift), starts=starts, ends=ends, meal_from=later(shift.meal_from), meal_until=later(shift.meal_until)
    )


def _told(shift: Shift) -> dict[str, object]:
    """What a shift says, for its event."""
    return {
        "person": shift.person.login,
        "post": shift.post.code,
        "starts": shift.starts.isoformat(),
        "ends": shift.ends.isoformat(),
        "zone": shift.zone.slug if shift.zone else "",
        "counter": shift.counter.number if shift.counter else None,
        "meal": [time.isoformat() for time in (shift.meal_from, shift.meal_until) if time is not None],
        "delegate": shift.delegate.login if shift.delegate else "",
        "note": shift.note,
    }


def _shown(rows: QuerySet[Shift]) -> QuerySet[Shift]:
    return (
        rows.filter(cancelled=False)
        .select_related("person", "post", "zone", "counter__zone", "delegate")
        .order_by("starts", "id")
    )


def _instant(hall: Hall, on: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC)
