"""`manage.py staff_day`: a day of staff and customers, from the opening checklist to the closing one, played once for all tests."""

import datetime as dt
import time
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import translation

from hall import clock
from hall.management import staffed_day
from hall.management.commands import staff_day
from hall.models import Counter, CounterEvent, Hall, Posting
from hall.models.halls import Clock
from roles.models import (
    Attendance,
    Briefing,
    Finding,
    HallDay,
    LeaveRequest,
    Meeting,
    Reading,
    Shift,
    ShiftHandover,
    Task,
)
from tests import make

DAY = dt.date(2026, 11, 18)  # a Wednesday


class Undone(Exception):
    """The day has been looked at and is taken back."""


@pytest.fixture(scope="module")
def day(django_db_setup: None, django_db_blocker: Any) -> dict[str, Any]:
    """The command's result, and what stands in the rows, by name; times are the hall's."""
    facts: dict[str, Any] = {}
    with django_db_blocker.unblock():
        try:
            with transaction.atomic(), translation.override("en"):
                make.limits()
                begun = time.process_time()
                result = staffed_day.play(DAY, code=None, seed=1, at=clock.now())
                facts |= staff_day.as_data(result) | _rows(result.hall) | {"seconds": time.process_time() - begun}
                raise Undone
        except Undone:
            pass
    return facts


def _rows(hall: Hall) -> dict[str, Any]:
    def clocked(at: dt.datetime | None) -> str:
        return f"{hall.local(at):%H:%M}" if at else ""

    eighth = CounterEvent.objects.filter(counter__hall=hall, counter__number=8, verb="opened").order_by("at").first()
    briefing = Briefing.objects.get(hall=hall)
    late_reader = Attendance.objects.filter(briefing=briefing, is_present=False).get().person
    of_guard = LeaveRequest.objects.filter(hall=hall).order_by("asked_at").select_related("answered_by")
    finding = Finding.objects.get(round__hall=hall, zone__isnull=False)
    hall_day = HallDay.objects.get(hall=hall)
    return {
        "clock": hall.clock,
        "others_opened": sorted(
            clocked(at)
            for at in CounterEvent.objects.filter(counter__hall=hall, verb="opened").values_list("at", flat=True)
        )[:7],
        "eighth_opened": clocked(eighth.at if eighth else None),
        "late_reader": late_reader.name_en,
        "late_reader_read": sorted(
            clocked(at) for at in Reading.objects.filter(person=late_reader).values_list("at", flat=True)
        ),
        "briefing": (briefing.smile_done, bool(briefing.praise), bool(briefing.learning), clocked(briefing.ended_at)),
        "present": briefing.attendances.filter(is_present=True).count(),
        "handover_times": [
            (row.state, clocked(row.offered_at), clocked(row.answered_at), row.giver_id != row.receiver_id)
            for row in ShiftHandover.objects.filter(hall=hall).order_by("offered_at")
        ],
        "guard": [
            (clocked(row.asked_at), clocked(row.answered_at), row.state, row.answered_by.name_en) for row in of_guard
        ],
        "finding": (clocked(finding.at), clocked(finding.done_at)),
        "meals": Shift.objects.filter(hall=hall, on=DAY, meal_from__isnull=False).count(),
        "lunches": CounterEvent.objects.filter(counter__hall=hall, verb="paused", reason="lunch").count(),
        "delegates": set(
            Shift.objects.filter(hall=hall, delegate__isnull=False).values_list("person__name_en", flat=True)
        ),
        "excepted": list(Task.objects.filter(hall=hall, state="excepted").values_list("part", "reason")),
        "closing_open": Task.objects.filter(hall=hall, part="closing", state="open").count(),
        "left_on": hall_day.left_on,
        "meetings": Meeting.objects.filter(hall=hall, kind="after_shift").count(),
        "still_held": Posting.objects.filter(hall=hall, until=None).count(),
        "counters_open": hall.counters.exclude(state=Counter.State.CLOSED).count(),
        "stands_at": clocked(Hall.objects.get(pk=hall.pk).played_at),
    }


@pytest.mark.covers("F-13")
def test_the_checklist_opens_the_hall_before_nine(day: dict[str, Any]) -> None:
    assert day["opened_by_checklist"]
    assert "08:48" <= day["opened_at"] < "08:55"
    assert min(day["others_opened"]) >= day["opened_at"]


