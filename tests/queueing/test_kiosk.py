"""The kiosk: customers take a ticket by themselves."""

import datetime as dt
import re

import pytest

from hall import clock
from hall.models import Device, OpeningInterval
from queueing.fragments import kiosk
from queueing.fragments import state as queue_state
from queueing.models import Ticket
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def floor(**fields):
    """A hall with one service and one open counter that serves it."""
    hall = make.hall(**fields)
    service = make.service(hall, name_en="Bill query")
    make.counter(hall, services=[service])
    return hall, service


def take(browser, hall, service, **data):
    return make.tap(browser, f"/h/{hall.code}/kiosk/take/", {"service": service.pk, **data})


def html_of(hall, at=AT):
    return kiosk.render(queue_state.load(hall, at), 0)["kiosk-services"]


@pytest.mark.covers("Q-02", "F-04")
def test_a_tap_gives_a_ticket_of_the_service():
    hall, service = floor()

    answer = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service)

    ticket = Ticket.objects.get()
    assert answer.status_code == 200
    assert (ticket.number, ticket.service, ticket.customer_class) == ("A001", service, "normal")
    assert '<b class="given-number">A001</b>' in answer.content.decode()


def test_nobody_is_written_down_as_the_giver_at_an_unattended_kiosk():
    hall, service = floor()

    take(make.paired_client(hall, Device.Screen.KIOSK), hall, service)

    assert Ticket.objects.get().events.get().by is None


def test_a_guide_at_the_kiosk_is_written_down():
    hall, service = floor()
    guide = make.person(hall, "guide")

    take(make.client(guide), hall, service)

    assert Ticket.objects.get().events.get().by == guide


@pytest.mark.covers("Q-03", "R-Q07")
def test_the_answer_tells_people_ahead_and_minutes_and_calls_it_an_estimate():
    hall, service = floor()
    for _each in range(5):
        make.ticket(service, at=clock.now())

    html = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service).content.decode()

    assert "5 people" in html
    assert "about 15 min" in html
    assert "Estimated wait" in html


def test_the_answer_has_a_code_that_leads_to_the_tickets_page(settings):
    settings.PUBLIC_URL = "https://hall.example"
    hall, service = floor()

    html = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service).content.decode()

    assert html.count("<svg xmlns") + html.count('class="qr"') >= 1
    assert "&lt;svg" not in html


@pytest.mark.covers("R-Q12")
def test_who_must_not_wait_may_say_so():
    hall, service = floor()
    make.ticket(service, at=clock.now())

    html = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service, customer_class="special").content.decode()

    ticket = Ticket.objects.latest("pk")
    assert (ticket.customer_class, ticket.told_ahead) == ("special", 0)
    assert "Priority: you are served before others" in html


@pytest.mark.covers("R-Q13")
def test_nobody_makes_himself_a_vip():
    hall, service = floor()

    answer = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service, customer_class="vip")

    assert answer.status_code == 422
    assert Ticket.objects.count() == 0


