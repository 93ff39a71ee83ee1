"""Pages on which people and devices say who they are, and the page they start from."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hall import access, clock, devices, people
from hall.access import Action
from hall.models import Device, Hall, Kind, Person
from hall.refusals import Refused

BY_PASSWORD, BY_PIN = "password", "pin"
PIN_SESSION_SECONDS = 4 * 3600
LANGUAGE_COOKIE_SECONDS = 365 * 24 * 3600

DEVICE_PAGES = {
    Device.Screen.WALL: "wall",
    Device.Screen.CALL: "call-screen",
    Device.Screen.KIOSK: "kiosk",
}


@dataclass(frozen=True)
class Page:
    """One page of a hall that somebody may open: where people work, or a screen for everybody."""

    name: str  # of its address
    action: Action
    icon: str
    title: Promise
    purpose: Promise


WORKPLACES = [
    Page(
        "my-shift",
        Action.MY_SHIFT,
        "user",
        _("My shift"),
        _("Your post, your tasks, what comes next"),
    ),
    Page(
        "board",
        Action.SEE_BOARD,
        "live",
        _("Live board"),
        _("Queue, counters and what needs you"),
    ),
    Page("counters", Action.SERVE, "serving", _("Counter"), _("Call and serve customers")),
    Page(
        "floor",
        Action.SEE_FLOOR,
        "people",
        _("Floor"),
        _("Give tickets, care for those who wait"),
    ),
    Page(
        "today",
        Action.SEE_TODAY,
        "chart",
        _("Today"),
        _("Waits, customers and counters by hour"),
    ),
]
PUBLIC_SCREENS = [
    Page(
        "wall",
        Action.SEE_WALL,
        "screen",
        _("Wall view"),
        _("The board without names, for a big screen"),
    ),
    Page(
        "call-screen",
        Action.SEE_CALL_SCREEN,
        "recall",
        _("Call screen"),
        _("Called numbers, for customers"),
    ),
    Page(
        "kiosk",
        Action.GIVE_TICKET,
        "ticket",
        _("Ticket kiosk"),
        _("Customers take a ticket themselves"),
    ),
]


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    """Sign in by login name and password."""
    shown = {
        "next": _next(request),
        "login": request.POST.get("login", request.GET.get("login", ""))[:40],
    }
    if request.method == "GET":
        return render(request, "hall/login.html", shown)
    try:
        person = people.check_login(
            request,
            request.POST.get("login", ""),
            request.POST.get("password", ""),
            address=_address(request),
            at=clock.now(),
        )
    except Refused as refusal:
        return render(
            request,
            "hall/login.html",
            shown | {"refusal": refusal},
            status=refusal.status,
        )
    return _signed_in(request, person, BY_PASSWORD)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out; a paired tablet waits for the next person's PIN."""
    auth.logout(request)
    return redirect("pin" if _tablet(request) else "login")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser and, signed in, of the person."""
    chosen = request.POST.get("language", "")
    response = redirect(_next(request) or "home")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=LANGUAGE_COOKIE_SECONDS,
            samesite="Lax",
            secure=request.is_secure(),
        )
        if request.user.is_authenticated:
            people.set_language(request.user, chosen, by=request.user, at=clock.now())
    return response


@never_cache
@sensitive_post_parameters("pin")
@require_http_methods(["GET", "POST"])
def pin(request: HttpRequest) -> HttpResponse:
    """On a paired tablet: choose a name, type the PIN, and take the tablet over."""
    tablet = _tablet(request)
    if tablet is None:
        return redirect("login")
    refusal = None
    if request.method == "POST":
        try:
            person = people.switch_by_pin(
                _person_id(request),
                request.POST.get("pin", ""),
                by=tablet,
                at=clock.now(),
            )
            return _signed_in(request, person, BY_PIN)
        except Refused as refused:
            refusal = refused
    return render(
        request,
        "hall/pin.html",
        _pin_page(request, tablet, refusal),
        status=refusal.status if refusal else 200,
    )


@never_cache
@require_http_methods(["GET", "POST"])
def pair(request: HttpRequest) -> HttpResponse:
    """A device types its six digits and becomes the screen that the admin site says it is."""
    if request.method == "GET":
        return render(request, "hall/pair.html")
    try:
        device, token = devices.pair(
            request.POST.get("code", "")[:20],
            address=_address(request),
            by=None,
            at=clock.now(),
        )
    except Refused as refusal:
        return render(request, "hall/pair.html", {"refusal": refusal}, status=refusal.status)
    auth.logout(request)  # an unattended screen keeps nobody signed in
    response = redirect(_page_of_device(device))
    response.set_cookie(
        devices.COOKIE,
        token,
        max_age=devices.COOKIE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


@never_cache
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The halls and screens that somebody may open; with one place to go, straight there (unless `?all`)."""
    if not request.user.is_authenticated:
        device = request.device  # type: ignore[attr-defined]
        return redirect(_page_of_device(device) if device else "login")
    rights, kinds = access.rights_by_hall(request.user), people.kinds_by_hall(request.user)
    halls = [_entry(hall, kinds[hall.pk], rights[hall.pk].at_most) for hall in access.halls_of(request.user)]
    may_administrate = admin.site.has_permission(request)
    places = [place["address"] for entry in halls for place in _to_go(entry["workplaces"])]
    if len(places) == 1 and not may_administrate and "all" not in request.GET:
        return redirect(places[0])
    return render(
        request,
        "hall/home.html",
        {"halls": halls, "may_administrate": may_administrate},
    )


