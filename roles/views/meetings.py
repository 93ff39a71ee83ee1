"""Meetings after the shift and of the month: what is due, what was said, who does what."""

import datetime as dt

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps
from hall.access import Action
from hall.models import Hall
from hall.refusals import Invalid
from hall.taps import Outcome
from roles import meeting_page, notices, staff
from roles import meetings as writing
from roles.meetings import Agreed
from roles.models import FollowUp, Meeting
from roles.views import asked

ROWS = range(5)  # follow-ups that a form has room for


@never_cache
@require_GET
def meetings(request: HttpRequest, code: str) -> HttpResponse:
    """What one has to do, what is due, and the records one may read."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    return render(request, "roles/meetings.html", _shown(request, hall, clock.now()))


@never_cache
@require_GET
def meeting(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """One record. 404 for one that names people and faults, to who was not there."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    seen = asked.seen(request, hall)
    readable = meeting_page.readable(hall, asked.person(request), holds=Action.BRIEF in seen["may"])  # type: ignore[operator]
    found = get_object_or_404(readable.select_related("by"), pk=pk)
    shown = {
        "meeting": found,
        "follow_ups": found.follow_ups.select_related("owner"),
        "attendees": found.attendees.all(),
    }
    return render(request, "roles/meeting.html", seen | shown | {"notices": found.notices.all()})


@never_cache
@require_GET
def meeting_new(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """A meeting is written down."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()
    if kind not in Meeting.Kind.values:
        raise Http404
    shown = {
        "kind": Meeting.Kind(kind), "said": writing.SAID[Meeting.Kind(kind)], "triggers": Meeting.Trigger, "rows": ROWS,
        "members": staff.of_hall(hall), "unknown": writing.to_explain(hall, at), "today": hall.business_date(at),
    }  # fmt: skip
    return render(request, "roles/meeting_new.html", asked.seen(request, hall) | shown)


@require_POST
def meeting_hold(request: HttpRequest, code: str) -> HttpResponse:
    """The record is handed in."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()
    outcome = taps.carry_out(request, lambda: {"meeting": _hold(request, hall, at).pk}, at=at)
    if outcome.refused:
        return asked.said(request, outcome, "#said")
    return HttpResponse(headers={"HX-Redirect": reverse("meetings", args=[hall.code])})


@require_POST
def meeting_skip(request: HttpRequest, code: str) -> HttpResponse:
    """Today's meeting after the shift is skipped, with a reason."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()

    def act() -> None:
        writing.skip(hall, request.POST.get("reason", ""), by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def follow_up_done(request: HttpRequest, code: str) -> HttpResponse:
    """Its owner has done it; `undo`: not yet after all."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def act() -> None:
        one = asked.row(
            request, "follow_up", FollowUp.objects.filter(meeting__hall=hall).select_related("owner", "meeting")
        )
        verb = writing.reopen if request.POST.get("undo") else writing.finish
        verb(one, by=asked.person(request), at=at)

    outcome = taps.carry_out(request, act, at=at)
    done = "" if outcome.refused or request.POST.get("undo") else request.POST.get("follow_up", "")
    return _answer(request, hall, outcome, at, done=done)


AT = "h/<slug:code>/meetings/"
urlpatterns = [
    path(AT, meetings, name="meetings"),
    path(AT + "<int:pk>/", meeting, name="meeting"),
    path(AT + "new/<slug:kind>/", meeting_new, name="meeting-new"),
    path(AT + "hold/", meeting_hold, name="meeting-hold"),
    path(AT + "skip/", meeting_skip, name="meeting-skip"),
    path(AT + "done/", follow_up_done, name="follow-up-done"),
]


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, object]:
    seen = asked.seen(request, hall)
    holds = Action.BRIEF in seen["may"]  # type: ignore[operator]
    return seen | {"page": meeting_page.load(hall, asked.person(request), clock.now_in(hall, at), holds=holds)}


def _answer(request: HttpRequest, hall: Hall, outcome: Outcome, at: dt.datetime, *, done: str = "") -> HttpResponse:
    shown = _shown(request, hall, at) | {"refusal": outcome.message, "done": done}
    return render(request, "roles/_meetings.html", shown, status=outcome.status)


def _hold(request: HttpRequest, hall: Hall, at: dt.datetime) -> Meeting:
    kind = request.POST.get("kind", "")
    unknown = {one.pk for one in writing.to_explain(hall, at)}
    explained = asked.rows(request, "notice", notices.standing(hall, hall.business_date(at)).filter(pk__in=unknown))
    return writing.hold(
        hall,
        kind,
        trigger=request.POST.get("trigger", ""),
        said={name: request.POST.get(name, "") for name in writing.TEXTS},
        attendees=asked.rows(request, "person", asked.staff(hall)),
        explained=explained,
        actions=[one for number in ROWS if (one := _agreed(request, hall, number)) is not None],
        by=asked.person(request),
        at=at,
    )


def _agreed(request: HttpRequest, hall: Hall, number: int) -> Agreed | None:
    """One line of the form; None where it is empty. Raises Invalid where half of it is missing."""
    words = request.POST.get(f"what-{number}", "").strip()
    due_on = asked.date(request.POST.get(f"due-{number}", ""))
    if not words and not request.POST.get(f"owner-{number}"):
        return None
    if not words or due_on is None or not request.POST.get(f"owner-{number}"):
        raise Invalid(_("A follow-up needs what, who and by when."))
    return Agreed(words, asked.row(request, f"owner-{number}", asked.staff(hall)), due_on)
