"""From bytes handed to the hub to the last socket, against a bare websocket broadcast. `python -m tests.bench.bench_delivery`

4 KB, 20 messages a second, every socket of one screen, both servers in turn on the same machine with the same reader.
Bounds: at most 4 times the bare median with 200 sockets, 3 times with 1,000; a stalled socket costs the others nothing.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile

import uvloop

from tests.bench.side_by_side import line, milliseconds
from tests.bench.sockets import Crowd, allow_many_files
from tests.stack import free_port

PER_SECOND = 20
BOUNDS = {200: 4.0, 1000: 3.0}


async def delivery(which: str, sockets: int, messages: int, *, stalled: int = 0, size: int = 4096) -> list[float]:
    """Seconds from handing over to the last socket that takes anything, one for each message."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data_dir:
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.delivery_server", which, str(port), str(size),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "hall.settings", "HALL_DATA": data_dir,
                 "DATABASE_URL": "postgres://nobody@localhost/none", "REDIS_URL": "redis://localhost/0"},
        )  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        try:
            assert (await server.stdout.readline()).strip() == b"ready"
            crowd = Crowd()
            for _ in range(0, sockets, 100):
                await crowd.connect(min(100, sockets - len(crowd.sockets)), "127.0.0.1", port, "/")
            await crowd.quiet(0.5)
            for socket in crowd.sockets[:stalled]:
                socket.stall()
            crowd.start_counting()
            server.stdin.write(f"{messages} {PER_SECOND}\n".encode())
            handed_over = json.loads(await server.stdout.readline())
            crowd.close()
        finally:
            server.kill()
            await server.wait()
    assert len(crowd.arrivals) == messages, f"{which}: {len(crowd.arrivals)} of {messages} messages came"
    short = [len(times) for times in crowd.arrivals if len(times) != sockets - stalled]
    assert not short, f"{which}: {len(short)} messages missed a socket"
    return [max(times) - at for times, at in zip(crowd.arrivals, handed_over, strict=True)]


async def compare(sockets: int, messages: int) -> float:
    """The ratio of the medians; both sides twice, in turn."""
    bare, ours = [], []
    for _ in range(2):
        bare += await delivery("bare", sockets, messages)
        ours += await delivery("hub", sockets, messages)
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"{sockets} sockets, bare broadcast: {milliseconds(bare)}")
    print(f"{sockets} sockets, hub:            {milliseconds(ours)}")
    line(f"delivery to {sockets} sockets, times the bare median", ratio, "times", f"at most {BOUNDS.get(sockets, 4.0)}")
    return ratio


async def stalled(sockets: int, messages: int) -> float:
    """What one stalled socket costs the others: their median with it, against the median without."""
    without, with_one = [], []
    for _ in range(2):
        without += await delivery("hub", sockets, messages)
        with_one += await delivery("hub", sockets, messages, stalled=1)
    ratio = statistics.median(with_one) / statistics.median(without)
    line(f"one stalled socket among {sockets}", ratio, "times", "1.0 is nothing")
    return ratio


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--messages", type=int, default=100, help="in each of the two turns")
    asked = parser.parse_args()
    allow_many_files()
    for sockets in asked.sockets:
        await compare(sockets, asked.messages)
    await stalled(200, asked.messages)


if __name__ == "__main__":
    uvloop.run(main())
