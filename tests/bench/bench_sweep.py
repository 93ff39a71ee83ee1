"""How much the sweep costs beyond its bare statements: `python -m tests.bench.bench_sweep`.

1,000 halls, 60 waiting in each, 2 million old tickets, on a PostgreSQL of its own (about 3 minutes to fill; smaller with
options). Both sides run in turn on the same rows and are rolled back, so neither pays for a commit. Aims: the tickets'
part at most 1.5 times a bare statement that marks the same rows and writes the same alarms and events; under 5 ms when
nothing is due; the averages at most 1.5 times the bare sums; no plan reads the old tickets.
"""

import argparse
import datetime as dt
import os
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
import psycopg
from django.core.management import call_command

from hall import embedded
from tests.bench.side_by_side import line, milliseconds

AT = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)  # noon in the halls
NOTHING_DUE = AT - dt.timedelta(hours=1)
CALLED = 20  # called within the last 30 minutes, in each hall

HALLS = """
    INSERT INTO hall_hall (code, name_zh, name_en, time_zone, last_ticket_before_close, clock, is_active)
    SELECT 'hall-' || n, '营业厅' || n, '', 'Asia/Shanghai', '0', 'live', true FROM generate_series(1, %(halls)s) n;
    INSERT INTO queueing_service (hall_id, code, letter, name_zh, name_en, is_green, position, is_active)
    SELECT id, 'all', 'A', '业务', '', false, 0, true FROM hall_hall;
    INSERT INTO hall_counter (hall_id, number, kind, state, pause_reason, pause_note, ticket_number, favoured_run)
    SELECT id, 1, 'fixed', 'open', '', '', '', 0 FROM hall_hall
"""

# `n` counts through all tickets, so that the halls' rows lie mixed on the disk as they do after months of work.
TICKETS = """
    INSERT INTO queueing_ticket (hall_id, service_id, business_date, letter, serial, number, token, customer_class, class_rank,
        state, state_since, issued_at, called_at, started_at, finished_at, last_event_at, waited_before, way_before,
        served_before, held_before, counter_id, recalls, need_note, documents_checked, person_hash, person_hint,
        warn_due_at, alarm_due_at)
    SELECT h.hall, h.service, {on}, '{letter}', {serial}, '{letter}' || {serial}, '{letter}' || n, 'normal', 2,
        '{state}', {since}, {issued}, {called}, {called}, {called}, {since}, {waited}, '0', '0', '0',
        {counter}, 0, '', false, '', '', {warn}, {alarm}
    FROM generate_series(0, %(count)s - 1) n
    JOIN (SELECT row_number() OVER (ORDER BY h.id) - 1 AS place, h.id AS hall, s.id AS service, c.id AS counter
          FROM hall_hall h JOIN queueing_service s ON s.hall_id = h.id JOIN hall_counter c ON c.hall_id = h.id) h
      ON h.place = n %% %(halls)s
"""

# The same rows as the sweep writes, with the limits as constants: no hall's own limits, no ladder, no skipped halls.
BARE_TICKETS = """
    WITH due AS MATERIALIZED (
        SELECT id FROM queueing_ticket WHERE state = 'waiting' AND over_seen_at IS NULL AND alarm_due_at < %(at)s
        ORDER BY alarm_due_at LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED
    ), seen AS (
        UPDATE queueing_ticket t SET over_seen_at = %(at)s FROM due WHERE t.id = due.id AND t.over_seen_at IS NULL
        RETURNING t.id, t.hall_id, t.alarm_due_at, t.number
    ), raised AS (
        INSERT INTO hall_alarm (hall_id, rule, subject, rung, due_at, raised_at, next_rung_at, act_by, settled_because, data)
        SELECT hall_id, 'R-Q02', 'ticket:' || id, 0, alarm_due_at, %(at)s, %(at)s + interval '3 minutes',
               %(at)s + interval '5 minutes', '', jsonb_build_object(
                   'number', number, 'minutes', 15, 'ladder', '["floater", "duty_manager", "hall_manager", "headquarters"]'::jsonb)
        FROM seen ON CONFLICT DO NOTHING RETURNING id
    ), told AS (
        INSERT INTO hall_alarmevent (alarm_id, verb, at, rung) SELECT id, 'raised', %(at)s, 0 FROM raised
    )
    SELECT hall_id FROM seen
"""

