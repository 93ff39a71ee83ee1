"""Every write to a task: a day's tasks made from duties, done, excepted, reopened, signed by a second person."""

import datetime as dt
import functools
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.db.models import Prefetch
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall import hours, limits, plain, postings, text
from hall.limits import Limits
from hall.models import Hall, HallPost, Kind, LimitOverride, Membership, Person, Post, Zone
from hall.models.halls import Clock
from hall.refusals import Invalid, WrongState
from roles import due, opening
from roles.due import Day
from roles.models import Duty, OpeningGate, Routine, Task, TaskEvent

State, Part = Task.State, Task.Part
HALLS_AT_ONCE = 100
ROWS_AT_ONCE = 2000
REASON_MOST = 200  # characters
NOTE_MOST = 500
ABOVE_THE_HALL = frozenset(
    {Post.Group.MANAGEMENT, Post.Group.TASKS}
)  # posts whose members owe a hall nothing by themselves


@dataclass(frozen=True)
class Asked:
    """What a task's record asks for beside the tap."""

    number: Promise | None = None  # its label
    text: Promise | None = None
    second: bool = False  # another person's signature


# Checklists and the cleaning log are the ticks themselves; what asks for more stands here.
ASKED = {
    "REC-22": Asked(number=gettext_lazy("Transactions settled")),
    "REC-23": Asked(number=gettext_lazy("Amount handed in, yuan"), second=True),
    "REC-36": Asked(text=gettext_lazy("What was found, and to whom a hazard was reported")),
}
NOTHING = Asked()

# Halls whose present date has no tasks yet. One row per hall; a recorded day owes nothing.
UNMADE = """
    SELECT h.id FROM hall_hall h
    WHERE h.is_active AND h.clock = 'live' AND NOT EXISTS (
        SELECT 1 FROM roles_hallday d WHERE d.hall_id = h.id AND d.business_date = (%(at)s AT TIME ZONE h.time_zone)::date
    )
    ORDER BY h.id
"""

# What holders of posts owe each shift and have no task for yet: hall, person, duty, since when. Stand-ins owe nothing.
UNMADE_OF_SHIFTS = """
    SELECT g.hall_id, g.person_id, d.id, min(g.since)
    FROM hall_posting g
    JOIN hall_hall h ON h.id = g.hall_id AND h.is_active AND (h.clock = 'live' OR %(hall)s::bigint IS NOT NULL)
    JOIN roles_duty d ON d.post_id = g.post_id AND d.cadence = 'per_shift' AND d.is_active
    WHERE g.until IS NULL AND NOT g.is_delegate AND (%(hall)s::bigint IS NULL OR g.hall_id = %(hall)s)
      AND NOT EXISTS (
        SELECT 1 FROM roles_task t
        WHERE t.hall_id = g.hall_id AND t.business_date = (%(at)s AT TIME ZONE h.time_zone)::date
          AND t.key = d.code || ':p' || g.person_id
      )
    GROUP BY g.hall_id, g.person_id, d.id
    ORDER BY g.hall_id, g.person_id, d.id
"""


def make_tasks(hall_ids: Iterable[int] | None, on: dt.date | None = None, *, at: dt.datetime) -> int:
    """Make what the halls owe on a date (each hall's present one without it) from the duties of the posts their people have.

    Live halls, unless halls are named (a played day names its own). A duty is owed once by its post; one of every shift
    once by each holder (make_shift_tasks). A closed day owes nothing.
    Running it again makes only what is missing. Halls go in batches, each its own transaction. Returns how many halls had
    no day yet. About ten queries a batch.
    """
    if hall_ids is None:
        hall_ids = Hall.objects.filter(is_active=True, clock=Clock.LIVE).values_list("pk", flat=True)
    duties = _duties()
    begun = 0
    for batch in _batches(sorted(hall_ids), HALLS_AT_ONCE):
        with transaction.atomic():  # a hall's day is there with its tasks or not at all
            begun += _make_batch(batch, on, duties, at)
    return begun


def make_due(*, at: dt.datetime) -> int:
    """The worker's round: the present date's tasks of halls that have none yet, and those of shifts just begun. Returns the halls."""
    unmade = [pk for (pk,) in plain.rows(UNMADE, {"at": at})]
    begun = make_tasks(unmade, at=at) if unmade else 0
    make_shift_tasks(at=at)
    return begun


