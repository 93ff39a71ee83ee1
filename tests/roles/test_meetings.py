"""Meetings after the shift and of the month."""

import datetime as dt

import pytest

from hall.models import Hall, Holiday, Kind, OpeningInterval, Person
from hall.refusals import Invalid, WrongState
from roles import meetings, notices
from roles.meetings import Agreed
from roles.models import FollowUp, Meeting
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import TODAY, notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

DAY = dt.timedelta(days=1)


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(9), closes=dt.time(18))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER)


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Li")


def hold(hall: Hall, by: Person, attendees: list[Person], **given: object) -> Meeting:
    fields = {"trigger": "daily", "said": {"problems": "Long waits at noon"}, "attendees": attendees, **given}
    return meetings.hold(hall, str(fields.pop("kind", "after_shift")), by=by, at=AT, **fields)  # type: ignore[arg-type]


@pytest.mark.covers("O-07", "REC-02", "F-15")
def test_writes_down_problems_persons_cases_and_who_does_what(hall: Hall, manager: Person, clerk: Person) -> None:
    made = hold(
        hall, manager, [manager, clerk],
        said={"problems": "Long waits at noon", "persons": "Li", "cases": "Case 1", "plan": "not of this kind"},
        actions=[Agreed("Third counter at noon", clerk, TODAY + DAY)],
    )  # fmt: skip

    made.refresh_from_db()
    assert (made.on, made.kind, made.trigger, made.due_on) == (TODAY, "after_shift", "daily", None)
    assert (made.problems, made.persons, made.cases, made.plan) == ("Long waits at noon", "Li", "Case 1", "")
    assert set(made.attendees.all()) == {manager, clerk}
    assert list(made.follow_ups.values_list("text", "owner", "due_on", "done_at")) == [
        ("Third counter at noon", clerk.pk, TODAY + DAY, None)
    ]


@pytest.mark.covers("X-10")
def test_is_skipped_with_a_reason_once(hall: Hall, manager: Person) -> None:
    with make.refusal(Invalid, "why it is skipped"):
        meetings.skip(hall, " ", by=manager, at=AT)

    meetings.skip(hall, "Quiet day", by=manager, at=AT)

    assert Meeting.objects.get().skipped_because == "Quiet day"
    with make.refusal(WrongState, "written down already"):
        meetings.skip(hall, "Again", by=manager, at=AT)


@pytest.mark.covers("R-B11", "X-10", "O-07")
def test_a_new_service_forces_it_until_everybody_knows(hall: Hall, manager: Person, clerk: Person) -> None:
    change = notice(hall, manager, changes_service=True, title_en="eSIM")
    notices.read(change, hall, by=manager, at=AT)
    with make.refusal(WrongState, "not everybody knows “eSIM” yet"):
        meetings.skip(hall, "Quiet day", by=manager, at=AT)
    assert meetings.to_explain(hall, AT) == {change: [clerk]}

    hold(hall, manager, [manager], trigger="service", explained=[change])
    assert meetings.to_explain(hall, AT) == {change: [clerk]}

    hold(hall, manager, [clerk], trigger="service", explained=[change], said={})
    assert meetings.to_explain(hall, AT) == {}
    assert notices.owed(clerk, hall, AT) == []
    meetings.skip(hall, "Quiet day", by=manager, at=AT + DAY)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "party"}, "kind of meeting"),
        ({"trigger": ""}, "occasion"),
        ({"said": {}}, "write down what was said"),
        ({"attendees": []}, "who was there"),
        ({"said": {"problems": "x" * 2001}}, "at most 2000"),
        ({"kind": "monthly"}, "occasion"),
    ],
)
def test_bad_input_writes_nothing(hall: Hall, manager: Person, clerk: Person, given: dict, words: str) -> None:
    with make.refusal(Invalid, words):
        hold(hall, manager, **{"attendees": [clerk], **given})

    assert not Meeting.objects.exists()


def test_a_follow_up_is_not_due_in_the_past(hall: Hall, manager: Person, clerk: Person) -> None:
    with make.refusal(Invalid, "before today"):
        hold(hall, manager, [clerk], actions=[Agreed("Mend it", clerk, TODAY - DAY)])

    assert not Meeting.objects.exists()


def test_its_owner_says_that_it_is_done_and_nobody_else(hall: Hall, manager: Person, clerk: Person) -> None:
    hold(hall, manager, [clerk], actions=[Agreed("Mend it", clerk, TODAY)])
    follow_up = FollowUp.objects.get()
    with make.refusal(WrongState, "belongs to Li"):
        meetings.finish(follow_up, by=manager, at=AT)

    meetings.finish(follow_up, by=clerk, at=AT)
    meetings.finish(follow_up, by=clerk, at=AT + DAY)

    assert list(FollowUp.objects.values_list("done_at", "done_by")) == [(AT, clerk.pk)]
    meetings.reopen(follow_up, by=clerk, at=AT)
    assert FollowUp.objects.get().done_at is None


@pytest.mark.covers("R-R06", "X-16")
def test_the_monthly_meeting_is_due_by_the_30th_or_the_last_working_day_before(hall: Hall) -> None:
    assert meetings.monthly_due(hall, dt.date(2026, 11, 3)) == dt.date(2026, 11, 30)
    assert meetings.monthly_due(hall, dt.date(2026, 12, 3)) == dt.date(2026, 12, 30)
    assert meetings.monthly_due(hall, dt.date(2027, 2, 3)) == dt.date(2027, 2, 28)

    OpeningInterval.objects.filter(hall=hall, weekday__in=[5, 6]).delete()  # 27 and 28 February 2027 are a weekend
    Holiday.objects.create(hall=hall, on=dt.date(2027, 2, 26))
    assert meetings.monthly_due(Hall.objects.get(pk=hall.pk), dt.date(2027, 2, 3)) == dt.date(2027, 2, 25)


@pytest.mark.covers("O-15", "R-R06", "REC-11")
def test_the_monthly_minutes_keep_their_due_day_and_their_actions(hall: Hall, manager: Person, clerk: Person) -> None:
    made = hold(
        hall, manager, [manager, clerk], kind="monthly", trigger="",
        said={"review": "Good", "problems": "Noon", "plan": "One more counter", "proposals": "Fans"},
        actions=[Agreed("Buy fans", manager, TODAY + 7 * DAY)],
    )  # fmt: skip

    made.refresh_from_db()
    assert (made.on, made.due_on) == (TODAY, dt.date(2026, 11, 30))
    assert (made.review, made.problems, made.plan, made.proposals) == ("Good", "Noon", "One more counter", "Fans")
    assert made.follow_ups.get().owner == manager
