"""A ticket's own page on the customer's phone."""

import pytest

from hall.models import DayClose, Room
from queueing import tickets
from queueing.fragments import ticket as fragments
from queueing.models import State, Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def floor():
    """A hall with one service and one open counter that serves it."""
    hall = make.hall()
    service = make.service(hall)
    return hall, service, make.counter(hall, 3, services=[service])


def card(ticket, at=AT):
    """What the page shows at an instant."""
    return fragments.card(Ticket.objects.select_related("hall", "service", "counter").get(pk=ticket.pk), at=at)


def leave(ticket, browser=None, *, key=None, **data):
    return make.tap(browser or make.client(), f"/t/{ticket.token}/leave/", {"state": "waiting", **data}, key=key)


@pytest.mark.covers("Q-03", "R-Q07")
def test_it_shows_number_people_ahead_minutes_and_clock_and_says_estimate():
    _hall, service, _counter = floor()
    for _each in range(4):
        make.ticket(service)

    html = card(make.ticket(service))

    assert '<h1 class="slip-number">A005</h1>' in html
    assert "4 people" in html
    assert "about 12 min" in html
    assert "around 10:12" in html
    assert "Estimated wait" in html


def test_the_next_one_is_told_so():
    _hall, service, _counter = floor()

    assert "You are next" in card(make.ticket(service))


def test_the_place_moves_up_when_somebody_is_called():
    _hall, service, counter = floor()
    make.ticket(service)
    mine = make.ticket(service)

    tickets.call_next(counter, by=None, at=AT)

    assert "You are next" in card(mine)


@pytest.mark.covers("Q-17")
def test_once_called_it_turns_to_the_counter():
    _hall, service, counter = floor()
    ticket = make.called(service, counter)

    html = card(ticket)

    assert "Please go to" in html
    assert "counter 3" in html
    assert "leave the queue" not in html


def test_a_recall_has_another_key_so_that_the_phone_vibrates_again():
    _hall, service, counter = floor()
    ticket = make.called(service, counter)
    before = card(ticket).split('data-call="')[1].split('"')[0]

    tickets.recall(ticket, by=None, at=AT)

    html = card(ticket)
    assert html.split('data-call="')[1].split('"')[0] not in ("", before)
    assert "called again" in html


def test_every_other_state_has_its_words():
    _hall, service, counter = floor()
    said = {}

    ticket = make.serving(service, counter)
    said["serving"] = card(ticket)
    tickets.hold(ticket, by=None, at=AT)
    said["held"] = card(ticket)
    tickets.take_back(ticket, counter, by=None, at=AT)
    tickets.finish(ticket, by=None, at=AT)
    said["done"] = card(ticket)
    missed = make.called(service, counter)
    for _each in range(2):
        tickets.recall(missed, by=None, at=AT)
    tickets.no_show(missed, by=None, at=AT)
    said["no_show"] = card(missed)
    said["abandoned"] = card(tickets.abandon(make.ticket(service), by=None, at=AT))
    said["reclaimed"] = card(tickets.reclaim(make.ticket(service), by=None, at=AT))
    left = make.ticket(service)
    DayClose.objects.create(hall=service.hall, business_date=left.business_date, closed_at=AT)
    said["closed_at_day_end"] = card(tickets.close_at_day_end(left, reason="closing", by=None, at=AT))

    for state, words in {
        "serving": "You are being served at counter 3",
        "held": "come back to counter 3",
        "done": "Thank you for coming",
        "no_show": "Please ask the guide",
        "abandoned": "You have left the queue",
        "reclaimed": "This ticket was taken back",
        "closed_at_day_end": "Tickets again on",
    }.items():
        assert words in said[state], state
        assert f'data-state="{state}"' in said[state]


@pytest.mark.covers("R-Q12")
def test_a_priority_customer_is_told_that_he_comes_first():
    _hall, service, _counter = floor()
    make.ticket(service)

    html = card(make.ticket(service, "special"))

    assert "You are served before others." in html
    assert "You are next" in html


@pytest.mark.covers("R-Q13")
def test_a_vip_is_led_to_the_member_room():
    hall, service, _counter = floor()
    Room.objects.create(hall=hall, use=Room.Use.MEMBER, name_zh="会员室", name_en="member room")

    assert "Please wait in the member room" in card(make.ticket(service, "vip"))


@pytest.mark.covers("R-Q13")
def test_without_a_member_room_a_vip_has_the_rest_area_and_a_vip_seat():
    hall, service, _counter = floor()
    make.counter(hall, 7, kind="vip")

    html = card(make.ticket(service, "vip"))

    assert "Please take a seat in the rest area" in html
    assert "VIP seat 7 calls you." in html


