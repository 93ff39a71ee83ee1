"""How a tablet's action answers: the words said to the acting person, and its screen's fragments as out-of-band swaps."""

from collections.abc import Mapping

import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from hall import text
from hall.models import Hall, Person
from hall.refusals import Invalid, WrongState
from hall.taps import Outcome
from queueing.models import CareAct, State, Ticket


def answer(outcome: Outcome, fragments: Mapping[str, str], *, said: str | None = None) -> HttpResponse:
    """The words (a refusal's, or `said`: HTML of one's own) for the form's target, and every fragment of the screen."""
    if outcome.refused:
        said = render_to_string("queueing/_said.html", {"refusal": outcome.message})
    return HttpResponse((said or "") + out_of_band(fragments), status=outcome.status)


def out_of_band(fragments: Mapping[str, str]) -> str:
    """The fragments as htmx out-of-band swaps: each replaces the element that has its id."""
    return "\n".join(
        html.replace(f' id="{name}"', f' hx-swap-oob="outerHTML:#{name}" id="{name}"', 1)
        for name, html in fragments.items()
    )


def person_of(request: HttpRequest) -> Person | None:
    """Who taps; None where a paired kiosk does."""
    return request.user if isinstance(request.user, Person) else None


def ticket_of(request: HttpRequest, hall: Hall) -> Ticket:
    """The ticket a form acts on. 404 for one of another hall, Invalid for none, WrongState if it has left the form's `state`."""
    pk = text.whole_number(request.POST.get("ticket", ""), least=1, most=999_999_999)
    ticket = Ticket.objects.select_related("service", "counter").filter(pk=pk, hall=hall).first()
    if ticket is None:
        raise Http404
    ticket.hall = hall
    seen = request.POST.get("state", "")
    if seen and seen not in State.values:
        raise Invalid
    if seen and seen != ticket.state:
        raise WrongState(
            _("%(number)s is %(state)s now.") % {"number": ticket.number, "state": ticket.get_state_display()}
        )
    return ticket


def act_of(request: HttpRequest, hall: Hall) -> CareAct:
    """The act of care a form takes back. 404 for one of another hall, Invalid for none."""
    pk = text.whole_number(request.POST.get("act", ""), least=1, most=999_999_999)
    act = CareAct.objects.select_related("ticket").filter(pk=pk, ticket__hall=hall).first()
    if act is None:
        raise Http404
    return act


def ticket_address(request: HttpRequest, ticket: Ticket) -> str:
    """The ticket's own page as phones reach it: under PUBLIC_URL, else under the address this request came to."""
    path = reverse("ticket", args=[ticket.token])
    return settings.PUBLIC_URL + path if settings.PUBLIC_URL else request.build_absolute_uri(path)


def qr_code(address: str) -> SafeString:
    """An address as inline SVG that fills its box; 15 % of it may be damaged (error level M)."""
    code = segno.make(address, error="m", micro=False)
    return SafeString(code.svg_inline(border=2, omitsize=True, svgclass="qr", lineclass="qr-line"))
