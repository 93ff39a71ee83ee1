"""The kiosk: customers take a ticket by themselves."""

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps, text
from hall.access import Action
from hall.models import Hall
from hall.refusals import Invalid
from queueing import tickets
from queueing.fragments import kiosk as fragments
from queueing.fragments import state as queue_state
from queueing.models import CustomerClass, Service, Ticket
from queueing.views import answers

ANSWER_SECONDS = 12  # so long the ticket stays on the screen
# Whoever must not wait may say so himself (R-Q12); a VIP shows his card to the guide (R-Q13).
CLASSES = {"": CustomerClass.NORMAL, "special": CustomerClass.SPECIAL}


@never_cache
@require_GET
def kiosk(request: HttpRequest, code: str) -> HttpResponse:
    """The page; a paired kiosk and everybody who gives tickets may open it."""
    hall = access.hall(request, code, Action.GIVE_TICKET)
    served_at = clock.now()
    state = queue_state.load(hall, clock.now_in(hall, served_at))
    shown = {name.removeprefix("kiosk-"): html for name, html in fragments.render(state, 0).items()}
    context = {"hall": hall, "fragments": shown, "home_language": settings.LANGUAGE_CODE}
    return render(request, "queueing/kiosk.html", context | {"at": state.at, "served_at": served_at})


@require_POST
def kiosk_take(request: HttpRequest, code: str) -> HttpResponse:
    """A ticket for the tapped service."""
    hall, at = access.hall(request, code, Action.GIVE_TICKET), clock.now()
    outcome = taps.carry_out(request, lambda: {"ticket": _issue(request, hall, at).pk}, at=at)
    context: dict[str, object] = {"hall": hall, "seconds": ANSWER_SECONDS, "refusal": outcome.message}
    if not outcome.refused:
        ticket = Ticket.objects.select_related("service").get(pk=outcome.value["ticket"], hall=hall)
        context |= {"ticket": ticket, "qr": answers.qr_code(answers.ticket_address(request, ticket))}
    shown = fragments.render(queue_state.load(hall, clock.now_in(hall, at)), 0)
    panel = render_to_string("queueing/_kiosk_answer.html", context)
    return HttpResponse(panel + answers.out_of_band(shown), status=outcome.status)


def _issue(request: HttpRequest, hall: Hall, at: dt.datetime) -> Ticket:
    pk = text.whole_number(request.POST.get("service", ""), least=1, most=999_999_999)
    service = Service.objects.filter(pk=pk, hall=hall).first()
    if service is None:
        raise Invalid(_("This service is not offered here."))
    chosen = request.POST.get("customer_class", "")
    if chosen not in CLASSES:
        raise Invalid(_("Please choose the customer's class."))
    by = request.user if request.user.is_authenticated else None  # a paired kiosk is nobody
    return tickets.issue(service, customer_class=CLASSES[chosen], by=by, at=at)


urlpatterns = [
    path("h/<slug:code>/kiosk/", kiosk, name="kiosk"),
    path("h/<slug:code>/kiosk/take/", kiosk_take, name="kiosk-take"),
]
