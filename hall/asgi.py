"""The web process: pages and sockets."""

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any

import django
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hall.settings")

# A thread that comes back from the database takes the interpreter within half a millisecond, not five: while it waits it
# holds the lock of its hall's queue, and every tap behind it waits too (measured with 16 connections in one hall).
sys.setswitchinterval(0.0005)

# What start-up made lives as long as the process: the collector need not walk through it again and again (p99 of a tap).
GARBAGE_AFTER = 20_000  # objects more than were given back, before the collector looks

MOST_DRAINED = 32 * 1024 * 1024  # bytes of a body too large that are taken and thrown away before the answer

django.setup(set_prefix=False)

from hall import consumers, hub, middleware  # models may be imported only now

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HUB_CONNECTIONS = 4  # of the pool's, left to the hub's own threads
THREADS = ThreadPoolExecutor(max(4, settings.POOL_SIZE - HUB_CONNECTIONS), thread_name_prefix="page")


class Pages(ASGIHandler):
    """Django's own handler, but a whole request runs in one thread of a fixed set, as behind a WSGI server.

    Django 5.2 makes a thread per request and leaves it four times: for its signals, between middleware and view, and to
    close. All of ours is synchronous, so nothing is won by that. Answers are sent whole; none of ours is a stream without end.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await asyncio.get_running_loop().run_in_executor(THREADS, self.answer, scope, body)
        await self.send_response(response, send)

    def answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """The answer to one request, whole and closed: the thread's database connection is back in the pool."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        response: Any = self.get_response(request) if request is not None else refused
        response._handler_class = self.__class__
        whole: HttpResponseBase = response
        if response.streaming:
            whole = HttpResponse(b"".join(response), status=response.status_code, headers=response.headers)
            whole.cookies = response.cookies
        response.close()
        body.close()
        return whole


pages = Pages()

gc.collect()
gc.freeze()
gc.set_threshold(GARBAGE_AFTER, 20, 20)


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
