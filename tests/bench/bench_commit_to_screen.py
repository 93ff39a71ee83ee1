"""From a commit to the last of 200 board screens, 4 changes a second. `python -m tests.bench.bench_commit_to_screen`

Bound: the median is at most the render's median plus 3 times that of a bare broadcast of as many bytes, and each change is
rendered once, however many look. Also: 300 screens connecting at once are all accepted.
"""

import asyncio
import statistics
import threading
import time

import uvloop

from tests.bench import bench_delivery
from tests.bench.side_by_side import line, milliseconds
from tests.bench.sockets import Crowd, allow_many_files
from tests.bench.watched_hall import WatchedHall, watched_hall

SOCKETS = 200
CHANGES = 60
PER_SECOND = 4
CONNECTING = 300


def change(watched: WatchedHall, instants: list[float]) -> None:
    """Give a ticket and take the oldest back in turn, so many a second, as taps would: the queue stays as long as it was.

    Keeps the instants of their commits (time.monotonic).
    """
    from hall import clock
    from queueing import tickets
    from queueing.models import Service, Ticket

    service = Service.objects.select_related("hall").get(pk=watched.service_id)
    begin = time.monotonic() + 0.5
    for number in range(CHANGES):
        time.sleep(max(0.0, begin + number / PER_SECOND - time.monotonic()))
        if number % 2 == 0:
            tickets.issue(service, by=None, at=clock.now())
        else:
            oldest = Ticket.objects.filter(service=service).waiting().in_call_order()[0]
            tickets.reclaim(oldest, by=None, at=clock.now())
        instants.append(time.monotonic())


def render_takes(watched: WatchedHall) -> list[float]:
    """Seconds that loading the hall and rendering its board take in this process, without anything else."""
    from hall import board, clock

    times = []
    for _ in range(40):
        began = time.perf_counter()
        at = clock.now()
        board.render(board.Screen(watched.hall_id, "board", 0, "en"), at, board.load(watched.hall_id, at))
        times.append(time.perf_counter() - began)
    return times[5:]


async def watch(watched: WatchedHall) -> tuple[list[float], int, int]:
    """Seconds from each commit to the last screen's next message, how often was rendered, and the bytes of a message."""
    crowd = Crowd()
    await crowd.connect(SOCKETS, "127.0.0.1", watched.port, watched.path, watched.cookie)
    await crowd.quiet(1.5)
    crowd.start_counting()
    renders = await asyncio.to_thread(watched.renders)
    instants: list[float] = []
    changing = threading.Thread(target=change, args=(watched, instants))
    changing.start()
    while changing.is_alive():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    renders = await asyncio.to_thread(watched.renders) - renders
    size = crowd.bytes // sum(len(times) for times in crowd.arrivals)
    crowd.close()
    latencies = []
    ends = sorted(max(times) for times in crowd.arrivals if len(times) == SOCKETS)
    for at in instants:  # heartbeats come between the changes: the first whole message after a commit is the change
        following = [end for end in ends if end > at]
        if following:
            latencies.append(following[0] - at)
    return latencies, renders, size


async def connect_at_once(watched: WatchedHall) -> tuple[int, float]:
    """How many of 300 are accepted when all connect at once, and the seconds until all have their screen."""
    crowd, began = Crowd(), time.monotonic()
    await crowd.connect(CONNECTING, "127.0.0.1", watched.port, watched.path, watched.cookie)
    while not crowd.arrivals or len(crowd.arrivals[0]) < crowd.open:
        await asyncio.sleep(0.01)
    seconds = time.monotonic() - began
    crowd.close()
    return crowd.open, seconds


def main() -> None:
    allow_many_files()
    with watched_hall() as watched:
        render = render_takes(watched)
        latencies, renders, size = uvloop.run(watch(watched))
        bare = uvloop.run(bench_delivery.delivery("bare", SOCKETS, 60, size=size))
        accepted, seconds = uvloop.run(connect_at_once(watched))
    print(f"render alone:                {milliseconds(render)}")
    print(f"bare broadcast, {SOCKETS} sockets: {milliseconds(bare)}, {size} bytes each")
    print(f"commit to the last screen:   {milliseconds(latencies)}")
    bound = statistics.median(render) + 3 * statistics.median(bare)
    line("commit to screen, share of the bound", statistics.median(latencies) / bound, "", "at most 1.0")
    line(f"renders for {CHANGES} changes and {SOCKETS} screens", renders, "", "look rounds included")
    line(f"accepted of {CONNECTING} connecting at once", accepted, "", f"all had their screen after {seconds:.2f} s")


if __name__ == "__main__":
    main()
