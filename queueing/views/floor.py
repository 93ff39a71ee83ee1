"""The floor tablet: giving tickets, care for those who wait, spare tickets taken back; and the printed ticket."""

import datetime as dt
from collections.abc import Callable

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps, text
from hall.access import Action
from hall.models import Device, Hall, Kind
from hall.refusals import Invalid
from hall.taps import Outcome
from queueing import care, tickets
from queueing.fragments import floor as fragments
from queueing.fragments import state as queue_state
from queueing.models import CareAct, CustomerClass, Service, State, Ticket
from queueing.views import answers

GONE = (State.NO_SHOW, State.ABANDONED, State.RECLAIMED)
LIST_MOST = 60
CLASSES = [  # green follows the service
    (CustomerClass.NORMAL, ""), (CustomerClass.SPECIAL, "priority"), (CustomerClass.VIP, "star"),
]  # fmt: skip


@require_GET
def floor_tablet(request: HttpRequest, code: str) -> HttpResponse:
    """The floor tablet; who gives tickets starts at *Arrive*, everybody else at *Care*."""
    hall = access.hall(request, code, Action.SEE_FLOOR)
    served_at = clock.now()
    at = clock.now_in(hall, served_at)
    shown = fragments.render(queue_state.load(hall, at), 0)
    context = {"hall": hall, "at": at, "served_at": served_at} | _arrive(request, hall)
    return render(
        request, "queueing/floor.html", context | {name.replace("-", "_"): html for name, html in shown.items()}
    )


