"""The call screen: an unattended page that its fragments keep up to date."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import access, clock
from hall.access import Action
from queueing.fragments import call
from queueing.fragments import state as queue_state


@never_cache
@require_GET
def call_screen(request: HttpRequest, code: str) -> HttpResponse:
    """The page; a paired call screen and everybody of the hall's staff may open it."""
    hall = access.hall(request, code, Action.SEE_CALL_SCREEN)
    served_at = clock.now()
    state = queue_state.load(hall, clock.now_in(hall, served_at))
    fragments = {name.removeprefix("call-"): html for name, html in call.render(state, 0).items()}
    context = {"hall": hall, "fragments": fragments, "test": call.both("sound_test")}
    return render(request, "queueing/call.html", context | {"at": state.at, "served_at": served_at})


urlpatterns = [
    path("h/<slug:code>/call/", call_screen, name="call-screen"),
]
