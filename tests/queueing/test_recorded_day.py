"""The first pass over a recorded day: every line that cannot have happened is refused by number and reason."""

import datetime as dt
import gzip
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from queueing import recorded_day
from queueing.recorded_day import NotPlayable

DATA = Path(__file__).resolve().parent.parent / "data"
ZONE = ZoneInfo("Asia/Shanghai")
HEADER = "ts,event,ticket,service,priority,counter,reason,planned_min"
OPEN = "2026-09-21T09:00:00,open,,,,1,,"
ISSUE = "2026-09-21T09:01:00,issue,A0001,A,2,,,"
CALL = "2026-09-21T09:02:00,call,A0001,A,2,1,,"
START = "2026-09-21T09:03:00,start,A0001,A,2,1,,"
NO_SHOW = "2026-09-21T09:03:00,no_show,A0001,A,2,1,,"


def roster(**changes: object) -> dict:
    return {
        "open": "09:00", "close": "18:00", "last_ticket": "17:50", "services": ["A", "B"], "threshold_min": 15,
        "counters": [{"id": "1", "skills": ["A"]}, {"id": "2", "skills": ["A", "B"]}], **changes,
    }  # fmt: skip


def played(
    tmp_path: Path,
    *lines: str | bytes,
    zone: ZoneInfo = ZONE,
    header: str | bytes = HEADER,
    **changes: object,
) -> list[recorded_day.Day]:
    """What the first pass makes of a log with these lines after the header."""
    log = tmp_path / "day.csv"
    log.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in (header, *lines)))
    return read(tmp_path, log, zone=zone, **changes)


def read(tmp_path: Path, log: Path, zone: ZoneInfo = ZONE, **changes: object) -> list[recorded_day.Day]:
    (tmp_path / "roster.json").write_text(json.dumps(roster(**changes)))
    return recorded_day.read(log, roster=recorded_day.read_roster(tmp_path / "roster.json"), zone=zone)


@pytest.mark.parametrize(
    ("name", "on", "events"),
    [
        ("busy-day", dt.date(2026, 9, 21), 1678),
        ("month-end-day", dt.date(2026, 9, 30), 2095),
        ("failures-day", dt.date(2026, 9, 22), 1678),
    ],
)
def test_reads_a_sample_day_whole(name: str, on: dt.date, events: int) -> None:
    given = recorded_day.read_roster(DATA / "roster.json")

    days = recorded_day.read(DATA / f"{name}.csv.gz", roster=given, zone=ZONE)

    assert [(day.on, len(day.events)) for day in days] == [(on, events)]


def test_reads_an_event_with_all_its_parts(tmp_path: Path) -> None:
    days = played(tmp_path, OPEN, "2026-09-21T09:00:30,pause,,,,1,break,7.5")

    event = days[0].events[1]

    assert (event.line, event.at) == (
        3,
        dt.datetime(2026, 9, 21, 1, 0, 30, tzinfo=dt.UTC),
    )
    assert (event.verb, event.counter, event.reason, event.planned) == (
        "pause",
        1,
        "break",
        dt.timedelta(minutes=7.5),
    )


def test_splits_a_file_of_several_dates(tmp_path: Path) -> None:
    days = played(
        tmp_path,
        OPEN,
        "2026-09-21T18:00:00,close,,,,1,,",
        "2026-09-22T09:00:00,open,,,,1,,",
        ISSUE.replace("-21T", "-22T"),
    )

    assert [(day.on.day, len(day.events)) for day in days] == [(21, 2), (22, 2)]