def test_a_normal_customer_hears_nothing_of_vip_places():
    hall, service, _counter = floor()
    make.counter(hall, 7, kind="vip")

    assert "VIP" not in card(make.ticket(service))


def test_it_costs_the_same_few_queries_whatever_waits(django_assert_num_queries):
    _hall, service, _counter = floor()
    browser = make.client()
    make.queue(service, 60)
    first, last = Ticket.objects.earliest("pk"), Ticket.objects.latest("pk")

    for ticket in (first, last):
        with django_assert_num_queries(6):  # the ticket, the clock, and four for the estimate
            browser.get(f"/t/{ticket.token}/state/")


def test_anybody_with_the_token_opens_it_and_no_search_engine_lists_it():
    _hall, service, _counter = floor()
    ticket = make.ticket(service)

    answer = make.client().get(f"/t/{ticket.token}/")

    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer.headers["Cache-Control"]
    assert '<meta name="robots" content="noindex, nofollow">' in answer.content.decode()


@pytest.mark.parametrize("path", ["/t/nothing/", f"/t/{'x' * 300}/"])
def test_an_unknown_token_is_said_in_words(path):
    floor()

    answer = make.client().get(path)

    assert answer.status_code == 404
    assert "This ticket is not known here" in answer.content.decode()


def test_the_number_or_id_is_no_way_in():
    _hall, service, _counter = floor()
    ticket = make.ticket(service)

    answers = [make.client().get(f"/t/{guess}/").status_code for guess in (ticket.number, ticket.pk, ticket.token[:-1])]

    assert answers == [404, 404, 404]


def test_it_shows_no_one_elses_data_and_nothing_written_about_its_own():
    _hall, service, _counter = floor()
    other = make.ticket(service, person="13800138042", need_note="lost her card")
    mine = make.ticket(service, person="13900139077", need_note="complains loudly")

    html = make.client().get(f"/t/{mine.token}/").content.decode()

    secrets = [
        other.token,
        other.number,
        other.need_note,
        mine.need_note,
        other.person_hash,
        mine.person_hash,
        "…42",
        "…77",
    ]
    assert [text for text in secrets if text in html] == []


def test_leaving_takes_the_ticket_out_of_the_queue():
    _hall, service, _counter = floor()
    ticket = make.ticket(service)

    answer = leave(ticket)

    assert answer.status_code == 200
    assert "You have left the queue" in answer.content.decode()
    assert Ticket.objects.get().state == State.ABANDONED
    assert Ticket.objects.get().events.last().by is None


def test_leaving_twice_with_one_tap_is_leaving_once():
    _hall, service, _counter = floor()
    ticket = make.ticket(service)

    answers = [leave(ticket, key="the-same-key").status_code for _each in "12"]

    assert answers == [200, 200]
    assert ticket.events.count() == 2


def test_two_phones_with_the_same_key_learn_nothing_of_each_other():
    _hall, service, _counter = floor()
    mine, other = make.ticket(service), make.ticket(service)
    leave(mine, key="the-same-key")

    answer = leave(other, key="the-same-key")

    assert answer.status_code == 422
    assert mine.number not in answer.content.decode()
    assert Ticket.objects.get(pk=other.pk).state == State.WAITING


def test_who_is_called_in_that_moment_is_told_and_keeps_his_turn():
    _hall, service, counter = floor()
    ticket = make.ticket(service)
    tickets.call_next(counter, by=None, at=AT)

    answer = leave(ticket)

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "A001 is called now." in html
    assert "counter 3" in html
    assert Ticket.objects.get().state == State.CALLED


def test_a_get_leaves_nothing_and_an_unknown_token_neither():
    _hall, service, _counter = floor()
    ticket = make.ticket(service)

    assert make.client().get(f"/t/{ticket.token}/leave/").status_code == 405
    assert make.tap(make.client(), "/t/nothing/leave/").status_code == 404
    assert Ticket.objects.get().state == State.WAITING


def test_the_language_is_the_phones_unless_chosen():
    hall, service, _counter = floor()
    ticket = make.ticket(service)
    browser = make.client()
    assert hall.name_en in browser.get(f"/t/{ticket.token}/").content.decode()

    browser.post("/language/", {"language": "zh-hans", "next": f"/t/{ticket.token}/"})

    assert hall.name_zh in browser.get(f"/t/{ticket.token}/").content.decode()


def test_the_page_asks_for_itself_every_ten_seconds():
    _hall, service, _counter = floor()
    ticket = make.ticket(service, at=AT - MINUTE)

    assert f'hx-get="/t/{ticket.token}/state/" hx-trigger="every 10s"' in card(ticket)
