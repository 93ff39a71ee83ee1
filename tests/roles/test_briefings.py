"""Briefings: when they begin, who is there, what is kept."""

import datetime as dt

import pytest

from hall.models import Hall, Holiday, Kind, Person
from hall.refusals import Invalid, WrongState
from roles import briefings, notices
from roles.models import Attendance, Briefing, Reading, Shift
from tests import make
from tests.make import AT, MINUTE
from tests.roles.briefing_rows import TODAY, held, notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

OPENS = AT - 60 * MINUTE  # 9:00 in the hall
DAY = dt.timedelta(days=1)


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(9), closes=dt.time(18))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER, name_zh="经理", name_en="Manager")


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_zh="李", name_en="Li")


def start(hall: Hall, by: Person, at: dt.datetime = OPENS - 20 * MINUTE) -> Briefing:
    return briefings.start(hall, figures={"issued": 142}, by=by, at=at)


@pytest.mark.covers("R-B01", "R-B10", "X-04")
def test_the_window_lies_30_to_15_minutes_before_opening_and_everybody_is_there_by_then(hall: Hall) -> None:
    window = briefings.window(hall, TODAY)

    assert window is not None
    assert window.earliest_at == OPENS - 30 * MINUTE
    assert window.latest_at == OPENS - 15 * MINUTE
    assert window.here_by == OPENS - 15 * MINUTE
    assert window.ready_by == OPENS - 5 * MINUTE


@pytest.mark.covers("R-B01", "K-16")
@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-30 * 60 - 1, "early"),
        (-30 * 60, "in_time"),
        (-15 * 60, "in_time"),
        (-14 * 60 - 1, "in_time"),
        (-14 * 60, "late"),
        (60, "late"),
    ],
)
def test_a_briefing_says_whether_it_began_in_time(hall: Hall, manager: Person, seconds: int, said: str) -> None:
    assert start(hall, manager, OPENS + dt.timedelta(seconds=seconds)).timing == said


@pytest.mark.covers("R-B01")
def test_a_halls_own_window_holds(hall: Hall, manager: Person) -> None:
    make.limit(hall, "R-B01", "latest", 10)

    assert start(hall, manager, OPENS - 12 * MINUTE).timing == "in_time"


def test_a_hall_open_through_midnight_has_no_window(manager: Person) -> None:
    hall = make.hall()

    assert briefings.window(hall, TODAY) is None
    assert start(hall, make.person(hall, Kind.DUTY_MANAGER)).timing == ""


def test_a_briefing_on_a_closed_day_is_refused_in_words(hall: Hall, manager: Person) -> None:
    Holiday.objects.create(hall=hall, on=TODAY)

    with make.refusal(WrongState, "^The hall is closed on Mon 23 Nov: there is no briefing.$"):
        start(hall, manager)

    assert not Briefing.objects.exists()


def test_starting_twice_is_one_briefing(hall: Hall, manager: Person) -> None:
    first = start(hall, manager)

    again = start(hall, make.person(hall, Kind.DUTY_MANAGER), OPENS)

    assert again.pk == first.pk
    assert Briefing.objects.get().host == manager


def test_a_second_briefing_of_the_day_is_refused(hall: Hall, manager: Person, clerk: Person) -> None:
    held(hall, manager, [clerk])

    with make.refusal(WrongState, "held already"):
        start(hall, manager)


@pytest.mark.covers("O-06", "F-15", "R-G08")
def test_keeps_what_was_said_and_who_was_there(hall: Hall, manager: Person, clerk: Person) -> None:
    away = make.person(hall, Kind.GUIDE, name_zh="王")
    told = notice(hall, manager, at=OPENS - 60 * MINUTE)
    going = start(hall, manager)
    briefings.attend(going, clerk, "corrected", by=manager, at=OPENS)
    briefings.note(
        going, learning="5G", praise="Short waits", goals="Below 10 min", smile_done=True, by=manager, at=OPENS
    )

    briefings.end(going, by=manager, at=OPENS - 5 * MINUTE)
    briefings.end(going, by=manager, at=OPENS)

    kept = Briefing.objects.get()
    assert (kept.learning, kept.praise, kept.goals, kept.smile_done) == ("5G", "Short waits", "Below 10 min", True)
    assert kept.words == {
        "figures": {"issued": 142},
        "notices": [
            {"pk": told.pk, "title_zh": "", "title_en": "New tariff", "body_zh": "", "body_en": "It costs 5 yuan."}
        ],
        "host": "经理",
        "present": ["经理", "李"],
        "absent": ["王"],
    }
    assert kept.ended_at == OPENS - 5 * MINUTE
    assert set(kept.attendances.values_list("person", "is_present", "appearance")) == {
        (manager.pk, True, ""), (clerk.pk, True, "corrected"), (away.pk, False, ""),
    }  # fmt: skip


