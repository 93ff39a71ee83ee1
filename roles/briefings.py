"""Every write to a briefing: begun, who is there, its words, ended; and when it has to begin (R-B01, R-B02, K-16)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from hall import hours, limits, live, text
from hall.locks import lock_queue
from hall.models import Hall, Person, Posting
from hall.refusals import Invalid, WrongState
from hall.templatetags.hall import day
from roles import notices, staff
from roles.models import Attendance, Briefing, Notice, Shift

AWAY = "away"
FRESH = dt.timedelta(days=7)  # how far back notices are new when there was no briefing before
TEXT_MOST = 600


@dataclass(frozen=True)
class Window:
    """When the briefing of a day may begin, and by when people are there and counters ready; instants (R-B01, R-B09, R-B10)."""

    opens_at: dt.datetime
    earliest_at: dt.datetime
    latest_at: dt.datetime
    here_by: dt.datetime
    ready_by: dt.datetime


def window(hall: Hall, on: dt.date) -> Window | None:
    """The window before the day's first opening; None on a closed day, and where the hall is open through midnight.

    Five queries, fewer where the hall's hours were fetched before.
    """
    first = next(iter(hours.intervals_on(hall, on)), None)
    if first is None or hours.open_interval(hall, first.opens_at - dt.timedelta(seconds=1)) is not None:
        return None
    force = limits.in_force(hall.pk, ["R-B01", "R-B09", "R-B10"])
    return Window(
        opens_at=first.opens_at,
        earliest_at=first.opens_at - force.duration("R-B01", "earliest"),
        latest_at=first.opens_at - force.duration("R-B01", "latest"),
        here_by=first.opens_at - force.duration("R-B10", "arrive_before"),
        ready_by=first.opens_at - force.duration("R-B09", "ready_before"),
    )


def smile_practice(hall: Hall) -> dt.timedelta:
    """How long the smile is practised before duty (R-G08). One query."""
    return limits.in_force(hall.pk, ["R-G08"]).duration("R-G08", "practice")


def timing(window: Window | None, at: dt.datetime) -> str:
    """Early, in time or late, by the minute; empty where there is no window."""
    if window is None:
        return ""
    minute = at.replace(second=0, microsecond=0)
    if minute < window.earliest_at:
        return Briefing.Timing.EARLY
    return Briefing.Timing.IN_TIME if minute <= window.latest_at else Briefing.Timing.LATE


def new_notices(hall: Hall, at: dt.datetime) -> list[Notice]:
    """The standing notices written since the last briefing began, oldest first. Three queries."""
    on = hall.business_date(at)
    last = Briefing.objects.filter(hall=hall, on__lt=on).order_by("-on").values_list("started_at", flat=True).first()
    since = last or at - FRESH
    return [notice for notice in reversed(notices.standing(hall, on)) if notice.written_at >= since]


def draft(hall: Hall, figures: Mapping[str, object] | None, at: dt.datetime) -> dict[str, object]:
    """What a briefing that begins now would tell, as its row keeps it: figures and new notices. Three queries."""
    names = ("pk", "title_zh", "title_en", "body_zh", "body_en")
    told = [{name: getattr(notice, name) for name in names} for notice in new_notices(hall, at)]
    return {"figures": figures, "notices": told}


def last_learning(hall: Hall) -> str:
    """The learning item of the last briefing that had one: a proposal for the next. One query."""
    said = Briefing.objects.filter(hall=hall).exclude(learning="").order_by("-on").values_list("learning", flat=True)
    return said.first() or ""


def start(hall: Hall, *, figures: Mapping[str, object] | None, by: Person, at: dt.datetime) -> Briefing:
    """The briefing of the day begins; its host is there. `figures` are those that the page shows, kept as they are.

    Starting it twice changes nothing. Raises WrongState on a day on which the hall is closed, or when it was held already.
    """
    with lock_queue(hall.pk) as hall:  # two managers who begin at once hold one briefing
        on = hall.business_date(at)
        prefetch_related_objects([hall], "opening_intervals", "holidays")
        if not hours.intervals_on(hall, on):
            raise WrongState(_("The hall is closed on %(day)s: there is no briefing.") % {"day": day(on)})
        found = Briefing.objects.filter(hall=hall, on=on).first()
        if found is not None and found.is_over:
            raise WrongState(_("Today's briefing was held already."))
        if found is not None:
            return found
        when = window(hall, on)
        made = Briefing.objects.create(
            hall=hall, on=on, host=by, started_at=at, opens_at=when.opens_at if when else None, timing=timing(when, at),
            learning=last_learning(hall), words=draft(hall, figures, at),
        )  # fmt: skip
        Attendance.objects.create(briefing=made, person=by, is_present=True, at=at)
        live.announce(hall.pk, "briefing")
    return made


def attend(briefing: Briefing, person: Person, seen: str, *, by: Person, at: dt.datetime) -> None:
    """Somebody is there, and looks as `seen` (an Attendance.Appearance); or is not there after all: "away".

    Raises WrongState when the briefing is over, Invalid for another word.
    """
    if seen != AWAY and seen not in Attendance.Appearance.values:
        raise Invalid(_("Please choose how it is."))
    with lock_queue(briefing.hall_id):
        _require_going_on(briefing)
        rows = Attendance.objects.filter(briefing=briefing, person=person)
        if seen == AWAY:
            if person.pk == briefing.host_id:
                raise Invalid(_("Whoever holds the briefing is there."))
            rows.delete()
        else:
            Attendance.objects.update_or_create(
                briefing=briefing, person=person, defaults={"is_present": True, "appearance": seen, "at": at}
            )
        live.announce(briefing.hall_id, "briefing")


def attend_expected(briefing: Briefing, *, by: Person, at: dt.datetime) -> None:
    """All who are expected and not yet marked are there and look as they should. Raises WrongState when it is over."""
    with lock_queue(briefing.hall_id) as hall:
        _require_going_on(briefing)
        Attendance.objects.bulk_create(
            [
                Attendance(briefing=briefing, person_id=pk, is_present=True, appearance=Attendance.Appearance.OK, at=at)
                for pk in expected(hall, briefing.on)
            ],
            ignore_conflicts=True,
        )
        live.announce(hall.pk, "briefing")


def expected(hall: Hall, on: dt.date) -> set[int]:
    """The ids of those who are planned for a day or hold a post now. Two queries."""
    planned = Shift.objects.filter(hall=hall, on=on, cancelled=False).values_list("person_id", flat=True)
    holding = Posting.objects.filter(hall=hall, until=None).values_list("person_id", flat=True)
    return set(planned) | set(holding)


def note(
    briefing: Briefing, *, learning: str, praise: str, goals: str, smile_done: bool, by: Person, at: dt.datetime
) -> None:
    """What is said at the briefing: the day's learning item, praise, goals, and whether the smile was practised (R-G08).

    There is no room for criticism: it belongs to the meeting after the shift (R-B02). Raises WrongState when it is over.
    """
    words = {
        name: text.clean(words, most=TEXT_MOST, lines=True)
        for name, words in (("learning", learning), ("praise", praise), ("goals", goals))
    }
    with lock_queue(briefing.hall_id):
        _require_going_on(briefing)
        Briefing.objects.filter(pk=briefing.pk).update(**words, smile_done=smile_done)
        live.announce(briefing.hall_id, "briefing")


def end(briefing: Briefing, *, by: Person, at: dt.datetime) -> None:
    """The briefing is over and stays as it was said. Who was there knows its notices; everybody else owes the reading (R-B08).

    Ending it twice changes nothing. Raises Invalid when nobody but the host was there, WrongState when it was called off.
    """
    with lock_queue(briefing.hall_id) as hall:
        now = Briefing.objects.filter(pk=briefing.pk).first()
        if now is None:
            raise WrongState(_("This briefing was called off meanwhile."))
        if now.is_over:
            return
        present = [row.person for row in now.attendances.filter(is_present=True).select_related("person")]
        there = {one.pk for one in present}
        if there <= {now.host_id}:
            raise Invalid(_("Please mark first who is there."))
        members = staff.of_hall(hall)
        absent = [one.person for one in members if one.person.pk not in there]
        Attendance.objects.bulk_create(
            [Attendance(briefing=now, person=one, is_present=False, at=at) for one in absent]
        )
        names = {
            "host": now.host.name_zh,
            "present": [one.name_zh for one in present],
            "absent": [one.name_zh for one in absent],
        }
        Briefing.objects.filter(pk=now.pk).update(ended_at=max(at, now.started_at), words=now.words | names)
        notices.receipts(present, [now], told_by=None, at=at)
        _told(now, [one for one in members if one.person.pk in there], at)
        live.announce(hall.pk, "briefing", "notices")


def call_off(briefing: Briefing, *, by: Person, at: dt.datetime) -> None:
    """Begun by mistake: it never was. Raises WrongState when it is over."""
    with lock_queue(briefing.hall_id):
        if Briefing.objects.filter(pk=briefing.pk, ended_at=None).first() is None:
            raise WrongState(_("This briefing is over: it stays as it was said."))
        Briefing.objects.filter(pk=briefing.pk).delete()
        live.announce(briefing.hall_id, "briefing")


def in_time(hall: Hall, first: dt.date, last: dt.date) -> tuple[int, int]:
    """K-16: of the days from first to last on which the hall opened, how many had their briefing in time: (in time, due).

    Days without an hour of opening (open through midnight) are not counted. Three queries.
    """
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    force = Briefing.objects.filter(hall=hall, on__gte=first, on__lte=last, ended_at__isnull=False)
    said = dict(force.values_list("on", "timing"))
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    due = [on for on in days if _opens(hall, on)]
    return sum(said.get(on) == Briefing.Timing.IN_TIME for on in due), len(due)


def _opens(hall: Hall, on: dt.date) -> bool:
    first = next(iter(hours.intervals_on(hall, on)), None)
    return first is not None and hours.open_interval(hall, first.opens_at - dt.timedelta(seconds=1)) is None


def _require_going_on(briefing: Briefing) -> None:
    """Under the hall's lock, so that nothing is added to what was ended meanwhile."""
    if not Briefing.objects.filter(pk=briefing.pk, ended_at=None).exists():
        raise WrongState(_("This briefing is over: it stays as it was said."))


def _told(briefing: Briefing, there: list[staff.Member], at: dt.datetime) -> None:
    """Who was there was told the notices that are for him."""
    pks = [row["pk"] for row in briefing.words.get("notices", [])]
    for notice in Notice.objects.filter(pk__in=pks, withdrawn_at=None).prefetch_related("audience"):
        audience = notices.audience_of(notice)
        told = [one.person for one in there if one.is_among(audience)]
        notices.receipts(told, [notice], told_by=briefing.host, at=at)
