"""The web process: pages and sockets."""

import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hall.settings")

# A thread that comes back from the database takes the interpreter within half a millisecond, not five: while it waits it
# holds the lock of its hall's queue, and every tap behind it waits too (measured with 16 connections in one hall).
sys.setswitchinterval(0.0005)

MOST_DRAINED = 32 * 1024 * 1024  # bytes of a body too large that are taken and thrown away before the answer

django.setup(set_prefix=False)

from hall import consumers, hub, middleware  # models may be imported only now


class Pages(ASGIHandler):
    """Django's own handler, but a whole request, middleware and view, runs in one thread.

    Django 5.2 leaves the thread for an event loop of its own between middleware and view and comes back (asgiref's
    async_to_sync); all of ours is synchronous, and the two changes cost as much as a view without a database.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


pages = Pages()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The process's hub starts with the process: it stands in for the watch also when nobody looks."""
    if scope["type"] == "websocket":
        await consumers.live_screen(scope, receive, send)
    elif scope["type"] == "http":
        hub.of_this_process()  # a server without lifespan: with its first request
        await limited(scope, receive, send)
    elif scope["type"] == "lifespan":
        await live_with_the_process(receive, send)
    else:
        raise ValueError(f"Hall speaks http, websocket and lifespan, not {scope['type']}.")


async def limited(scope: Scope, receive: Receive, send: Send) -> None:
    """A page, unless more than 1 MB comes for it: 413. Django looks at the length that is said only, and a chunked body says none."""
    read = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read <= settings.MAX_BODY_BYTES:
            return message
        while message.get("more_body") and read <= MOST_DRAINED:  # who still sends may miss the answer
            message = await receive()
            read += len(message.get("body", b""))
        return {"type": "http.disconnect"}  # Django drops what it has

    await pages(scope, counted, send)  # type: ignore[arg-type]
    if read > settings.MAX_BODY_BYTES:
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": middleware.TOO_LARGE.encode()})


async def live_with_the_process(receive: Receive, send: Send) -> None:
    """The server's lifespan protocol (ASGI 2.0): start the hub, and let the process end when asked."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            hub.of_this_process()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
