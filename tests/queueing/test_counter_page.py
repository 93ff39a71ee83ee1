"""What the counter tablet shows in each state; one picture for the tap's answer, the page and every push."""

import re

import pytest
from django.urls import reverse
from django.utils import translation

from hall import board, clock, counters
from hall.models import Counter, Device, Kind
from queueing import care, tickets
from queueing.fragments import counter as fragments
from queueing.fragments import state as queue_state
from queueing.models import CustomerClass
from tests import make
from tests.make import MINUTE
from tests.queueing.tablets import NOW, Desk

pytestmark = pytest.mark.django_db


def shown(desk: Desk, *, at=NOW, language="en") -> dict[str, str]:
    """The fragments as the tap's answer draws them."""
    with translation.override(language):
        return fragments.render_counter(fragments.of_counter(desk.counter, at))


def words(html: str) -> str:
    """What can be read of it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_closed_counter_offers_to_open():
    desk = Desk()
    counters.close(desk.counter, by=desk.clerk, at=NOW)
    make.ticket(desk.service)

    drawn = shown(desk)

    assert words(drawn["counter-next"]) == "Open counter 3 1 waits"
    assert words(drawn["counter-card"]) == "This counter is closed. Opening it signs you in here."


def test_a_free_counter_shows_the_next_customer_and_says_that_he_is_not_called():
    desk = Desk()
    make.ticket(desk.service, need_note="new plan", documents_checked=True)

    drawn = shown(desk)

    assert words(drawn["counter-next"]) == "Call next A001 · to counter 3"
    assert words(drawn["counter-card"]) == (
        "Next, not called yet A001 Bills Need new plan Documents checked Told about 0 min, 0 ahead · 10:00 Nobody after that."
    )


def test_at_most_three_more_are_shown_after_the_next():
    desk = Desk()
    for _each in range(6):
        make.ticket(desk.service)

    drawn = shown(desk)

    assert re.findall(r"[A-Z]\d{3}", words(drawn["counter-card"])) == ["A001", "A002", "A003", "A004"]
    assert words(drawn["counter-line"]) == "Counter 3 Chen free 6 wait for me"


def test_an_empty_queue_is_worded():
    drawn = shown(Desk())

    assert words(drawn["counter-card"]).startswith("Nobody waits for this counter.")
    assert words(drawn["counter-next"]) == "Call next nobody waits"


@pytest.mark.covers("Q-11")
def test_the_next_shown_is_the_one_who_will_be_called():
    desk = Desk()
    make.ticket(desk.service)
    make.ticket(desk.service, CustomerClass.SPECIAL)
    Counter.objects.filter(pk=desk.counter.pk).update(favoured_run=2)

    drawn = shown(desk)

    assert "A001 · to counter 3" in words(drawn["counter-next"])
    assert tickets.call_next(desk.counter, by=None, at=NOW).number == "A001"


def test_a_called_customer_can_be_started_and_called_again():
    desk = Desk()
    tickets.recall(make.called(desk.service, desk.counter), by=None, at=NOW)

    drawn = shown(desk)

    assert words(drawn["counter-next"]) == "Start"
    assert words(drawn["counter-side"]) == "Call again 1 of 2 Did not come call again first Hold Transfer Undo the call"


def test_after_the_last_recall_only_the_no_show_is_left():
    desk = Desk()
    ticket = make.called(desk.service, desk.counter)
    for _each in range(2):
        tickets.recall(ticket, by=None, at=NOW)

    side = shown(desk)["counter-side"]

    disabled = [words(button) for button in re.findall(r"<button[^>]* disabled>.*?</button>", side, re.S)]
    assert disabled == ["Call again 2 of 2", "Hold"]


def test_a_customer_in_service_can_be_finished():
    desk = Desk()
    make.serving(desk.service, desk.counter)

    drawn = shown(desk)

    assert words(drawn["counter-next"]) == "Finish"
    assert f'<time-since at="{NOW:%Y-%m-%dT%H:%M:%S}.000Z" as="clock">' in drawn["counter-line"]


@pytest.mark.covers("Q-10", "R-B13")
def test_a_paused_counter_says_why_and_until_when():
    desk = Desk()
    counters.pause(desk.counter, reason="lunch", expected_return_at=NOW + 30 * MINUTE, by=desk.clerk, at=NOW)

    drawn = shown(desk)

    assert words(drawn["counter-card"]).startswith("Paused since 10:00 Lunch Back at 10:30")
    assert words(drawn["counter-next"]) == "Resume 0 wait"


@pytest.mark.covers("R-Q03", "Q-06")
def test_who_waited_over_the_limit_gets_apology_and_gift_before_he_is_served():
    desk = Desk()
    desk.long_waiter()

    card = words(shown(desk)["counter-card"])

    assert "waited 17 min, over the limit Apologise and give the small gift before starting" in card
    assert "Apologised Gift given" in card


@pytest.mark.covers("R-Q03")
def test_who_waited_exactly_the_limit_gets_no_prompt():
    desk = Desk()
    make.called(desk.service, desk.counter, at=NOW - 15 * MINUTE, called_at=NOW)

    card = words(shown(desk)["counter-card"])

    assert "waited 15 min" in card
    assert "Apologise" not in card


@pytest.mark.covers("R-Q03")
def test_the_prompt_follows_the_halls_own_limit():
    desk = Desk()
    make.limit(desk.hall, "R-Q03", "threshold", 20)
    desk.long_waiter()

    assert "Apologise" not in shown(desk)["counter-card"]


@pytest.mark.covers("Q-06")
def test_a_gift_given_on_the_floor_is_told_with_name_and_time():
    desk = Desk()
    ticket = desk.long_waiter()
    care.give(ticket, "gift", by=make.person(desk.hall, Kind.FLOATER, name_en="Wang"), at=NOW + 31 * MINUTE)

    card = words(shown(desk)["counter-card"])

    assert "Gift already given by Wang 10:31" in card
    assert "Apologise before starting" in card
    assert "Gift given" not in card


def test_the_clerk_can_take_back_a_gift_tapped_by_mistake():
    desk = Desk()
    given = care.give(desk.long_waiter(), "gift", by=desk.clerk, at=NOW)

    card = shown(desk)["counter-card"]

    assert reverse("counter-care-undo", args=[desk.hall.code, 3]) in card
    assert f'name="act" value="{given.pk}"' in card


SITUATIONS = {
    "nobody": lambda desk: None,
    "one waits": lambda desk: make.ticket(desk.service),
    "many wait": lambda desk: [
        make.ticket(desk.service, kind) for kind in ("normal", "vip", "special", "normal", "normal", "special")
    ],
    "after two favoured": lambda desk: [
        Counter.objects.filter(pk=desk.counter.pk).update(favoured_run=2),
        [make.ticket(desk.service, kind) for kind in ["special"] * 6 + ["normal"]],
    ],
    "VIP seat": lambda desk: [
        Counter.objects.filter(pk=desk.counter.pk).update(kind="vip"),
        [make.ticket(desk.service, kind) for kind in ["special"] * 6 + ["normal", "vip"]],
    ],
    "green counter": lambda desk: [
        Counter.objects.filter(pk=desk.counter.pk).update(kind="green"),
        [make.ticket(desk.service) for _each in range(6)],
        make.ticket(make.service(desk.hall, "G", is_green=True, counters=[desk.counter])),
    ],
    "green elsewhere": lambda desk: make.ticket(make.service(desk.hall, "G", is_green=True, counters=[desk.counter])),
    "transferred here": lambda desk: tickets.transfer(
        make.serving(make.service(desk.hall, "Z"), desk.other), to=desk.counter, by=None, at=NOW
    ),
    "called": lambda desk: [desk.long_waiter(), make.ticket(desk.service)],
    "cared for": lambda desk: care.give(desk.long_waiter(), "gift", by=desk.clerk, at=NOW),
    "in service": lambda desk: make.serving(desk.service, desk.counter),
    "held": lambda desk: tickets.hold(make.serving(desk.service, desk.counter), by=None, at=NOW),
    "paused": lambda desk: counters.pause(desk.counter, reason="lunch", expected_return_at=None, by=desk.clerk, at=NOW),
    "closed": lambda desk: counters.close(desk.counter, by=desk.clerk, at=NOW),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_answer_to_a_tap_is_byte_for_byte_what_is_pushed(situation):
    desk = Desk()
    SITUATIONS[situation](desk)

    pushed = board.render(board.Screen(desk.hall.pk, "counter", desk.counter.pk, "zh-hans"), NOW)

    assert pushed == shown(desk, language="zh-hans")


def test_the_picture_is_drawn_from_the_halls_queue_without_a_query(django_assert_num_queries):
    desk = Desk()
    desk.long_waiter()
    state = queue_state.load(desk.hall, NOW)

    with django_assert_num_queries(0):
        fragments.render(state, desk.counter.pk)


@pytest.mark.parametrize("count", [1, 30])
def test_a_free_tablet_costs_the_same_few_queries_whatever_waits(count, django_assert_max_num_queries):
    desk = Desk()
    make.queue(desk.service, count)

    with django_assert_max_num_queries(7):
        shown(desk)


@pytest.mark.parametrize("count", [1, 30])
def test_a_busy_tablet_costs_the_same_few_queries_whatever_waits(count, django_assert_max_num_queries):
    desk = Desk()
    desk.long_waiter()
    make.queue(make.service(desk.hall, "B", counters=[desk.counter]), count)

    with django_assert_max_num_queries(6):
        shown(desk)


@pytest.mark.parametrize("count", [1, 30])
def test_calling_the_next_costs_the_same_few_queries_whatever_waits(count, django_assert_max_num_queries):
    desk = Desk()
    make.queue(desk.service, count)
    client = make.client(desk.clerk)

    with django_assert_max_num_queries(21):  # two of them the savepoint that stands for a tap's own transaction
        make.tap(client, reverse("call-next", args=[desk.hall.code, 3]))


def test_the_picture_stands_still_while_time_passes():
    desk = Desk()
    desk.long_waiter()
    make.ticket(desk.service)

    assert shown(desk, at=NOW) == shown(desk, at=NOW + 5 * MINUTE)


def test_the_page_carries_every_fragment_once():
    page = Desk().page()

    assert [page.count(f' id="{name}"') for name in fragments.FRAGMENTS] == [1, 1, 1, 1]


def test_a_deleted_counter_shows_nothing():
    desk = Desk()
    state = queue_state.load(desk.hall, NOW)

    assert fragments.render(state, 0) == {}


@pytest.mark.parametrize("address", ["counters", "counter", "counter-fold"])
def test_who_may_open_the_tablet(address):
    desk = Desk()
    path = reverse(
        address, args=[desk.hall.code, *{"counters": [], "counter": [3], "counter-fold": [3, "pause"]}[address]]
    )
    guide = make.person(desk.hall, Kind.GUIDE)
    stranger = make.person(make.hall(), Kind.CLERK)

    statuses = [make.client(person).get(path).status_code for person in (desk.clerk, guide, stranger, None)]

    assert statuses == [200, 403, 404, 302]


def test_an_unknown_counter_is_not_found():
    desk = Desk()

    assert make.client(desk.clerk).get(reverse("counter", args=[desk.hall.code, 99])).status_code == 404


def test_an_unknown_step_is_not_found():
    desk = Desk()

    assert make.client(desk.clerk).get(reverse("counter-fold", args=[desk.hall.code, 3, "dance"])).status_code == 404


def fold(desk: Desk, step: str) -> str:
    return words(make.client(desk.clerk).get(reverse("counter-fold", args=[desk.hall.code, 3, step])).content.decode())


def test_every_waiting_number_can_be_called_out_of_turn():
    desk = Desk()
    make.ticket(desk.service)
    make.ticket(make.service(desk.hall, "B"))

    assert re.findall(r"[A-Z]\d{3}", fold(desk, "call-this")) == ["A001", "B001"]


def test_the_customers_on_hold_are_listed_own_ones_first():
    desk = Desk()
    tickets.hold(make.serving(desk.service, desk.other), by=None, at=NOW)
    tickets.hold(make.serving(desk.service, desk.counter), by=None, at=NOW)

    assert re.findall(r"A\d{3}", fold(desk, "take-back")) == ["A002", "A001"]


def test_a_transfer_offers_the_halls_services_and_its_open_counters():
    desk = Desk()
    make.service(desk.hall, "B", name_en="Lines")
    make.service(make.hall(), "B", name_en="Foreign")
    make.counter(desk.hall, 5, state=Counter.State.CLOSED)
    make.called(desk.service, desk.counter)

    offered = fold(desk, "transfer")

    assert "Transfer A001" in offered
    assert "Bills Lines At which counter? any that serves it 4 Note" in offered


def test_a_finish_and_a_no_show_of_today_can_be_undone():
    desk = Desk()
    client = make.client(desk.clerk)
    make.ticket(desk.service, at=clock.now())
    for name in ("call-next", "start", "finish"):
        make.tap(client, reverse(name, args=[desk.hall.code, 3]), {"ticket": desk.service.tickets.get().pk})

    offered = fold(desk, "undo")

    assert "A001 Bills" in offered
    assert "Undo finish" in offered


def test_the_counters_are_listed_own_one_first_then_the_free_ones():
    desk = Desk()
    make.counter(desk.hall, 1, clerk=make.person(desk.hall))

    page = make.client(desk.clerk).get(reverse("counters", args=[desk.hall.code])).content.decode()

    assert re.findall(r'desks-number">(\d+)<', page) == ["3", "4", "1"]


@pytest.mark.parametrize(("screen", "offered"), [(Device.Screen.TABLET, True), (None, False)])
def test_only_a_shared_tablet_offers_to_switch_the_person(screen, offered, monkeypatch):
    desk = Desk()
    device = make.device(desk.hall, screen) if screen else None
    monkeypatch.setattr("hall.middleware.devices.of_request", lambda request: device)

    assert ("Switch person" in desk.page()) is offered
