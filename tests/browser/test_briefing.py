"""The briefing held in a real browser: what is typed stays while people are marked."""

import datetime as dt

from hall import clock
from hall.models import Kind
from roles.models import Briefing, Notice
from tests import make
from tests.browser.conftest import Desk, Place


def test_what_is_typed_stays_while_people_are_marked(desk: Desk, place: Place) -> None:
    desk.expected.append("status of 422")
    page = desk.open(place.path("briefing/"), place.manager)
    page.get_by_role("button", name="Begin the briefing").click()
    page.get_by_label("Praise").fill("Short waits")
    page.wait_for_timeout(700)  # a double tap on "Begin" never becomes "End"

    page.get_by_role("button", name="End and record").click()  # nobody is marked yet
    page.get_by_text("Please mark first who is there.").wait_for()
    person = page.locator("li", has_text=place.clerk.name_en)
    person.get_by_role("button", name="In order", exact=True).click()
    person.locator("[aria-pressed=true]").wait_for()
    assert page.get_by_label("Praise").input_value() == "Short waits"

    page.wait_for_timeout(700)  # a double tap on a form just answered is ignored
    page.get_by_role("button", name="End and record").click()
    page.get_by_text("Held by").wait_for()
    kept = Briefing.objects.get(hall=place.hall)
    assert (kept.praise, kept.is_over) == ("Short waits", True)


def test_a_refused_notice_keeps_what_was_typed(desk: Desk, place: Place) -> None:
    desk.expected.append("status of 422")
    page = desk.open(place.path("notices/new/"), place.manager, size="phone")
    page.get_by_label("English text").fill("From now on.")
    page.get_by_role("button", name="Send it out").click()
    page.get_by_text("Please give the notice a title.").wait_for()

    page.wait_for_timeout(700)
    page.get_by_label("English title").fill("eSIM")
    page.get_by_role("button", name="Send it out").click()
    page.wait_for_url("**/notices/")

    kept = Notice.objects.get(hall=place.hall)
    assert (kept.title_en, kept.body_en) == ("eSIM", "From now on.")


def test_nothing_is_wider_than_the_phone(desk: Desk, place: Place) -> None:
    make.person(place.hall, Kind.GUIDE, name_en="Alexandrina-Konstantinopoulos Papadimit")
    Briefing.objects.create(
        hall=place.hall,
        on=place.hall.business_date(clock.now()),
        host=place.manager,
        started_at=clock.now() - dt.timedelta(minutes=1),
    )

    for address in ("briefing/", "briefing/aloud/", "notices/", "notices/new/", "meetings/", "meetings/new/after_shift/",
                    "handover/", "handover/new/"):  # fmt: skip
        page = desk.open(place.path(address), place.manager, size="phone")
        assert page.evaluate("document.documentElement.scrollWidth") == 390, address
