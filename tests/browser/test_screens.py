"""Every screen in both languages: it opens, its console is clean, and axe finds nothing."""

import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import Page, expect

from hall import clock, counters, devices
from hall.models import Device, Person
from queueing import tickets
from queueing.models import Ticket
from tests import make
from tests.browser.conftest import Desk, Place

pytestmark = pytest.mark.timeout(120)

AXE = Axe()
LANGUAGES = {"en": "en", "zh": "zh-Hans"}


def _full(place: Place) -> Ticket:
    """A hall in the middle of its day: somebody served, called, held, over the limit, and new. Returns the newest ticket."""
    now = clock.now()
    served = place.ticket(minutes_ago=40)
    tickets.call_next(place.counters[0], by=place.clerk, at=now - 30 * make.MINUTE)
    tickets.start(served, by=place.clerk, at=now - 29 * make.MINUTE)
    tickets.finish(served, by=place.clerk, at=now - 20 * make.MINUTE)
    place.ticket(minutes_ago=18)
    place.ticket(minutes_ago=17, service=1, customer_class="vip", need_note="roaming")
    place.ticket(minutes_ago=11, customer_class="special")
    tickets.call_next(place.counters[1], by=place.manager, at=now)
    return place.ticket(minutes_ago=1)


def _serving(place: Place) -> None:
    _full(place)
    counters.sign_in(place.counters[0], by=place.clerk, at=clock.now())
    called = tickets.call_next(place.counters[0], by=place.clerk, at=clock.now())
    assert called is not None
    tickets.start(called, by=place.clerk, at=clock.now())


def _called(place: Place) -> None:
    _full(place)
    tickets.call_next(place.counters[0], by=place.clerk, at=clock.now())


def _paused(place: Place) -> None:
    counters.pause(
        place.counters[0],
        reason="lunch",
        expected_return_at=clock.now() + 30 * make.MINUTE,
        by=place.clerk,
        at=clock.now(),
    )


def _nothing(place: Place) -> None:
    """A hall where nobody is."""


