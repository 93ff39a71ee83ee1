"""The roster's week as a page shows it: people by post, a day a column, what each day lacks, who is there now. Reads only."""

import contextlib
import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q, prefetch_related_objects
from django.utils.translation import gettext as _

from hall import hours
from hall.models import Counter, Hall, Kind, Person, Post, Posting, Zone
from hall.refusals import Invalid
from roles import rosters
from roles.models import Shift, Swap
from roles.rosters import Member

LATE = dt.timedelta(minutes=10)  # so long after a shift's start without taking the post
WEEK = dt.timedelta(days=7)
FIRST_YEAR, LAST_YEAR = 2000, 2099


@dataclass(frozen=True)
class Chip:
    """A shift in its cell. `post` is empty where the row's group says it; `state` a key of STATES, empty when there is nothing to say."""

    shift: Shift
    times: str
    post: str
    place: str
    meal: str
    state: str = ""
    since: dt.datetime | None = None


@dataclass
class Cell:
    """One person on one date."""

    on: dt.date
    is_today: bool
    is_chosen: bool
    chips: list[Chip] = field(default_factory=list)


@dataclass
class Row:
    """One person's week; `company` names another employer."""

    person: Person
    company: str
    cells: list[Cell]
    is_me: bool = False


@dataclass
class Group:
    """The people whose first post this is; None for those without any."""

    post: Post | None
    rows: list[Row] = field(default_factory=list)


@dataclass
class Day:
    """What is planned for one date, and what is missing: duty manager (with the stretches that have none), zones, counters."""

    on: dt.date
    is_today: bool
    is_chosen: bool
    is_open: bool
    people: int = 0
    managers: list[Shift] = field(default_factory=list)
    without_manager: list[str] = field(default_factory=list)
    zones: int = 0
    zones_missing: list[str] = field(default_factory=list)
    counters: list[int] = field(default_factory=list)
    late: list[Shift] = field(default_factory=list)

    @property
    def lacks_manager(self) -> bool:
        return self.is_open and not self.managers


@dataclass
class Week:
    """Everything on the page: groups of rows, one Day per column, swaps that wait."""

    monday: dt.date
    days: list[Day]
    groups: list[Group]
    swaps: list[Swap]
    zone_count: int
    counter_count: int

    @property
    def name(self) -> str:
        return week_name(self.monday)

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def year(self) -> int:
        return self.monday.isocalendar().year

    @property
    def last(self) -> dt.date:
        return self.monday + dt.timedelta(days=6)

    @property
    def before(self) -> str:
        return _neighbour(self.monday - WEEK)

    @property
    def after(self) -> str:
        return _neighbour(self.monday + WEEK)

    @property
    def chosen(self) -> Day:
        return next(day for day in self.days if day.is_chosen)


def week_name(on: dt.date) -> str:
    """The ISO week of a date: 2026-W48."""
    year, week, _day = on.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(name: str, today: dt.date) -> dt.date:
    """The Monday of a week named as 2026-W48; today's week for an empty text. Raises Invalid for anything else."""
    if not name:
        return today - dt.timedelta(days=today.weekday())
    year, _w, week = name.partition("-W")
    if name.isascii() and (len(year), len(week)) == (4, 2) and (year + week).isdigit():
        with contextlib.suppress(ValueError):  # a year has 52 or 53
            if FIRST_YEAR <= int(year) <= LAST_YEAR:
                return dt.date.fromisocalendar(int(year), int(week), 1)
    raise Invalid(_("Please give a week as 2026-W48."))


def load(hall: Hall, monday: dt.date, *, chosen: dt.date, me: Person | None, at: dt.datetime) -> Week:
    """The week from `monday`. Ten queries, however many people and shifts there are."""
    last = monday + dt.timedelta(days=6)
    today = hall.business_date(at)
    if not monday <= chosen <= last:
        chosen = today if monday <= today <= last else monday
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    shifts = rosters.planned_between(hall, monday, last)
    held = _postings(hall, shifts, at)
    zones, counters = (
        list(Zone.objects.filter(hall=hall, needs_somebody=True)),
        Counter.objects.filter(hall=hall).count(),
    )
    dates = [monday + dt.timedelta(days=number) for number in range(7)]
    days = [_day(hall, on, [row for row in shifts if row.on == on], zones, today, chosen) for on in dates]
    known = rosters.crew(hall)
    for shift in shifts:  # somebody who has left since is still on the roster
        known.setdefault(shift.person_id, Member(shift.person, [shift.post]))
    groups: dict[int | None, Group] = {}
    for member in known.values():
        post = member.posts[0] if member.posts else None
        own = [row for row in shifts if row.person_id == member.person.pk]
        cells = [Cell(on, on == today, on == chosen) for on in dates]
        for shift in own:
            cell = cells[(shift.on - monday).days]
            chip = _chip(hall, shift, post, held.get(shift.person_id, []), at)
            cell.chips.append(chip)
            if chip.state == "late":
                days[(shift.on - monday).days].late.append(shift)
        group = groups.setdefault(post.pk if post else None, Group(post))
        group.rows.append(Row(member.person, member.company, cells, is_me=member.person == me))
    order = sorted(groups.values(), key=lambda group: (group.post is None, group.post.position if group.post else 0))
    return Week(monday, days, order, rosters.open_swaps(hall), len(zones), counters)


