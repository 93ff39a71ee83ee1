"""The call screen: numbers and counters in both languages, and nobody's name."""

import datetime as dt
import re

import pytest

from hall import counters
from hall.models import DayClose, Device
from queueing import tickets
from queueing.fragments import call
from queueing.fragments import state as queue_state
from queueing.models import Service
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def floor(open_counters=3, **fields):
    """A hall with one service and so many open counters that serve it."""
    hall = make.hall(**fields)
    service = make.service(hall, name_zh="账单查询", name_en="Bill query")
    return hall, service, [make.counter(hall, services=[service]) for _each in range(open_counters)]


def shown(hall, at=AT):
    """What the screen shows at an instant, as {fragment id: html}."""
    return call.render(queue_state.load(hall, at), 0)


def numbers(hall, at=AT):
    """The numbers with their counters, the newest first."""
    return [(row.number, row.counter) for row in call.calls(queue_state.load(hall, at))]


def keys(hall, at=AT):
    """What the voice would say, the newest first."""
    return re.findall(r'data-call-id="([^"]+)"', shown(hall, at)["call-plate"])


@pytest.mark.covers("Q-17")
def test_the_newest_call_is_the_plate_and_those_before_it_follow():
    hall, service, (first, second, third) = floor()
    make.called(service, first, called_at=AT)
    make.called(service, third, called_at=AT + SECOND)
    make.called(service, second, called_at=AT + 2 * SECOND)

    assert numbers(hall) == [("A003", 2), ("A002", 3), ("A001", 1)]
    assert '<b class="plate-number">A003</b>' in shown(hall)["call-plate"]


@pytest.mark.covers("Q-17")
def test_two_calls_within_a_second_are_both_there_for_eyes_and_voice():
    hall, service, (first, second, _third) = floor()
    make.called(service, first)
    make.called(service, second)

    assert numbers(hall) == [("A002", 2), ("A001", 1)]
    assert len(set(keys(hall))) == 2


def test_a_recall_comes_first_again_and_has_a_key_of_its_own():
    hall, service, (first, second, _third) = floor()
    old = make.called(service, first)
    make.called(service, second, called_at=AT + SECOND)
    before = keys(hall)

    tickets.recall(old, by=None, at=AT + MINUTE)

    assert numbers(hall) == [("A001", 1), ("A002", 2)]
    assert len(set(keys(hall)) - set(before)) == 1


def test_a_recall_is_shown_however_many_were_called_since():
    hall, service, (first, second, _third) = floor()
    old = make.called(service, first)
    for number in range(queue_state.RECENT_CALLS + 1):
        make.done(service, second, at=AT + number * SECOND)

    tickets.recall(old, by=None, at=AT + 5 * MINUTE)

    assert numbers(hall, AT + 5 * MINUTE)[0] == ("A001", 1)


def test_who_is_served_already_is_said_no_more():
    hall, service, (first, _second, _third) = floor()
    make.serving(service, first)

    assert numbers(hall) == [("A001", 1)]
    assert keys(hall) == []


def test_a_call_taken_back_is_gone():
    hall, service, (first, _second, _third) = floor()
    tickets.uncall(make.called(service, first), by=None, at=AT)

    assert numbers(hall) == []
    assert keys(hall) == []


def test_who_did_not_come_is_sent_to_the_guide_not_to_the_counter():
    hall, service, (first, _second, _third) = floor()
    ticket = make.called(service, first)
    for _each in range(2):
        tickets.recall(ticket, by=None, at=AT)
    tickets.no_show(ticket, by=None, at=AT)

    assert numbers(hall) == []
    assert "Missed your number? Ask the guide" in shown(hall)["call-foot"]


def test_the_voice_reads_the_number_sign_by_sign_in_both_languages():
    hall, service, (first, _second, _third) = floor()
    for _each in range(17):
        ticket = make.ticket(service)
    tickets.call_this(ticket, first, reason="test", by=None, at=AT)

    (said,) = [row.say for row in call.calls(queue_state.load(hall, AT))]

    assert said.en == "A 0 1 7, please go to counter 1"
    assert "A 零 一 七" in said.zh


def test_both_languages_stand_there_whatever_the_screens_own():
    hall, service, (first, _second, _third) = floor()
    make.called(service, first)

    html = shown(hall)["call-plate"]

    assert "账单查询" in html
    assert "Bill query" in html


def test_more_calls_at_once_than_rows_are_shown_in_two_columns():
    hall, service, places = floor(open_counters=9)
    for place in places:
        make.called(service, place)

    html = shown(hall)["call-plate"]

    assert html.count('class="before-row"') == 8
    assert "before-small" in html
    assert len(keys(hall)) == 9


@pytest.mark.covers("Q-03", "R-Q07")
def test_waiting_and_minutes_stand_by_service():
    hall, service, _places = floor()
    other = make.service(hall, "B", counters=[make.counter(hall)])
    for _each in range(3):
        make.ticket(service)
    make.ticket(other)

    rows = [call._soon(queue_state.load(hall, AT), row) for row in queue_state.load(hall, AT).services]

    assert [(row.waiting, row.minutes) for row in rows] == [(3, 9), (1, 3)]