def test_the_same_number_comes_again_on_another_date(tmp_path: Path) -> None:
    days = played(tmp_path, ISSUE, ISSUE.replace("-21T", "-22T"))

    assert [day.events[0].ticket for day in days] == ["A0001", "A0001"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2026-09-21T09:00:00,opened,,,,1,,"], "line 2: unknown event 'opened'."),
        (["2026-09-21 09:00:00,open,,,,1,,"], "line 2: '2026-09-21 09:00:00' is not a time like 2026-09-21T09:00:00."),
        (["2026-09-21T09:00:00Z,open,,,,1,,"], "line 2: '2026-09-21T09:00:00Z' is not a time like 2026-09-21T09:00:00."),
        (["2026-02-30T09:00:00,open,,,,1,,"], "line 2: '2026-02-30T09:00:00' is not a time like 2026-09-21T09:00:00."),
        (["0001-01-01T00:00:00,open,,,,1,,"], "line 2: the year 1 is not between 1970 and 2199."),
        ([OPEN, "2026-09-21T08:59:59,open,,,,2,,"], "line 3: out of order: 2026-09-21T08:59:59 comes after 2026-09-21T09:00:00."),
        (["2026-09-21T09:00:00,open,,,,1,"], "line 2: has 7 fields instead of 8."),
        (["2026-09-21T09:00:00,open,,,,1,,,"], "line 2: has 9 fields instead of 8."),
        ([OPEN, ""], "line 3: has 0 fields instead of 8."),
        (['2026-09-21T09:00:00,open,,,,"1,,'], "line 2: a quotation mark is not closed."),
        ([b"2026-09-21T09:00:00,open,,,,\xff,,"], "line 2: is not UTF-8."),
        ([b"2026-09-21T09:00:00,open,,,,1\x00,,"], "line 2: holds a NUL byte."),
        (["x" * 5000], "line 2: longer than 4096 bytes."),
        (["2026-09-21T09:00:00,open,,,,9,,"], "line 2: unknown counter 9: the roster has none."),
        (["2026-09-21T09:00:00,open,,,,,,"], "line 2: '' is not a counter number."),
        (["2026-09-21T09:00:00,open,,,,99999,,"], "line 2: '99999' is not a counter number."),
        (["2026-09-21T09:00:00,open,,,,-1,,"], "line 2: '-1' is not a counter number."),
        (["2026-09-21T09:00:00,open,A0001,,,1,,"], "line 2: ticket must be empty for open, not 'A0001'."),
        (["2026-09-21T09:00:00,open,,,,1,lunch,"], "line 2: reason must be empty for open, not 'lunch'."),
        (["2026-09-21T09:01:00,issue,C0001,C,2,,,"], "line 2: unknown service C: the roster has none."),
        (["2026-09-21T09:01:00,issue,A0001,B,2,,,"], "line 2: ticket A0001 does not begin with its service 'B'."),
        (["2026-09-21T09:01:00,issue,A1234567,A,2,,,"], "line 2: 'A1234567' is not a ticket number: one capital letter and 1 to 6 digits."),
        (["2026-09-21T09:01:00,issue,A٣,A,2,,,"], "line 2: 'A\\u0663' is not a ticket number: one capital letter and 1 to 6 digits."),
        (["2026-09-21T09:01:00,issue,A0001,A,3,,,"], "line 2: priority '3' is not 0, 1 or 2."),
        (["2026-09-21T09:01:00,issue,A0001,A,,,,"], "line 2: priority '' is not 0, 1 or 2."),
        (["2026-09-21T09:01:00,issue,A0001,A,2,1,,"], "line 2: counter must be empty for issue, not '1'."),
        ([ISSUE, ISSUE], "line 3: ticket A0001 was already issued on 2026-09-21."),
        ([ISSUE, ISSUE.replace("A0001", "A001")], "line 3: ticket A001 was already issued on 2026-09-21."),
        (["2026-09-21T08:59:59,issue,A0001,A,2,,,"], "line 2: the hall gives no tickets at 08:59:59."),
        (["2026-09-21T17:50:00,issue,A0001,A,2,,,"], "line 2: the hall gives no tickets at 17:50:00."),
        ([OPEN, CALL], "line 3: call of ticket A0001, which was not issued."),
        ([OPEN, ISSUE, CALL.replace(",2,1,", ",1,1,")], "line 4: ticket A0001 was issued with priority 2, not 1."),
        ([ISSUE, CALL], "line 3: call at counter 1, which is closed."),
        ([OPEN, "2026-09-21T09:00:30,pause,,,,1,lunch,45", ISSUE, CALL], "line 5: call at counter 1, which is paused."),
        ([OPEN, ISSUE, ISSUE.replace("1,A", "2,A"), CALL, CALL.replace("1,A", "2,A")], "line 6: call at counter 1, which still has A0001."),
        ([OPEN, ISSUE, CALL, CALL], "line 5: call of ticket A0001, which is called, not waiting."),
        ([OPEN, ISSUE, START], "line 4: start of ticket A0001, which is waiting, not called."),
        ([OPEN, ISSUE, CALL, START.replace(",1,,", ",2,,")], "line 5: start of ticket A0001 at counter 2; it was called to 1."),
        ([OPEN, ISSUE, CALL, CALL.replace("call", "finish")], "line 5: finish of ticket A0001, which is called, not being served."),
        ([OPEN, ISSUE, CALL, START, NO_SHOW], "line 6: no_show of ticket A0001, which is being served, not called."),
        ([OPEN, ISSUE, CALL, "2026-09-21T09:03:00,abandon,A0001,A,2,,,"], "line 5: abandon of ticket A0001, which is called, not waiting."),
        ([OPEN, ISSUE, CALL, "2026-09-21T09:03:00,pause,,,,1,break,"], "line 5: pause of counter 1, which still has A0001."),
        ([OPEN, ISSUE, CALL, "2026-09-21T09:03:00,close,,,,1,,"], "line 5: close of counter 1, which still has A0001."),
        ([OPEN, OPEN], "line 3: open of counter 1, which is open."),
        ([OPEN, OPEN.replace("open", "resume")], "line 3: resume of counter 1, which is open."),
        (["2026-09-21T09:00:00,pause,,,,1,break,"], "line 2: pause of counter 1, which is closed."),
        (["2026-09-21T09:00:00,close,,,,1,,"], "line 2: close of counter 1, which is closed."),
        ([OPEN, "2026-09-21T09:03:00,pause,,,,1,tired,"], "line 3: reason 'tired' of the pause is not one of lunch, break, failure."),
        ([OPEN, "2026-09-21T09:03:00,pause,,,,1,break,nan"], "line 3: planned_min 'nan' is not a number of minutes."),
        ([OPEN, "2026-09-21T09:03:00,pause,,,,1,break,-5"], "line 3: planned_min '-5' is not a number of minutes."),
        ([OPEN, "2026-09-21T09:03:00,pause,,,,1,break,800"], "line 3: planned_min '800' is over 12 hours."),
    ],
)  # fmt: skip
def test_refuses_what_cannot_have_happened(tmp_path: Path, lines: list[str | bytes], message: str) -> None:
    with pytest.raises(NotPlayable) as refusal:
        played(tmp_path, *lines)

    assert str(refusal.value) == message


