"""Screens that change by themselves: a tap on one shows on the others, through cuts and back."""

import time

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from queueing import tickets
from queueing.models import State, Ticket, TicketEvent
from tests.browser.conftest import Desk, Place

pytestmark = pytest.mark.timeout(120)

LIVE = "live-screen [data-when=live]"
RECONNECTING = "live-screen [data-when=reconnecting]"
FROZEN = "live-screen [data-when=frozen]"
CUT = [r"WebSocket connection to", r"Failed to load resource", r"net::ERR_", r"htmx:(afterRequest|sendError)"]


class Line:
    """A page's own line to the server: its socket and its polls can be cut and mended."""

    def __init__(self) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.is_cut = False
        self.polls_cut = False

    def prepare(self, page: Page) -> None:
        page.route_web_socket("**/ws/**", self._socket)
        page.route("**/state/**", lambda route: route.abort() if self.polls_cut else route.continue_())

    def cut(self, *, polls: bool = False) -> None:
        self.is_cut, self.polls_cut = True, polls
        for socket in self.sockets:
            socket.close(code=1011)
        self.sockets.clear()

    def mend(self) -> None:
        self.is_cut = self.polls_cut = False

    def _socket(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1011)
            return
        socket.connect_to_server()
        self.sockets.append(socket)


@pytest.mark.covers("F-04")
def test_a_call_on_one_tablet_appears_on_board_wall_and_call_screen(desk: Desk, place: Place) -> None:
    ticket = place.ticket()
    board = desk.open(place.path("board/"), place.manager)
    wall = desk.open(place.path("wall/"), place.manager, size="wall")
    call = desk.open(place.path("call/"), place.manager, size="wall")
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet")
    for page in (board, wall, call):
        expect(page.locator(LIVE)).to_be_visible()

    tablet.get_by_role("button", name="Call next").click()

    expect(tablet.get_by_role("button", name="Start")).to_be_visible()
    expect(board.locator("#board-counters")).to_contain_text(ticket.number)
    expect(wall.locator("#wall-counters")).to_contain_text(ticket.number)
    expect(call.locator(".plate-number")).to_have_text(ticket.number)
    expect(board.locator("#board-queue")).to_contain_text("Nobody is waiting")


def test_a_new_customer_appears_on_the_tablet_that_waits(desk: Desk, place: Place) -> None:
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet")
    expect(tablet.locator("#counter-card")).to_contain_text("Nobody waits for this counter")
    expect(tablet.locator(LIVE)).to_be_visible()
    kiosk = desk.open(place.path("kiosk/"), place.manager, size="floor")

    kiosk.get_by_role("button", name="Bill query").click()

    number = kiosk.locator(".given-number").inner_text()
    expect(tablet.locator("#counter-card")).to_contain_text(number)


def test_a_cut_socket_is_said_and_the_board_is_right_when_it_is_back(desk: Desk, place: Place) -> None:
    desk.expected += CUT
    line = Line()
    board = desk.open(place.path("board/"), place.manager, prepare=line.prepare)
    expect(board.locator(LIVE)).to_be_visible()

    line.cut(polls=True)

    expect(board.locator(RECONNECTING)).to_be_visible()
    ticket = place.ticket()
    line.mend()
    expect(board.locator(LIVE)).to_be_visible()
    expect(board.locator("#board-queue")).to_contain_text(ticket.number)


def test_a_board_without_its_socket_asks_and_stays_right(desk: Desk, place: Place) -> None:
    desk.expected += CUT
    line = Line()
    board = desk.open(place.path("board/"), place.manager, prepare=line.prepare)
    expect(board.locator(LIVE)).to_be_visible()

    line.cut()
    ticket = place.ticket()

    expect(board.locator("#board-queue")).to_contain_text(ticket.number, timeout=15_000)


def test_a_screen_that_hears_nothing_says_since_when_it_is_frozen(desk: Desk, place: Place) -> None:
    desk.expected += CUT
    line = Line()
    board = desk.open(place.path("board/"), place.manager, prepare=line.prepare)
    expect(board.locator(LIVE)).to_be_visible()

    line.cut(polls=True)

    expect(board.locator(FROZEN)).to_be_visible(timeout=25_000)
    expect(board.locator(FROZEN)).to_contain_text("Frozen since")
    expect(board.locator("body.is-frozen")).to_have_count(1)
    line.mend()
    expect(board.locator(LIVE)).to_be_visible(timeout=15_000)
    expect(board.locator("body.is-frozen")).to_have_count(0)


