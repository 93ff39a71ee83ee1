"""The web process: pages and sockets."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hall.settings")

pages = get_asgi_application()

from hall import consumers, hub  # models may be imported only now

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The process's hub starts with the first request of any kind: it also stands in for the watch when nobody looks."""
    if scope["type"] == "websocket":
        await consumers.live_screen(scope, receive, send)
    elif scope["type"] == "http":
        hub.of_this_process()
        await pages(scope, receive, send)  # type: ignore[arg-type]
    else:
        raise ValueError(f"Hall speaks http and websocket, not {scope['type']}.")  # lifespan: uvicorn goes on without
