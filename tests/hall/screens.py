"""Opening live screens in tests: a browser's side of hall.asgi, without a network."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from django.conf import settings
from django.db import connections
from django.test import Client

from hall import hub
from hall.asgi import application
from hall.models import Person


def cookies_of(person: Person) -> str:
    """The Cookie header of somebody who has just signed in."""
    client = Client()
    client.force_login(person)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


async def elsewhere(act: Callable[..., object], *arguments: object, **more: object) -> None:
    """Do something with the database outside the event loop; the thread's connection is closed afterwards."""

    def done() -> None:
        try:
            act(*arguments, **more)
        finally:
            connections.close_all()

    await asyncio.to_thread(done)


class Screen:
    """One socket as a browser sees it. `stalled`: it takes nothing from the line."""

    def __init__(self, path: str, cookies: str, *, origin: str | None = "http://hall.test", query: str = "") -> None:
        headers = [(b"host", b"hall.test"), (b"cookie", cookies.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers}
        self.to_server: asyncio.Queue[dict] = asyncio.Queue()
        self.from_server: asyncio.Queue[dict] = asyncio.Queue()
        self.stalled = False
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> bool:
        """Whether it was accepted."""
        self.task = asyncio.create_task(application(self.scope, self.to_server.get, self._send))
        self.to_server.put_nowait({"type": "websocket.connect"})
        return (await self.event())["type"] == "websocket.accept"

    async def close(self) -> None:
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1001})
        if self.task is not None:
            await asyncio.wait_for(self.task, 10)

    async def event(self, seconds: float = 10) -> dict:
        return await asyncio.wait_for(self.from_server.get(), seconds)

    async def message(self, seconds: float = 10) -> tuple[dict, str]:
        """The next frame: its facts and its fragments."""
        event = await self.event(seconds)
        assert event["type"] == "websocket.send", event
        facts, _, html = event["text"].partition("\n")
        return json.loads(facts), html

    async def change(self, seconds: float = 10) -> tuple[dict, str]:
        """The next frame that carries fragments; heartbeats before it are let go."""
        while True:
            facts, html = await self.message(seconds)
            if html:
                return facts, html

    async def heartbeat(self, seconds: float = 10) -> dict:
        while True:
            facts, _html = await self.message(seconds)
            if "now" in facts:
                return facts

    async def nothing(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            await self.event(seconds)
        except TimeoutError:
            return True
        return False

    async def _send(self, event: dict) -> None:
        if self.stalled:
            await asyncio.Event().wait()
        self.from_server.put_nowait(event)


@asynccontextmanager
async def running_hub() -> AsyncIterator[hub.Hub]:
    """The hub of this event loop; ended, with its connections, at the end."""
    here = hub.of_this_process()
    try:
        yield here
    finally:
        await here.stop()


@asynccontextmanager
async def opened(path: str, cookies: str, **more: object) -> AsyncIterator[Screen]:
    screen = Screen(path, cookies, **more)  # type: ignore[arg-type]
    assert await screen.open()
    try:
        yield screen
    finally:
        await screen.close()
