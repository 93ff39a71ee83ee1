"""Handing a shift over to a colleague, who signs for it or says why not."""

import datetime as dt
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps, text
from hall.access import Action
from hall.models import Counter, Hall, Post
from hall.refusals import Invalid
from hall.taps import Outcome
from roles import handover_page, handovers
from roles.briefings import smile_practice
from roles.models import ShiftHandover
from roles.views import asked

ROWS = 8  # counted things that the form has room for, at least
ROWS_MOST = handovers.ITEMS_MOST


@never_cache
@require_GET
def handover(request: HttpRequest, code: str) -> HttpResponse:
    """What waits for one's signature, what one has handed over, and what was signed."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    return render(request, "roles/handover.html", _shown(request, hall))


@never_cache
@require_GET
def handover_new(request: HttpRequest, code: str) -> HttpResponse:
    """A shift is handed over; `?again=` is one's own that was refused."""
    hall, person = access.hall(request, code, Action.MY_SHIFT), asked.person(request)
    again = request.GET.get("again", "")
    refused = ShiftHandover.objects.filter(hall=hall, giver=person, state=ShiftHandover.State.REFUSED)
    before = refused.filter(pk=int(again)).first() if again.isascii() and again.isdigit() and len(again) < 10 else None
    draft = handover_page.draft(hall, person, before)
    rows = list(enumerate([*draft.items, *[("", None)] * max(2, ROWS - len(draft.items))][:ROWS_MOST]))
    return render(request, "roles/handover_new.html", asked.seen(request, hall) | {"draft": draft, "rows": rows})


@require_POST
def handover_offer(request: HttpRequest, code: str) -> HttpResponse:
    """It is offered, and signed by who gives it."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    outcome = taps.carry_out(request, lambda: {"handover": _offer(request, hall, at).pk}, at=at)
    if outcome.refused:
        return asked.said(request, outcome, "#said")
    return HttpResponse(headers={"HX-Redirect": reverse("handover", args=[hall.code])})


@require_POST
def handover_accept(request: HttpRequest, code: str) -> HttpResponse:
    """Checked and signed."""
    return _act(request, code, handovers.accept, smile_done=request.POST.get("smile_done") == "yes")


@require_POST
def handover_refuse(request: HttpRequest, code: str) -> HttpResponse:
    """Not signed, and why."""
    return _act(request, code, handovers.refuse, reason=request.POST.get("reason", ""))


@require_POST
def handover_withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Taken back by who gave it."""
    return _act(request, code, handovers.withdraw)


AT = "h/<slug:code>/handover/"
urlpatterns = [
    path(AT, handover, name="handover"),
    path(AT + "new/", handover_new, name="handover-new"),
    path(AT + "offer/", handover_offer, name="handover-offer"),
    path(AT + "accept/", handover_accept, name="handover-accept"),
    path(AT + "refuse/", handover_refuse, name="handover-refuse"),
    path(AT + "withdraw/", handover_withdraw, name="handover-withdraw"),
]


def _shown(request: HttpRequest, hall: Hall) -> dict[str, object]:
    seen = asked.seen(request, hall)
    holds = Action.BRIEF in seen["may"]  # type: ignore[operator]
    return seen | {"page": handover_page.load(hall, asked.person(request), holds=holds), "smile": smile_practice(hall)}


def _act(request: HttpRequest, code: str, verb: Callable[..., None], **more: object) -> HttpResponse:
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def act() -> None:
        known = ShiftHandover.objects.filter(hall=hall).select_related("giver", "receiver")
        verb(asked.row(request, "handover", known), by=asked.person(request), at=at, **more)

    outcome: Outcome = taps.carry_out(request, act, at=at)
    return render(
        request, "roles/_handover.html", _shown(request, hall) | {"refusal": outcome.message}, status=outcome.status
    )


def _offer(request: HttpRequest, hall: Hall, at: dt.datetime) -> ShiftHandover:
    counter = None
    if request.POST.get("counter"):
        counter = asked.row(request, "counter", Counter.objects.filter(hall=hall))
    if not request.POST.get("receiver"):
        raise Invalid(_("Please choose a colleague."))
    return handovers.offer(
        hall,
        asked.row(request, "receiver", asked.staff(hall)),
        post=asked.row(request, "post", Post.objects.filter(is_active=True)),
        counter=counter,
        items=_counted(request),
        system_state=request.POST.get("system_state", ""),
        open_matters=request.POST.get("open_matters", ""),
        by=asked.person(request),
        at=at,
    )


def _counted(request: HttpRequest) -> list[tuple[str, int]]:
    """The lines of the form that are filled in. Raises Invalid for a name without a number, or a number without a name."""
    lines = [(request.POST.get(f"item-{row}", ""), request.POST.get(f"count-{row}", "")) for row in range(ROWS_MOST)]
    counted = []
    for name, count in lines:
        if not name.strip() and not count.strip():
            continue
        if name.strip() and not count.strip():
            raise Invalid(_("How many of “%(name)s”? Count it, or clear the line.") % {"name": name.strip()[:60]})
        counted.append((name, text.whole_number(count, least=0, most=handovers.COUNT_MOST)))
    return counted
