"""Many taps at once: real threads against PostgreSQL, each with a connection of its own."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from hall.models import Counter
from hall.refusals import CounterBusy
from queueing import tickets
from queueing.models import State, Ticket, TicketEvent
from tests import make
from tests.make import AT, SECOND

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act gave, all started at the same moment; a refusal is given as its exception."""
    results: list[object] = [None] * len(acts)
    ready = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            ready.wait(30)
            results[place] = act()
        except Exception as error:  # given to the test, which says which it expects
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.covers("Q-11")
def test_two_tablets_at_one_counter_call_one_customer():
    hall = make.hall()
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    for _each in range(10):
        make.ticket(service)

    for round_number in range(10):
        results = at_once(*[lambda: tickets.call_next(counter, by=None, at=AT)] * 2)

        called = [result for result in results if isinstance(result, Ticket)]
        assert [ticket.number for ticket in called] == [f"A{round_number + 1:03d}"]
        assert [type(result) for result in results if result not in called] == [CounterBusy]
        tickets.start(called[0], by=None, at=AT)
        tickets.finish(called[0], by=None, at=AT)


@pytest.mark.timeout(280)
@pytest.mark.covers("Q-11", "F-04")
def test_twenty_counters_at_one_queue_call_nobody_twice_lose_nobody_and_keep_the_order():
    hall = make.hall()
    service = make.service(hall)
    counters = [make.counter(hall, services=[service]) for _each in range(20)]
    rounds = 1_000
    make.queue(service, rounds)
    later = AT + rounds * SECOND

    def work(counter: Counter) -> list[str]:
        """One clerk: calls and serves until nobody waits."""
        mine = []
        while (ticket := tickets.call_next(counter, by=None, at=later)) is not None:
            mine.append(ticket.number)
            tickets.start(ticket, by=None, at=later)
            tickets.finish(ticket, by=None, at=later)
        return mine

    results = at_once(*[lambda counter=counter: work(counter) for counter in counters])

    assert [result for result in results if isinstance(result, Exception)] == []
    expected = [f"A{number + 1:03d}" for number in range(rounds)]
    assert sorted(number for mine in results for number in mine) == sorted(expected)
    # ids are drawn under the hall's lock, so they tell the order in which the calls happened
    assert (
        list(TicketEvent.objects.filter(verb="called").order_by("pk").values_list("ticket__number", flat=True))
        == expected
    )
    assert Ticket.objects.filter(state=State.DONE).count() == rounds


def test_twenty_guides_draw_twenty_numbers():
    service = make.service(make.hall())

    results = at_once(*[lambda: make.ticket(service).number] * 20)

    assert sorted(results) == [f"A{number + 1:03d}" for number in range(20)]


def test_start_and_undo_of_one_call_at_once_end_in_one_of_both():
    hall = make.hall()
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    for _each in range(10):
        ticket = make.called(service, counter)

        results = at_once(
            lambda ticket=ticket: tickets.start(ticket, by=None, at=AT),
            lambda ticket=ticket: tickets.uncall(ticket, by=None, at=AT),
        )

        stored = Ticket.objects.get(pk=ticket.pk)
        counter.refresh_from_db()
        assert [isinstance(result, Exception) for result in results].count(True) == 1
        assert (stored.state, counter.ticket_number) in [("serving", ticket.number), ("waiting", "")]
        if stored.state == State.SERVING:
            tickets.finish(stored, by=None, at=AT)
        else:
            tickets.abandon(stored, by=None, at=AT)


def test_a_younger_ticket_never_overtakes_when_a_call_is_rolled_back():
    hall = make.hall()
    service = make.service(hall)
    first, second = (make.counter(hall, services=[service]) for _each in range(2))
    make.ticket(service)
    make.ticket(service)
    called = threading.Event()

    def cut_off() -> None:
        with transaction.atomic():
            tickets.call_next(first, by=None, at=AT)
            called.set()
            transaction.set_rollback(True)

    def next_one() -> str:
        called.wait(30)
        return tickets.call_next(second, by=None, at=AT).number

    assert at_once(cut_off, next_one) == [None, "A001"]
