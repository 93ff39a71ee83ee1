"""How fast *call next* is, against the bare rows in one multi-statement transaction: `python -m tests.bench.bench_call_next`.

Throughput: 16 connections, logged in, two web processes; all in one hall (the hall's lock queues them up), then in 16
halls; the raw side writes the same rows (hall lock, ticket, counter, event, key) on the same server in the same run.
Aims: at least 0.06 of the raw side in one hall, better 0.12. Latency: 40 calls a second from 20 tablets, open loop,
against a page that touches no database: median at most 6 times, 99th percentile at most 25 times.
"""

import argparse
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import django
import psycopg

from hall import embedded
from tests.bench.side_by_side import Client, line, milliseconds, quantile
from tests.stack import Stack, running_stack

CONNECTIONS = 16
CALLS = 1600  # so many wait, and as many are called at most, on both sides
TABLETS = 20
RATE = 40.0
PAGE_WITHOUT_DATABASE = "/robots.txt"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=8.0, help="length of each measurement")
    seconds = options.parse_args().seconds
    folder = Path(embedded.__file__).parent.parent / ".test-data" / f"bench-{os.getpid()}"
    with running_stack(folder) as stack:
        os.environ |= {
            "DATABASE_URL": stack.database_url,
            "REDIS_URL": stack.redis_url,
            "HALL_DATA": str(stack.data_dir),
        }
        os.environ["DJANGO_SETTINGS_MODULE"] = "hall.settings"
        django.setup()
        throughput(stack, halls=1, seconds=seconds)
        throughput(stack, halls=16, seconds=seconds)
        latency(stack, seconds=seconds * 2)
    shutil.rmtree(folder)


def throughput(stack: Stack, *, halls: int, seconds: float) -> None:
    """Calls a second through the tablets' address and raw, in turn, twice each; prints both and their ratio."""
    rates: dict[str, list[float]] = {"hall": [], "raw": []}
    for turn in range(2):
        rates["hall"].append(_tapped(stack, name=f"tap{halls}-{turn}", halls=halls, seconds=seconds))
        rates["raw"].append(_raw(stack, name=f"raw{halls}-{turn}", halls=halls, seconds=seconds))
    tapped, raw = max(rates["hall"]), max(rates["raw"])
    place = "one hall" if halls == 1 else f"{halls} halls"
    line(f"call next, 16 connections, {place}", tapped, "/s")
    line(f"raw transaction, 16 connections, {place}", raw, "/s")
    line(f"ratio, {place}", tapped / raw, "", "(at least 0.06, aim 0.12)" if halls == 1 else "")


def latency(stack: Stack, *, seconds: float) -> None:
    """Seconds per call at 40 calls a second from 20 tablets, and per view of a page without a database at the same rate."""
    from tests.bench import call_next_rows

    calls = int(seconds * RATE)
    hall = call_next_rows.make_hall("latency", counters=calls + TABLETS, waiting=calls + TABLETS)
    call_next_rows.tell_planner()
    cookies = call_next_rows.sign_in(hall)
    paths = [f"/h/{hall.code}/counter/{number}/call-next/" for number in range(1, calls + TABLETS + 1)]

    def call(client: Client, number: int) -> int:
        return client.post(paths[number], secrets.token_hex(16), {})

    def look(client: Client, number: int) -> int:
        return client.get(PAGE_WITHOUT_DATABASE)

    plain = _open_loop(stack.base_url, {}, look, calls)
    tapped = _open_loop(stack.base_url, cookies, call, calls)
    print(f"page without a database: {milliseconds(plain)}")
    print(f"call next: {milliseconds(tapped)}")
    line("ratio of medians at 40 calls a second", quantile(tapped, 0.5) / quantile(plain, 0.5), "", "(at most 6)")
    line("p99 of call next over the page's median", quantile(tapped, 0.99) / quantile(plain, 0.5), "", "(at most 25)")