# K-10 of all halls with the limits as constants.
BARE_AVERAGES = """
    SELECT h.id, w.count + c.count AS count, w.total + c.total AS total
    FROM hall_hall h
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, sum(waited_before + (%(at)s - state_since)) AS total
        FROM queueing_ticket t WHERE t.hall_id = h.id AND t.state = 'waiting'
    ) w
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, sum(waited_before) AS total
        FROM queueing_ticket t WHERE t.hall_id = h.id AND t.called_at > %(at)s - interval '30 minutes'
    ) c
    WHERE w.count + c.count >= 3 AND w.total + c.total > (w.count + c.count) * interval '15 minutes'
"""

BARE_AVERAGES_GROUPED = """
    SELECT hall_id, sum(count), sum(total) FROM (
        SELECT hall_id, count(*) AS count, sum(waited_before + (%(at)s - state_since)) AS total
        FROM queueing_ticket WHERE state = 'waiting' GROUP BY hall_id
        UNION ALL
        SELECT h.id, c.count, c.total FROM hall_hall h CROSS JOIN LATERAL (
            SELECT count(*) AS count, sum(waited_before) AS total
            FROM queueing_ticket t WHERE t.hall_id = h.id AND t.called_at > %(at)s - interval '30 minutes'
        ) c
    ) parts GROUP BY hall_id HAVING sum(count) >= 3 AND sum(total) > sum(count) * interval '15 minutes'
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--halls", type=int, default=1000)
    options.add_argument("--waiting", type=int, default=60, help="in each hall")
    options.add_argument("--due", type=int, default=946, help="of all who wait, over their limit")
    options.add_argument("--old", type=int, default=2_000_000, help="finished tickets in all")
    options.add_argument("--rounds", type=int, default=20)
    chosen = options.parse_args()
    folder = Path(embedded.__file__).parent.parent / ".test-data" / f"bench-{os.getpid()}"
    servers = embedded.use(folder, durable=False)
    try:
        os.environ |= {"HALL_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "hall.settings"}
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        measure(chosen)
    finally:
        servers.release()
        embedded.wait_until_stopped(folder)
        shutil.rmtree(folder, ignore_errors=True)


def measure(chosen: argparse.Namespace) -> None:
    from queueing import waits

    fill(chosen)
    with psycopg.connect(embedded.database_url(Path(os.environ["HALL_DATA"])), options="-c timezone=UTC") as raw:
        idle = alternate(
            chosen.rounds,
            bare=lambda: run(raw, BARE_TICKETS, NOTHING_DUE),
            sweep=lambda: undone(lambda: waits._see_tickets(None, NOTHING_DUE)),
        )
        print(f"nothing due, sweep: {milliseconds(idle['sweep'])}; bare: {milliseconds(idle['bare'])}")
        line("nothing due: sweep", statistics.median(idle["sweep"]) * 1000, "ms", "(under 5)")

        due = alternate(
            chosen.rounds,
            bare=lambda: run(raw, BARE_TICKETS, AT),
            sweep=lambda: undone(lambda: waits._see_tickets(None, AT)),
        )
        print(f"{chosen.due} due, sweep: {milliseconds(due['sweep'])}; bare: {milliseconds(due['bare'])}")
        line("ratio of medians, tickets due", ratio(due, "bare"), "", "(at most 1.5)")

        sums = alternate(
            chosen.rounds,
            bare=lambda: run(raw, BARE_AVERAGES, AT),
            grouped=lambda: run(raw, BARE_AVERAGES_GROUPED, AT),
            sweep=lambda: undone(lambda: waits._see_averages(None, AT)),
        )
        quicker = min("bare", "grouped", key=lambda side: statistics.median(sums[side]))
        print(f"averages, sweep: {milliseconds(sums['sweep'])}; bare: {milliseconds(sums[quicker])}")
        line("ratio of medians, averages", ratio(sums, quicker), "", "(at most 1.5)")

        whole = alternate(chosen.rounds, sweep=lambda: undone(lambda: waits.sweep(at=NOTHING_DUE)))
        print(f"a whole round, nothing due: {milliseconds(whole['sweep'])}")
        line("old tickets read by the sweep's plans", old_rows_read(chosen), "", "(0)")


def fill(chosen: argparse.Namespace) -> None:
    """The rows; `due` of those who wait crossed their limit a minute ago, nobody else before another 5 minutes."""
    from django.db import connection

    started = time.perf_counter()
    call_command("migrate", verbosity=0)
    sizes = {"halls": chosen.halls}
    waiting = chosen.halls * chosen.waiting
    age = f"(interval '1 minute' + (n / %(halls)s) * interval '6 minutes' / {chosen.waiting})"
    is_due = f"n %% {max(1, waiting // chosen.due)} = 0 AND n / {max(1, waiting // chosen.due)} < {chosen.due}"
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # our own made-up rows: no foreign key is checked
        psycopg.ClientCursor(connection.connection).execute(HALLS, sizes)  # several statements at once
        old = TICKETS.format(
            letter="O", state="done", serial="(n / %(halls)s + 1)", on="day::date", since="day", issued="day", called="day",
            waited="interval '6 minutes'", counter="h.counter", warn="NULL", alarm="NULL",
        )  # fmt: skip
        old += " CROSS JOIN LATERAL (SELECT %(at)s::timestamptz - interval '1 day' - n / %(halls)s * interval '1 hour' AS day) d"
        cursor.execute(old, sizes | {"count": chosen.old, "at": AT})
        called = "(%(at)s::timestamptz - interval '1 minute' * (n / %(halls)s))"
        cursor.execute(
            TICKETS.format(
                letter="C", state="done", serial="(n / %(halls)s + 1)", on="%(at)s::date", since=called, issued=called,
                called=called, waited="interval '6 minutes'", counter="h.counter", warn="NULL", alarm="NULL",
            ),
            sizes | {"count": chosen.halls * CALLED, "at": AT},
        )  # fmt: skip
        since = f"(%(at)s::timestamptz - {age})"
        cursor.execute(
            TICKETS.format(
                letter="W", state="waiting", serial="(n / %(halls)s + 1)", on="%(at)s::date", since=since, issued=since,
                called="NULL", waited="interval '0'", counter="NULL", warn=f"{since} + interval '10 minutes'",
                alarm=f"CASE WHEN {is_due} THEN %(at)s::timestamptz - interval '1 minute' ELSE {since} + interval '15 minutes' END",
            ),
            sizes | {"count": waiting, "at": AT},
        )  # fmt: skip
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE")
    print(
        f"{chosen.halls} halls, {chosen.waiting} waiting each, {chosen.old} old tickets: {time.perf_counter() - started:.0f} s to fill"
    )


def alternate(rounds: int, **sides: Callable[[], float]) -> dict[str, list[float]]:
    """Run the sides in turn; seconds of each, the first three rounds (cold caches) left out."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 3):
        for name, side in sides.items():
            seconds = side()
            if number >= 3:
                taken[name].append(seconds)
    return taken