def make_shift_tasks(hall: Hall | None = None, *, at: dt.datetime) -> None:
    """What every shift asks of those who hold a post now, once a day each; of all halls without one. Two queries if nothing is missing."""
    missing = plain.rows(UNMADE_OF_SHIFTS, {"at": at, "hall": hall.pk if hall else None})
    if not missing:
        return
    duties = Duty.objects.select_related("post").in_bulk({duty for _hall, _person, duty, _since in missing})
    halls = {row.pk: row for row in _halls({hall_id for hall_id, *_rest in missing})}
    in_force = limits_of(halls)
    days = {pk: day_of(hall, hall.business_date(at), in_force[pk]) for pk, hall in halls.items()}
    rows = []
    for hall_id, person_id, duty_id, since in missing:
        day = days.get(hall_id)
        if day is not None:
            duty, taken_at = duties[duty_id], max(since, day.opens_at - due.PREPARES)
            row = _task(
                duty, halls[hall_id], day.on, f"{duty.code}:p{person_id}", due.of_shift(duty.moment, day, taken_at)
            )
            row.person_id = person_id
            rows.append(row)
    Task.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE, ignore_conflicts=True)


def done(
    task: Task, *, number: str = "", note: str = "", second: Person | None = None, by: Person, at: dt.datetime
) -> Task:
    """It is done, with the evidence that its record asks for. The last of the opening checklist opens the hall.

    Raises WrongState if it is not open, Invalid where the number, the words or the second person are missing.
    """
    asked = asked_of(task)
    evidence: dict[str, str] = {}
    note = text.clean(note, most=NOTE_MOST, lines=True)
    if asked.number is not None:
        evidence["number"] = _number(number)
    if asked.text is not None and not note:
        raise Invalid(_("Please write down what was found."))
    if note:
        evidence["text"] = note
    if asked.second and (second is None or second.pk == by.pk):
        raise Invalid(_("Please choose the colleague who signs too."))
    return _end(task, State.DONE, evidence=evidence, second=second if asked.second else None, by=by, at=at)


def except_task(task: Task, *, reason: str, by: Person, at: dt.datetime) -> Task:
    """It is not done today, for a reason. Raises Invalid without one, WrongState if it is not open."""
    reason = text.clean(reason, most=REASON_MOST)
    if not reason:
        raise Invalid(_("Please say why it is not done."))
    return _end(task, State.EXCEPTED, reason=reason, by=by, at=at)


def reopen(task: Task, *, by: Person, at: dt.datetime) -> Task:
    """Done or excepted by mistake: it is owed again. A hall once opened stays open.

    Raises WrongState if it is open, or stands on a closing checklist that was signed.
    """
    with opening.lock(task.hall_id, task.business_date) as day:  # nobody signs the closing checklist meanwhile
        task = _locked(task)
        if task.state == State.OPEN:
            raise WrongState(_("This is open already."))
        if task.part == Part.CLOSING and day is not None and day.secured_at is not None:
            raise WrongState(_("The closing checklist is signed already."))
        task.state, task.done_at, task.done_by, task.reason, task.evidence = State.OPEN, None, None, "", {}
        task.second, task.signed_at = None, None
        task.save(update_fields=["state", "done_at", "done_by", "reason", "evidence", "second", "signed_at"])
        TaskEvent.objects.create(task=task, verb="reopened", by=by, at=at)
    return task


def sign(task: Task, *, by: Person, at: dt.datetime) -> Task:
    """The second person signs. Raises WrongState if it was signed or reopened, or somebody else was named."""
    with transaction.atomic():
        task = _locked(task)
        if task.state != State.DONE or task.second_id != by.pk or task.signed_at is not None:
            raise WrongState(_("There is nothing for you to sign here."))
        task.signed_at = at
        task.save(update_fields=["signed_at"])
        TaskEvent.objects.create(task=task, verb="signed", by=by, at=at)
    return task