# name → who, where in the hall, size, and what has happened before
SCREENS: dict[str, tuple[str, str, str, Callable[[Place], object]]] = {
    "board": ("manager", "board/", "board", _full),
    "board, nobody there": ("manager", "board/", "board", _nothing),
    "wall": ("manager", "wall/", "wall", _full),
    "call screen": ("manager", "call/", "wall", _full),
    "call screen, nobody called": ("manager", "call/", "wall", _nothing),
    "kiosk": ("manager", "kiosk/", "floor", _full),
    "choose a counter": ("clerk", "counter/", "tablet", _full),
    "counter, free": ("clerk", "counter/1/", "tablet", _full),
    "counter, called": ("clerk", "counter/1/", "tablet", _called),
    "counter, serving": ("clerk", "counter/1/", "tablet", _serving),
    "counter, paused": ("clerk", "counter/1/", "tablet", _paused),
    "floor": ("floater", "floor/", "floor", _full),
    "today": ("manager", "today/", "board", _full),
    "close the day": ("manager", "close-day/", "board", _full),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_speaks_its_language_and_axe_finds_nothing(name: str, language: str, desk: Desk, place: Place) -> None:
    who, path, size, before = SCREENS[name]
    before(place)

    page = desk.open(place.path(path), getattr(place, who), size=size, language=language)

    expect(page.locator("html")).to_have_attribute("lang", LANGUAGES[language])
    _nothing_found(page)
    _nothing_hangs_out(page)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/login/", "/pair/", "/t/no-such-ticket/"])
def test_a_page_for_anybody_speaks_its_language_and_axe_finds_nothing(path: str, language: str, desk: Desk) -> None:
    desk.expected += ["404"]

    page = desk.open(path, size="phone" if path.startswith("/t/") else "tablet", language=language)

    expect(page.locator("html")).to_have_attribute("lang", LANGUAGES[language])
    _nothing_found(page)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rest", ["", "print/"])
def test_the_ticket_on_a_phone_and_on_paper(rest: str, language: str, desk: Desk, place: Place) -> None:
    ticket = _full(place)

    page = desk.open(f"/t/{ticket.token}/{rest}", place.manager if rest else None, size="phone", language=language)

    expect(page.locator("body")).to_contain_text(ticket.number)
    expect(page.locator("html")).to_have_attribute("lang", LANGUAGES[language])
    _nothing_found(page)
    _nothing_hangs_out(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_list_of_screens(language: str, desk: Desk, place: Place) -> None:
    page = desk.open("/?all", place.manager, size="tablet", language=language)

    expect(page.locator(".home-place").first).to_be_visible()
    _nothing_found(page)


def test_the_language_is_changed_with_one_tap_and_stays(desk: Desk, place: Place) -> None:
    page = desk.open(place.path("board/"), place.manager)

    page.get_by_role("button", name="中文").click()

    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto(place.path("today/"))
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")


def test_a_person_signs_in_by_name_and_lands_at_the_work(desk: Desk, place: Place) -> None:
    # Hashed as the stack does it; the tests' own hasher is a faster one.
    hashed = PBKDF2PasswordHasher().encode("a long password", "salt")
    clerk = make.person(place.hall, "clerk", login=f"clerk-of-{place.hall.code}")
    Person.objects.filter(pk=clerk.pk).update(password=hashed)
    page = desk.open(place.path("counter/1/"), size="tablet")

    page.get_by_label("Login name").fill(clerk.login)
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Counter 1")).to_be_visible()


@pytest.mark.covers("Q-02")
def test_a_ticket_from_the_kiosk_opens_on_a_phone(desk: Desk, place: Place) -> None:
    kiosk = desk.open(place.path("kiosk/"), place.manager, size="floor")

    kiosk.get_by_role("button", name="Bill query").click()

    expect(kiosk.locator(".given-number")).to_have_text("A001")
    _nothing_found(kiosk)
    token = Ticket.objects.get(hall=place.hall).token
    phone = desk.open(f"/t/{token}/", size="phone")
    expect(phone.locator("body")).to_contain_text("A001")


def test_a_guide_gives_a_ticket_on_the_floor(desk: Desk, place: Place) -> None:
    floor = desk.open(place.path("floor/"), place.floater, size="floor")
    floor.locator("label", has=floor.locator("#tab-arrive")).click()

    floor.get_by_role("button", name="SIM replacement").click()

    expect(floor.locator("#floor-given")).to_contain_text("B001")
    _nothing_found(floor)


@pytest.mark.covers("R-B13")
def test_a_clerk_pauses_with_a_reason_and_comes_back(desk: Desk, place: Place) -> None:
    tablet = desk.open(place.path("counter/1/"), place.clerk, size="tablet")
    board = desk.open(place.path("board/"), place.manager)
    tablet.locator("#counter-side").get_by_role("button", name="Pause").click()
    fold = tablet.locator("#fold")
    expect(fold.get_by_role("heading", name="Pause counter 1")).to_be_visible()
    _nothing_found(tablet)

    fold.get_by_label("Lunch").check()
    fold.get_by_role("button", name="Pause now").click()

    expect(board.locator("#board-counters .is-paused")).to_contain_text("Lunch")
    expect(tablet.get_by_role("button", name="Resume")).to_be_visible()
    time.sleep(0.7)  # the new button takes no tap at once
    tablet.get_by_role("button", name="Resume").click()
    expect(tablet.get_by_role("button", name="Call next")).to_be_visible()


def test_a_shared_tablet_is_paired_by_six_digits_and_switched_by_pin(desk: Desk, place: Place) -> None:
    hashed = PBKDF2PasswordHasher().encode("2580", "salt")
    Person.objects.filter(pk=place.clerk.pk).update(pin_hash=hashed)
    device = make.device(place.hall, Device.Screen.TABLET)
    code = devices.make_pairing_code(device, by=None, at=clock.now())
    tablet = desk.open("/pair/", size="tablet")

    tablet.get_by_label("Six digits").fill(code)
    tablet.get_by_role("button", name="Pair", exact=True).click()
    tablet.get_by_role("link", name=place.clerk.name_en).click()
    _nothing_found(tablet)
    tablet.get_by_label("PIN").fill("2580")
    tablet.get_by_role("button", name="Take over this tablet").click()

    expect(tablet.get_by_role("link", name="Switch person")).to_be_visible()


@pytest.mark.parametrize("screen", [Device.Screen.WALL, Device.Screen.CALL, Device.Screen.KIOSK])
def test_a_paired_screen_opens_by_itself_and_is_live(screen: str, desk: Desk, place: Place) -> None:
    code = devices.make_pairing_code(make.device(place.hall, screen), by=None, at=clock.now())
    page = desk.open("/pair/", size="wall")

    page.get_by_label("Six digits").fill(code)
    page.get_by_role("button", name="Pair", exact=True).click()

    expect(page.locator("live-screen [data-when=live]")).to_be_visible()


def _nothing_found(page: Page) -> None:
    page.wait_for_load_state("load")
    results = AXE.run(page)
    assert results.violations_count == 0, results.generate_report()


def _nothing_hangs_out(page: Page) -> None:
    """Nothing is wider than the screen."""
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= seen