def test_the_same_tap_twice_is_one_ticket():
    hall, service = floor()
    browser = make.paired_client(hall, Device.Screen.KIOSK)

    answers = [
        make.tap(browser, f"/h/{hall.code}/kiosk/take/", {"service": service.pk}, key="the-same-key") for _each in "12"
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert Ticket.objects.count() == 1
    assert "A001" in answers[1].content.decode()


def test_the_same_key_for_another_service_is_refused():
    hall, service = floor()
    other = make.service(hall, "B")
    browser = make.paired_client(hall, Device.Screen.KIOSK)
    make.tap(browser, f"/h/{hall.code}/kiosk/take/", {"service": service.pk}, key="the-same-key")

    answer = make.tap(browser, f"/h/{hall.code}/kiosk/take/", {"service": other.pk}, key="the-same-key")

    assert answer.status_code == 422
    assert Ticket.objects.count() == 1


def test_a_tap_without_a_key_is_refused():
    hall, service = floor()

    answer = make.paired_client(hall, Device.Screen.KIOSK).post(f"/h/{hall.code}/kiosk/take/", {"service": service.pk})

    assert answer.status_code == 422
    assert Ticket.objects.count() == 0


@pytest.mark.parametrize("wrong", ["", "0", "abc", "9" * 40, "1\x00"])
def test_an_unknown_service_is_refused_in_words(wrong):
    hall, _service = floor()

    answer = make.tap(make.paired_client(hall, Device.Screen.KIOSK), f"/h/{hall.code}/kiosk/take/", {"service": wrong})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert Ticket.objects.count() == 0


def test_a_service_of_another_hall_is_refused():
    hall, _service = floor()
    _other, far = floor()

    answer = take(make.paired_client(hall, Device.Screen.KIOSK), hall, far)

    assert answer.status_code == 422
    assert Ticket.objects.count() == 0


def test_a_closed_hall_refuses_in_words():
    hall, service = floor()
    OpeningInterval.objects.all().delete()

    answer = take(make.paired_client(hall, Device.Screen.KIOSK), hall, service)

    assert answer.status_code == 409
    assert "The hall is closed." in answer.content.decode()
    assert Ticket.objects.count() == 0


def test_a_closed_hall_shows_when_tickets_are_given_again_and_no_button():
    hall, _service = floor(opens=dt.time(9), closes=dt.time(18))

    html = html_of(hall, AT - 2 * 60 * MINUTE)

    assert "Tickets again at 09:00 today." in html
    assert "09:00–18:00" in html
    assert "<button" not in html


def test_each_button_says_how_many_are_ahead_and_about_how_long():
    hall, service = floor()
    for _each in range(2):
        make.ticket(service)

    html = html_of(hall)

    assert html.count("<button") == 1
    assert "2 ahead" in html
    assert "about 6 min" in html


def test_with_nobody_ahead_there_is_no_wait():
    hall, _service = floor()

    assert "no wait" in html_of(hall)


def test_a_service_without_an_open_counter_promises_no_minutes():
    hall, service = floor()
    service.counters.update(state="closed", free_since=None)
    make.ticket(service)

    html = html_of(hall)

    assert "no counter open yet" in html
    assert "about" not in html


def test_the_shared_fragment_carries_nothing_of_who_looks():
    hall, _service = floor()

    html = html_of(hall)

    assert re.match(r'<section [^>]*id="kiosk-services"', html)
    assert [word for word in ("csrf", "Idempotency", "token") if word in html] == []


def test_only_those_who_give_tickets_open_it():
    hall, _service = floor()
    page = f"/h/{hall.code}/kiosk/"

    assert make.paired_client(hall, Device.Screen.KIOSK).get(page).status_code == 200
    assert make.client(make.person(hall, "guide")).get(page).status_code == 200
    assert make.client(make.person(hall, "clerk")).get(page).status_code == 403
    assert make.client(make.person(make.hall(), "guide")).get(page).status_code == 404
    assert make.client().get(page).status_code != 200


def test_only_those_who_give_tickets_take_one():
    hall, service = floor()
    others = [
        make.client(make.person(hall, "clerk")),
        make.client(make.person(make.hall(), "guide")),
        make.client(),
        make.paired_client(hall, Device.Screen.CALL),
        make.paired_client(make.hall(), Device.Screen.KIOSK),
    ]

    for browser in others:
        assert take(browser, hall, service).status_code != 200

    assert Ticket.objects.count() == 0


def test_a_get_gives_no_ticket():
    hall, service = floor()

    answer = make.paired_client(hall, Device.Screen.KIOSK).get(f"/h/{hall.code}/kiosk/take/?service={service.pk}")

    assert answer.status_code == 405


def test_the_page_speaks_the_browsers_language_and_offers_the_other():
    hall, _service = floor()

    html = make.paired_client(hall, Device.Screen.KIOSK).get(f"/h/{hall.code}/kiosk/").content.decode()

    assert "Bill query" in html
    assert "中文" in html
