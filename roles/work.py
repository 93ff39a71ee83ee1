"""What one person owes now, has done, and sees of the checklists. Reads only; whose a task is stands here and nowhere else."""

import datetime as dt
from dataclasses import dataclass, field, replace

from django.db.models import Q, QuerySet

from hall.access import STANDING, Action
from hall.models import Hall, Person
from roles import day_tasks
from roles.day_tasks import Asked
from roles.models import Cadence, Duty, HallDay, Task
from roles.my_shift import MyShift

State, Part = Task.State, Task.Part
NEXT_SHOWN = 8
CLEANING = "REC-44"
AFTER_MIDNIGHT = dt.timedelta(hours=4)  # until then yesterday's closing can still be signed


@dataclass(frozen=True)
class Row:
    """One task as one person sees it."""

    task: Task
    asked: Asked
    is_late: bool
    is_mine: bool
    covers: bool  # his as B, while A holds nothing
    may: bool  # do it, except it
    may_undo: bool
    due_on: dt.date | None  # its last day, where that is not today
    missed: int = 0  # so many earlier times of the same round went by undone

    @property
    def asks(self) -> bool:
        """Whether its record asks for more than the tap."""
        return self.asked != day_tasks.NOTHING


@dataclass(frozen=True)
class Checklist:
    """The opening or closing checklist of a date: its items in order, and how many are no longer open."""

    day: HallDay
    rows: list[Row]

    @property
    def ended(self) -> int:
        return sum(row.task.state != State.OPEN for row in self.rows)

    @property
    def left(self) -> int:
        return len(self.rows) - self.ended


@dataclass(frozen=True)
class Work:
    """The tasks' part of "my shift"."""

    is_begun: bool  # the day has its tasks
    late: list[Row] = field(default_factory=list)
    now: list[Row] = field(default_factory=list)
    next: list[Row] = field(default_factory=list)
    next_more: int = 0
    done: list[Row] = field(default_factory=list)  # today, newest first
    to_sign: list[Row] = field(default_factory=list)
    unheld: list[Row] = field(default_factory=list)  # due, and nobody holds the post
    events: list[Duty] = field(default_factory=list)  # done when the need arises, one tap each
    present: list[Person] = field(default_factory=list)  # who may sign too
    opening: Checklist | None = None
    closing: Checklist | None = None


def load(shift: MyShift) -> Work:
    """What the person owes, from what "my shift" knows of him. Three queries, two for somebody who holds nothing."""
    hall, at = shift.hall, shift.at
    today = hall.business_date(at)
    days = {row.business_date: row for row in _days(hall, today)}
    if today not in days:
        return Work(is_begun=False)
    tasks = list(_tasks(shift, today))
    present = {row.person_id for row in shift.now}
    rows = _without_missed([_row(task, shift, present) for task in tasks], at)
    mine = [row for row in rows if row.is_mine and row.task.state == State.OPEN]
    coming = [row for row in mine if row.task.due_from > at]
    checks = Action.CHECK in shift.may
    return Work(
        is_begun=True,
        late=[row for row in mine if row.is_late],
        now=[row for row in mine if not row.is_late and row.task.due_from <= at],
        next=sorted(coming, key=lambda row: row.task.due_from)[:NEXT_SHOWN],
        next_more=max(len(coming) - NEXT_SHOWN, 0),
        done=sorted((row for row in rows if _done_today(row.task, shift, today)), key=_when_done, reverse=True),
        to_sign=[row for row in rows if _to_sign(row.task, shift.person)],
        unheld=[row for row in rows if _nobody_holds(row.task, shift, present)] if Action.ASSIGN in shift.may else [],
        events=_events(shift),
        present=people(shift),
        opening=_checklist(days[today], rows, Part.OPENING, checks),
        closing=_closing(shift, days, today, rows) if checks else None,
    )


def row_of(task: Task, shift: MyShift) -> Row:
    """One task as the person sees it."""
    return _row(task, shift, {row.person_id for row in shift.now})


def may_do(task: Task, shift: MyShift) -> bool:
    """Whether the person may tick or except this task: his own, any of a checklist with the right, all with the right to assign."""
    present = {row.person_id for row in shift.now}
    if _is_mine(task, shift, present) or Action.ASSIGN in shift.may:
        return True
    return Action.CHECK in shift.may and task.part in (Part.OPENING, Part.CLOSING)


def may_undo(task: Task, shift: MyShift) -> bool:
    """Whether he may take back what was ticked: by himself, or by anybody with the right to assign."""
    return task.done_by_id == shift.person.pk or Action.ASSIGN in shift.may


def _days(hall: Hall, today: dt.date) -> QuerySet[HallDay]:
    yesterday = today - dt.timedelta(days=1)
    return HallDay.objects.filter(hall=hall, business_date__in=[yesterday, today]).select_related(
        "opened_by", "secured_by"
    )


