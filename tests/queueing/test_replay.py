"""`manage.py replay`: a recorded day through the same verbs gives the waits that the day had."""

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from hall.models import Alarm, Counter, Hall, LimitOverride
from hall.models.halls import Clock
from queueing import waits
from queueing.models import Ticket, TicketEvent
from tests import make

DATA = Path(__file__).resolve().parent.parent / "data"
HEADER = "ts,event,ticket,service,priority,counter,reason,planned_min"

# One counter; A0002 waits 20 minutes and does not come, A0003 leaves, A0004 still waits at the end.
SHORT_DAY = """\
2026-09-21T09:00:00,open,,,,1,,
2026-09-21T09:00:10,issue,A0001,A,2,,,
2026-09-21T09:00:10,call,A0001,A,2,1,,
2026-09-21T09:01:00,start,A0001,A,2,1,,
2026-09-21T09:02:00,issue,A0002,A,1,,,
2026-09-21T09:10:00,issue,A0003,A,2,,,
2026-09-21T09:20:00,abandon,A0003,A,2,,,
2026-09-21T09:22:00,finish,A0001,A,2,1,,
2026-09-21T09:22:00,call,A0002,A,1,1,,
2026-09-21T09:24:00,no_show,A0002,A,1,1,,
2026-09-21T09:24:30,pause,,,,1,break,10.0
2026-09-21T09:30:00,issue,A0004,A,0,,,
2026-09-21T09:32:00,resume,,,,1,,
"""


@pytest.fixture(autouse=True)
def limits(db: None) -> None:
    make.limits()


def written(tmp_path: Path, lines: str, header: str = HEADER) -> Path:
    log = tmp_path / "day.csv"
    log.write_text(f"{header}\n{lines}")
    return log


def play(log: Path, capsys: pytest.CaptureFixture[str], *options: str, roster: Path = DATA / "roster.json") -> dict:
    """What the command prints as JSON."""
    call_command("replay", str(log), "--roster", str(roster), "--json", *options)
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_says_what_came_of_a_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = play(written(tmp_path, SHORT_DAY), capsys)

    (day,) = found["days"]
    assert (found["hall"], found["time_zone"]) == ("played-2026-09-21", "Asia/Shanghai")
    assert (day["date"], day["first_event"], day["last_event"]) == (
        "2026-09-21", "2026-09-21T09:00:00+08:00", "2026-09-21T09:32:00+08:00",
    )  # fmt: skip
    assert day["outcomes"] == {"served": 1, "no_show": 1, "abandoned": 1, "waiting": 1}
    assert (day["called"], day["mean_wait_minutes"], day["longest_wait_minutes"]) == (2, 10.0, 20.0)
    assert (day["over_limit"], day["share_over_limit"]) == (1, 0.5)
    assert [row["wait_seconds"] for row in day["waits"]] == [0.0, 1200.0, None, None]


def test_an_alarm_is_due_at_the_instant_the_limit_was_crossed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (day,) = play(written(tmp_path, SHORT_DAY), capsys)["days"]

    (alarm,) = day["alarms"]
    assert (alarm["rule"], alarm["ticket"], alarm["due_at"], alarm["raised_at"], alarm["settled_at"]) == (
        "R-Q02", "A0002", "2026-09-21T09:17:00+08:00", "2026-09-21T09:17:00+08:00", "2026-09-21T09:22:00+08:00",
    )  # fmt: skip


def test_plays_through_the_tablets_verbs_at_the_logs_own_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(written(tmp_path, SHORT_DAY), capsys)

    events = TicketEvent.objects.filter(ticket__number="A0002").values_list("verb", "at", "reason")
    assert [(verb, f"{at:%H:%M:%S}", reason) for verb, at, reason in events] == [
        ("issued", "01:02:00", ""), ("called", "01:22:00", "recorded"), ("no_show", "01:24:00", ""),
    ]  # fmt: skip
    classes = Ticket.objects.order_by("number").values_list("customer_class", flat=True)
    assert list(classes) == ["normal", "special", "normal", "vip"]


def test_the_hall_is_played_and_stands_at_its_last_instant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(written(tmp_path, SHORT_DAY), capsys)

    hall = Hall.objects.get(code="played-2026-09-21")
    assert (hall.clock, hall.played_at) == (Clock.PLAYED, dt.datetime(2026, 9, 21, 1, 32, tzinfo=dt.UTC))
    assert list(Counter.objects.filter(hall=hall).values_list("number", "state")) == [
        (1, "open"), *((number, "closed") for number in range(2, 9)),
    ]  # fmt: skip
    assert Ticket.objects.get(state="waiting").number == "A0004"


