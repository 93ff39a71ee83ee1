"""What a socket costs the web process in memory: at most 64 KiB. `python -m tests.bench.bench_memory`"""

import asyncio

import uvloop

from tests.bench.side_by_side import line
from tests.bench.sockets import Crowd, allow_many_files
from tests.bench.watched_hall import WatchedHall, resident, watched_hall

SOCKETS = 1000
BOUND_KIB = 64


async def measure(watched: WatchedHall) -> None:
    """Warm up with some sockets, then open a thousand board screens and look twice: at once, and after a look round."""
    warm = Crowd()
    await warm.connect(50, "127.0.0.1", watched.port, watched.path, watched.cookie)
    await warm.quiet(1)
    before = resident(watched.pid)
    crowd = Crowd()
    for _ in range(SOCKETS // 100):
        await crowd.connect(100, "127.0.0.1", watched.port, watched.path, watched.cookie)
    assert (crowd.open, crowd.refused) == (SOCKETS, 0)
    await crowd.quiet(2)
    line(
        f"memory of a socket, {SOCKETS} open",
        (resident(watched.pid) - before) / SOCKETS / 1024,
        "KiB",
        f"at most {BOUND_KIB}",
    )
    await asyncio.sleep(11)
    line(
        "the same after a look round", (resident(watched.pid) - before) / SOCKETS / 1024, "KiB", f"at most {BOUND_KIB}"
    )
    crowd.close()
    warm.close()


if __name__ == "__main__":
    allow_many_files()
    with watched_hall() as hall:
        uvloop.run(measure(hall))
