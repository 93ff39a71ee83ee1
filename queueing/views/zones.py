"""A zone: who holds it, and whom the duty manager sends there or relieves."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, postings, taps, text
from hall.access import Action
from hall.models import Hall, Posting, Zone
from hall.taps import Outcome
from queueing.fragments import rows
from queueing.fragments import state as queue_state
from queueing.views import answers


@never_cache
@require_GET
def zone(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Who holds a zone, and who could be sent there."""
    hall = access.hall(request, code, Action.ASSIGN)
    may = access.rights_of(request.user, hall).now  # type: ignore[arg-type]
    return render(request, "queueing/zone.html", _shown(hall, _zone(hall, pk)) | {"may": may})


@require_POST
def send_to_zone(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Send somebody there; in a busy hall he leaves his other zones (R-Q20)."""
    hall, at = access.hall(request, code, Action.ASSIGN), clock.now()
    where = _zone(hall, pk)

    def act() -> None:
        posting = _posting(request, hall)
        busy = rows.is_busy(queue_state.load(hall, at))
        postings.send(posting.person, where, only_here=busy, by=answers.person_of(request), at=at)

    return _answer(request, hall, where, taps.carry_out(request, act, at=at))


@require_POST
def relieve(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Somebody leaves this zone; he stays on his post."""
    hall, at = access.hall(request, code, Action.ASSIGN), clock.now()
    where = _zone(hall, pk)

    def act() -> None:
        postings.relieve(_posting(request, hall), by=answers.person_of(request), at=at)

    return _answer(request, hall, where, taps.carry_out(request, act, at=at))


def _answer(request: HttpRequest, hall: Hall, where: Zone, outcome: Outcome) -> HttpResponse:
    """The zone as it is now, in the words of the outcome."""
    shown = _shown(hall, where) | {"refusal": outcome.message if outcome.refused else ""}
    return render(request, "queueing/_zone.html", shown, status=outcome.status)


def _shown(hall: Hall, where: Zone) -> dict[str, object]:
    held = Posting.objects.filter(hall=hall, until=None, counter=None).select_related("person", "post", "zone")
    rows_ = list(held.order_by("post__position", "person__login", "since"))
    here = [row for row in rows_ if row.zone_id == where.pk]
    others = {row.person_id: row for row in rows_ if row.person_id not in {one.person_id for one in here}}
    return {"hall": hall, "zone": where, "here": here, "others": list(others.values())}


def _zone(hall: Hall, pk: int) -> Zone:
    found = Zone.objects.filter(hall=hall, pk=pk).select_related("hall").first()
    if found is None:
        raise Http404
    return found


def _posting(request: HttpRequest, hall: Hall) -> Posting:
    """The posting that a form names. 404 for one of another hall, Invalid for none."""
    pk = text.whole_number(request.POST.get("posting", ""), least=1, most=999_999_999)
    found = Posting.objects.filter(hall=hall, pk=pk).select_related("person", "post", "zone", "hall").first()
    if found is None:
        raise Http404
    return found


urlpatterns = [
    path("h/<slug:code>/zones/<int:pk>/", zone, name="zone"),
    path("h/<slug:code>/zones/<int:pk>/send/", send_to_zone, name="send-to-zone"),
    path("h/<slug:code>/zones/<int:pk>/relieve/", relieve, name="relieve"),
]