def test_the_watch_of_the_present_leaves_a_recorded_day_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play(written(tmp_path, SHORT_DAY), capsys)

    waits.sweep(at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))

    assert Alarm.objects.count() == 1


def test_the_same_day_again_makes_another_hall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    play(written(tmp_path, SHORT_DAY), capsys)

    again = play(written(tmp_path, SHORT_DAY), capsys)

    assert again["hall"] == "played-2026-09-21-2"


def test_several_dates_are_played_one_after_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = SHORT_DAY.replace("09:32:00,resume", "09:32:00,close")

    found = play(written(tmp_path, day + day.replace("-21T", "-22T")), capsys, "--hall", "two-days")

    assert [(day["date"], day["tickets"]) for day in found["days"]] == [("2026-09-21", 4), ("2026-09-22", 4)]
    assert Ticket.objects.filter(hall__code="two-days", number="A0001").count() == 2


def test_a_day_is_played_in_the_zone_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = play(written(tmp_path, SHORT_DAY), capsys, "--time-zone", "Europe/Berlin")

    assert found["days"][0]["first_event"] == "2026-09-21T09:00:00+02:00"
    assert Hall.objects.get().played_at == dt.datetime(2026, 9, 21, 7, 32, tzinfo=dt.UTC)


def test_the_rosters_threshold_becomes_the_halls_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roster = tmp_path / "roster.json"
    roster.write_text(json.dumps({**json.loads((DATA / "roster.json").read_text()), "threshold_min": 6}))

    (day,) = play(written(tmp_path, SHORT_DAY), capsys, roster=roster)["days"]

    assert (day["limit_minutes"], day["alarms"][0]["due_at"]) == (6.0, "2026-09-21T09:08:00+08:00")
    warning = LimitOverride.objects.get(limit__rule="R-Q02", limit__name="warning")
    assert warning.value == "4"


def test_whoever_belongs_to_the_hall_named_may_open_the_recorded_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = make.hall()
    manager = make.person(here, "duty_manager")
    make.person(make.hall(), "duty_manager")

    found = play(written(tmp_path, SHORT_DAY), capsys, "--people-of", here.code)

    memberships = Hall.objects.get(code=found["hall"]).memberships
    assert list(memberships.values_list("person_id", "kind")) == [(manager.pk, "duty_manager")]


def test_the_table_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("replay", str(written(tmp_path, SHORT_DAY)), "--roster", str(DATA / "roster.json"))

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Recorded day 2026-09-21: hall played-2026-09-21, open /h/played-2026-09-21/board/"
    assert lines[2].split() == [
        "2026-09-21", "09:00:00-09:32:00", "4", "1", "1", "1", "1", "10.0", "min", "20.0", "min", "1", "(50.0%)", "R-Q02", "1",
    ]  # fmt: skip


def test_a_line_that_cannot_have_happened_changes_nothing(tmp_path: Path) -> None:
    log = written(tmp_path, SHORT_DAY + "2026-09-21T09:33:00,call,A0001,A,2,1,,\n")

    with pytest.raises(CommandError) as refusal:
        call_command("replay", str(log), "--roster", str(DATA / "roster.json"))

    assert str(refusal.value) == "line 15: call of ticket A0001, which is served, not waiting."
    assert (Hall.objects.count(), Ticket.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--time-zone", "Mars/Olympus"], "'Mars/Olympus' is not a time zone. Example: Asia/Shanghai."),
        (["--hall", "No Good"], "code: Small letters, digits and hyphens only."),
        (["--people-of", "nowhere"], "there is no hall with the code 'nowhere'."),
    ],
)
def test_an_option_that_makes_no_sense_changes_nothing(tmp_path: Path, options: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("replay", str(written(tmp_path, SHORT_DAY)), "--roster", str(DATA / "roster.json"), *options)

    assert str(refusal.value) == message
    assert Hall.objects.count() == 0


def test_a_hall_code_that_is_taken_is_refused(tmp_path: Path) -> None:
    here = make.hall(code="mine")

    with pytest.raises(CommandError):
        call_command(
            "replay", str(written(tmp_path, SHORT_DAY)), "--roster", str(DATA / "roster.json"), "--hall", "mine"
        )

    assert list(Hall.objects.all()) == [here]