@pytest.mark.covers("O-06", "REC-01")
def test_who_was_there_knows_its_notices_and_who_was_away_owes_them(hall: Hall, manager: Person, clerk: Person) -> None:
    away = make.person(hall, Kind.GUIDE)
    told = notice(hall, manager, must_be_read=True, at=OPENS - 60 * MINUTE)
    for_guides = notice(
        hall, manager, must_be_read=True, audience=[make.post(Kind.GUIDE)], title_en="Guides", at=OPENS - 50 * MINUTE
    )

    held(hall, manager, [clerk], at=OPENS - 20 * MINUTE)

    assert notices.owed(clerk, hall, AT) == []
    assert [one.title for one in notices.owed(away, hall, AT)] == ["Briefing of Mon 23 Nov", "New tariff", "Guides"]
    assert Reading.objects.get(notice=told, person=clerk).told_by == manager
    assert not Reading.objects.filter(notice=for_guides).exists()


def test_an_ended_briefing_stays_as_it_was_said(hall: Hall, manager: Person, clerk: Person) -> None:
    over = held(hall, manager, [clerk])

    with make.refusal(WrongState, "stays as it was said"):
        briefings.note(over, learning="x", praise="", goals="", smile_done=False, by=manager, at=AT)
    with make.refusal(WrongState, "stays as it was said"):
        briefings.attend(over, clerk, "away", by=manager, at=AT)
    with make.refusal(WrongState, "stays as it was said"):
        briefings.call_off(over, by=manager, at=AT)

    assert Briefing.objects.get().learning == ""
    assert Attendance.objects.get(person=clerk).is_present is True


def test_a_briefing_with_nobody_there_does_not_end(hall: Hall, manager: Person) -> None:
    going = start(hall, manager)

    with make.refusal(Invalid, "mark first who is there"):
        briefings.end(going, by=manager, at=AT)

    assert Briefing.objects.get().ended_at is None


def test_begun_by_mistake_it_never_was(hall: Hall, manager: Person, clerk: Person) -> None:
    going = start(hall, manager)
    briefings.attend(going, clerk, "ok", by=manager, at=AT)

    briefings.call_off(going, by=manager, at=AT)

    assert not Briefing.objects.exists()
    assert start(hall, manager, OPENS).timing == "late"


def test_marks_all_who_are_expected_and_leaves_who_is_marked(hall: Hall, manager: Person, clerk: Person) -> None:
    off = make.person(hall, Kind.GUIDE, holds=False)
    planned = make.person(hall, Kind.GUIDE, holds=False)
    Shift.objects.create(
        hall=hall, on=TODAY, post=make.post(Kind.GUIDE), person=planned, starts=OPENS, ends=OPENS + 480 * MINUTE
    )
    going = start(hall, manager)
    briefings.attend(going, clerk, "not_ok", by=manager, at=AT)

    briefings.attend_expected(going, by=manager, at=AT)

    seen = dict(Attendance.objects.values_list("person", "appearance"))
    assert seen == {manager.pk: "", clerk.pk: "not_ok", planned.pk: "ok"}
    assert off.pk not in seen


def test_marked_by_mistake_somebody_is_away_again_but_not_the_host(hall: Hall, manager: Person, clerk: Person) -> None:
    going = start(hall, manager)
    briefings.attend(going, clerk, "ok", by=manager, at=AT)

    briefings.attend(going, clerk, "away", by=manager, at=AT)

    assert list(Attendance.objects.values_list("person", flat=True)) == [manager.pk]
    with make.refusal(Invalid, "Whoever holds"):
        briefings.attend(going, manager, "away", by=manager, at=AT)


def test_an_unknown_word_for_appearance_is_refused(hall: Hall, manager: Person, clerk: Person) -> None:
    with make.refusal(Invalid):
        briefings.attend(start(hall, manager), clerk, "ugly", by=manager, at=AT)


def test_proposes_the_last_learning_item(hall: Hall, manager: Person, clerk: Person) -> None:
    before = start(hall, manager, OPENS - DAY)
    briefings.note(before, learning="Number portability", praise="", goals="", smile_done=False, by=manager, at=AT)

    assert start(hall, manager).learning == "Number portability"


def test_tells_the_notices_written_since_the_last_briefing(hall: Hall, manager: Person, clerk: Person) -> None:
    notice(hall, manager, title_en="Old", at=AT - 3 * DAY)
    held(hall, manager, [clerk], at=AT - 2 * DAY)
    notice(hall, manager, title_en="New", at=AT - DAY)

    assert [row["title_en"] for row in start(hall, manager).words["notices"]] == ["New"]


@pytest.mark.covers("K-16")
def test_counts_the_briefings_in_time_over_the_days_that_opened(hall: Hall, manager: Person, clerk: Person) -> None:
    Holiday.objects.create(hall=hall, on=TODAY - 2 * DAY)
    held(hall, manager, [clerk], at=OPENS - 20 * MINUTE - 3 * DAY)
    held(hall, manager, [clerk], at=OPENS - DAY)

    assert briefings.in_time(hall, TODAY - 4 * DAY, TODAY - DAY) == (1, 3)


def test_called_off_meanwhile_it_does_not_end(hall: Hall, manager: Person, clerk: Person) -> None:
    going = start(hall, manager)
    briefings.attend(going, clerk, "ok", by=manager, at=OPENS)
    briefings.call_off(Briefing.objects.get(), by=manager, at=OPENS)

    with make.refusal(WrongState, match="called off"):
        briefings.end(going, by=manager, at=OPENS)

    assert not Briefing.objects.exists()
