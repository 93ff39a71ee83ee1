"""My shift says what is still to be read."""

import pytest

from hall import clock
from hall.models import Kind
from roles import notices
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import notice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.mark.covers("O-08")
def test_my_shift_asks_for_what_is_to_be_read():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.CLERK))

    assert f'hx-get="/h/{hall.code}/to-read/"' in client.get(f"/h/{hall.code}/shift/").content.decode()


@pytest.mark.covers("O-08")
def test_it_names_the_notice_until_it_is_read():
    hall = make.hall()
    li = make.person(hall, Kind.CLERK)
    told = notice(hall, make.person(hall, Kind.HALL_MANAGER), must_be_read=True)
    client = make.client(li)
    before = client.get(f"/h/{hall.code}/to-read/").content.decode()

    notices.read(told, hall, by=li, at=AT)

    assert "New tariff" in before
    assert client.get(f"/h/{hall.code}/to-read/").content.decode().strip() == ""


def test_a_stranger_finds_nothing():
    hall = make.hall()

    assert make.client(make.person(make.hall())).get(f"/h/{hall.code}/to-read/").status_code == 404