@pytest.mark.covers("F-15", "K-16")
def test_the_briefing_is_held_in_its_window(day: dict[str, Any]) -> None:
    assert (day["briefing_at"], day["briefing_in_time"]) == ("08:35", True)
    assert day["briefing"] == (True, True, True, "08:47")
    assert day["present"] == 15  # all of sixteen but the clerk who comes later


@pytest.mark.covers("R-B08", "O-08")
def test_a_counter_stays_shut_until_its_clerk_has_read_what_he_missed(day: dict[str, Any]) -> None:
    refused = [one for one in day["refused"] if one["what"] == "open counter 8"]
    assert [(one["who"], one["at"]) for one in refused] == [("Gao Jie", "08:57")]
    assert "New list of papers for number porting" in refused[0]["said"]
    assert day["late_reader"] == "Gao Jie"
    assert day["late_reader_read"] == ["09:03", "09:03"]  # the briefing that he missed, and the notice
    assert day["eighth_opened"] == "09:03"
    assert len([at for at in day["others_opened"] if at < "09:00"]) == 7


@pytest.mark.covers("K-22")
def test_no_zone_is_left_alone_all_day_through_lunch_and_the_change_of_shifts(day: dict[str, Any]) -> None:
    assert day["vacuum_minutes"] == {"entrance": 0.0, "selfservice": 0.0, "waiting": 0.0}
    assert "R-Q25" not in day["alarms"]


def test_who_works_alone_eats_when_the_roster_says_and_every_clerk_has_his_meal(day: dict[str, Any]) -> None:
    assert day["shifts_planned"] == 15
    assert day["meals"] >= 13
    assert day["lunches"] >= 6
    assert day["delegates"] == {"Zhou Ming"}


@pytest.mark.covers("F-16", "K-13")
def test_four_rounds_are_in_time_and_see_everybody_whom_they_drew(day: dict[str, Any]) -> None:
    assert {one["kind"] for one in day["rounds"]} == {"first", "noon", "peak", "afternoon"}
    assert all(one["in_time"] for one in day["rounds"])
    assert day["sampled"] == day["to_sample"] >= 18
    assert day["finding"] == ("09:28", "10:05")


@pytest.mark.covers("K-09", "R-B06")
def test_the_duty_manager_is_on_the_floor_for_most_of_his_day(day: dict[str, Any]) -> None:
    assert 80 <= day["manager_on_floor_percent"] <= 100


@pytest.mark.covers("R-B15")
def test_the_guard_leaves_only_with_consent(day: dict[str, Any]) -> None:
    assert day["guard"][0] == ("12:00", "12:02", "granted", "Zhou Ming")
    assert [state for _asked, _answered, state, _by in day["guard"]] == ["granted", "granted"]


@pytest.mark.covers("F-30")
def test_a_shift_is_handed_over_when_both_have_signed(day: dict[str, Any]) -> None:
    assert day["handover_times"] == [("refused", "14:00", "14:04", True), ("accepted", "14:08", "14:10", True)]


def test_what_the_day_owed_is_done_in_time(day: dict[str, Any]) -> None:
    assert day["tasks"]["open"] == day["tasks"]["late"] == 0
    assert day["tasks"]["done"] > 50


@pytest.mark.covers("F-14")
def test_the_hall_is_secured_with_its_exception_and_its_day_closed(day: dict[str, Any]) -> None:
    assert day["excepted"] == [("closing", "今天没有人提前结账")]
    assert (day["closing_open"], day["left_on"]) == (0, ["machine_room", "surveillance"])
    assert "18:00" < day["last_customer_at"] < day["secured_at"] < day["day_closed_at"]
    assert (day["meetings"], day["still_held"], day["counters_open"]) == (1, 0, 0)


def test_customers_were_served_meanwhile(day: dict[str, Any]) -> None:
    assert day["tickets"] > 200
    assert set(day["outcomes"]) <= {"done", "no_show", "abandoned"}
    assert 2 < day["mean_wait_minutes"] < 20


def test_the_hall_is_a_played_one_that_stands_at_its_end(day: dict[str, Any]) -> None:
    assert (day["clock"], day["stands_at"]) == (Clock.PLAYED, day["day_closed_at"])


def test_the_day_takes_less_than_a_minute_of_work(day: dict[str, Any]) -> None:
    assert day["seconds"] < 60


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "message"),
    [("2026-13-01", "'2026-13-01' is not a day. Example: 2026-11-20."), ("2999-01-01", "The day must be over: ")],
)
def test_a_day_that_is_none_or_not_over_is_refused(given: str, message: str) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("staff_day", "--day", given)

    assert str(refusal.value).startswith(message)
    assert not Hall.objects.exists()