def note_event(hall: Hall, duty: Duty, *, zone: Zone | None = None, by: Person, at: dt.datetime) -> Task:
    """Something that is done when the need arises was done just now: "bins emptied" (R-C03). Each is a row of its own."""
    task = _task(duty, hall, hall.business_date(at), f"{duty.code}:e{at.timestamp()}", (at, at))
    task.person, task.zone, task.state, task.done_at, task.done_by = by, zone, State.DONE, at, by
    task.save(force_insert=True)
    TaskEvent.objects.create(task=task, verb="done", by=by, at=at)
    return task


def asked_of(task: Task) -> Asked:
    """What the task's record asks for beside the tap."""
    return ASKED.get(task.record, NOTHING)


def waits_for(day: Day, tasks: Iterable[Task]) -> bool:
    """Whether a hall with a gate has something to wait for that day: an opening, and items on its checklist."""
    return not day.is_round_the_clock and any(row.part == Part.OPENING and row.business_date == day.on for row in tasks)


def day_of(hall: Hall, on: dt.date, in_force: Limits) -> Day | None:
    """A hall's day as due times need it; None if it is shut that day. No query if intervals and holidays are prefetched."""
    closed = {holiday.on for holiday in hall.holidays.all()}
    weekdays = {interval.weekday for interval in hall.opening_intervals.all()}

    def is_open(day: dt.date) -> bool:
        return day.weekday() in weekdays and day not in closed

    @functools.cache
    def times(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
        intervals = hours.intervals_on(hall, day)
        return intervals[0].opens_at, max(part.closes_at for part in intervals)

    if not is_open(on):
        return None
    noon = dt.datetime.combine(on, in_force.time("R-B04", "noon"), hall.zone_info).astimezone(dt.UTC)
    return Day(on, *times(on), noon, in_force, is_open, times)


def limits_of(hall_ids: Iterable[int]) -> dict[int, Limits]:
    """Hall id → the limits that due times read. One query for all halls without values of their own, one for each other."""
    hall_ids = list(hall_ids)
    own = set(
        LimitOverride.objects.filter(hall__in=hall_ids, limit__rule__in=due.RULES).values_list("hall_id", flat=True)
    )
    usual = limits.in_force(0, due.RULES)
    return {pk: limits.in_force(pk, due.RULES) if pk in own else usual for pk in hall_ids}


def _duties() -> dict[int, list[Duty]]:
    """Post id → its duties that are tasks of a day, week or month, in order. One query."""
    found: dict[int, list[Duty]] = defaultdict(list)
    rows = Duty.objects.filter(is_active=True, post__is_active=True, cadence__in=due.OWED).select_related("post")
    for row in rows.exclude(post__group=Post.Group.MANAGEMENT):
        found[row.post_id].append(row)
    return found


def _halls(hall_ids: Iterable[int]) -> list[Hall]:
    """Halls with their opening at hand. Three queries."""
    return list(
        Hall.objects.filter(pk__in=hall_ids, is_active=True)
        .prefetch_related("opening_intervals", "holidays", Prefetch("zones", Zone.objects.order_by("position", "pk")))
        .order_by("pk")
    )


def _batches(items: list[int], size: int) -> Iterator[list[int]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _make_batch(hall_ids: list[int], on: dt.date | None, duties: dict[int, list[Duty]], at: dt.datetime) -> int:
    halls = _halls(hall_ids)
    posts, in_force = _posts_of(hall_ids), limits_of(hall_ids)
    routines: dict[int, dict[int, Routine]] = defaultdict(dict)
    for routine in Routine.objects.filter(hall__in=hall_ids, duty__is_active=True):
        routines[routine.hall_id][routine.duty_id] = routine
    gated = set(OpeningGate.objects.filter(hall__in=hall_ids, is_on=True).values_list("hall_id", flat=True))
    rows: list[Task] = []
    begun: list[tuple[Hall, dt.date, bool]] = []
    for hall in halls:
        date = on or hall.business_date(at)
        day = day_of(hall, date, in_force[hall.pk])
        own = list(_tasks_of(hall, day, posts[hall.pk], duties, routines[hall.pk])) if day is not None else []
        rows += own
        begun.append((hall, date, hall.pk in gated and day is not None and waits_for(day, own)))
    Task.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE, ignore_conflicts=True)
    return opening.begin(begun, at=at)


def _posts_of(hall_ids: list[int]) -> dict[int, set[int]]:
    """Hall id → the posts that people of the hall have and that the hall uses (O-17). Three queries."""
    usual = dict(Post.objects.filter(slug__in=postings.USUAL.values()).values_list("slug", "pk"))
    own = {(row.hall_id, row.post_id): row.is_used for row in HallPost.objects.filter(hall__in=hall_ids)}
    groups = dict(Post.objects.filter(is_active=True).values_list("pk", "group"))
    found: dict[int, set[int]] = {pk: set() for pk in hall_ids}
    rows = (
        Membership.objects.filter(hall__in=hall_ids, person__is_active=True)
        .exclude(kind=Kind.HEADQUARTERS)
        .values_list("hall_id", "post_id", "kind")
        .distinct()
    )
    for hall_id, named, kind in rows:
        pk = named or usual.get(postings.USUAL.get(Kind(kind), ""), 0)
        group = groups.get(pk, Post.Group.MANAGEMENT)
        if group not in ABOVE_THE_HALL and own.get((hall_id, pk), group != Post.Group.EXTENDED):
            found[hall_id].add(pk)
    return found


def _tasks_of(
    hall: Hall, day: Day, posts: set[int], duties: dict[int, list[Duty]], routines: dict[int, Routine]
) -> Iterator[Task]:
    """What one hall owes that day knows of; small tasks of the A/B table belong to A, whoever holds a post."""
    zones = {zone.slug: zone for zone in hall.zones.all()}
    for post_id, own in duties.items():
        for duty in own:
            routine = routines.get(duty.pk)
            if post_id not in posts and routine is None:
                continue
            for one in due.dues(duty.cadence, duty.moment, day):
                row = _task(duty, hall, one.on, f"{duty.code}:{one.time}", (one.due_from, one.due_by))
                row.zone = zones.get(duty.zone_slug)
                if one.time > 1:
                    row.part = Part.DAY  # the second clean of the day is no item of the opening
                if routine is not None:
                    row.person_id, row.backup_id = routine.a_id, routine.b_id
                yield row


def _task(duty: Duty, hall: Hall, on: dt.date, key: str, span: tuple[dt.datetime, dt.datetime]) -> Task:
    return Task(
        hall=hall, business_date=on, key=key, duty=duty, code=duty.code, text_zh=duty.text_zh, text_en=duty.text_en,
        record=duty.record, cadence=duty.cadence, moment=duty.moment, part=due.part_of(duty.cadence, duty.moment),
        post=duty.post, due_from=span[0], due_by=span[1],
    )  # fmt: skip


def _end(
    task: Task, state: str, *, reason: str = "", evidence: dict[str, str] | None = None, second: Person | None = None,
    by: Person, at: dt.datetime,
) -> Task:  # fmt: skip
    with opening.lock(task.hall_id, task.business_date):  # two who do the last two items: one of them opens the hall
        task = _locked(task)
        if task.state != State.OPEN:
            name = task.done_by.name if task.done_by else "–"
            raise WrongState(_("%(name)s has done this already.") % {"name": name})
        task.state, task.done_at, task.done_by, task.reason = state, at, by, reason
        task.evidence, task.second = evidence or {}, second
        task.save(update_fields=["state", "done_at", "done_by", "reason", "evidence", "second"])
        verb = "done" if state == State.DONE else "excepted"
        TaskEvent.objects.create(task=task, verb=verb, by=by, at=at, reason=reason, evidence=task.evidence)
        if task.part == Part.OPENING:
            opening.open_when_ready(task.hall_id, task.business_date, by=by, at=at)
    return task


def _locked(task: Task) -> Task:
    """The row as it is now; whoever taps at the same time waits."""
    return Task.objects.select_for_update(of=("self",), no_key=True).select_related("done_by").get(pk=task.pk)


def _number(given: str) -> str:
    """An amount or count as it was written, at most two decimals. Raises Invalid for anything else."""
    given = given.strip()
    try:
        number = Decimal(given) if given.isascii() and len(given) <= 12 and "e" not in given.lower() else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0 or number != round(number, 2):
        raise Invalid(_("Please give the number, with at most two decimals."))
    return str(number)