def _tasks(shift: MyShift, today: dt.date) -> QuerySet[Task]:
    """Today's tasks that concern the person, and older ones (a week's, a month's, of a night) whose time is not over. One query."""
    hall = shift.hall
    midnight = dt.datetime.combine(today, dt.time(), hall.zone_info)
    theirs = Q(person=shift.person) | Q(backup=shift.person) | Q(second=shift.person) | Q(done_by=shift.person)
    theirs |= Q(person=None, post__in=shift.posts)
    if Action.CHECK in shift.may:
        theirs |= Q(part__in=[Part.OPENING, Part.CLOSING])
    if Action.ASSIGN in shift.may:
        theirs = Q()
    still = Q(business_date__lt=today, business_date__gte=today - dt.timedelta(days=31)) & (
        Q(state=State.OPEN, due_by__gte=midnight) | Q(done_at__gte=midnight) | Q(second=shift.person, signed_at=None)
    )
    rows = Task.objects.filter(theirs, Q(business_date=today) | still, hall=hall)
    return rows.select_related("post", "zone", "person", "backup", "done_by", "second").order_by(
        "due_by", "due_from", "id"
    )


def _row(task: Task, shift: MyShift, present: set[int]) -> Row:
    mine = _is_mine(task, shift, present)
    due_on = shift.hall.business_date(task.due_by - dt.timedelta(seconds=1))
    return Row(
        task=task,
        asked=day_tasks.asked_of(task),
        is_late=task.state == State.OPEN and task.due_by < shift.at,
        is_mine=mine,
        covers=mine and task.backup_id == shift.person.pk,
        may=task.state == State.OPEN and may_do(task, shift),
        may_undo=task.state != State.OPEN and may_undo(task, shift),
        due_on=due_on if due_on != shift.hall.business_date(shift.at) else None,
    )


def _without_missed(rows: list[Row], at: dt.datetime) -> list[Row]:
    """A round that comes every two hours is owed once at a time: what went by undone is counted on the one that is on."""
    begun: dict[str, list[Row]] = {}
    for row in rows:
        if row.task.cadence == Cadence.EVERY_2H and row.task.state == State.OPEN and row.task.due_from <= at:
            begun.setdefault(row.task.code, []).append(row)
    gone = {row.task.pk for same in begun.values() for row in same[:-1]}
    counts = {same[-1].task.pk: len(same) - 1 for same in begun.values()}
    return [replace(row, missed=counts.get(row.task.pk, 0)) for row in rows if row.task.pk not in gone]


def _is_mine(task: Task, shift: MyShift, present: set[int]) -> bool:
    """A named person's task is his; B has it while A holds nothing (R-B14). A post's is its holders', of the zone if it has one."""
    me = shift.person.pk
    if task.person_id is not None:
        return task.person_id == me or (task.backup_id == me and task.person_id not in present)
    if task.post_id not in shift.posts:
        return False
    there = {row.person_id for row in shift.now if row.post_id == task.post_id and row.zone_id == task.zone_id}
    return task.zone_id is None or not there or me in there


def _nobody_holds(task: Task, shift: MyShift, present: set[int]) -> bool:
    if task.state != State.OPEN or task.due_from > shift.at:
        return False
    if task.person_id is not None:
        return not {task.person_id, task.backup_id} & present
    return task.post.kind not in STANDING and task.post_id not in {row.post_id for row in shift.now}


def _done_today(task: Task, shift: MyShift, today: dt.date) -> bool:
    return (
        task.done_at is not None
        and task.done_by_id == shift.person.pk
        and shift.hall.business_date(task.done_at) == today
    )


def _when_done(row: Row) -> dt.datetime:
    assert row.task.done_at is not None
    return row.task.done_at


def _to_sign(task: Task, person: Person) -> bool:
    return task.state == State.DONE and task.second_id == person.pk and task.signed_at is None


def _events(shift: MyShift) -> list[Duty]:
    """The cleaning log's duties that come when the need arises, of the posts held: "bins emptied" (R-C03)."""
    if not shift.posts:
        return []
    return list(
        Duty.objects.filter(
            post__in=shift.posts, record=CLEANING, is_active=True, cadence__in=[Cadence.CONTINUOUS, Cadence.ON_EVENT]
        )
    )


def people(shift: MyShift) -> list[Person]:
    """Who else is on shift, by login name."""
    found = {row.person_id: row.person for row in shift.now if row.person_id != shift.person.pk}
    return sorted(found.values(), key=lambda one: one.login)


def _checklist(day: HallDay, rows: list[Row], part: str, checks: bool) -> Checklist | None:
    items = [row for row in rows if row.task.part == part and row.task.business_date == day.business_date]
    return Checklist(day, items) if checks and items else None


def _closing(shift: MyShift, days: dict[dt.date, HallDay], today: dt.date, rows: list[Row]) -> Checklist | None:
    """Today's from when its first item is due; in the small hours yesterday's, until it is signed."""
    yesterday = days.get(today - dt.timedelta(days=1))
    midnight = dt.datetime.combine(today, dt.time(), shift.hall.zone_info)
    if yesterday is not None and yesterday.secured_at is None and shift.at < midnight + AFTER_MIDNIGHT:
        found = _checklist(yesterday, rows, Part.CLOSING, checks=True)
        if found is not None:
            return found
    found = _checklist(days[today], rows, Part.CLOSING, checks=True)
    if found is None or shift.at < min(row.task.due_from for row in found.rows):
        return None
    return found
