"""No sweep and no screen reads the old tickets: the plans of their statements, among many of them."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from hall.models import Hall
from queueing import days, waits
from queueing.fragments import state
from queueing.models import Ticket
from tests import make
from tests.make import AT, MINUTE

OLD = 20_000  # in one hall, finished over the last 46 days
WAITING = 30


@pytest.fixture(scope="module")
def busy_hall(django_db_setup, django_db_blocker):
    """A hall with many old tickets and a few that wait, analysed; taken away afterwards."""
    with django_db_blocker.unblock():
        hall = make.hall()
        service = make.service(hall)
        counter = make.counter(hall, services=[service])
        for number in range(WAITING):
            make.ticket(service, at=AT + number * MINUTE / 60)
        with connection.cursor() as cursor:
            cursor.execute(
                OLD_TICKETS, {"hall": hall.pk, "service": service.pk, "counter": counter.pk, "at": AT, "count": OLD}
            )
            cursor.execute("VACUUM ANALYZE queueing_ticket")
        yield hall.pk
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE hall_hall CASCADE")
            cursor.execute("VACUUM ANALYZE queueing_ticket")


OLD_TICKETS = """
    INSERT INTO queueing_ticket (hall_id, service_id, business_date, letter, serial, number, token, customer_class, class_rank,
        state, state_since, issued_at, called_at, started_at, finished_at, last_event_at, waited_before, way_before, served_before,
        held_before, counter_id, recalls, need_note, documents_checked, person_hash, person_hint)
    SELECT %(hall)s, %(service)s, (at AT TIME ZONE 'Asia/Shanghai')::date, 'Z', n, 'Z' || n, 'old' || n, 'normal', 2,
        'done', at, at, at, at, at, at, '5 minutes', '0', '5 minutes', '0', %(counter)s, 0, '', false, '', ''
    FROM (SELECT n, %(at)s::timestamptz - interval '1 day' - n * interval '200 seconds' AS at FROM generate_series(1, %(count)s) n) old
"""


def rows_read(work) -> int:
    """How many rows of tickets the statements of `work` read: what the plans' scans gave and what they threw away."""
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        work()
        transaction.set_rollback(True)  # each statement is explained over the same rows
    statements = [query["sql"] for query in captured.captured_queries if "queueing_ticket" in query["sql"]]
    assert statements
    with connection.cursor() as cursor:
        total = 0
        for sql in statements:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
            total += _read(cursor.fetchone()[0][0]["Plan"])
    return total


def _read(plan: dict) -> int:
    own = 0
    if plan.get("Relation Name") == "queueing_ticket" and "Scan" in plan["Node Type"]:
        thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = int((plan["Actual Rows"] + thrown) * plan["Actual Loops"])
    return own + sum(_read(part) for part in plan.get("Plans", []))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda hall: waits.sweep(at=AT + 2 * MINUTE), id="the sweep with nothing due"),
        pytest.param(lambda hall: waits.sweep(at=AT + 20 * MINUTE), id="the sweep with all due"),
        pytest.param(lambda hall: waits.average(hall.pk, at=AT + 2 * MINUTE), id="the average"),
        pytest.param(lambda hall: waits.next_due(hall.pk, at=AT + 2 * MINUTE), id="what is due next"),
        pytest.param(lambda hall: days.close_left_open_days(at=AT + 2 * MINUTE), id="the close of days left open"),
        pytest.param(lambda hall: state.load(hall, AT + 2 * MINUTE), id="the screens' state"),
    ],
)
def test_reads_those_who_wait_and_no_old_tickets(busy_hall, work):
    assert Ticket.objects.count() == OLD + WAITING
    hall = Hall.objects.get(pk=busy_hall)

    assert rows_read(lambda: work(hall)) <= 5 * WAITING


@pytest.mark.django_db
def test_a_halls_live_tickets_come_from_the_two_partial_indexes(busy_hall):
    plan = Ticket.objects.filter(hall_id=busy_hall).live().explain()

    assert "ticket_call_order" in plan
    assert "ticket_at_counter" in plan
    assert "ticket_by_day" not in plan
