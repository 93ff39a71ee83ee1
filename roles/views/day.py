"""The day's work on "my shift": tasks ticked, excepted, undone and signed; the checklists that open and secure the hall."""

import datetime as dt
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps
from hall.access import Action
from hall.models import Person
from hall.refusals import Invalid
from roles import day_tasks, my_shift, opening, work
from roles.models import Duty, Task
from roles.views.my_shift import AT, answer, number, person_of

FIRST, LAST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)


@require_GET
def task_fold(request: HttpRequest, code: str) -> HttpResponse:
    """What can be said of one task: its evidence, a note, why not today."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    shift = my_shift.load(hall, person_of(request), clock.now_in(hall, at))
    wanted = request.GET.get("task", "")
    pk = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 10 else 0
    task = get_object_or_404(Task.objects.select_related("post", "done_by"), pk=pk, hall=hall)
    shown = {"hall": hall, "row": work.row_of(task, shift), "work": {"present": work.people(shift)}}
    return render(request, "roles/_task_fold.html", shown)


@require_POST
def task_done(request: HttpRequest, code: str) -> HttpResponse:
    """A task is done, with what its record asks for."""

    def act(task: Task, by: Person, at: dt.datetime) -> None:
        note, count = request.POST.get("note", ""), request.POST.get("number", "")
        day_tasks.done(task, number=count, note=note, second=_second(request, task), by=by, at=at)

    return _on_task(request, code, work.may_do, act)


@require_POST
def task_except(request: HttpRequest, code: str) -> HttpResponse:
    """A task is not done today, for a reason."""

    def act(task: Task, by: Person, at: dt.datetime) -> None:
        day_tasks.except_task(task, reason=request.POST.get("reason", ""), by=by, at=at)

    return _on_task(request, code, work.may_do, act)


@require_POST
def task_undo(request: HttpRequest, code: str) -> HttpResponse:
    """What was ticked by mistake is owed again."""

    def act(task: Task, by: Person, at: dt.datetime) -> None:
        day_tasks.reopen(task, by=by, at=at)

    return _on_task(request, code, work.may_undo, act)


@require_POST
def task_sign(request: HttpRequest, code: str) -> HttpResponse:
    """The second person signs."""

    def act(task: Task, by: Person, at: dt.datetime) -> None:
        day_tasks.sign(task, by=by, at=at)

    return _on_task(request, code, lambda _task, _shift: True, act)


@require_POST
def task_event(request: HttpRequest, code: str) -> HttpResponse:
    """Something that is done when the need arises was done just now (R-C03)."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def act() -> dict[str, object]:
        shift = my_shift.load(hall, person_of(request), at)
        duty = get_object_or_404(Duty, pk=number(request, "duty"))
        if duty.pk not in {row.pk for row in work.load(shift).events}:
            raise Http404
        day_tasks.note_event(hall, duty, by=shift.person, at=at)
        return {"said": _("Written down: %(text)s") % {"text": duty.text}}

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def open_anyway(request: HttpRequest, code: str) -> HttpResponse:
    """The hall opens before its checklist is done, for a reason."""
    hall, at = access.hall(request, code, Action.OVERRIDE), clock.now()

    def act() -> None:
        opening.override(hall, reason=request.POST.get("reason", ""), by=person_of(request), at=at)

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def opening_gate(request: HttpRequest, code: str) -> HttpResponse:
    """Whether counters wait for the opening checklist."""
    hall, at = access.hall(request, code, Action.EDIT), clock.now()

    def act() -> None:
        day = day_tasks.day_of(hall, hall.business_date(at), day_tasks.limits_of([hall.pk])[hall.pk])
        tasks = Task.objects.filter(hall=hall, business_date=hall.business_date(at))
        waits = day is not None and day_tasks.waits_for(day, tasks)
        wanted = request.POST.get("gate", "")
        if wanted not in ("on", "off"):
            raise Invalid
        opening.set_gate(hall, wanted == "on", waits=waits, by=person_of(request), at=at)

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def secure_hall(request: HttpRequest, code: str) -> HttpResponse:
    """The closing checklist is signed."""
    hall, at = access.hall(request, code, Action.CHECK), clock.now()

    def act() -> dict[str, object]:
        left_on, note = request.POST.getlist("left_on"), request.POST.get("note", "")
        opening.secure(hall, _date(request), left_on=left_on, note=note, by=person_of(request), at=at)
        return {"said": _("The hall is secured.")}

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


urlpatterns = [
    path(AT + "task/", task_fold, name="task-fold"),
    path(AT + "done/", task_done, name="task-done"),
    path(AT + "except/", task_except, name="task-except"),
    path(AT + "undo/", task_undo, name="task-undo"),
    path(AT + "sign/", task_sign, name="task-sign"),
    path(AT + "event/", task_event, name="task-event"),
    path(AT + "open/", open_anyway, name="open-anyway"),
    path(AT + "gate/", opening_gate, name="opening-gate"),
    path(AT + "secure/", secure_hall, name="secure-hall"),
]


def _on_task(
    request: HttpRequest,
    code: str,
    may: Callable[[Task, my_shift.MyShift], bool],
    act: Callable[[Task, Person, dt.datetime], None],
) -> HttpResponse:
    """A step with one task of this hall, for who may take it. 404 for another hall's, 403 for a colleague's."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def step() -> None:
        task = get_object_or_404(Task.objects.select_related("post"), pk=number(request, "task"), hall=hall)
        shift = my_shift.load(hall, person_of(request), at)
        if not may(task, shift):
            raise PermissionDenied(_("This task is a colleague's."))
        act(task, shift.person, at)

    return answer(request, hall, taps.carry_out(request, step, at=at), at)


def _second(request: HttpRequest, task: Task) -> Person | None:
    """The colleague of this hall who is to sign too, if one was chosen."""
    if not request.POST.get("second"):
        return None
    people = Person.objects.filter(memberships__hall=task.hall_id, is_active=True).distinct()
    return get_object_or_404(people, pk=number(request, "second"))


def _date(request: HttpRequest) -> dt.date:
    try:
        on = dt.date.fromisoformat(request.POST.get("on", ""))
    except ValueError:
        on = None
    if on is None or not FIRST <= on <= LAST:
        raise Invalid
    return on
