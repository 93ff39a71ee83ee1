"""What somebody still has to read, as a part of "my shift" that comes by itself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import access, clock
from hall.access import Action
from roles import notices


@never_cache
@require_GET
def to_read(request: HttpRequest, code: str) -> HttpResponse:
    """Notices and briefings that the person missed (R-B08); nothing where there are none."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    owed = notices.owed(request.user, hall, clock.now_in(hall, clock.now()))  # type: ignore[arg-type]
    return render(request, "roles/_to_read.html", {"hall": hall, "owed": owed})


urlpatterns = [path("h/<slug:code>/to-read/", to_read, name="to-read")]
