"""Pages of the duty manager: the live board and its wall view, answers to alarms, closing a counter and the day."""

import datetime as dt
from collections.abc import Callable

from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from hall import access, alarms, board, clock, counters, hours, taps, text
from hall.access import Action
from hall.board import Screen
from hall.models import Alarm, Hall, Person
from hall.refusals import Invalid, WrongState
from hall.taps import Outcome
from queueing import days
from queueing.fragments import board as fragments
from queueing.models import AT_COUNTER, Ticket

MOST_AT_ONCE = 1000  # alarms answered by one tap
USUAL_REASONS = [_("went home"), _("comes again tomorrow"), _("was helped without a ticket"), _("could not be found")]
DAYS_AHEAD = 3  # a board left on over night still knows when the hall opens


@never_cache
@require_GET
def live_board(request: HttpRequest, code: str) -> HttpResponse:
    """The live board of a hall."""
    hall = access.hall(request, code, Action.SEE_BOARD)
    return render(request, "hall/board.html", _screen(hall, "board") | {"may": _may(request, hall)})


@never_cache
@require_GET
def wall(request: HttpRequest, code: str) -> HttpResponse:
    """The board for a big screen: no names, nothing to press."""
    hall = access.hall(request, code, Action.SEE_WALL)
    return render(request, "hall/wall.html", _screen(hall, "wall"))


