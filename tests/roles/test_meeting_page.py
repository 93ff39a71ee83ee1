"""The meetings' page: what is due, who reads which record, who does what."""

import datetime as dt

import pytest

from hall import clock
from hall.models import Hall, Kind, Person
from roles import meetings
from roles.meetings import Agreed
from roles.models import FollowUp, Meeting
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import TODAY, notice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(9), closes=dt.time(18))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER)


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Li")


def page(hall: Hall, person: Person) -> str:
    return make.client(person).get(f"/h/{hall.code}/meetings/").content.decode()


def tap(hall: Hall, person: Person, verb: str, /, **data: object):
    return make.tap(make.client(person), f"/h/{hall.code}/meetings/{verb}/", data)


def hold(hall: Hall, manager: Person, *there: Person, owner: Person | None = None) -> Meeting:
    return meetings.hold(
        hall, "after_shift", trigger="daily", said={"problems": "Noon", "persons": "Li was late"}, attendees=there,
        actions=[Agreed("Mend it", owner, TODAY)] if owner else [], by=manager, at=AT,
    )  # fmt: skip


@pytest.mark.covers("O-07", "R-R06")
def test_a_meeting_is_handed_in_with_its_follow_ups(hall: Hall, manager: Person, clerk: Person) -> None:
    assert "Due by Mon 30 Nov." in page(hall, manager)
    change = notice(hall, manager, title_en="eSIM", changes_service=True)

    answer = tap(
        hall, manager, "hold", kind="after_shift", trigger="service", problems="Noon", person=[clerk.pk, manager.pk],
        notice=change.pk, **{"what-0": "Mend it", "owner-0": clerk.pk, "due-0": "2026-11-24"},
    )  # fmt: skip

    assert (answer.status_code, answer["HX-Redirect"]) == (200, f"/h/{hall.code}/meetings/")
    made = Meeting.objects.get()
    assert (made.problems, set(made.attendees.all()), list(made.notices.all())) == ("Noon", {clerk, manager}, [change])
    assert list(FollowUp.objects.values_list("text", "owner", "due_on")) == [
        ("Mend it", clerk.pk, dt.date(2026, 11, 24))
    ]
    assert meetings.to_explain(hall, AT) == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"what-0": "Mend it"}, "what, who and by when"),
        ({"what-0": "Mend it", "owner-0": "1", "due-0": "soon"}, "date as 2026-11-24"),
        ({"problems": ""}, "write down what was said"),
        ({"person": "x"}, "whole number"),
    ],
)
def test_bad_input_is_said_in_words(hall: Hall, manager: Person, data: dict, words: str) -> None:
    given = {"kind": "after_shift", "trigger": "daily", "problems": "Noon", "person": manager.pk, **data}

    answer = tap(hall, manager, "hold", **given)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Meeting.objects.exists()


def test_only_who_holds_briefings_holds_or_skips_meetings(hall: Hall, clerk: Person) -> None:
    for verb in ("hold", "skip"):
        assert tap(hall, clerk, verb, reason="x").status_code == 403
        assert tap(hall, make.person(make.hall(), Kind.DUTY_MANAGER), verb).status_code == 404
    assert make.client(clerk).get(f"/h/{hall.code}/meetings/new/monthly/").status_code == 403
    assert not Meeting.objects.exists()


def test_an_unknown_kind_has_no_form(hall: Hall, manager: Person) -> None:
    assert make.client(manager).get(f"/h/{hall.code}/meetings/new/party/").status_code == 404
    for kind in Meeting.Kind.values:
        assert make.client(manager).get(f"/h/{hall.code}/meetings/new/{kind}/").status_code == 200


@pytest.mark.covers("X-10")
def test_skipping_needs_a_reason(hall: Hall, manager: Person) -> None:
    assert tap(hall, manager, "skip", reason="").status_code == 422

    assert tap(hall, manager, "skip", reason="Quiet day").status_code == 200

    assert Meeting.objects.get().skipped_because == "Quiet day"


def test_who_was_not_there_does_not_read_whom_it_names(hall: Hall, manager: Person, clerk: Person) -> None:
    made = hold(hall, manager, manager)
    address = f"/h/{hall.code}/meetings/{made.pk}/"

    assert make.client(manager).get(address).status_code == 200
    assert make.client(clerk).get(address).status_code == 404
    assert "the day in review" not in page(hall, clerk)
    assert make.client(clerk).get(f"/h/{hall.code}/meetings/{hold(hall, manager, clerk).pk}/").status_code == 200


@pytest.mark.covers("O-15", "REC-11")
def test_everybody_reads_the_monthly_minutes(hall: Hall, manager: Person, clerk: Person) -> None:
    made = meetings.hold(hall, "monthly", said={"plan": "One more counter"}, attendees=[manager], by=manager, at=AT)

    assert "One more counter" in make.client(clerk).get(f"/h/{hall.code}/meetings/{made.pk}/").content.decode()
    assert "Held on Mon 23 Nov." in page(hall, manager)


def test_the_owner_taps_done_and_can_take_it_back(hall: Hall, manager: Person, clerk: Person) -> None:
    hold(hall, manager, manager, owner=clerk)
    one = FollowUp.objects.get()
    assert tap(hall, manager, "done", follow_up=one.pk).status_code == 409
    other = make.hall()
    assert tap(other, make.person(other), "done", follow_up=one.pk).status_code == 404

    tap(hall, clerk, "done", follow_up=one.pk)
    assert FollowUp.objects.get().done_at == AT

    tap(hall, clerk, "done", follow_up=one.pk, undo="yes")
    assert FollowUp.objects.get().done_at is None


@pytest.mark.covers("R-R06")
def test_a_monthly_meeting_not_held_is_late_after_its_day(
    hall: Hall, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.limit(hall, "R-R06", "day", 20)

    assert "It was due by Fri 20 Nov." in page(hall, manager)
