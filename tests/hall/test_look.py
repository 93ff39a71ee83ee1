"""The common look: tokens, icons, filters, and the pages that say why there is none."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.test import RequestFactory
from django.views.defaults import server_error

from hall.models import Kind
from hall.templatetags import hall as tags
from tests import make
from tests.make import AT, MINUTE, SECOND

CSS = Path(__file__).parents[2] / "static" / "css"


def test_has_the_same_dark_colours_by_choice_and_by_device() -> None:
    tokens = (CSS / "tokens.css").read_text()

    chosen = re.search(r'\[data-theme="dark"\] \{(.*?)\}', tokens, re.DOTALL)
    device = re.search(r":root:not\(\[data-theme\]\) \{(.*?)\}", tokens, re.DOTALL)

    assert chosen is not None and device is not None
    assert chosen[1].split() == device[1].split()


def test_names_colours_in_the_tokens_only() -> None:
    found = {
        path.name: re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", path.read_text())
        for folder in ("components", "layouts")
        for path in sorted((CSS / folder).glob("*.css"))
    }

    assert {name: colours for name, colours in found.items() if colours} == {}


def test_draws_an_icon_for_eyes_only() -> None:
    assert (
        tags.icon("check")
        == '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="m4.5 12.5 5 5L20 7"/></svg>'
    )


@pytest.mark.parametrize(
    ("span", "said"),
    [(0 * MINUTE, 0), (15 * MINUTE - SECOND, 14), (15 * MINUTE, 15), (15 * MINUTE + SECOND, 15), (-MINUTE, 0)],
)
def test_rounds_minutes_down(span: dt.timedelta, said: int) -> None:
    assert tags.whole_minutes(span) == said


@pytest.mark.django_db
def test_tells_the_time_as_the_halls_wall_clock_shows_it() -> None:
    assert tags.clock_time(AT, make.hall(time_zone="Europe/Berlin")) == "03:00"


@pytest.mark.django_db
def test_says_in_words_that_there_is_no_such_page_or_that_it_is_not_allowed() -> None:
    hall = make.hall()
    client = make.client(make.person(hall, Kind.CLERK))

    missing, forbidden = client.get("/h/nowhere/board/"), client.get(f"/h/{hall.code}/board/")

    assert (missing.status_code, forbidden.status_code) == (404, 403)
    assert "There is no such page here." in missing.content.decode()
    assert "Your post does not include this." in forbidden.content.decode()


@pytest.mark.django_db
def test_says_in_words_that_something_went_wrong() -> None:
    answer = server_error(RequestFactory().get("/"))

    assert answer.status_code == 500
    assert 'class="said-page"' in answer.content.decode()


def test_serves_the_icon_where_browsers_look_for_it() -> None:
    answer = make.client().get("/favicon.ico")

    assert answer.status_code == 301
    assert "favicon" in answer["Location"]
