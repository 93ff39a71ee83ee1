"""Every write to a meeting: held, skipped with a reason, followed up; and when one is due (R-B11, R-R06, X-10, X-16)."""

import calendar
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from hall import hours, limits, live, text
from hall.locks import lock_queue
from hall.models import Hall, Person
from hall.refusals import Invalid, WrongState
from roles import notices, staff
from roles.models import FollowUp, Meeting, Notice

TEXTS = {"review": 2000, "problems": 2000, "persons": 600, "cases": 2000, "plan": 2000, "proposals": 2000}
# What each kind of meeting writes down: REC-02, REC-11.
SAID = {
    Meeting.Kind.AFTER_SHIFT: ("problems", "persons", "cases"),
    Meeting.Kind.MONTHLY: ("review", "problems", "plan", "proposals"),
    Meeting.Kind.SPECIAL: ("review", "problems", "plan", "proposals"),
}
FOLLOW_UPS_MOST = 20


@dataclass(frozen=True)
class Agreed:
    """What is agreed: what, who, by which day."""

    text: str
    owner: Person
    due_on: dt.date


def to_explain(hall: Hall, at: dt.datetime) -> dict[Notice, list[Person]]:
    """Notices of new or changed services → who of the hall does not know them yet. Until that is nobody, they force a meeting (R-B11).

    Notices that everybody has read are left out. Five queries.
    """
    changes = [one for one in notices.standing(hall, hall.business_date(at)) if one.changes_service]
    unread = notices.unread_by(changes, staff.of_hall(hall))
    return {one: unread[one.pk] for one in changes if unread[one.pk]}


def monthly_due(hall: Hall, month: dt.date) -> dt.date:
    """By when the monthly meeting of a date's month is held: the 30th, or the last working day if that is earlier (R-R06, X-16).

    Three queries, fewer where the hall's hours were fetched before. A hall that never opens: the 30th, or the month's end.
    """
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    length = calendar.monthrange(month.year, month.month)[1]
    latest = month.replace(day=max(1, min(limits.in_force(hall.pk, ["R-R06"]).count("R-R06", "day"), length)))
    days = (latest.replace(day=number) for number in range(latest.day, 0, -1))
    return next((on for on in days if hours.intervals_on(hall, on)), latest)


def hold(
    hall: Hall, kind: str, *, trigger: str = "", said: dict[str, str], attendees: Iterable[Person], explained: Iterable[Notice] = (),
    actions: Iterable[Agreed] = (), by: Person, at: dt.datetime,
) -> Meeting:  # fmt: skip
    """A meeting is written down. Those present count as told about the notices that were explained there.

    Raises Invalid for an unknown kind or occasion, nothing said, nobody present, or an action due in the past.
    """
    on = hall.business_date(at)
    attendees, explained, actions = list(attendees), list(explained), list(actions)
    if kind not in Meeting.Kind.values:
        raise Invalid(_("Please choose a kind of meeting."))
    if (kind == Meeting.Kind.AFTER_SHIFT) != (trigger in Meeting.Trigger.values):
        raise Invalid(_("Please choose the occasion."))
    words = {name: text.clean(said.get(name, ""), most=TEXTS[name], lines=True) for name in SAID[Meeting.Kind(kind)]}
    if not any(words.values()) and not explained:
        raise Invalid(_("Please write down what was said."))
    if not attendees:
        raise Invalid(_("Please mark who was there."))
    _require_actions(actions, on)
    with lock_queue(hall.pk) as hall:
        due = monthly_due(hall, on) if kind == Meeting.Kind.MONTHLY else None
        made = Meeting.objects.create(hall=hall, kind=kind, on=on, trigger=trigger, due_on=due, **words, by=by, at=at)
        made.attendees.set(attendees)
        made.notices.set(explained)
        FollowUp.objects.bulk_create(
            [
                FollowUp(meeting=made, text=text.clean(one.text, most=300), owner=one.owner, due_on=one.due_on)
                for one in actions
            ]
        )
        _tell(hall, explained, attendees, by, at)
        live.announce(hall.pk, "meetings", "notices")
    return made


def skip(hall: Hall, reason: str, *, by: Person, at: dt.datetime) -> Meeting:
    """Today's meeting after the shift is not needed, and why (X-10).

    Raises Invalid without a reason, WrongState when today's was held or skipped already, or when a new or changed
    service is not yet known to everybody (R-B11).
    """
    reason = text.clean(reason, most=200)
    if not reason:
        raise Invalid(_("Please say why it is skipped."))
    with lock_queue(hall.pk) as hall:
        on = hall.business_date(at)
        if Meeting.objects.filter(hall=hall, on=on, kind=Meeting.Kind.AFTER_SHIFT).exists():
            raise WrongState(_("Today's meeting is written down already."))
        unknown = to_explain(hall, at)
        if unknown:
            titles = ", ".join(f"“{one.title}”" for one in unknown)
            raise WrongState(_("It cannot be skipped: not everybody knows %(titles)s yet.") % {"titles": titles})
        made = Meeting.objects.create(
            hall=hall,
            kind=Meeting.Kind.AFTER_SHIFT,
            trigger=Meeting.Trigger.DAILY,
            on=on,
            skipped_because=reason,
            by=by,
            at=at,
        )
        live.announce(hall.pk, "meetings")
    return made


def finish(follow_up: FollowUp, *, by: Person, at: dt.datetime) -> None:
    """Done, by whoever owns it. Twice changes nothing. Raises WrongState for somebody else."""
    if follow_up.owner_id != by.pk:
        raise WrongState(_("This belongs to %(name)s, who says when it is done.") % {"name": follow_up.owner.name})
    FollowUp.objects.filter(pk=follow_up.pk, done_at=None).update(done_at=at, done_by=by)
    live.announce(follow_up.meeting.hall_id, "meetings")


def reopen(follow_up: FollowUp, *, by: Person, at: dt.datetime) -> None:
    """A tap by mistake: it is still to do. Raises WrongState for somebody else than its owner."""
    if follow_up.owner_id != by.pk:
        raise WrongState(_("This belongs to %(name)s, who says when it is done.") % {"name": follow_up.owner.name})
    FollowUp.objects.filter(pk=follow_up.pk).update(done_at=None, done_by=None)
    live.announce(follow_up.meeting.hall_id, "meetings")


def _require_actions(actions: list[Agreed], on: dt.date) -> None:
    if len(actions) > FOLLOW_UPS_MOST:
        raise Invalid(_("At most %(count)d follow-ups.") % {"count": FOLLOW_UPS_MOST})
    for one in actions:
        if not text.clean(one.text, most=300):
            raise Invalid(_("Please say what is to be done."))
        if one.due_on < on:
            raise Invalid(_("A follow-up cannot be due before today."))


def _tell(hall: Hall, explained: list[Notice], attendees: list[Person], by: Person, at: dt.datetime) -> None:
    """Those present were told; whoever holds the meeting knows what he explains."""
    there = {one.pk for one in attendees}
    members = [one for one in staff.of_hall(hall) if one.person.pk in there]
    for notice in explained:
        audience = notices.audience_of(notice)
        told = [one.person for one in members if one.is_among(audience)]
        notices.receipts(told, [notice], told_by=by, at=at)
