"""What stands before a counter opens: the hall's checklist, and what its clerk has missed."""

import pytest

from hall import clock
from hall.models import Counter, Hall, Kind, Person
from roles import notices, opening
from roles.models import Notice
from tests import make
from tests.make import AT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


def desk() -> tuple[Hall, Counter, Person]:
    hall = make.hall()
    return hall, make.counter(hall, 1, state=Counter.State.CLOSED), make.person(hall, Kind.CLERK, holds=False)


def open_it(hall: Hall, clerk: Person) -> tuple[int, str]:
    answer = make.tap(make.client(clerk), f"/h/{hall.code}/counter/1/open/")
    return answer.status_code, answer.content.decode()


def notice(hall: Hall) -> Notice:
    manager = make.person(hall, Kind.HALL_MANAGER)
    return notices.write(
        hall, title_en="New rates", body_en="From today.", effective_from=AT.date(), must_be_read=True, by=manager, at=AT
    )  # fmt: skip


@pytest.mark.covers("R-B08", "O-08")
def test_a_clerk_who_has_not_read_what_he_missed_does_not_open():
    hall, counter, li = desk()
    notice(hall)

    status, page = open_it(hall, li)

    counter.refresh_from_db()
    assert (status, counter.state, counter.clerk_id) == (409, "closed", None)
    assert "First read what you missed" in page and "New rates" in page


@pytest.mark.covers("R-B08")
def test_once_it_is_read_the_counter_opens():
    hall, counter, li = desk()
    notices.read(notice(hall), hall, by=li, at=AT)

    status, _page = open_it(hall, li)

    counter.refresh_from_db()
    assert (status, counter.state, counter.clerk_id) == (200, "open", li.pk)


@pytest.mark.covers("H-03", "F-13")
def test_before_the_checklist_is_done_no_counter_opens():
    hall, counter, li = desk()
    opening.set_gate(hall, True, waits=True, by=make.person(hall, Kind.HALL_MANAGER), at=AT)

    status, page = open_it(hall, li)

    counter.refresh_from_db()
    assert (status, counter.state) == (409, "closed")
    assert "opening checklist" in page


def test_a_hall_without_a_gate_opens_its_counters():
    hall, _counter, li = desk()

    assert open_it(hall, li)[0] == 200
