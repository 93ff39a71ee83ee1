"""Notices: written, read, and what somebody owes before he takes his post."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall.models import Hall, Kind, Person
from hall.refusals import Invalid, WrongState
from roles import notices, staff
from roles.models import Notice, Reading
from roles.notices import NotRead
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import TODAY, held, notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

DAY = dt.timedelta(days=1)


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(9), closes=dt.time(18))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER, name_en="Duty Manager")


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Li")


def titles(person: Person, hall: Hall, at: dt.datetime = AT) -> list[str]:
    return [one.title for one in notices.owed(person, hall, at)]


@pytest.mark.covers("O-08", "R-B08")
def test_who_has_not_read_is_refused_in_words_until_he_has(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)

    with make.refusal(NotRead, "^First read what you missed, in “Notices”: “New tariff”.$"):
        notices.require_read(clerk, hall, AT)

    notices.read(one, hall, by=clerk, at=AT)
    notices.require_read(clerk, hall, AT)
    assert NotRead.status == 409


@pytest.mark.covers("O-08", "R-B08")
def test_who_missed_a_briefing_owes_its_record(hall: Hall, manager: Person, clerk: Person) -> None:
    there = make.person(hall, Kind.GUIDE)
    briefing = held(hall, manager, [there])

    assert titles(clerk, hall) == ["Briefing of Mon 23 Nov"]
    assert titles(there, hall) == []
    assert titles(manager, hall) == []

    notices.read(briefing, hall, by=clerk, at=AT + DAY)
    assert titles(clerk, hall) == []


@pytest.mark.covers("R-B08")
def test_asking_the_duty_manager_counts_as_reading(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)

    notices.tell(one, clerk, hall, by=manager, at=AT)

    assert titles(clerk, hall) == []
    assert Reading.objects.get(notice=one, person=clerk).told_by == manager


def test_nobody_tells_himself(hall: Hall, manager: Person) -> None:
    one = notice(hall, manager, must_be_read=True)

    with make.refusal(Invalid, "read yourself"):
        notices.tell(one, manager, hall, by=manager, at=AT)

    assert not Reading.objects.exists()


def test_a_refusal_names_three_and_counts_the_rest(hall: Hall, manager: Person, clerk: Person) -> None:
    for number in range(5):
        notice(hall, manager, title_en=f"N{number}", must_be_read=True, at=AT + dt.timedelta(seconds=number))

    with make.refusal(NotRead, "“N0”, “N1”, “N2” and 2 more"):
        notices.require_read(clerk, hall, AT)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"must_be_read": False}, "for information"),
        ({"effective_from": TODAY + DAY}, "does not apply yet"),
        ({"effective_from": TODAY - 9 * DAY, "ends_on": TODAY - DAY, "at": AT - 9 * DAY}, "is over"),
    ],
)
def test_owes_nothing(hall: Hall, manager: Person, clerk: Person, fields: dict, why: str) -> None:
    notice(hall, manager, **{"must_be_read": True, **fields})

    assert titles(clerk, hall) == [], why


def test_a_withdrawn_notice_is_owed_by_nobody_and_read_by_nobody(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)
    notices.withdraw(one, by=manager, at=AT)
    one.refresh_from_db()

    assert titles(clerk, hall) == []
    with make.refusal(WrongState, "withdrawn"):
        notices.read(one, hall, by=clerk, at=AT)
    assert one.withdrawn_at == AT


def test_withdrawing_twice_keeps_the_first_time(hall: Hall, manager: Person) -> None:
    one = notice(hall, manager)
    notices.withdraw(one, by=manager, at=AT)

    notices.withdraw(one, by=manager, at=AT + DAY)

    assert Notice.objects.get().withdrawn_at == AT


def test_a_notice_for_one_post_is_owed_by_that_post_only(hall: Hall, manager: Person, clerk: Person) -> None:
    guide = make.person(hall, Kind.GUIDE)
    notice(hall, manager, must_be_read=True, audience=[make.post(Kind.GUIDE)])

    assert titles(clerk, hall) == []
    assert titles(guide, hall) == ["New tariff"]


def test_another_halls_notice_is_owed_by_nobody_here(hall: Hall, manager: Person, clerk: Person) -> None:
    other = make.hall()
    notice(other, make.person(other, Kind.DUTY_MANAGER), must_be_read=True)

    assert titles(clerk, hall) == []


def test_headquarters_write_for_all_halls_and_nobody_else(hall: Hall, manager: Person, clerk: Person) -> None:
    with make.refusal(Invalid, "Only headquarters"):
        notice(None, manager, must_be_read=True)

    written = notice(None, make.person(hall, Kind.HEADQUARTERS), must_be_read=True)

    assert titles(clerk, hall) == ["New tariff"]
    with make.refusal(Invalid, "Only headquarters"):
        notices.withdraw(written, by=manager, at=AT)


def test_reading_twice_is_one_reading(hall: Hall, manager: Person, clerk: Person) -> None:
    one = notice(hall, manager, must_be_read=True)
    notices.read(one, hall, by=clerk, at=AT)

    notices.read(one, hall, by=clerk, at=AT + DAY)

    assert Reading.objects.get().at == AT


def test_a_changed_service_must_be_read(hall: Hall, manager: Person) -> None:
    assert notice(hall, manager, changes_service=True, must_be_read=False).must_be_read is True


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title_en": "", "body_en": ""}, "Please give the notice a title."),
        ({"body_en": ""}, "title and text in the same language"),
        ({"title_zh": "新资费"}, "title and text in the same language"),
        ({"ends_on": TODAY - DAY}, "before the first"),
        ({"effective_from": TODAY - 9 * DAY, "ends_on": TODAY - DAY}, "over already"),
        ({"title_en": "x" * 121}, "at most 120"),
        ({"body_en": "a\x00b"}, "cannot be stored"),
    ],
)
def test_bad_input_writes_nothing(hall: Hall, manager: Person, fields: dict, words: str) -> None:
    with make.refusal(Invalid, words):
        notice(hall, manager, **fields)

    assert not Notice.objects.exists()


def test_says_who_has_not_read(hall: Hall, manager: Person, clerk: Person) -> None:
    guide = make.person(hall, Kind.GUIDE)
    make.person(make.hall(), Kind.CLERK)
    for_all = notice(hall, manager)
    for_clerks = notice(hall, manager, audience=[make.post(Kind.CLERK)])
    notices.read(for_all, hall, by=clerk, at=AT)

    unread = notices.unread_by(notices.standing(hall, TODAY), staff.of_hall(hall))

    assert set(unread[for_all.pk]) == {manager, guide}
    assert unread[for_clerks.pk] == [clerk]


def test_asks_the_same_number_of_queries_with_1_and_with_30(hall: Hall, manager: Person, clerk: Person) -> None:
    notice(hall, manager, must_be_read=True)
    with CaptureQueriesContext(
        connection,
    ) as one:
        notices.owed(clerk, hall, AT)
    for _number in range(30):
        notice(hall, manager, must_be_read=True, audience=[make.post(Kind.CLERK)])

    with CaptureQueriesContext(connection) as many:
        assert len(notices.owed(clerk, hall, AT)) == 31

    assert len(many) == len(one) <= 6
