"""The two servers of bench_delivery, each in a process of its own: `bare` broadcasts, `hub` hands over to hall.hub.

On its standard input it is told `<messages> <per second>`; afterwards it prints when it handed each of them over.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import django
import uvicorn
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.bench.sockets import allow_many_files

BYTES = int(sys.argv[3]) if len(sys.argv) > 3 else 4096  # of each message


async def when_told(hand_over: Callable[[str], None]) -> None:
    """Hand texts of BYTES over as often as asked, and print the instants (time.monotonic) of it."""
    loop = asyncio.get_running_loop()
    print("ready", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        messages, per_second = line.split()
        instants = []
        begin = loop.time() + 0.2
        for number in range(int(messages)):
            await asyncio.sleep(begin + number / float(per_second) - loop.time())
            text = f"{number:08d}".ljust(BYTES, "x")
            instants.append(time.monotonic())
            hand_over(text)
        await asyncio.sleep(1)
        print(json.dumps(instants), flush=True)


async def bare(port: int) -> None:
    """websockets' own broadcast: the least a server can do."""

    async def stay(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", port, compression=None) as server:
        await when_told(lambda text: broadcast(server.connections, text))


async def hub(port: int) -> None:
    """hall.hub behind uvicorn, started as the web processes are; nothing is rendered."""
    django.setup()
    from hall.board import Screen
    from hall.hub import Hub, Picture, Place, Shown, Viewer

    here, screen = Hub(), Screen(1, "board", 0, "en")
    place = here.places[1] = Place(1)
    shown = place.shown[screen] = Shown(screen, picture=Picture({"board-strip": "<p>first</p>"}))

    async def application(
        scope: dict, receive: Callable[[], Awaitable[dict]], send: Callable[[dict], Awaitable[None]]
    ) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        socket = here.enter(screen, Viewer(), send)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        here.leave(socket)

    config = uvicorn.Config(
        application, port=port, loop="none", ws="websockets-sansio", lifespan="off", log_level="warning", backlog=2048,
        ws_per_message_deflate=False,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    await when_told(lambda text: here.show(shown, {"board-strip": f"<p>{text}</p>"}))
    server.should_exit = True
    await serving


if __name__ == "__main__":
    allow_many_files()
    which = {"bare": bare, "hub": hub}[sys.argv[1]]
    uvloop.run(which(int(sys.argv[2])))
