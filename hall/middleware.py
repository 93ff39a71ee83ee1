"""What every request passes: size, the device it comes from, the language it is answered in."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from hall import devices

GetResponse = Callable[[HttpRequest], HttpResponse]


def limit_body(get_response: GetResponse) -> GetResponse:
    """Bodies over 1 MB are answered 413 unread (Django would say 400), a NUL in the path 400."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > settings.MAX_BODY_BYTES:
            return HttpResponse("413 Content Too Large / 内容过大", status=413, content_type="text/plain; charset=utf-8")
        if "\x00" in request.path:
            return HttpResponse("400 Bad Request / 地址有误", status=400, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return middleware


def know_device(get_response: GetResponse) -> GetResponse:
    """`request.device` is the paired device this request comes from, or None."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.device = devices.of_request(request)  # type: ignore[attr-defined]
        return get_response(request)

    return middleware


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