@require_POST
def acknowledge_alarm(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Somebody takes an alarm: it climbs no further."""
    return _answer(request, code, alarms.acknowledge, lambda: [pk])


@require_POST
def settle_alarm(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """What an alarm asked for is done."""
    return _answer(request, code, alarms.settle, lambda: [pk])


@require_POST
def acknowledge_alarms(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody takes many alarms that are alike, shown as one."""
    return _answer(request, code, alarms.acknowledge, lambda: _alike(request))


@require_POST
def settle_alarms(request: HttpRequest, code: str) -> HttpResponse:
    """What many alike alarms asked for is done."""
    return _answer(request, code, alarms.settle, lambda: _alike(request))


@never_cache
@require_GET
def close_counter(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Asks before a colleague's counter is closed."""
    counter = access.counter(request, code, number, Action.CLOSE_COUNTER)
    return render(
        request,
        "hall/close_counter.html",
        {"hall": counter.hall, "counter": counter, "may": _may(request, counter.hall)},
    )


@require_POST
def close_counter_for(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """The duty manager closes a colleague's counter."""
    counter = access.counter(request, code, number, Action.CLOSE_COUNTER)
    at = clock.now()
    outcome = taps.carry_out(request, lambda: _done(counters.close_for(counter, by=_person(request), at=at)), at=at)
    if not outcome.refused:
        return _to_board(counter.hall)
    counter.refresh_from_db()
    shown = {"hall": counter.hall, "counter": counter, "refusal": outcome.message}
    return render(request, "hall/_close_counter.html", shown, status=outcome.status)


@never_cache
@require_GET
def close_day(request: HttpRequest, code: str) -> HttpResponse:
    """Asks for a reason per ticket that still waits, before the day is closed."""
    hall = access.hall(request, code, Action.CLOSE_DAY)
    return render(request, "hall/close_day.html", _closing(hall, clock.now()) | {"may": _may(request, hall)})


@require_POST
def close_day_now(request: HttpRequest, code: str) -> HttpResponse:
    """The duty manager closes the day; every ticket that still waits ends with the reason given for it (R-Q22)."""
    hall = access.hall(request, code, Action.CLOSE_DAY)
    at = clock.now()
    reasons = _reasons(request)
    outcome = taps.carry_out(
        request, lambda: _done(days.close_day(hall, reasons=reasons, by=_person(request), at=at)), at=at
    )
    if not outcome.refused:
        return _to_board(hall)
    shown = _closing(hall, at, reasons) | {"refusal": outcome.message}
    return render(request, "hall/_close_day.html", shown, status=outcome.status)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where browsers look for the icon of pages that name none."""
    return redirect(static("favicon.svg"), permanent=True)


def _screen(hall: Hall, kind: str) -> dict[str, object]:
    """What a live page shows: its fragments by name (board-strip → strip), the instant, and when the hall is open."""
    at = clock.now()
    state = board.load(hall.pk, at)
    prefetch_related_objects([state.hall], "opening_intervals", "holidays")
    shown = board.render(Screen(hall.pk, kind, 0, get_language() or ""), at, state)
    return {
        "hall": state.hall,
        "at": state.at,
        "served_at": at,
        "fragments": {name.partition("-")[2]: html for name, html in shown.items()},
        "intervals": hours.coming(state.hall, state.at, days=DAYS_AHEAD),
    }


def _answer(request: HttpRequest, code: str, verb: Callable[..., object], pks: Callable[[], list[int]]) -> HttpResponse:
    """Answer alarms of this hall by a verb, once; what needs somebody afterwards, or the refusal in words."""
    hall = access.hall(request, code, Action.ANSWER_ALARM)
    at = clock.now()
    try:
        rows = _alarms(hall, pks())
        outcome = taps.carry_out(request, lambda: _each(rows, lambda row: verb(row, by=_person(request), at=at)), at=at)
    except Invalid as refusal:
        outcome = Outcome(status=refusal.status, message=str(refusal))
    html = fragments.needs(board.load(hall.pk, at), refusal=outcome.message)
    return HttpResponse(html, status=outcome.status)


def _each(rows: list[Alarm], answer: Callable[[Alarm], object]) -> None:
    """Answer each; of many, those that somebody answered meanwhile are passed over. Raises WrongState if none is left."""
    refusal = None
    answered = 0
    for row in rows:
        try:
            answer(row)
            answered += 1
        except WrongState as error:
            refusal = error
    if refusal is not None and not answered:
        raise refusal


def _alike(request: HttpRequest) -> list[int]:
    """The alarms named in the form's `alarms`: ids with commas. Raises Invalid."""
    words = request.POST.get("alarms", "").split(",")
    return [text.whole_number(word, least=1, most=999_999_999) for word in words[:MOST_AT_ONCE]]


def _alarms(hall: Hall, pks: list[int]) -> list[Alarm]:
    """These alarms of this hall, by id. Raises Http404 when one is unknown or of another hall."""
    rows = list(Alarm.objects.filter(hall=hall, pk__in=pks).order_by("pk"))
    if len(rows) != len(set(pks)):
        raise Http404
    return rows


def _closing(hall: Hall, at: dt.datetime, reasons: dict[int, str] | None = None) -> dict[str, object]:
    """What the form of the day's close shows: who still waits or is on hold, with the reason already given; who is at a counter."""
    on = days.date_to_close(hall, at)
    live = Ticket.objects.filter(hall=hall, business_date__lte=on).live().select_related("service", "counter")
    left = list(live.order_by("issued_at", "id"))
    given = reasons or {}
    return {
        "hall": hall,
        "on": on,
        "rows": [(ticket, given.get(ticket.pk, "")) for ticket in left if ticket.state not in AT_COUNTER],
        "at_counters": [ticket for ticket in left if ticket.state in AT_COUNTER],
        "usual": [str(reason) for reason in USUAL_REASONS],
    }


def _reasons(request: HttpRequest) -> dict[int, str]:
    """Ticket id → why, from the form's fields reason-<id>; a reason for all stands in where a ticket has none of its own."""
    for_all = request.POST.get("reason", "")
    return {
        int(name[7:]): str(value).strip() or for_all
        for name, value in request.POST.items()
        if name.startswith("reason-") and name[7:].isascii() and name[7:].isdigit() and len(name) < 20
    }


def _done(*_changed: object) -> None:
    """A tap's outcome has no value of its own: what it changed is shown from the database."""


def _person(request: HttpRequest) -> Person:
    """Who acts; hall.access has let nobody else through to an action."""
    assert isinstance(request.user, Person)
    return request.user


def _to_board(hall: Hall) -> HttpResponse:
    """Back to the board; htmx follows HX-Redirect."""
    return HttpResponse(headers={"HX-Redirect": reverse("board", args=[hall.code])})


def _may(request: HttpRequest, hall: Hall) -> frozenset[Action]:
    """What the person may do in the hall: which links a page shows."""
    return access.rights_of(request.user, hall).now  # type: ignore[arg-type]


urlpatterns = [
    path("favicon.ico", favicon, name="favicon"),
    path("h/<slug:code>/board/", live_board, name="board"),
    path("h/<slug:code>/wall/", wall, name="wall"),
    path("h/<slug:code>/alarms/<int:pk>/acknowledge/", acknowledge_alarm, name="acknowledge-alarm"),
    path("h/<slug:code>/alarms/<int:pk>/done/", settle_alarm, name="settle-alarm"),
    path("h/<slug:code>/alarms/acknowledge/", acknowledge_alarms, name="acknowledge-alarms"),
    path("h/<slug:code>/alarms/done/", settle_alarms, name="settle-alarms"),
    path("h/<slug:code>/close-counter/<int:number>/", close_counter, name="close-counter"),
    path("h/<slug:code>/counters/<int:number>/close-for/", close_counter_for, name="close-counter-for"),
    path("h/<slug:code>/close-day/", close_day, name="close-day"),
    path("h/<slug:code>/day/close/", close_day_now, name="close-day-now"),
]
