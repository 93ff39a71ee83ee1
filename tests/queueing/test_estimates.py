"""How long a customer will wait."""

import datetime as dt

import pytest

from queueing import estimates
from queueing.fragments import state as queue_state
from queueing.models import Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db

NOW = AT + dt.timedelta(hours=1)


def served(service, counter, minutes):
    """So many customers, each served for so many minutes, one after the other."""
    for number, each in enumerate(minutes):
        begin = AT + number * MINUTE
        make.done(service, counter, at=begin, finished_at=begin + each * MINUTE)


@pytest.mark.covers("R-Q07", "Q-03")
def test_with_nothing_measured_ten_ahead_are_thirty_minutes():
    told = estimates.expected_wait(10, handling=None, counters_open=4, each=3 * MINUTE)

    assert told == estimates.Estimate(ahead=10, wait=30 * MINUTE, measured=False)


@pytest.mark.covers("Q-03")
def test_with_a_measured_mean_the_counters_share_the_people():
    told = estimates.expected_wait(6, handling=4 * MINUTE, counters_open=3, each=3 * MINUTE)

    assert told == estimates.Estimate(ahead=6, wait=8 * MINUTE, measured=True)


def test_with_no_counter_open_the_rule_of_thumb_is_told():
    told = estimates.expected_wait(2, handling=4 * MINUTE, counters_open=0, each=3 * MINUTE)

    assert told == estimates.Estimate(ahead=2, wait=6 * MINUTE, measured=False)


def test_nobody_ahead_is_no_wait():
    assert estimates.expected_wait(0, handling=4 * MINUTE, counters_open=1, each=3 * MINUTE).wait == 0 * MINUTE


@pytest.mark.parametrize(("minutes", "mean"), [([2, 4, 6, 8], None), ([2, 4, 6, 8, 10], 6 * MINUTE)])
def test_the_mean_needs_five_services(minutes, mean):
    hall = make.hall()
    service = make.service(hall)
    served(service, make.counter(hall, services=[service]), minutes)

    assert estimates.handling_time(hall.pk, at=NOW) == mean


def test_the_mean_counts_the_last_thirty_services():
    hall = make.hall()
    service = make.service(hall)
    served(service, make.counter(hall, services=[service]), [60] + 30 * [0])

    assert estimates.handling_time(hall.pk, at=NOW) == 0 * MINUTE


def test_the_mean_forgets_what_is_older_than_a_day():
    hall = make.hall()
    service = make.service(hall)
    served(service, make.counter(hall, services=[service]), 5 * [4])

    assert estimates.handling_time(hall.pk, at=NOW + dt.timedelta(days=1)) is None


def test_the_mean_is_of_one_hall():
    hall = make.hall()
    service = make.service(hall)
    served(service, make.counter(hall, services=[service]), 5 * [4])

    assert estimates.handling_time(make.hall().pk, at=NOW) is None


def test_those_ahead_share_a_counter_and_stand_before_in_call_order():
    hall = make.hall()
    mine, sister, stranger = make.service(hall, "A"), make.service(hall, "B"), make.service(hall, "C")
    make.counter(hall, services=[mine, sister])
    make.counter(hall, services=[stranger])
    make.ticket(mine)
    make.ticket(sister)
    make.ticket(stranger)
    make.ticket(mine, "special")

    assert estimates.told_at_issue(mine, "normal", at=AT).ahead == 3
    assert estimates.told_at_issue(mine, "vip", at=AT).ahead == 1
    assert estimates.told_at_issue(stranger, "normal", at=AT).ahead == 1


def test_who_may_go_elsewhere_counts_by_the_share_of_counters_in_common():
    hall = make.hall()
    mine, broad = make.service(hall, "A"), make.service(hall, "B")
    make.counter(hall, services=[mine, broad])
    for _each in range(3):
        make.counter(hall, services=[broad])
    for _each in range(8):
        make.ticket(broad)

    assert estimates.told_at_issue(mine, "normal", at=AT).ahead == 2
    assert estimates.told_at_issue(broad, "normal", at=AT).ahead == 8


def test_green_customers_wait_for_green_ones_only():
    hall = make.hall()
    green, bills = make.service(hall, "B", is_green=True), make.service(hall, "A")
    make.counter(hall, services=[green, bills], kind="green")
    for _each in range(3):
        make.ticket(bills)
    make.ticket(green)

    assert estimates.told_at_issue(green, "green", at=AT).ahead == 1
    assert estimates.told_at_issue(bills, "normal", at=AT).ahead == 4


def test_a_waiting_ticket_is_told_who_is_still_ahead():
    hall = make.hall()
    service = make.service(hall)
    given = [make.ticket(service) for _each in range(4)]
    make.ticket(service, "vip", at=AT + MINUTE)

    told = [estimates.told_now(Ticket.objects.get(pk=ticket.pk), at=NOW) for ticket in given]

    assert [estimate.ahead for estimate in told] == [1, 2, 3, 4]
    assert told[3].wait == 12 * MINUTE


def test_the_ticket_page_and_the_screens_tell_the_same():
    hall = make.hall()
    mine, sister = make.service(hall, "A"), make.service(hall, "B")
    counter = make.counter(hall, services=[mine, sister])
    served(mine, counter, 5 * [4])
    given = [make.ticket(service, kind, at=NOW) for service in (mine, sister) for kind in ("normal", "special", "vip")]

    state = queue_state.load(hall, NOW)

    assert [estimates.told_now(ticket, at=NOW) for ticket in given] == [
        state.estimate_for(Ticket.objects.get(pk=ticket.pk)) for ticket in given
    ]


def test_telling_costs_the_same_few_queries_whatever_waits(django_assert_num_queries):
    hall = make.hall()
    service = make.service(hall)
    make.queue(service, 60)
    last = Ticket.objects.select_related("service").latest("pk")

    with django_assert_num_queries(4):
        estimates.told_now(last, at=NOW)
