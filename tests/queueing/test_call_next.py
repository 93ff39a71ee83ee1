"""Call the next waiting ticket that this counter serves."""

import pytest

from hall.models import Counter
from hall.refusals import CounterBusy, CounterNotOpen
from queueing import tickets
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def floor(**fields):
    """A hall with one service and one open counter that serves it."""
    hall = make.hall()
    service = make.service(hall)
    return hall, service, make.counter(hall, services=[service], **fields)


def call_all(counter, at=AT):
    """The numbers in the order in which this counter calls and serves everybody who waits."""
    order = []
    while (ticket := tickets.call_next(counter, by=None, at=at)) is not None:
        order.append(ticket.number)
        tickets.start(ticket, by=None, at=at)
        tickets.finish(ticket, by=None, at=at)
    return order


@pytest.mark.covers("Q-11", "F-04")
def test_calls_the_longest_waiting_ticket():
    _hall, service, counter = floor()
    make.ticket(service, at=AT)
    make.ticket(service, at=AT + SECOND)

    called = tickets.call_next(counter, by=None, at=AT + MINUTE)

    assert called.number == "A001"


def test_tickets_of_one_second_are_called_as_they_were_drawn():
    _hall, service, counter = floor()
    for _each in range(3):
        make.ticket(service)

    assert call_all(counter) == ["A001", "A002", "A003"]


def test_the_call_is_stored_with_counter_time_person_and_one_event():
    hall, service, counter = floor()
    clerk = make.person(hall)
    make.ticket(service)

    ticket = tickets.call_next(counter, by=clerk, at=AT + 4 * MINUTE)

    stored = Ticket.objects.get()
    assert stored == ticket
    assert (stored.state, stored.counter, stored.called_at) == (State.CALLED, counter, AT + 4 * MINUTE)
    assert (stored.waited_before, stored.warn_due_at, stored.alarm_due_at) == (4 * MINUTE, None, None)
    assert [
        (event.verb, event.from_state, event.to_state, event.at, event.by, event.counter)
        for event in stored.events.all()
    ] == [
        ("issued", "", "waiting", AT, None, None),
        ("called", "waiting", "called", AT + 4 * MINUTE, clerk, counter),
    ]


def test_the_counter_says_whom_it_has():
    _hall, service, counter = floor()
    make.ticket(service)

    tickets.call_next(counter, by=None, at=AT)

    counter.refresh_from_db()
    assert (counter.ticket_number, counter.free_since) == ("A001", None)


def test_every_screen_and_the_counter_are_told(announced):
    hall, service, counter = floor()
    make.ticket(service)
    announced.clear()

    tickets.call_next(counter, by=None, at=AT)

    assert announced == [(hall.pk, "queue", f"counter:{counter.pk}")]


def test_nobody_waiting_is_none_and_changes_nothing(announced):
    _hall, _service, counter = floor()

    assert tickets.call_next(counter, by=None, at=AT) is None

    counter.refresh_from_db()
    assert (counter.ticket_number, counter.free_since, announced) == ("", AT, [])


def test_calls_only_what_the_counter_serves():
    hall, _service, counter = floor()
    make.ticket(make.service(hall, "B"))

    assert tickets.call_next(counter, by=None, at=AT) is None


def test_never_calls_a_ticket_of_another_hall():
    _hall, _service, counter = floor()
    _other, service, _far = floor()
    service.counters.add(counter)
    make.ticket(service)

    assert tickets.call_next(counter, by=None, at=AT) is None


@pytest.mark.covers("Q-11", "R-Q12", "R-Q13")
def test_special_before_vip_before_normal_at_most_two_favoured_in_a_row():
    _hall, service, counter = floor()
    for customer_class in ("normal", "normal", "vip", "vip", "special", "special"):
        make.ticket(service, customer_class)

    assert call_all(counter) == ["A005", "A006", "A001", "A003", "A004", "A002"]


def test_favoured_customers_go_on_when_nobody_else_waits():
    _hall, service, counter = floor()
    for _each in range(4):
        make.ticket(service, "vip")

    assert call_all(counter) == ["A001", "A002", "A003", "A004"]


def test_how_many_favoured_in_a_row_is_the_halls_limit():
    hall, service, counter = floor()
    make.limit(hall, "X-24", "favoured_in_a_row", 1)
    for customer_class in ("normal", "vip", "vip"):
        make.ticket(service, customer_class)

    assert call_all(counter) == ["A002", "A001", "A003"]


def test_the_turn_is_counted_at_each_counter_apart():
    hall, service, first = floor()
    second = make.counter(hall, services=[service])
    for customer_class in ("normal", "vip", "vip", "vip"):
        make.ticket(service, customer_class)
    call = [tickets.call_next(counter, by=None, at=AT).number for counter in (first, second)]

    assert call == ["A002", "A003"]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.favoured_run, second.favoured_run) == (1, 1)


@pytest.mark.covers("R-Q13")
def test_a_vip_seat_takes_vip_customers_first():
    _hall, service, counter = floor(kind=Counter.Kind.VIP)
    for customer_class in ("normal", "special", "vip"):
        make.ticket(service, customer_class)

    assert call_all(counter) == ["A003", "A002", "A001"]


def test_a_green_counter_calls_green_first_then_its_other_services():
    hall = make.hall()
    plain, green = make.service(hall, "A"), make.service(hall, "G", is_green=True)
    counter = make.counter(hall, services=[plain, green], kind=Counter.Kind.GREEN)
    make.ticket(plain, at=AT - MINUTE)
    make.ticket(green)

    assert call_all(counter) == ["G001", "A001"]


def test_no_other_counter_calls_green():
    hall = make.hall()
    green = make.service(hall, "G", is_green=True)
    counter = make.counter(hall, services=[green])
    make.ticket(green)

    assert tickets.call_next(counter, by=None, at=AT) is None


@pytest.mark.parametrize("state", [State.CALLED, State.SERVING])
def test_a_busy_counter_is_refused_in_words_and_nothing_changes(state):
    _hall, service, counter = floor()
    first = make.called(service, counter)
    if state == State.SERVING:
        tickets.start(first, by=None, at=AT)
    make.ticket(service)

    with make.refusal(CounterBusy, match="A001"):
        tickets.call_next(counter, by=None, at=AT)

    assert sorted(Ticket.objects.values_list("number", "state")) == [("A001", state), ("A002", "waiting")]


@pytest.mark.covers("R-B13")
@pytest.mark.parametrize(
    "fields",
    [{"state": "paused", "pause_reason": "lunch", "free_since": None}, {"state": "closed", "free_since": None}],
)
def test_a_paused_or_closed_counter_is_refused(fields):
    _hall, service, counter = floor(**fields)
    make.ticket(service)

    with make.refusal(CounterNotOpen):
        tickets.call_next(counter, by=None, at=AT)

    assert Ticket.objects.get().state == State.WAITING


@pytest.mark.covers("R-Q22")
def test_who_waits_at_closing_time_is_still_called():
    hall, service, counter = floor()
    make.ticket(service)
    hall.opening_intervals.all().delete()

    assert tickets.call_next(counter, by=None, at=AT + MINUTE).number == "A001"


def test_the_call_is_never_before_the_tickets_last_event():
    _hall, service, counter = floor()
    make.ticket(service, at=AT)

    ticket = tickets.call_next(counter, by=None, at=AT - SECOND)

    assert (ticket.called_at, ticket.waited_before) == (AT, 0 * SECOND)
