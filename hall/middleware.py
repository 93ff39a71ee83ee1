"""What every request passes: size, the device it comes from, the language it is answered in."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from hall import access, devices
from hall.models import Device

GetResponse = Callable[[HttpRequest], HttpResponse]

TOO_LARGE = "413 Content Too Large / 内容过大"


def limit_body(get_response: GetResponse) -> GetResponse:
    """Bodies over 1 MB are answered 413 unread (Django would say 400; one of unsaid length: hall.asgi), a NUL in address or cookie 400."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > settings.MAX_BODY_BYTES:
            return HttpResponse(TOO_LARGE, status=413, content_type="text/plain; charset=utf-8")
        if _has_nul(request):
            return HttpResponse("400 Bad Request / 地址有误", status=400, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return middleware


def _has_nul(request: HttpRequest) -> bool:
    """PostgreSQL stores no NUL, and looking one up is an error: the admin's filters would, and the session's cookie."""
    asked = request.path, request.META.get("QUERY_STRING", "").replace("%00", "\x00"), *request.COOKIES.values()
    return any("\x00" in text for text in asked)


def know_device(get_response: GetResponse) -> GetResponse:
    """`request.device` is the paired device this request comes from, or None."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.device = devices.of_request(request)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


class AskWhoItIs:
    """Nobody is signed in where somebody must be: to the login page, a paired tablet to the PIN page, and back afterwards.
    Somebody does not hold the post that a page is for: to "my shift", where he takes it.

    An htmx request is answered 401 with HX-Redirect (htmx 2 follows that header whatever the status).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, access.SignInNeeded):
            return to_sign_in(request)
        is_page = request.method in ("GET", "HEAD") and request.headers.get("HX-Request") != "true"
        if isinstance(exception, access.PostNotHeld) and is_page:
            return to_my_shift(request)
        return None


def to_my_shift(request: HttpRequest) -> HttpResponse:
    """The answer that leads to the page where one takes a post, and from there back to the page one wanted."""
    query = QueryDict(mutable=True)
    query["next"] = request.get_full_path()
    code = request.hall.code  # type: ignore[attr-defined]
    return redirect(reverse("my-shift", args=[code]) + "?" + query.urlencode(safe="/"))


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """The answer that leads to the page where one signs in, and from there back to the page one was on."""
    device = request.device  # type: ignore[attr-defined]
    page = "pin" if device is not None and device.screen == Device.Screen.TABLET else "login"
    query = QueryDict(mutable=True)
    back = _page_of(request)
    if back:
        query["next"] = back
    address = reverse(page) + ("?" + query.urlencode(safe="/") if query else "")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return redirect(address)


def _page_of(request: HttpRequest) -> str:
    """The path of the page somebody looks at: this request's, or the one an action was sent from."""
    if request.headers.get("HX-Request") == "true":
        parts = urlsplit(request.headers.get("HX-Current-URL", ""))
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return request.get_full_path() if request.method in ("GET", "HEAD") else ""


def speak_language(get_response: GetResponse) -> GetResponse:
    """The language of the answer: chosen on this browser, else the person's, else what the browser asks for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(language_of(request)):
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
            response = get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            return response

    return middleware


def language_of(request: HttpRequest) -> str:
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if chosen in dict(settings.LANGUAGES):
        return chosen
    person = request.user
    if person.is_authenticated and person.language in dict(settings.LANGUAGES):
        return person.language
    return translation.get_language_from_request(request)
