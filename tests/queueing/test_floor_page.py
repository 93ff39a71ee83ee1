"""What the floor tablet shows: the care list in order of need, the tabs' counts, and the printed ticket."""

import re

import pytest
from django.urls import reverse
from django.utils import translation

from hall import board, clock
from hall.models import Kind
from queueing import care, tickets
from queueing.fragments import floor as fragments
from queueing.fragments import state as queue_state
from queueing.models import CustomerClass
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def shown(service, *, at=AT):
    with translation.override("en"):
        return fragments.render(queue_state.load(service.hall, at), 0)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def numbers(html: str) -> list[str]:
    """The ticket numbers that head a guest's card or row, in order."""
    return re.findall(r'(?:class="number"|data-wait><b)>([A-Z]\d{3})<', html)


@pytest.mark.covers("R-Q02", "Q-06")
def test_who_waits_over_the_limit_comes_first_then_the_warned_then_the_others():
    service = make.service(make.hall())
    for minutes in (3, 12, 20, 16, 5):
        make.ticket(service, at=AT - minutes * MINUTE)

    care_list = shown(service)["floor-care"]

    assert numbers(care_list) == ["A003", "A004", "A002", "A005", "A001"]
    assert re.findall(r'class="guest (is-\w+)"', care_list) == ["is-over", "is-over", "is-warn"]


def test_exactly_the_limit_is_not_over():
    service = make.service(make.hall())
    make.ticket(service, at=AT - 15 * MINUTE)

    assert re.findall(r'class="guest (is-\w+)"', shown(service)["floor-care"]) == ["is-warn"]


def test_who_was_spoken_to_comes_after_those_who_were_not():
    service = make.service(make.hall())
    first, _second = make.ticket(service, at=AT - 5 * MINUTE), make.ticket(service, at=AT - 3 * MINUTE)
    care.give(first, "informed", by=None, at=AT)

    care_list = shown(service)["floor-care"]

    assert numbers(care_list) == ["A002", "A001"]
    assert "Nobody was with them yet 1" in words(care_list)
    assert "Cared for already 1" in words(care_list)


def test_an_empty_floor_is_worded():
    drawn = shown(make.service(make.hall()))

    assert (
        words(drawn["floor-care"])
        == "Nobody waits 10 min or longer. Nobody was with them yet 0 None of those who wait."
    )
    assert (words(drawn["floor-arrive-count"]), words(drawn["floor-care-count"])) == ("0 waiting", "0 need care")


def test_the_tabs_count_who_waits_and_who_needs_care():
    service = make.service(make.hall())
    for minutes in (3, 12, 20):
        make.ticket(service, at=AT - minutes * MINUTE)

    drawn = shown(service)

    assert (words(drawn["floor-arrive-count"]), words(drawn["floor-care-count"])) == ("3 waiting", "2 need care")


@pytest.mark.covers("Q-06")
def test_an_act_that_was_done_shows_its_time_and_can_be_taken_back():
    service = make.service(make.hall())
    ticket = make.ticket(service, at=AT - 20 * MINUTE)
    act = care.give(ticket, "water", by=None, at=AT - 2 * MINUTE)

    care_list = shown(service)["floor-care"]

    assert "Water 09:58" in words(care_list)
    assert f'name="act" value="{act.pk}"' in care_list


def test_nobody_at_a_counter_is_on_the_care_list():
    hall = make.hall()
    service = make.service(hall)
    make.called(service, make.counter(hall, services=[service]), at=AT - 20 * MINUTE, called_at=AT)

    assert numbers(shown(service)["floor-care"]) == []


def test_one_picture_is_pushed_and_answered():
    service = make.service(make.hall())
    make.ticket(service, at=AT - 20 * MINUTE)

    assert board.render(board.Screen(service.hall_id, "floor", 0, "en"), AT) == shown(service)


def test_the_picture_is_drawn_from_the_halls_queue_without_a_query(django_assert_num_queries):
    service = make.service(make.hall())
    make.queue(service, 30)
    state = queue_state.load(service.hall, AT)

    with django_assert_num_queries(0):
        fragments.render(state, 0)


@pytest.mark.parametrize("name", ["floor", "floor-gone", "floor-guest"])
def test_who_may_open_the_floor_tablet(name):
    service = make.service(make.hall())
    path = reverse(name, args=[service.hall.code, *([make.ticket(service).pk] if name == "floor-guest" else [])])
    floater, clerk = make.person(service.hall, Kind.FLOATER), make.person(service.hall, Kind.CLERK)
    stranger = make.person(make.hall(), Kind.FLOATER)

    statuses = [make.client(person).get(path).status_code for person in (floater, clerk, stranger, None)]

    assert statuses == [200, 403, 404, 302]


def test_the_receptionist_cares_but_gives_no_tickets():
    hall = make.hall()
    make.service(hall)

    page = make.client(make.person(hall, Kind.RECEPTIONIST)).get(reverse("floor", args=[hall.code])).content.decode()

    assert reverse("give-ticket", args=[hall.code]) not in page
    assert page.count(' id="floor-care"') == 1
    assert page.count(' id="floor-arrive-count"') == 1


@pytest.mark.covers("R-Q12")
def test_priority_is_one_tap_away():
    hall = make.hall()
    make.service(hall)

    page = make.client(make.person(hall, Kind.GUIDE)).get(reverse("floor", args=[hall.code])).content.decode()

    assert re.findall(r'type="radio" name="customer_class" value="(\w+)"', page) == ["normal", "special", "vip"]


def test_a_guest_of_another_hall_is_not_found():
    hall = make.hall()
    foreign = make.ticket(make.service(make.hall()))

    answer = make.client(make.person(hall, Kind.FLOATER)).get(reverse("floor-guest", args=[hall.code, foreign.pk]))

    assert answer.status_code == 404


def test_who_left_today_is_listed_to_be_brought_back():
    service = make.service(make.hall())
    at = clock.now()
    tickets.abandon(make.ticket(service, at=at), by=None, at=at)
    make.ticket(service, at=at)

    page = make.client(make.person(service.hall, Kind.FLOATER)).get(reverse("floor-gone", args=[service.hall.code]))

    assert re.findall(r"[A-Z]\d{3}", words(page.content.decode())) == ["A001"]


def test_the_printed_ticket_says_number_service_class_and_wait():
    hall = make.hall(name_en="People's Road")
    service = make.service(hall, name_en="Bills")
    make.counter(hall, services=[service])
    make.ticket(service, CustomerClass.SPECIAL)
    ticket = make.ticket(service, CustomerClass.SPECIAL)

    page = make.client().get(reverse("ticket-print", args=[ticket.token])).content.decode()

    assert (
        words(page.partition("<main")[2])
        .removeprefix('class="slip">')
        .strip()
        .startswith("People&#x27;s Road A002 Bills priority 1 ahead of you about 3 min (an estimate)")
    )
    assert 'class="qr"' in page


def test_a_guessed_token_prints_nothing():
    make.ticket(make.service(make.hall()))

    assert make.client().get(reverse("ticket-print", args=["guessed"])).status_code == 404