@require_GET
def floor_guest(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """What can be done for one who waits."""
    hall = access.hall(request, code, Action.SEE_FLOOR)
    given = Prefetch("care", CareAct.objects.filter(undone_at=None), to_attr="care_given")
    ticket = get_object_or_404(Ticket.objects.select_related("service").prefetch_related(given), pk=pk, hall=hall)
    return render(
        request, "queueing/_floor_fold_guest.html", {"hall": hall, "ticket": ticket, "acts": fragments.acts_of(ticket)}
    )


@require_GET
def floor_gone(request: HttpRequest, code: str) -> HttpResponse:
    """Who left, did not come or gave his ticket back today: whoever comes back waits again."""
    hall = access.hall(request, code, Action.SEE_FLOOR)
    today = hall.business_date(clock.now_in(hall, clock.now()))
    gone = (
        Ticket.objects.filter(hall=hall, business_date=today, state__in=GONE)
        .select_related("service")
        .order_by("-state_since")
    )
    return render(request, "queueing/_floor_fold_gone.html", {"hall": hall, "gone": gone[:LIST_MOST]})


@require_POST
def give_ticket(request: HttpRequest, code: str) -> HttpResponse:
    """A customer gets a ticket; what he is told of his wait is said to be an estimate."""
    access.hall(
        request, code, Action.SEE_FLOOR
    )  # a kiosk gives tickets too, but of no class it likes, and sees no floor
    hall, at = access.hall(request, code, Action.GIVE_TICKET), clock.now()
    outcome = taps.carry_out(request, lambda: {"ticket": _issue(request, hall, at).pk}, at=at)
    said = ""
    if not outcome.refused:
        ticket = Ticket.objects.select_related("service").get(pk=outcome.value["ticket"])
        qr = answers.qr_code(answers.ticket_address(request, ticket))
        said = render_to_string("queueing/_floor_given.html", {"hall": hall, "ticket": ticket, "qr": qr})
    return answer(hall, outcome, at, said=said)


@require_POST
def care_give(request: HttpRequest, code: str) -> HttpResponse:
    """One act of care: water, the small gift, told how long."""
    hall, at = access.hall(request, code, Action.CARE), clock.now()

    def act() -> None:
        care.give(answers.ticket_of(request, hall), request.POST.get("kind", ""), by=answers.person_of(request), at=at)

    return answer(hall, taps.carry_out(request, act, at=at), at)


@require_POST
def care_undo(request: HttpRequest, code: str) -> HttpResponse:
    """An act of care tapped by mistake is taken back."""
    hall, at = access.hall(request, code, Action.CARE), clock.now()

    def act() -> None:
        care.undo(answers.act_of(request, hall), by=answers.person_of(request), at=at)

    return answer(hall, taps.carry_out(request, act, at=at), at)


@require_POST
def abandon(request: HttpRequest, code: str) -> HttpResponse:
    """The customer has left without being served."""
    return _end(request, code, tickets.abandon, _("%(number)s has left."))


@require_POST
def reclaim(request: HttpRequest, code: str) -> HttpResponse:
    """A spare ticket is politely taken back (R-Q06)."""
    return _end(request, code, tickets.reclaim, _("%(number)s was taken back."))


@require_POST
def floor_restore(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody who did not come, left or gave his ticket back waits again."""
    hall, at = access.hall(request, code, Action.RECLAIM), clock.now()

    def act() -> dict[str, object]:
        return {
            "ticket": tickets.restore(answers.ticket_of(request, hall), by=answers.person_of(request), at=at).number
        }

    outcome = taps.carry_out(request, act, at=at)
    words = "" if outcome.refused else _("%(number)s waits again.") % {"number": outcome.value["ticket"]}
    return answer(hall, outcome, at, said=render_to_string("queueing/_said.html", {"notice": words}))


@require_GET
@never_cache
def ticket_print(request: HttpRequest, token: str) -> HttpResponse:
    """The ticket on 80 mm paper, by its unguessable token."""
    ticket = get_object_or_404(Ticket.objects.select_related("hall", "service"), token=token)
    address = answers.ticket_address(request, ticket)
    return render(
        request, "queueing/print.html", {"hall": ticket.hall, "ticket": ticket, "qr": answers.qr_code(address)}
    )


def answer(hall: Hall, outcome: Outcome, at: dt.datetime, *, said: str = "") -> HttpResponse:
    """The floor as it is now, in the words of the outcome."""
    shown = fragments.render(queue_state.load(hall, clock.now_in(hall, at)), 0)
    return answers.answer(outcome, shown, said=said)


def _arrive(request: HttpRequest, hall: Hall) -> dict[str, object]:
    """What the person may do at *Arrive*, and between what he chooses there."""
    kinds = access.kinds_of(request.user, hall)  # type: ignore[arg-type]
    may_give = any(Action.GIVE_TICKET in access.TABLE[kind] for kind in kinds)
    device = request.device  # type: ignore[attr-defined]
    return {
        "may_give": may_give,
        "first_tab": "arrive" if may_give and kinds & {Kind.GUIDE, Kind.GUARD} else "care",
        "classes": [(value, value.label, shape) for value, shape in CLASSES],
        "services": Service.objects.filter(hall=hall, is_active=True).order_by("position", "id"),
        "is_tablet": device is not None and device.screen == Device.Screen.TABLET,
    }


def _issue(request: HttpRequest, hall: Hall, at: dt.datetime) -> Ticket:
    pk = text.whole_number(request.POST.get("service", ""), least=1, most=999_999_999)
    service = Service.objects.filter(pk=pk, hall=hall).first()
    if service is None:
        raise Invalid(_("This service is not offered here."))
    return tickets.issue(
        service,
        customer_class=request.POST.get("customer_class", ""),
        person=request.POST.get("person", ""),
        need_note=request.POST.get("need_note", ""),
        documents_checked=request.POST.get("documents") == "yes",
        by=answers.person_of(request),
        at=at,
    )


def _end(request: HttpRequest, code: str, verb: Callable[..., Ticket], words: str) -> HttpResponse:
    """A ticket ends without service; the answer offers to undo it."""
    hall, at = access.hall(request, code, Action.RECLAIM), clock.now()

    def act() -> dict[str, object]:
        return {"ticket": verb(answers.ticket_of(request, hall), by=answers.person_of(request), at=at).pk}

    outcome = taps.carry_out(request, act, at=at)
    said = ""
    if not outcome.refused:
        ticket = Ticket.objects.get(pk=outcome.value["ticket"])
        context = {
            "hall": hall,
            "words": words % {"number": ticket.number},
            "restore": ticket if ticket.state in GONE else None,
        }
        said = render_to_string("queueing/_floor_undo.html", context)
    return answer(hall, outcome, at, said=said)


AT = "h/<slug:code>/floor/"
urlpatterns = [
    path(AT, floor_tablet, name="floor"),
    path(AT + "guest/<int:pk>/", floor_guest, name="floor-guest"),
    path(AT + "gone/", floor_gone, name="floor-gone"),
    path(AT + "give-ticket/", give_ticket, name="give-ticket"),
    path(AT + "care/", care_give, name="floor-care-give"),
    path(AT + "care/undo/", care_undo, name="floor-care-undo"),
    path(AT + "abandon/", abandon, name="abandon"),
    path(AT + "reclaim/", reclaim, name="reclaim"),
    path(AT + "restore/", floor_restore, name="floor-restore"),
    path("t/<str:token>/print/", ticket_print, name="ticket-print"),
]
