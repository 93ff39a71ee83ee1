"""A customer gets a ticket."""

import datetime as dt

import pytest

from hall import text
from hall.models import DayClose
from hall.refusals import HallClosed, Invalid, WrongState
from queueing import tickets
from queueing.models import CustomerClass, State, Ticket, TicketEvent
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


@pytest.mark.covers("Q-02")
def test_numbers_go_up_from_one_under_each_letter():
    hall = make.hall()
    bills, lines = make.service(hall, "A"), make.service(hall, "B")

    given = [make.ticket(bills), make.ticket(lines), make.ticket(bills)]

    assert [ticket.number for ticket in given] == ["A001", "B001", "A002"]


def test_two_services_of_one_letter_share_the_numbers():
    hall = make.hall()

    given = [make.ticket(make.service(hall, "A")), make.ticket(make.service(hall, "A"))]

    assert [ticket.number for ticket in given] == ["A001", "A002"]


def test_numbers_start_again_on_the_halls_next_local_date():
    service = make.service(make.hall())
    before_midnight = dt.datetime(2026, 11, 23, 15, 59, tzinfo=dt.UTC)  # 23:59 in the hall

    given = [make.ticket(service, at=before_midnight), make.ticket(service, at=before_midnight + MINUTE)]

    assert [ticket.number for ticket in given] == ["A001", "A001"]
    assert [ticket.business_date.day for ticket in given] == [23, 24]


def test_two_halls_draw_numbers_apart():
    given = [make.ticket(make.service(make.hall())), make.ticket(make.service(make.hall()))]

    assert [ticket.number for ticket in given] == ["A001", "A001"]


def test_the_ticket_waits_with_one_event_of_one_time():
    hall = make.hall()
    guide = make.person(hall, "guide")

    ticket = tickets.issue(make.service(hall), need_note="needs a new card", documents_checked=True, by=guide, at=AT)

    stored = Ticket.objects.get()
    assert stored == ticket
    assert (stored.state, stored.issued_at, stored.state_since, stored.last_event_at) == (State.WAITING, AT, AT, AT)
    assert (stored.need_note, stored.documents_checked) == ("needs a new card", True)
    assert [(event.verb, event.to_state, event.at, event.by) for event in ticket.events.all()] == [
        ("issued", "waiting", AT, guide)
    ]


def test_every_screen_of_the_hall_is_told(announced):
    hall = make.hall()

    make.ticket(make.service(hall))

    assert announced == [(hall.pk, "queue")]


def test_it_stores_when_the_wait_will_cross_warning_and_limit():
    ticket = make.ticket(make.service(make.hall()))

    assert (ticket.warn_due_at, ticket.alarm_due_at) == (AT + 10 * MINUTE, AT + 15 * MINUTE)


def test_the_halls_own_limit_counts():
    hall = make.hall()
    make.limit(hall, "R-Q02", "threshold", 20)

    assert make.ticket(make.service(hall)).alarm_due_at == AT + 20 * MINUTE


@pytest.mark.covers("Q-03", "R-Q07")
def test_the_ticket_keeps_what_the_customer_was_told():
    service = make.service(make.hall())
    for _each in range(10):
        make.ticket(service)

    ticket = make.ticket(service, at=AT + MINUTE)

    assert (ticket.told_ahead, ticket.told_wait) == (10, 30 * MINUTE)


def test_a_green_service_makes_a_green_ticket_and_no_other_does():
    hall = make.hall()
    green, plain = make.service(hall, "G", is_green=True), make.service(hall, "A")

    given = [make.ticket(green), make.ticket(plain, "green"), make.ticket(green, "vip")]

    assert [ticket.customer_class for ticket in given] == ["green", "normal", "vip"]


@pytest.mark.covers("R-Q06")
def test_a_known_person_has_one_live_ticket():
    hall = make.hall()
    service, other = make.service(hall), make.service(hall, "B")
    make.ticket(service, person="138 0013-8000")

    with make.refusal(WrongState, match="A001"):
        make.ticket(other, person="13800138000")

    assert Ticket.objects.count() == 1


@pytest.mark.covers("R-Q06")
def test_the_person_may_come_again_once_served():
    hall = make.hall()
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    first = make.ticket(service, person="13800138000")
    tickets.call_this(first, counter, reason="test", by=None, at=AT)
    tickets.start(first, by=None, at=AT)
    tickets.finish(first, by=None, at=AT)

    assert make.ticket(service, person="13800138000").number == "A002"