def test_a_service_without_an_open_counter_promises_no_minutes():
    hall, service, (place,) = floor(open_counters=1)
    counters.close(place, by=None, at=AT)
    make.ticket(service)

    assert "No counter open" in shown(hall)["call-soon"]


@pytest.mark.covers("R-B13", "Q-17")
def test_a_suspended_counter_says_when_it_is_back():
    hall, _service, (first, _second, _third) = floor()

    counters.pause(first, reason="lunch", expected_return_at=AT + 30 * MINUTE, by=None, at=AT)

    assert "Counter 1 is back at 10:30" in shown(hall)["call-foot"]


@pytest.mark.covers("R-B13")
def test_several_suspended_counters_stand_side_by_side():
    hall, _service, (first, second, _third) = floor()
    counters.pause(first, reason="lunch", expected_return_at=AT + 30 * MINUTE, by=None, at=AT)
    counters.pause(second, reason="break", expected_return_at=None, by=None, at=AT)

    html = shown(hall)["call-foot"]

    assert re.findall(r"<li><b>(\d)</b>.*?</span>\s?([\d:]*)</li>", html) == [("1", "10:30"), ("2", "")]


def test_a_closed_hall_says_when_tickets_are_given_again():
    hall, _service, _places = floor(opens=dt.time(9), closes=dt.time(18))

    assert "Tickets again at 09:00" in shown(hall, AT - dt.timedelta(hours=2))["call-foot"]
    assert "Tickets again on 11-24 at 09:00" in shown(hall, AT + dt.timedelta(hours=9))["call-foot"]


def test_after_the_days_close_the_next_day_is_named():
    hall, _service, _places = floor(opens=dt.time(9), closes=dt.time(18))
    DayClose.objects.create(hall=hall, business_date=hall.business_date(AT), closed_at=AT)

    assert "Tickets again on 11-24 at 09:00" in shown(hall, AT - dt.timedelta(hours=2))["call-foot"]


def test_with_nobody_called_the_screen_says_so():
    hall, _service, _places = floor()

    html = shown(hall)["call-plate"]

    assert "Nobody is called at the moment" in html
    assert '<b class="plate-number">' not in html


def test_nobodys_name_note_or_page_is_on_the_screen():
    hall, service, (first, second, _third) = floor()
    clerk = make.person(hall, name_zh="陈静", name_en="Chen Jing")
    counters.sign_in(first, by=clerk, at=AT)
    ticket = make.ticket(service, need_note="lost her card", person="13800138042")
    tickets.call_this(ticket, first, reason="feels unwell", by=clerk, at=AT)
    counters.pause(second, reason="other", note="calls Chen Jing", expected_return_at=None, by=None, at=AT)

    html = "".join(shown(hall).values())

    leaked = ["陈静", "Chen Jing", "lost her card", "13800138042", "unwell", ticket.token, ticket.person_hash]
    assert [text for text in leaked if text in html] == []


def test_every_fragment_has_one_root_with_its_id():
    hall, service, (first, _second, _third) = floor()
    make.called(service, first)

    for name, html in shown(hall).items():
        assert re.match(rf'<(section|footer)[^>]* id="{name}"', html)
        assert "hx-swap-oob" not in html


def test_the_screen_costs_the_same_queries_with_1_and_with_60_waiting(django_assert_num_queries):
    hall, service, _places = floor()
    far = make.hall()
    make.queue(service, 60)
    make.queue(make.service(far), 1)
    state = queue_state.load(far, AT)
    with django_assert_num_queries(3):
        call.render(state, 0)

    state = queue_state.load(hall, AT)
    with django_assert_num_queries(3):
        call.render(state, 0)


def address(hall):
    return f"/h/{hall.code}/call/"


def test_everybody_of_the_halls_staff_may_open_it():
    hall, _service, _places = floor()

    for kind in ("duty_manager", "clerk", "guard", "receptionist"):
        assert make.client(make.person(hall, kind)).get(address(hall)).status_code == 200


def test_a_paired_call_screen_opens_it_and_a_kiosk_does_not():
    hall, _service, _places = floor()

    assert make.paired_client(hall, Device.Screen.CALL).get(address(hall)).status_code == 200
    assert make.paired_client(hall, Device.Screen.KIOSK).get(address(hall)).status_code != 200


def test_strangers_and_nobody_get_nothing():
    hall, _service, _places = floor()
    stranger = make.person(make.hall(), "duty_manager")

    assert make.client(stranger).get(address(hall)).status_code == 404
    assert make.client().get(address(hall)).status_code != 200
    assert make.client().post(address(hall)).status_code == 405


def test_the_page_holds_its_fragments_and_no_inline_script_or_style():
    hall, service, (first, _second, _third) = floor()
    make.called(service, first)
    Service.objects.filter(pk=service.pk).update(name_en="<script>")

    html = make.client(make.person(hall)).get(address(hall)).content.decode()

    assert [html.count(f'id="{name}"') for name in ("call-plate", "call-soon", "call-foot")] == [1, 1, 1]
    assert "<script>" not in html
    assert " style=" not in html