urlpatterns = [
    path("", home, name="home"),
    path("login/", login, name="login"),
    path("logout/", logout, name="logout"),
    path("language/", language, name="language"),
    path("pin/", pin, name="pin"),
    path("pair/", pair, name="pair"),
]


def _next(request: HttpRequest) -> str:
    """The page to go to afterwards, of this site only; empty when none is asked for."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    same_site = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if same_site and wanted.startswith("/") and "\x00" not in wanted and len(wanted) <= 500 else ""


def _address(request: HttpRequest) -> str:
    """Where the request comes from, as the server saw it; headers that anybody can write are not believed."""
    return request.META.get("REMOTE_ADDR") or "socket"


def _tablet(request: HttpRequest) -> Device | None:
    device = request.device  # type: ignore[attr-defined]
    return device if device is not None and device.screen == Device.Screen.TABLET else None


def _person_id(request: HttpRequest) -> int:
    """The person chosen on the PIN page; 0, who is nobody, for anything that is no number."""
    wanted = request.POST.get("person") or request.GET.get("person") or ""
    return int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= 18 else 0


def _signed_in(request: HttpRequest, person: Person, how: str) -> HttpResponse:
    """Whoever was signed in here is signed out; the person's own language counts from now on."""
    onward = _next(request) or "home"
    auth.logout(request)
    auth.login(request, person, backend="hall.sessions.ByLogin")
    request.session["signed_in_by"] = how
    if how == BY_PIN:
        request.session.set_expiry(PIN_SESSION_SECONDS)
    response = redirect(onward)
    if person.language:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return response


def _pin_page(request: HttpRequest, tablet: Device, refusal: Refused | None) -> dict[str, object]:
    persons = people.with_pin(tablet.hall)
    chosen = next((one for one in persons if one.pk == _person_id(request)), None)
    return {
        "hall": tablet.hall, "people": persons, "chosen": chosen, "refusal": refusal, "next": _next(request),
        "locked": chosen is not None and chosen.pin_failures >= people.PIN_TRIES,
    }  # fmt: skip


def _page_of_device(device: Device) -> str:
    if device.screen == Device.Screen.TABLET:
        return reverse("pin")
    return reverse(DEVICE_PAGES[Device.Screen(device.screen)], args=[device.hall.code])


def _entry(hall: Hall, kinds: set[Kind], actions: frozenset[Action]) -> dict[str, Any]:
    """One hall with the pages that a person may open there, in the order they are shown."""
    return {
        "hall": hall,
        "kinds": sorted(kind.label for kind in kinds),
        "workplaces": [_place(page, hall) for page in WORKPLACES if page.action in actions],
        "screens": [_place(page, hall) for page in PUBLIC_SCREENS if page.action in actions],
    }


def _to_go(workplaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pages that somebody goes straight to: "my shift" only where he has no other (it is met on the way to a post)."""
    return [place for place in workplaces if place["page"].name != "my-shift"] or workplaces


def _place(page: Page, hall: Hall) -> dict[str, object]:
    return {"page": page, "address": reverse(page.name, args=[hall.code])}
