"""Rounds: the day's rounds, whom they sample, what they find; and where the duty manager is."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hall import access, clock, limits, taps, text
from hall.access import Action
from hall.models import Hall, Person, Zone
from hall.refusals import Invalid
from hall.taps import Outcome
from roles import floor_time, records, rounds
from roles.floor_time import StayOnFloor
from roles.models import Finding, FloorTime, Round, Sample
from roles.records import NotFilledIn

MOST = 999_999_999  # the greatest id that a form may name


@never_cache
@require_GET
def rounds_page(request: HttpRequest, code: str) -> HttpResponse:
    """Today's rounds, the one that is going on, what is not put right yet, and where the duty manager is."""
    hall = access.hall(request, code, Action.ROUND)
    return render(request, "roles/rounds.html", _shown(request, hall, clock.now()))


@require_POST
def round_start(request: HttpRequest, code: str) -> HttpResponse:
    """A round begins, and draws its sample."""
    return _done(
        request,
        code,
        lambda hall, person, at: rounds.start(hall, request.POST.get("kind", ""), by=person, at=at),
        _("The round has begun."),
    )


@require_POST
def round_end(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The round is over."""

    def act(hall: Hall, person: Person, at: dt.datetime) -> None:
        rounds.end(_one(Round, hall, pk, "hall"), note=request.POST.get("note", ""), by=person, at=at)

    return _done(request, code, act, _("The round is over."))


@require_POST
def round_find(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Something was found on the way."""

    def act(hall: Hall, person: Person, at: dt.datetime) -> None:
        rounds.note_finding(
            _one(Round, hall, pk, "hall"), request.POST.get("text", ""), by=person, at=at, **_about(request, hall)
        )

    return _done(request, code, act, _("The finding was noted."))


@require_POST
def finding_done(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """What was found is put right."""

    def act(hall: Hall, person: Person, at: dt.datetime) -> None:
        rounds.settle(_one(Finding, hall, pk, "round__hall"), by=person, at=at)

    return _done(request, code, act, _("Put right."))


@require_POST
def floor_place(request: HttpRequest, code: str) -> HttpResponse:
    """The duty manager says where he is; to leave a busy floor asks a reason (R-Q10)."""

    def act(hall: Hall, person: Person, at: dt.datetime) -> None:
        place, reason = request.POST.get("place", ""), request.POST.get("reason", "")
        floor_time.go(hall, person, place, reason=reason, by=person, at=at)

    return _done(request, code, act, "")


@never_cache
@require_http_methods(["GET", "POST"])
def sample_page(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """One sampled person is scored, item by item."""
    hall, at = access.hall(request, code, Action.ROUND), clock.now()
    sample = _one(Sample, hall, pk, "round__hall")
    if request.method == "GET":
        return render(request, "roles/sample.html", _scoring(request, hall, sample, {}, {}, ""))
    errors: dict[str, str] = {}
    outcome = taps.carry_out(request, lambda: _score(request, hall, sample, errors, at), at=at)
    if not outcome.refused:
        return HttpResponse(headers={"HX-Redirect": reverse("rounds", args=[hall.code])})
    shown = _scoring(request, hall, sample, request.POST.dict(), errors, outcome.message)
    return render(request, "roles/_sample.html", shown, status=outcome.status)


@never_cache
@require_GET
def person_evidence(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """What rounds and records say of one person."""
    hall = access.hall(request, code, Action.SEE_RECORDS)
    if pk > MOST:
        raise Http404
    found = Person.objects.filter(memberships__hall=hall).distinct()
    person = get_object_or_404(found, pk=pk)
    shown = {"hall": hall, "may": access.rights_of(_person(request), hall).now, "person": person}
    return render(request, "roles/evidence.html", shown | {"evidence": rounds.evidence(hall, person)})


AT = "h/<slug:code>/rounds/"
urlpatterns = [
    path(AT, rounds_page, name="rounds"),
    path(AT + "start/", round_start, name="round-start"),
    path(AT + "place/", floor_place, name="floor-place"),
    path(AT + "<int:pk>/end/", round_end, name="round-end"),
    path(AT + "<int:pk>/find/", round_find, name="round-find"),
    path(AT + "finding/<int:pk>/done/", finding_done, name="finding-done"),
    path(AT + "sample/<int:pk>/", sample_page, name="sample"),
    path(AT + "person/<int:pk>/", person_evidence, name="person-evidence"),
]


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, Any]:
    at = clock.now_in(hall, at)
    person, on = _person(request), hall.business_date(at)
    going = rounds.running(hall)
    manages = floor_time.is_on_duty(hall, person)
    return {
        "hall": hall, "may": access.rights_of(person, hall).now, "at": at, "on": on, "plan": rounds.plan(hall, on, at=at), "going": going,
        "samples": list(going.samples.select_related("person", "post")) if going else [],
        "found": list(going.findings.select_related("round__hall", "person", "owner")) if going else [],
        "open": [one for one in rounds.findings_since(hall, at) if one.done_at is None],
        "zones": list(Zone.objects.filter(hall=hall)) if going else [], "people": records.people_of(hall), "due_days": _due_days(),
        "manages": manages, "place": floor_time.where(hall, person) if manages else None, "busy": floor_time.is_busy(hall),
        "ratio": floor_time.ratio(hall, person, on, at=at) if manages else None,
        "target": f"{limits.in_force(hall.pk, ['R-B06']).share('R-B06', 'on_floor'):g} %", "places": FloorTime.Place,
    }  # fmt: skip


def _done(
    request: HttpRequest, code: str, verb: Callable[[Hall, Person, dt.datetime], object], said: str
) -> HttpResponse:
    """A tap on the page: the page's body as it is then, with what was typed if it was refused."""
    hall, at = access.hall(request, code, Action.ROUND), clock.now()
    errors: dict[str, str] = {}
    asks_why = []

    def act() -> None:
        try:
            verb(hall, _person(request), at)
        except NotFilledIn as refusal:
            errors.update(refusal.errors)
            raise
        except StayOnFloor:
            asks_why.append(True)
            raise

    outcome = taps.carry_out(request, act, at=at)
    typed = request.POST.dict() if outcome.refused else {}
    words = {"refusal": _words(outcome, errors), "notice": "" if outcome.refused else said, "asks_why": bool(asks_why)}
    shown = _shown(request, hall, at) | words | {"errors": errors, "typed": typed}
    return render(request, "roles/_rounds.html", shown, status=outcome.status)


def _words(outcome: Outcome, errors: dict[str, str]) -> str:
    return " ".join(errors.values()) or outcome.message


def _one(model: Any, hall: Hall, pk: int, way: str) -> Any:
    """A row of this hall; 404 for any other."""
    if pk > MOST:
        raise Http404
    return get_object_or_404(model, pk=pk, **{way: hall})


def _about(request: HttpRequest, hall: Hall) -> dict[str, Any]:
    """Zone, owner and time of a finding's form. 404 for what is not of this hall."""
    zone, owner = request.POST.get("zone", ""), request.POST.get("owner", "")
    return {
        "zone": get_object_or_404(Zone, pk=_number(zone), hall=hall) if zone else None,
        "owner": _of_hall(owner, hall) if owner else None,
        "corrected": request.POST.get("corrected") == "yes",
        "due_in": request.POST.get("due_in", ""),
    }


def _of_hall(pk: str, hall: Hall) -> Person:
    found = Person.objects.filter(pk=_number(pk), memberships__hall=hall).first()
    if found is None:
        raise Invalid(_("Please choose a person of this hall."))
    return found


def _number(raw: str) -> int:
    return text.whole_number(raw, least=1, most=MOST)


def _score(
    request: HttpRequest, hall: Hall, sample: Sample, errors: dict[str, str], at: dt.datetime
) -> dict[str, object]:
    names = [name for name in request.POST if name.startswith("score-")]
    answers = {name.removeprefix("score-"): request.POST.get(name, "") for name in names}
    about = _about(request, hall)
    try:
        rounds.score(
            sample, answers, note=request.POST.get("note", ""), corrected=about["corrected"], owner=about["owner"],
            due_in=about["due_in"], by=_person(request), at=at,
        )  # fmt: skip
    except NotFilledIn as refusal:
        errors.update(refusal.errors)
        raise
    return {"sample": sample.pk}


def _scoring(
    request: HttpRequest, hall: Hall, sample: Sample, typed: dict[str, str], errors: dict[str, str], refusal: str
) -> dict[str, Any]:
    """The items with what was chosen; of a sample that was scored, what was given."""
    given = {row["item"]: row["score"] for row in sample.scores}
    items = [(item, typed.get(f"score-{item.key}", ""), given.get(item.key)) for item in rounds.items_of(sample.post)]
    return {
        "hall": hall, "may": access.rights_of(_person(request), hall).now, "sample": sample, "typed": typed, "errors": errors,
        "fives": [row for row in items if row[0].scale == "five"], "lines": [row for row in items if row[0].scale == "ok"],
        "refusal": " ".join(errors.values()) or refusal, "people": records.people_of(hall), "due_days": _due_days(), "marks": "12345",
    }  # fmt: skip


def _due_days() -> list[tuple[str, str]]:
    words = {0: _("Today"), 1: _("Tomorrow"), 3: _("In 3 days"), 7: _("In a week")}
    return [(str(days), words[days]) for days in rounds.DUE_DAYS]


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # no device has Action.ROUND
    return request.user