def test_of_a_known_person_only_a_hash_and_two_digits_are_kept():
    ticket = make.ticket(make.service(make.hall()), person="13800138042")

    stored = Ticket.objects.values().get(pk=ticket.pk)
    assert stored["person_hint"] == "42"
    assert len(stored["person_hash"]) == 64
    assert not [value for value in stored.values() if "13800138042" in str(value)]


def test_the_same_person_has_another_hash_in_another_hall():
    hashes = {make.ticket(make.service(make.hall()), person="13800138000").person_hash for _each in range(2)}

    assert len(hashes) == 2


@pytest.mark.parametrize("person", ["123", "1" * 31, "---", "1" * 41])
def test_a_person_of_too_few_or_too_many_digits_is_refused(person):
    service = make.service(make.hall())

    with make.refusal(Invalid):
        make.ticket(service, person=person)

    assert Ticket.objects.count() == 0


@pytest.mark.parametrize("note", ["a\x00b", "x" * 201])
def test_a_note_that_cannot_be_stored_is_refused(note):
    service = make.service(make.hall())

    with make.refusal(Invalid):
        make.ticket(service, need_note=note)

    assert Ticket.objects.count() == 0


def test_a_note_of_200_characters_is_kept():
    assert make.ticket(make.service(make.hall()), need_note="字" * 200).need_note == text.clean("字" * 200, most=200)


def test_an_unknown_class_is_refused():
    service = make.service(make.hall())

    with make.refusal(Invalid):
        make.ticket(service, "emperor")

    assert Ticket.objects.count() == 0


def test_a_service_no_longer_offered_is_refused():
    service = make.service(make.hall(), is_active=False)

    with make.refusal(Invalid):
        make.ticket(service)

    assert TicketEvent.objects.count() == 0


@pytest.mark.parametrize(("clock", "given"), [((8, 59), 0), ((9, 0), 1), ((17, 59), 1), ((18, 0), 0)])
def test_tickets_are_given_from_opening_to_closing(clock, given):
    service = make.service(make.hall(opens=dt.time(9), closes=dt.time(18)))
    at = dt.datetime(2026, 11, 23, *clock, tzinfo=service.hall.zone_info)

    if not given:
        with make.refusal(HallClosed):
            make.ticket(service, at=at)
    else:
        make.ticket(service, at=at)

    assert Ticket.objects.count() == given


def test_the_last_ticket_is_given_before_closing_and_the_refusal_says_when():
    service = make.service(make.hall(opens=dt.time(9), closes=dt.time(18), last_ticket_before_close=10 * MINUTE))
    at = dt.datetime(2026, 11, 23, 17, 50, tzinfo=service.hall.zone_info)

    with make.refusal(HallClosed, match="17:50"):
        make.ticket(service, at=at)


def test_no_ticket_once_the_day_is_closed():
    hall = make.hall()
    DayClose.objects.create(hall=hall, business_date=hall.business_date(AT), closed_at=AT)
    service = make.service(hall)

    with make.refusal(HallClosed):
        make.ticket(service)


def test_a_replay_keeps_the_numbers_of_its_log_and_each_only_once():
    service = make.service(make.hall())

    assert make.ticket(service, number="B0417").number == "B0417"
    with make.refusal(WrongState, match="B0417"):
        make.ticket(service, number="B0417")
    assert make.ticket(service).number == "A001"


@pytest.mark.parametrize("number", ["", "a01", "A", "A-1", "A1234567", "AB12"])
def test_a_log_number_that_is_none_is_refused(number):
    service = make.service(make.hall())

    with make.refusal(Invalid):
        make.ticket(service, number=number)


@pytest.mark.parametrize(
    ("customer_class", "rank"), [(CustomerClass.SPECIAL, 0), (CustomerClass.VIP, 1), (CustomerClass.NORMAL, 2)]
)
@pytest.mark.covers("R-Q12", "R-Q13")
def test_special_customers_stand_before_vip_before_normal(customer_class, rank):
    assert make.ticket(make.service(make.hall()), customer_class).class_rank == rank


def test_every_ticket_has_a_page_name_of_its_own_that_nobody_guesses():
    service = make.service(make.hall())

    tokens = {make.ticket(service).token for _each in range(3)}

    assert len(tokens) == 3
    assert {len(token) for token in tokens} == {22}
