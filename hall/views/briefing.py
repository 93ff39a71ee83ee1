"""The briefing before the shift: the page writes itself from the last day's figures; held by taps; read aloud from a wall."""

import datetime as dt

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, hours, reports, taps
from hall.access import Action
from hall.models import Hall
from hall.taps import Outcome
from roles import briefing_page, briefings
from roles.models import Briefing
from roles.views import asked

BACK = 7  # days in which the last day of business is looked for


@never_cache
@require_GET
def briefing(request: HttpRequest, code: str) -> HttpResponse:
    """Today's briefing: to be held, going on, or held; earlier ones below."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    return render(request, "roles/briefing.html", _shown(request, hall, clock.now()))


@never_cache
@require_GET
def briefing_record(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """The record of one briefing (REC-01)."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    found = get_object_or_404(Briefing.objects.filter(ended_at__isnull=False).select_related("host"), pk=pk, hall=hall)
    return render(
        request, "roles/briefing_record.html", asked.seen(request, hall) | {"record": briefing_page.record(found)}
    )


@never_cache
@require_GET
def briefing_aloud(request: HttpRequest, code: str) -> HttpResponse:
    """Today's briefing on a wall, to be read from; no names of people who were looked at. htmx asks for its body again."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    body = "HX-Request" in request.headers
    return render(request, "roles/_briefing_aloud.html" if body else "roles/briefing_aloud.html", _told(hall, at))


@require_POST
def briefing_start(request: HttpRequest, code: str) -> HttpResponse:
    """The briefing begins now."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()

    def act() -> None:
        briefings.start(hall, figures=figures(hall, at), by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def briefing_attend(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody is there and was looked at, or is not there; "all": everybody who is expected is."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()

    def act() -> None:
        going = _named(request, hall)
        if request.POST.get("person") == "all":
            briefings.attend_expected(going, by=asked.person(request), at=at)
            return
        person = asked.row(request, "person", asked.staff(hall))
        briefings.attend(going, person, request.POST.get("seen", ""), by=asked.person(request), at=at)

    outcome = taps.carry_out(request, act, at=at)
    if outcome.refused:
        return asked.said(request, outcome, "#said")
    going = _named(request, hall)
    shown = {"briefing": going, "people": briefing_page.people(going)}
    return render(request, "roles/_briefing_people.html", asked.seen(request, hall) | shown)


@require_POST
def briefing_note(request: HttpRequest, code: str) -> HttpResponse:
    """What is said is written down; with `then` "end" the briefing is over."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()
    person = asked.person(request)
    words = {name: request.POST.get(name, "") for name in ("learning", "praise", "goals")}

    def act() -> None:
        going = _named(request, hall)
        briefings.note(going, **words, smile_done=request.POST.get("smile_done") == "yes", by=person, at=at)
        if request.POST.get("then") == "end":
            briefings.end(going, by=person, at=at)

    outcome = taps.carry_out(request, act, at=at)
    return asked.said(request, outcome, "#said") if outcome.refused else _answer(request, hall, outcome, at)


@require_POST
def briefing_off(request: HttpRequest, code: str) -> HttpResponse:
    """Begun by mistake."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()

    def act() -> None:
        briefings.call_off(_named(request, hall), by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


AT = "h/<slug:code>/briefing/"
urlpatterns = [
    path(AT, briefing, name="briefing"),
    path(AT + "aloud/", briefing_aloud, name="briefing-aloud"),
    path(AT + "<int:pk>/", briefing_record, name="briefing-record"),
    path(AT + "start/", briefing_start, name="briefing-start"),
    path(AT + "attend/", briefing_attend, name="briefing-attend"),
    path(AT + "note/", briefing_note, name="briefing-note"),
    path(AT + "off/", briefing_off, name="briefing-off"),
]


def figures(hall: Hall, at: dt.datetime) -> dict[str, object] | None:
    """The figures of the last day of business before today, as the briefing keeps them; None when there was none for a week.

    Keys: on (ISO date), issued, called, over, lost; mean_wait_minutes, share_over, utilisation (None where nothing was
    to be divided by), limit_minutes.
    """
    today = hall.business_date(at)
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    days = (today - dt.timedelta(days=number) for number in range(1, BACK + 1))
    on = next((on for on in days if hours.intervals_on(hall, on)), None)
    if on is None:
        return None
    report = reports.day(hall, on, at=at)
    names = ("issued", "called", "over", "lost", "mean_wait_minutes", "share_over", "utilisation")
    return {
        "on": on.isoformat(),
        "limit_minutes": report.limit.total_seconds() / 60,
        **{name: getattr(report.total, name) for name in names},
    }


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, object]:
    """The page of today. What is still to be held is drafted as start() would keep it."""
    told = _told(hall, clock.now_in(hall, at))
    going = told["briefing"]
    seen = asked.seen(request, hall) | told
    if isinstance(going, Briefing) and going.is_over:
        seen["record"] = briefing_page.record(going)
    elif isinstance(going, Briefing):
        seen["people"] = briefing_page.people(going)
    on_time, due = briefing_page.in_time(hall, told["on"])  # type: ignore[arg-type]
    return seen | {"earlier": briefing_page.earlier(hall, told["on"]), "on_time": on_time, "due": due}  # type: ignore[arg-type]


def _told(hall: Hall, at: dt.datetime) -> dict[str, object]:
    """What is told today: the briefing's own words, or before it begins their draft. `timing`: what beginning now would be."""
    on = hall.business_date(at)
    prefetch_related_objects([hall], "opening_intervals", "holidays")
    found = Briefing.objects.filter(hall=hall, on=on).select_related("host", "hall").first()
    window = briefings.window(hall, on)
    said = {
        "hall": hall,
        "smile": briefings.smile_practice(hall),
        "at": at,
        "on": on,
        "briefing": found,
        "window": window,
        "opens": bool(hours.intervals_on(hall, on)),
    }
    if found is not None:
        return said | {"told": briefing_page.told(found.words), "learning": found.learning}
    told = briefing_page.told(briefings.draft(hall, figures(hall, at), at))
    return said | {"told": told, "learning": briefings.last_learning(hall), "timing": briefings.timing(window, at)}


def _answer(request: HttpRequest, hall: Hall, outcome: Outcome, at: dt.datetime) -> HttpResponse:
    shown = _shown(request, hall, at) | {"refusal": outcome.message}
    return render(request, "roles/_briefing.html", shown, status=outcome.status)


def _named(request: HttpRequest, hall: Hall) -> Briefing:
    """The briefing that the form acts on; none of another hall."""
    return asked.row(request, "briefing", Briefing.objects.filter(hall=hall).select_related("hall", "host"))