def state_of(shift: Shift, held: Collection[Posting], at: dt.datetime) -> tuple[str, dt.datetime | None]:
    """What is so with a planned shift, and since when he holds the post: `held` are the person's postings of that time.

    here, meal, left (gave the post up), elsewhere (holds another post), late, due (has just begun), was_here, absent; empty
    before it begins.
    """
    during = [row for row in held if row.since < shift.ends and (row.until is None or row.until > shift.starts)]
    mine = [row for row in during if row.post_id == shift.post_id]
    if any(row.until is None for row in mine) and at < shift.ends:
        return "here", min(row.since for row in mine if row.until is None)
    if at >= shift.ends:
        return ("was_here" if mine else "absent"), None
    if at < shift.starts:
        return "", None
    if shift.meal_from and shift.meal_until and shift.meal_from <= at < shift.meal_until:
        return "meal", None
    if mine:
        return "left", max(row.until for row in mine if row.until is not None)
    if any(row.until is None for row in during):
        return "elsewhere", None
    return ("late" if at >= shift.starts + LATE else "due"), None


def clock_span(hall: Hall, starts: dt.datetime, ends: dt.datetime) -> str:
    """From when to when by the hall's wall clock: 09:00–17:00; an end on the next day says so: 22:00–06:00 +1."""
    next_day = " +1" if hall.local(ends).date() > hall.local(starts).date() else ""
    return f"{hall.local(starts):%H:%M}–{hall.local(ends):%H:%M}{next_day}"


def place_of(shift: Shift) -> str:
    """The counter or zone of a shift, empty for the whole hall."""
    if shift.counter is not None:
        return str(shift.counter)
    return shift.zone.name if shift.zone is not None else ""


def _chip(hall: Hall, shift: Shift, post: Post | None, held: list[Posting], at: dt.datetime) -> Chip:
    running = hall.business_date(at) == shift.on or shift.starts <= at < shift.ends
    state, since = state_of(shift, held, at) if running else ("", None)
    return Chip(
        shift=shift,
        times=clock_span(hall, shift.starts, shift.ends),
        post="" if post is not None and shift.post_id == post.pk else shift.post.name,
        place=place_of(shift),
        meal=clock_span(hall, shift.meal_from, shift.meal_until) if shift.meal_from and shift.meal_until else "",
        state=state,
        since=since,
    )


def _day(hall: Hall, on: dt.date, shifts: list[Shift], zones: list[Zone], today: dt.date, chosen: dt.date) -> Day:
    opening = hours.intervals_on(hall, on)
    day = Day(on, on == today, on == chosen, bool(opening), people=len({row.person_id for row in shifts}))
    day.managers = [row for row in shifts if row.is_duty_manager]
    if day.managers:
        for part in opening:
            gaps = _gaps(part.opens_at, part.closes_at, day.managers)
            day.without_manager += [clock_span(hall, starts, ends) for starts, ends in gaps]
    covered = {row.zone_id for row in shifts} | {row.counter.zone_id for row in shifts if row.counter is not None}
    anywhere = any(row.post.kind == Kind.FLOATER and row.zone_id is None for row in shifts)  # holds whatever is left
    day.zones_missing = [] if anywhere else [zone.name for zone in zones if zone.pk not in covered]
    day.zones = len(zones) - len(day.zones_missing)
    day.counters = sorted({row.counter.number for row in shifts if row.counter is not None})
    return day


def _gaps(first: dt.datetime, last: dt.datetime, shifts: list[Shift]) -> list[tuple[dt.datetime, dt.datetime]]:
    """The stretches between two instants in which none of the shifts runs."""
    found, reached = [], first
    for row in sorted(shifts, key=lambda row: row.starts):
        if row.starts > reached:
            found.append((reached, min(row.starts, last)))
        reached = max(reached, row.ends)
        if reached >= last:
            break
    if reached < last:
        found.append((reached, last))
    return [(starts, ends) for starts, ends in found if starts < ends]


def _postings(hall: Hall, shifts: list[Shift], at: dt.datetime) -> dict[int, list[Posting]]:
    """Person id → what he held while the shifts of now run. One query, none where no shift is of today."""
    today = hall.business_date(at)
    now = [row for row in shifts if row.on == today or row.starts <= at < row.ends]
    if not now:
        return {}
    rows = Posting.objects.filter(
        Q(until=None) | Q(until__gt=min(row.starts for row in now)),
        hall=hall,
        person__in={row.person_id for row in now},
    )
    found: dict[int, list[Posting]] = {}
    for row in rows:
        found.setdefault(row.person_id, []).append(row)
    return found


def _neighbour(monday: dt.date) -> str:
    return week_name(monday) if FIRST_YEAR < monday.year < LAST_YEAR else ""