def test_a_double_tap_on_call_next_calls_one(desk: Desk, place: Place) -> None:
    place.ticket()
    place.ticket()
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet")

    tablet.get_by_role("button", name="Call next").dblclick()

    expect(tablet.get_by_role("button", name="Start")).to_be_visible()
    time.sleep(0.7)  # a second tap, had it been taken for "Start", would have arrived
    assert list(Ticket.objects.filter(hall=place.hall).order_by("id").values_list("state", flat=True)) == [
        "called",
        "waiting",
    ]


def test_two_tabs_show_one_truth(desk: Desk, place: Place) -> None:
    place.ticket()
    context = desk.context(place.clerk, size="tablet", language="en")
    first = desk.open(place.path("counter/1/"), context=context)
    second = desk.open(place.path("counter/1/"), context=context)
    expect(second.locator(LIVE)).to_be_visible()

    first.get_by_role("button", name="Call next").click()

    expect(second.get_by_role("button", name="Start")).to_be_visible()
    time.sleep(0.7)  # the new button takes no tap at once
    second.get_by_role("button", name="Start").click()
    expect(first.get_by_role("button", name="Finish")).to_be_visible()
    assert Ticket.objects.get(hall=place.hall).state == State.SERVING


def test_a_tab_that_shows_the_past_is_told_the_truth(desk: Desk, place: Place) -> None:
    desk.expected += [*CUT, "409"]
    ticket = place.ticket()
    tickets.call_next(place.counters[0], by=place.clerk, at=ticket.issued_at)
    line = Line()
    line.is_cut = line.polls_cut = True
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet", prepare=line.prepare)
    tickets.start(ticket, by=place.clerk, at=ticket.issued_at)

    tablet.get_by_role("button", name="Start").click()

    expect(tablet.get_by_role("button", name="Finish")).to_be_visible()
    expect(tablet.locator("#counter-said")).not_to_be_empty()


def test_a_retry_after_a_cut_answer_calls_one(desk: Desk, place: Place) -> None:
    desk.expected += CUT
    place.ticket()
    place.ticket()
    line = Line()
    line.is_cut = line.polls_cut = True  # no push tells the tablet what became of its tap
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet", prepare=line.prepare)
    keys = []

    def cut_first_answer(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()  # the server has done it; its answer never arrives
        route.abort()

    tablet.route("**/call-next/", cut_first_answer)
    tablet.get_by_role("button", name="Call next").click()
    expect(tablet.locator("#counter-said")).to_contain_text("Not sent. Tap again.")

    tablet.get_by_role("button", name="Call next").click()

    expect(tablet.get_by_role("button", name="Start")).to_be_visible()
    assert keys[0] == keys[1]
    assert TicketEvent.objects.filter(ticket__hall=place.hall, verb="called").count() == 1


@pytest.mark.covers("R-Q02")
def test_an_alarm_appears_by_itself_and_is_acknowledged_on_the_board(desk: Desk, place: Place) -> None:
    board = desk.open(place.path("board/"), place.manager)
    expect(board.locator(LIVE)).to_be_visible()

    place.ticket(minutes_ago=16)

    board.locator("#board-needs").get_by_role("button", name="Acknowledge").first.click()
    expect(board.locator("#board-needs .is-taken").first).to_be_visible()


@pytest.mark.covers("Q-06")
def test_water_given_on_the_floor_shows_on_the_floor_and_on_the_board(desk: Desk, place: Place) -> None:
    ticket = place.ticket(minutes_ago=17)
    board = desk.open(place.path("board/"), place.manager)
    floor = desk.open(place.path("floor/"), place.floater, size="floor")
    floor.locator("label", has=floor.locator("#tab-care")).click()

    floor.get_by_role("button", name=f"Water {ticket.number}").first.click()

    expect(floor.locator("#floor-care button[aria-pressed=true]").first).to_be_visible()
    expect(board.locator("#board-queue .care-given")).to_have_count(1)