def test_refuses_another_header(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable) as refusal:
        played(tmp_path, OPEN, header="ts,event,ticket")

    assert str(refusal.value) == "line 1: has 3 fields instead of 8."


def test_refuses_a_header_in_another_order(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable) as refusal:
        played(
            tmp_path,
            OPEN,
            header="event,ts,ticket,service,priority,counter,reason,planned_min",
        )

    assert str(refusal.value) == f"line 1: the header must be {HEADER}."


def test_reads_a_file_that_a_spreadsheet_saved(tmp_path: Path) -> None:
    days = played(tmp_path, OPEN + "\r", header=b"\xef\xbb\xbf" + HEADER.encode() + b"\r")

    assert len(days[0].events) == 1


def test_refuses_a_log_cut_short(tmp_path: Path) -> None:
    log = tmp_path / "day.csv.gz"
    log.write_bytes((DATA / "busy-day.csv.gz").read_bytes()[:5000])

    with pytest.raises(NotPlayable, match=r"^line \d+: the compressed file is cut short or damaged\.$"):
        recorded_day.read(log, roster=recorded_day.read_roster(DATA / "roster.json"), zone=ZONE)


def test_refuses_a_damaged_log(tmp_path: Path) -> None:
    log = tmp_path / "day.csv.gz"
    whole = bytearray((DATA / "busy-day.csv.gz").read_bytes())
    whole[4000:4040] = b"\x55" * 40
    log.write_bytes(bytes(whole))

    with pytest.raises(NotPlayable, match=r"^line \d+: "):
        recorded_day.read(log, roster=recorded_day.read_roster(DATA / "roster.json"), zone=ZONE)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_refuses_an_empty_log(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "day.csv"
    log.write_bytes(content)

    with pytest.raises(NotPlayable, match="^day.csv is empty.$"):
        read(tmp_path, log)


def test_refuses_a_log_without_events(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match="^day.csv holds no event.$"):
        played(tmp_path)


def test_refuses_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match="^day.csv: No such file or directory.$"):
        read(tmp_path, tmp_path / "day.csv")