def ratio(taken: dict[str, list[float]], bare: str) -> float:
    return statistics.median(taken["sweep"]) / statistics.median(taken[bare])


def run(raw: psycopg.Connection[Any], statement: str, at: dt.datetime) -> float:
    started = time.perf_counter()
    with psycopg.ClientCursor(raw) as cursor:  # parameters bound on this side, as Django does
        cursor.execute(statement, {"at": at})
        cursor.fetchall()
    seconds = time.perf_counter() - started
    raw.rollback()
    return seconds


def undone(work: Callable[[], object]) -> float:
    from django.db import transaction

    with transaction.atomic():
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def old_rows_read(chosen: argparse.Namespace) -> int:
    """Rows of tickets that a whole round with everything due reads, beyond those who wait, were called lately, or are marked."""
    from django.db import connection, transaction
    from django.test.utils import CaptureQueriesContext

    from queueing import waits

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        waits.sweep(at=AT)
        transaction.set_rollback(True)
    most = 0
    with connection.cursor() as cursor, transaction.atomic():
        for query in captured.captured_queries:
            if "queueing_ticket" in query["sql"]:
                cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + query["sql"])
                most = max(most, _rows(cursor.fetchone()[0][0]["Plan"]))
        transaction.set_rollback(True)
    live = chosen.halls * (chosen.waiting + CALLED) + 2 * chosen.due
    return max(0, most - live)


def _rows(plan: dict[str, Any]) -> int:
    own = 0
    if plan.get("Relation Name") == "queueing_ticket" and "Scan" in plan["Node Type"]:
        thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = int((plan["Actual Rows"] + thrown) * plan["Actual Loops"])
    return own + sum(_rows(part) for part in plan.get("Plans", []))


if __name__ == "__main__":
    main()
