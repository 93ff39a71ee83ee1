"""What the board costs with 1, 60 and 300 waiting, against its bare queries: `python -m tests.bench.bench_board`.

One process loads the hall's state and renders the board's fragments, as the hub does at each tick; the raw side sends the
very same statements through psycopg on the same server and fetches their rows, in turn with it. At most 12 queries
whatever waits; aim: 40 ms with 60 waiting.
"""

import os
import platform
import shutil
import statistics
import time
from pathlib import Path

import django
import psycopg

from hall import embedded
from tests.bench.side_by_side import line, milliseconds

ROUNDS = 60
MOST_QUERIES = 12
BASE_DIR = Path(embedded.__file__).parent.parent


def main() -> None:
    folder = BASE_DIR / ".test-data" / f"bench-board-{os.getpid()}"
    os.environ |= {"HALL_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "hall.settings"}
    servers = embedded.use(folder, durable=False)  # held until this process ends
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Django {django.__version__}"
    )
    for waiting in (1, 60, 300):
        measure(waiting)
    del servers
    shutil.rmtree(folder, ignore_errors=True)


def measure(waiting: int) -> None:
    """Print queries, milliseconds and the ratio to the bare queries with so many waiting; 8 counters, 6 of them serving."""
    from django.conf import settings
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from hall import board
    from hall.board import Screen

    hall_id, at = _hall(waiting)
    screen = Screen(hall_id, "board", 0, "zh-hans")
    with CaptureQueriesContext(connection) as queries:
        size = sum(len(html.encode()) for html in board.render(screen, at).values())
    assert len(queries) <= MOST_QUERIES, len(queries)
    statements = [query["sql"] for query in queries]
    boards, raws = [], []
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as raw:
        for number in range(ROUNDS + 5):
            started = time.perf_counter()
            board.render(screen, at)
            between = time.perf_counter()
            for statement in statements:
                raw.execute(statement).fetchall()
            if number >= 5:  # the first ones warm both sides up
                boards.append(between - started)
                raws.append(time.perf_counter() - between)
    line(f"board, {waiting} waiting", statistics.median(boards) * 1000, "ms", milliseconds(boards) + f"; {size} bytes")
    line(
        f"bare queries, {waiting} waiting",
        statistics.median(raws) * 1000,
        "ms",
        f"{len(statements)} queries (at most {MOST_QUERIES})",
    )
    aim = "(aim: board at most 40 ms)" if waiting == 60 else ""
    line(f"ratio, {waiting} waiting", statistics.median(boards) / statistics.median(raws), "", aim)


def _hall(waiting: int):  # type: ignore[no-untyped-def]
    """A hall with 8 counters, 6 of them serving, so many waiting in 6 services, and an alarm for each who waits over."""
    import datetime as dt

    from hall import alarms
    from queueing.models import Ticket
    from tests import make

    hall = make.hall()
    places = [make.counter(hall) for _number in range(8)]
    services = [make.service(hall, letter, counters=places) for letter in "ABCDEF"]
    for place in places[:6]:
        make.serving(services[0], place)
    rows = [
        Ticket(
            hall=hall, service=services[number % 6], business_date=hall.business_date(make.AT), letter="Z", serial=number + 1,
            number=f"Z{number + 1:03d}", state_since=make.AT + number * dt.timedelta(seconds=10), last_event_at=make.AT,
            issued_at=make.AT + number * dt.timedelta(seconds=10), told_wait=10 * make.MINUTE,
        )
        for number in range(waiting)
    ]  # fmt: skip
    at = make.AT + 20 * make.MINUTE
    for ticket in Ticket.objects.bulk_create(rows):
        if at - ticket.issued_at > 15 * make.MINUTE:
            alarms.raise_alarm(
                hall_id=hall.pk,
                rule="R-Q02",
                subject=f"ticket:{ticket.pk}",
                due_at=at,
                act_by=at,
                data={"number": ticket.number},
                at=at,
            )
    return hall.pk, at


if __name__ == "__main__":
    main()
