"""The notices' page: what one has to read, who has not, who may write."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall.models import Hall, Kind, Person
from roles.models import Notice, Reading
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import held, notice

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(0), closes=dt.time(0))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER, name_en="Duty Manager")


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Li")


def page(hall: Hall, person: Person | None) -> str:
    return make.client(person).get(f"/h/{hall.code}/notices/").content.decode()


def written(hall: Hall, person: Person, **data: object) -> int:
    given = {"title_en": "eSIM", "body_en": "From now on.", **data}
    return make.tap(make.client(person), f"/h/{hall.code}/notices/write/", given).status_code


def test_opens_to_who_belongs_to_the_hall(hall: Hall, clerk: Person) -> None:
    address = f"/h/{hall.code}/notices/"

    assert make.client(clerk).get(address).status_code == 200
    assert make.client(make.person(make.hall(), Kind.HALL_MANAGER)).get(address).status_code == 404
    assert make.client().get(address).status_code == 302


@pytest.mark.covers("O-08", "REC-54")
def test_one_tap_is_the_receipt(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True, effective_from=dt.date(2026, 1, 1))
    browser = make.client(clerk)
    assert "Must be read before the counter opens" in page(hall, clerk)

    answer = make.tap(browser, f"/h/{hall.code}/notices/read/", {"notice": one.pk})

    assert answer.status_code == 200
    assert "You have read everything." in answer.content.decode()
    assert list(Reading.objects.values_list("notice", "person", "told_by")) == [(one.pk, clerk.pk, None)]


def test_the_same_tap_twice_is_one_receipt(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager)
    browser = make.client(clerk)

    for _number in range(2):
        make.tap(browser, f"/h/{hall.code}/notices/read/", {"notice": one.pk}, key="same-key-1")

    assert Reading.objects.count() == 1


def test_a_missed_briefing_is_read_there(hall: Hall, manager: Person, clerk: Person) -> None:
    briefing = held(hall, manager, [make.person(hall, Kind.GUIDE)])
    assert "Briefing of Mon 23 Nov" in page(hall, clerk)

    make.tap(make.client(clerk), f"/h/{hall.code}/notices/read/", {"briefing": briefing.pk})

    assert "You have read everything." in page(hall, clerk)


def test_another_halls_notice_or_briefing_is_not_there(hall: Hall, clerk: Person) -> None:
    other = make.hall()
    boss = make.person(other, Kind.DUTY_MANAGER)
    browser, address = make.client(clerk), f"/h/{hall.code}/notices/read/"

    assert make.tap(browser, address, {"notice": notice(other, boss).pk}).status_code == 404
    briefing = held(other, boss, [make.person(other)])
    assert make.tap(browser, address, {"briefing": briefing.pk}).status_code == 404
    assert make.tap(browser, address, {"notice": "x"}).status_code == 422
    assert not Reading.objects.filter(person=clerk).exists()


def test_who_holds_briefings_writes_and_nobody_else(hall: Hall, manager: Person, clerk: Person) -> None:
    assert written(hall, clerk) == 403
    assert written(hall, make.person(make.hall(), Kind.DUTY_MANAGER)) == 404
    assert make.client(clerk).get(f"/h/{hall.code}/notices/new/").status_code == 403
    assert make.client(manager).get(f"/h/{hall.code}/notices/new/").status_code == 200
    assert not Notice.objects.exists()

    assert (
        written(hall, manager, audience=[make.post(Kind.CLERK).pk], changes_service="yes", effective_from="2026-11-23")
        == 200
    )

    one = Notice.objects.get()
    assert (one.hall, one.title_en, one.must_be_read, one.changes_service) == (hall, "eSIM", True, True)
    assert (one.effective_from, list(one.audience.all())) == (dt.date(2026, 11, 23), [make.post(Kind.CLERK)])


def test_only_headquarters_write_for_all_halls(hall: Hall, manager: Person) -> None:
    assert written(hall, manager, for_all="yes") == 422
    assert written(hall, make.person(hall, Kind.HEADQUARTERS), for_all="yes") == 200

    assert Notice.objects.get().hall is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"title_en": ""}, "give the notice a title"),
        ({"effective_from": "tomorrow"}, "date as 2026-11-24"),
        ({"effective_from": "2026-11-23", "ends_on": "2026-11-01"}, "before the first"),
        ({"audience": "x"}, "whole number"),
    ],
)
def test_bad_input_is_said_in_words(hall: Hall, manager: Person, data: dict, words: str) -> None:
    given = {"title_en": "eSIM", "body_en": "From now on.", **data}

    answer = make.tap(make.client(manager), f"/h/{hall.code}/notices/write/", given)

    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#said")
    assert words in answer.content.decode()
    assert not Notice.objects.exists()


def test_the_manager_sees_who_has_not_read_and_tells_him(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)
    assert "2 people have not read it" in page(hall, manager)
    assert "have not read it" not in page(hall, clerk)
    data = {"notice": one.pk, "person": clerk.pk}
    address = f"/h/{hall.code}/notices/tell/"
    assert make.tap(make.client(clerk), address, data).status_code == 403
    assert make.tap(make.client(manager), address, {**data, "person": make.person(make.hall()).pk}).status_code == 404

    answer = make.tap(make.client(manager), address, data)

    assert answer.status_code == 200
    assert Reading.objects.get().told_by == manager


def test_a_withdrawn_notice_is_in_the_archive(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)
    address = f"/h/{hall.code}/notices/withdraw/"
    assert make.tap(make.client(clerk), address, {"notice": one.pk}).status_code == 403

    answer = make.tap(make.client(manager), address, {"notice": one.pk})

    assert answer.status_code == 200
    assert "withdrawn" in answer.content.decode()
    assert Notice.objects.get().withdrawn_by == manager


def test_asks_the_same_number_of_queries_with_1_and_with_30(hall: Hall, manager: Person) -> None:
    browser = make.client(manager)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(f"/h/{hall.code}/notices/").status_code == 200
        return len(asked)

    notice(hall, manager, audience=[make.post()])
    one = queries()
    for number in range(30):
        notice(hall, manager, audience=[make.post()], at=AT + dt.timedelta(seconds=number))
        make.person(hall, Kind.CLERK)

    assert queries() == one
