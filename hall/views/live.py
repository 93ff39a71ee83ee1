"""What a screen asks for when its socket is cut: the same state by an ordinary request."""

import json

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import board, clock


@never_cache
@require_GET
def state(request: HttpRequest, code: str, kind: str, subject: int) -> HttpResponse:
    """All fragments of a screen in the form of a socket's message (hall.hub): a line of JSON, then out-of-band swaps."""
    screen = board.find(request, code, kind, subject, get_language() or "")
    at = clock.now()
    facts = json.dumps({"full": True, "now": at.isoformat()})
    swaps = board.out_of_band(board.render(screen, at))
    return HttpResponse(f"{facts}\n{swaps}", content_type="text/plain; charset=utf-8")


urlpatterns = [
    path("h/<slug:code>/state/<slug:kind>/<int:subject>/", state, name="state"),
]
