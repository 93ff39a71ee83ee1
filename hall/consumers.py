"""A live screen's socket: who may open it, and until when. What goes down it is the hub's business.

Plain ASGI: Channels' dispatch makes a thread hop per message, and one blocking call there delays every board.
"""

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import PermissionDenied
from django.db import Error
from django.http import Http404, HttpRequest, parse_cookie

from hall import board, devices, hub
from hall.board import Screen
from hall.hub import NO_RIGHT, Viewer
from hall.sessions import SessionStore

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH = re.compile(r"/ws/(?P<code>[a-z0-9-]{1,30})/(?P<kind>[a-z]{1,10})/(?P<subject>[0-9]{1,9})")
NOT_EXPECTED = 1008  # close code: a screen says nothing (RFC 6455, 7.4.1)

log = logging.getLogger(__name__)


async def live_screen(scope: Scope, receive: Receive, send: Send) -> None:
    """One socket, from the handshake to its end. Refused before it is accepted: status 403."""
    hub_here = hub.of_this_process()
    await receive()  # websocket.connect
    admitted = None
    if own_origin(scope):
        try:
            admitted = await hub_here.in_database(lambda: admit(scope))
        except Error:
            log.warning("a screen is turned away: the database does not answer")
    if admitted is None:
        await send({"type": "websocket.close", "code": NO_RIGHT})
        return
    await send({"type": "websocket.accept"})
    socket = hub_here.enter(*admitted, send)
    try:
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                socket.close(NOT_EXPECTED)
    finally:
        hub_here.leave(socket)


def own_origin(scope: Scope) -> bool:
    """Whether the page that opens the socket is our own: of the host it asks for, or of PUBLIC_URL."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    if settings.PUBLIC_URL and origin == settings.PUBLIC_URL.lower():
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc == headers.get(b"host", b"").decode("latin-1").lower()


def admit(scope: Scope) -> tuple[Screen, Viewer] | None:
    """The screen asked for and who looks at it, or None for somebody who may not. At most seven queries; not in the event loop."""
    asked = PATH.fullmatch(scope["path"])
    if asked is None:
        return None
    request = _request(scope)
    try:
        screen = board.find(request, asked["code"], asked["kind"], int(asked["subject"]), _language(scope))
    except (Http404, PermissionDenied):
        return None
    return screen, _viewer(request)


def _request(scope: Scope) -> HttpRequest:
    """As much of a request as `hall.access` looks at."""
    request = HttpRequest()
    request.path = scope["path"]
    cookies = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    request.COOKIES = parse_cookie("; ".join(cookies))
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    request.user = get_user(request)
    request.device = devices.of_request(request)  # type: ignore[attr-defined]
    return request


def _viewer(request: HttpRequest) -> Viewer:
    if request.user.is_authenticated:
        return Viewer(
            session_key=request.session.session_key or "", person_id=request.user.pk, password=request.user.password
        )
    device = request.device  # type: ignore[attr-defined]
    return Viewer(device_id=device.pk, token_hash=device.token_hash)


def _language(scope: Scope) -> str:
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[0]
    return asked if asked in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
