"""A ticket's own page on the customer's phone, reached by its unguessable token and showing nobody else's data."""

import datetime as dt
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import clock, taps
from hall.refusals import WrongState
from queueing import tickets
from queueing.fragments import ticket as fragments
from queueing.models import Ticket


def private(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """No search engine lists the page, no cache keeps it. The address leaves no site: Referrer-Policy is same-origin."""

    @wraps(view)
    def answered(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return never_cache(answered)


@private
@require_GET
def ticket(request: HttpRequest, token: str) -> HttpResponse:
    """The page."""
    found = _find(token)
    if found is None:
        return render(request, "queueing/ticket.html", status=404)
    card = fragments.card(found, at=clock.now_in(found.hall, clock.now()))
    return render(request, "queueing/ticket.html", {"ticket": found, "hall": found.hall, "card": card})


@private
@require_GET
def ticket_state(request: HttpRequest, token: str) -> HttpResponse:
    """The card alone, for the page that asks every few seconds."""
    found = _find(token)
    if found is None:
        return HttpResponse(status=404)
    return HttpResponse(fragments.card(found, at=clock.now_in(found.hall, clock.now())))


@private
@require_POST
def ticket_leave(request: HttpRequest, token: str) -> HttpResponse:
    """The customer leaves the queue."""
    found = _find(token)
    if found is None:
        return HttpResponse(status=404)
    request.hall = found.hall  # type: ignore[attr-defined]  # as hall.access says it of every other action
    at = clock.now()
    outcome = taps.carry_out(request, lambda: _leave(request, found, at), at=at)
    now = _find(token) or found
    card = fragments.card(now, at=clock.now_in(now.hall, at), refusal=outcome.message)
    return HttpResponse(card, status=outcome.status)


def _find(token: str) -> Ticket | None:
    return Ticket.objects.select_related("hall", "service", "counter").filter(token=token, hall__is_active=True).first()


def _leave(request: HttpRequest, found: Ticket, at: dt.datetime) -> None:
    seen = request.POST.get("state", found.state)
    if seen != found.state:
        raise WrongState(
            _("%(number)s is %(state)s now.") % {"number": found.number, "state": found.get_state_display()}
        )
    tickets.abandon(found, by=None, at=at)


urlpatterns = [
    path("t/<str:token>/", ticket, name="ticket"),
    path("t/<str:token>/state/", ticket_state, name="ticket-state"),
    path("t/<str:token>/leave/", ticket_leave, name="ticket-leave"),
]
