"""The A/B table: whose each small task is, and who covers (R-B14, REC-55)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps
from hall.access import Action
from hall.models import Hall, Person
from hall.refusals import Invalid
from hall.taps import Outcome
from roles import routines
from roles.models import Duty
from roles.views.my_shift import number, person_of


@never_cache
@require_GET
def routine_table(request: HttpRequest, code: str) -> HttpResponse:
    """The table, for everybody to read; who edits the hall names A and B."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    return render(request, "roles/routines.html", _shown(request, hall))


@require_POST
def routine_assign(request: HttpRequest, code: str) -> HttpResponse:
    """A and B of one small task."""
    hall, at = access.hall(request, code, Action.EDIT), clock.now()

    def act() -> None:
        a, b = _one_of(request, "a"), _one_of(request, "b")
        routines.assign(hall, _duty(request), a, b, by=person_of(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at))


@require_POST
def routine_remove(request: HttpRequest, code: str) -> HttpResponse:
    """The hall does not owe a small task any more."""
    hall, at = access.hall(request, code, Action.EDIT), clock.now()

    def act() -> None:
        routines.remove(hall, _duty(request), by=person_of(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at))


AT = "h/<slug:code>/routines/"
urlpatterns = [
    path(AT, routine_table, name="routines"),
    path(AT + "assign/", routine_assign, name="routine-assign"),
    path(AT + "remove/", routine_remove, name="routine-remove"),
]


def _shown(request: HttpRequest, hall: Hall) -> dict[str, object]:
    may = access.rights_of(person_of(request), hall).now
    people = routines.people(hall) if Action.EDIT in may else []
    return {"hall": hall, "may": may, "lines": routines.table(hall), "people": people}


def _answer(request: HttpRequest, hall: Hall, outcome: Outcome) -> HttpResponse:
    shown = _shown(request, hall) | {"refusal": outcome.message}
    return render(request, "roles/_routines.html", shown, status=outcome.status)


def _duty(request: HttpRequest) -> Duty:
    return get_object_or_404(Duty.objects.select_related("post"), pk=number(request, "duty"))


def _one_of(request: HttpRequest, name: str) -> Person:
    """Somebody named in the form. Raises Invalid for nobody; whether he is of this hall, the verb asks."""
    found = Person.objects.filter(pk=number(request, name)).first()
    if found is None:
        raise Invalid
    return found