BERLIN = ZoneInfo("Europe/Berlin")


def test_refuses_a_time_that_the_clocks_jumped_over(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable) as refusal:
        played(tmp_path, "2026-03-29T02:30:00,open,,,,1,,", zone=BERLIN)

    assert (
        str(refusal.value)
        == "line 2: 2026-03-29T02:30:00 does not exist in Europe/Berlin: the clocks were put forward."
    )


def test_reads_the_hour_that_comes_twice_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    days = played(
        tmp_path,
        "2026-10-25T02:50:00,open,,,,1,,", "2026-10-25T02:10:00,close,,,,1,,", "2026-10-25T03:00:00,open,,,,1,,", zone=BERLIN,
    )  # fmt: skip

    assert [event.at.strftime("%H:%M") for event in days[0].events] == [
        "00:50",
        "01:10",
        "02:00",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"open": "9"}, "open must be a time of day such as 09:00."),
        ({"open": "18:00"}, "close must be later than open."),
        ({"last_ticket": "18:30"}, "last_ticket must lie between open and close."),
        ({"services": []}, "services must be a list of letters."),
        ({"services": ["A", "bill"]}, "service 'bill' is not one capital letter."),
        ({"services": ["A", "A"]}, "a service stands twice."),
        ({"counters": []}, "counters must be a list of 1 to 500."),
        (
            {"counters": [{"id": "VIP", "skills": []}]},
            "every counter needs an id, a whole number from 1 to 9999.",
        ),
        (
            {"counters": [{"id": "1", "skills": []}, {"id": 1, "skills": []}]},
            "counter 1 stands twice.",
        ),
        (
            {"counters": [{"id": "1", "skills": ["Z"]}]},
            "skills of counter 1 must be a list of the services.",
        ),
        (
            {"threshold_min": "15"},
            "threshold_min must be a number of minutes from 0 to 1440.",
        ),
    ],
)
def test_refuses_a_roster_that_no_hall_has(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(NotPlayable) as refusal:
        played(tmp_path, OPEN, **changes)

    assert str(refusal.value) == f"roster.json: {message}"


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
def test_refuses_a_roster_that_is_not_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "roster.json").write_bytes(content)

    with pytest.raises(NotPlayable, match="^roster.json is not JSON in UTF-8.$"):
        recorded_day.read_roster(tmp_path / "roster.json")


def test_a_hall_open_until_midnight_gives_tickets_until_then(tmp_path: Path) -> None:
    days = played(
        tmp_path,
        "2026-09-21T23:59:59,issue,A0001,A,2,,,",
        open="00:00",
        close="24:00",
        last_ticket=None,
    )

    assert len(days[0].events) == 1