def _tapped(stack: Stack, *, name: str, halls: int, seconds: float) -> float:
    from tests.bench import call_next_rows

    each = 6000 // CONNECTIONS
    made = [
        call_next_rows.make_hall(f"{name}-{number}", counters=6000 // halls, waiting=6000 // halls)
        for number in range(halls)
    ]
    cookies = [call_next_rows.sign_in(hall) for hall in made]
    clients = [Client(stack.base_url, cookies[index % halls]) for index in range(CONNECTIONS)]

    def one(index: int, number: int) -> None:
        hall = made[index % halls]
        counter = (index // halls) * each + number + 1 if halls < CONNECTIONS else number + 1
        status = clients[index].post(f"/h/{hall.code}/counter/{counter}/call-next/", secrets.token_hex(16), {})
        assert status == 200, (status, clients[index].body[:300])

    return _rate(one, most=each, seconds=seconds)


def _raw(stack: Stack, *, name: str, halls: int, seconds: float) -> float:
    from tests.bench import call_next_rows

    each = 60000 // CONNECTIONS // 4
    made = [
        call_next_rows.make_hall(f"{name}-{number}", counters=16, waiting=each * CONNECTIONS // halls)
        for number in range(halls)
    ]
    counters = [list(hall.counters.order_by("number").values_list("pk", flat=True)) for hall in made]
    links = [psycopg.connect(stack.database_url, autocommit=True) for _ in range(CONNECTIONS)]

    def one(index: int, number: int) -> None:
        hall, counter = made[index % halls], counters[index % halls][index]
        links[index].execute(_raw_call(hall.pk, counter, secrets.token_hex(16)))  # type: ignore[arg-type]

    try:
        return _rate(one, most=each, seconds=seconds)
    finally:
        for link in links:
            link.close()


def _raw_call(hall: int, counter: int, key: str) -> str:
    """The same rows as a tap writes, in one message to the server. The customer before is sent on, so that the counter is free."""
    return f"""
        BEGIN;
        INSERT INTO hall_tap (key, actor, digest, outcome, at) VALUES ('{key}', 'person:1', '{key}', '{{}}', now());
        SELECT id FROM hall_hall WHERE id = {hall} FOR NO KEY UPDATE;
        UPDATE queueing_ticket SET state = 'done' WHERE counter_id = {counter} AND state = 'called';
        WITH next AS (
            SELECT id FROM queueing_ticket WHERE hall_id = {hall} AND state = 'waiting' ORDER BY class_rank, issued_at, id LIMIT 1
        ), moved AS (
            UPDATE queueing_ticket SET state = 'called', state_since = now(), called_at = now(), last_event_at = now(),
                waited_before = now() - state_since, counter_id = {counter}, warn_due_at = NULL, alarm_due_at = NULL
            WHERE id = (SELECT id FROM next) RETURNING id
        )
        INSERT INTO queueing_ticketevent (ticket_id, verb, from_state, to_state, at, reason, data, counter_id)
        SELECT id, 'called', 'waiting', 'called', now(), '', '{{}}', {counter} FROM moved;
        UPDATE hall_counter SET ticket_number = 'A001', free_since = NULL WHERE id = {counter};
        COMMIT;
    """


def _rate(one: Callable[[int, int], None], *, most: int, seconds: float) -> float:
    """Calls a second of 16 threads doing `one(index, number)` for so long; at most `most` calls each."""
    done = [0] * CONNECTIONS
    failures: list[BaseException] = []
    begin = threading.Barrier(CONNECTIONS + 1)
    stop_at = [0.0]

    def work(index: int) -> None:
        begin.wait()
        try:
            while done[index] < most and time.perf_counter() < stop_at[0]:
                one(index, done[index])
                done[index] += 1
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    started = time.perf_counter()
    stop_at[0] = started + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(done) / (time.perf_counter() - started)


def _open_loop(base_url: str, cookies: dict[str, str], send: Callable[[Client, int], int], calls: int) -> list[float]:
    """Latencies in seconds from the instant each was due, in order of sending, at RATE a second over TABLETS connections."""
    taken = [0.0] * calls
    clients = [Client(base_url, cookies) for _ in range(TABLETS)]
    for client in clients:
        client.get(PAGE_WITHOUT_DATABASE)
    started = time.perf_counter() + 0.2

    def work(tablet: int) -> None:
        for number in range(tablet, calls, TABLETS):
            due = started + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            status = send(clients[tablet], number)
            assert status == 200, status
            taken[number] = time.perf_counter() - due

    threads = [threading.Thread(target=work, args=(tablet,)) for tablet in range(TABLETS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken


if __name__ == "__main__":
    main()
