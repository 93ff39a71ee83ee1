"""The roster as a spreadsheet: a dry run with an error per bad row, applied whole or not at all; a file safe from formulas."""

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import translation
from openpyxl import Workbook, load_workbook

from hall import clock
from hall.models import Hall, Kind, Membership
from hall.refusals import Invalid
from roles import roster_files, rosters
from roles.models import Shift, ShiftEvent
from tests import make
from tests.make import AT
from tests.roles.roster_rows import HOUR, MONDAY, shift

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
HEAD = "date,login,post,zone,counter,from,to,meal"


@pytest.fixture(autouse=True)
def on_monday(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is Monday, 10:00 in the hall; what is said is read in English."""
    monkeypatch.setattr(clock, "now", lambda: AT)
    with translation.override("en"):
        yield


def clerk_hall() -> Hall:
    """A hall with the clerks wang and li, a zone "counter" and counter 3."""
    hall = make.hall()
    make.person(hall, Kind.CLERK, login="wang", name_zh="王芳", name_en="Wang Fang")
    make.person(hall, Kind.CLERK, login="li", name_zh="李雷", name_en="Li Lei")
    make.counter(hall, 3, zone=make.zone(hall))
    return hall


def checked(hall: Hall, *rows: str, head: str = HEAD) -> roster_files.Sheet:
    content = "\n".join([head, *rows]).encode()
    return roster_files.check(hall, roster_files.read("roster.csv", content), at=AT)


def errors(hall: Hall, *rows: str) -> list[tuple[int, str]]:
    return [(line.number, line.error) for line in checked(hall, *rows).errors]


def workbook(rows: list[list[object]]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def upload(client: Client, hall: Hall, content: bytes, name: str = "roster.csv") -> HttpResponse:
    return client.post(f"/h/{hall.code}/roster/check/", {"file": SimpleUploadedFile(name, content)})


# Reading


def test_reads_a_row_with_its_place_and_meal():
    hall = clerk_hall()

    (line,) = checked(hall, "2026-11-24,wang,counter-clerk,,3,09:00,17:00,12:00-12:45").lines

    assert line.error == ""
    assert line.plan is not None
    assert (line.plan.person.login, line.plan.post.slug) == ("wang", "counter-clerk")
    assert (line.plan.counter.number, line.plan.zone.slug) == (3, "counter")
    assert (line.plan.starts, line.plan.ends) == (AT + DAY - HOUR, AT + DAY + 7 * HOUR)
    assert line.plan.meal_from == AT + DAY + 2 * HOUR
    assert not Shift.objects.exists()


def test_reads_chinese_heads_names_and_the_encoding_of_chinese_spreadsheets():
    hall = clerk_hall()
    content = "日期,姓名,岗位,开始,结束\n2026/11/24,王芳,counter-clerk,9:00,17:00".encode("gb18030")

    sheet = roster_files.check(hall, roster_files.read("排班.csv", content), at=AT)

    assert [line.plan.person.login for line in sheet.lines if line.plan] == ["wang"]


def test_reads_dates_and_times_of_a_workbook_as_they_are_meant():
    hall = clerk_hall()
    content = workbook(
        [
            ["date", "login", "post", "counter", "from", "to", "meal"],
            [dt.date(2026, 11, 24), "wang", "counter-clerk", 3, dt.time(9), dt.time(17), "12:00-12:45"],
            [None, None, None, None, None, None, None],
            ["2026-11-24", "li", "counter-clerk", None, "22:00", "06:00", None],
        ]
    )

    sheet = roster_files.check(hall, roster_files.read("r.xlsx", content), at=AT)

    assert [(line.number, line.error) for line in sheet.lines] == [(2, ""), (4, "")]
    assert [line.plan.ends - line.plan.starts for line in sheet.lines if line.plan] == [8 * HOUR, 8 * HOUR]


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("date,login,post,from", "These columns are missing: to."),
        ("date,post,from,to", "These columns are missing: login."),
        ("login,name", "These columns are missing: date, post, from, to."),
        ("date,login,post,from,to,salary", "These columns are not known: salary."),
        ("date,login,post,from,to,date", "These columns are not known: date."),
    ],
)
def test_refuses_wrong_columns_by_name(head: str, words: str):
    with make.refusal(Invalid, re.escape(words)):
        roster_files.read("roster.csv", f"{head}\n2026-11-24,wang,counter-clerk,09:00,17:00,x".encode())


def test_gives_each_bad_row_its_error():
    hall = clerk_hall()
    make.person(make.hall(), Kind.CLERK, login="stranger")
    make.person(hall, Kind.GUARD, login="gao", name_en="Gao")
    shift(rosters.crew(hall)[Membership.objects.get(person__login="li").person_id].person, hall, on=MONDAY + DAY)

    found = errors(
        hall,
        "2026-11-24,wang,counter-clerk,,3,09:00,17:00,",
        "2026-11-24,wang,counter-clerk,,,16:00,20:00,",
        "2026-11-24,stranger,counter-clerk,,,09:00,17:00,",
        "2026-11-24,gao,counter-clerk,,,09:00,17:00,",
        "2026-11-24,li,counter-clerk,,,12:00,20:00,",
        "24.11.2026,li,counter-clerk,,,12:00,20:00,",
        "2026-11-25,li,counter-clerk,,,12:60,20:00,",
        "2026-11-25,li,pilot,,,12:00,20:00,",
        "2026-11-25,li,counter-clerk,cellar,,12:00,20:00,",
        "2026-11-25,li,counter-clerk,,9,12:00,20:00,",
        "2026-11-25,li,counter-clerk,,,09:00,08:00,",
        "2026-11-25,li,counter-clerk,,,09:00,17:00,18:00-19:00",
        "2026-11-25,l\x00i,counter-clerk,,,09:00,17:00,",
        "2026-11-22,li,counter-clerk,,,09:00,17:00,",
        "2026-11-25,,counter-clerk,,,09:00,17:00,",
    )

    assert found == [
        (3, "Wang Fang already has a shift from 11-24 09:00 to 17:00."),
        (4, "Nobody here is called stranger."),
        (5, "Gao does not have the post counter-clerk here."),
        (6, "Li Lei already has a shift from 11-24 09:00 to 17:00."),
        (7, "“24.11.2026” is no date. Please write it as 2026-11-24."),
        (8, "“12:60” is no time of day. Please write it as 09:00."),
        (9, "There is no post called pilot."),
        (10, "There is no zone called cellar."),
        (11, "There is no counter 9."),
        (12, "A shift has at most 16 hours."),
        (13, "The meal is within the shift."),
        (14, "The text has a character that cannot be stored. Please type it again."),
        (15, "This time is over; the roster keeps it as it was."),
        (16, "Nobody is named."),
    ]


def test_a_name_that_two_people_have_asks_for_the_login():
    hall = clerk_hall()
    make.person(hall, Kind.CLERK, login="wang-2", name_zh="王芳", name_en="Wang Fang 2")

    sheet = checked(hall, "2026-11-24,王芳,counter-clerk,09:00,17:00", head="date,name,post,from,to")

    assert sheet.errors[0].error == "Several people here are called 王芳. Please give the login name."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.xlsx", b"not a workbook"),
        ("r.xlsx", b"PK\x03\x04 broken"),
        ("r.xls", b"\xd0\xcf\x11\xe0 old"),
        ("r.csv", b"date,login\x00,post"),
        ("r.csv", b"\xff\xfe\xff\xff\xff"),
        ("r.csv", b'date,"login\nnever closed'),
        ("r.csv", b"date," + b"x" * 200_000),
        ("r.csv", b""),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(name: str, content: bytes):
    with make.refusal(Invalid, "cannot be read|is empty|not known"):
        roster_files.read(name, content)


def test_a_zip_that_is_no_workbook_or_unpacks_to_too_much_is_refused():
    bomb, other = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (21 * 1024 * 1024))
    with zipfile.ZipFile(other, "w") as packed:
        packed.writestr("hello.txt", "hello")

    with make.refusal(Invalid, "too large"):
        roster_files.read("r.xlsx", bomb.getvalue())
    with make.refusal(Invalid, "cannot be read"):
        roster_files.read("r.xlsx", other.getvalue())


def test_more_than_a_thousand_rows_are_refused():
    row = "2026-11-24,wang,counter-clerk,,,09:00,17:00,"

    assert len(roster_files.read("r.csv", "\n".join([HEAD, *[row] * 1000]).encode())) == 1000
    with make.refusal(Invalid, "more than 1000 rows"):
        roster_files.read("r.csv", "\n".join([HEAD, *[row] * 1001]).encode())


# By the page


def test_a_dry_run_shows_what_would_be_planned_and_writes_nothing_and_then_all_is_planned():
    hall = clerk_hall()
    client = make.client(make.person(hall, Kind.HALL_MANAGER))
    content = (
        f"{HEAD}\n2026-11-24,wang,counter-clerk,,3,09:00,17:00,12:00-12:45\n2026-12-01,li,counter-clerk,,,09:00,17:00,"
    )

    seen = upload(client, hall, content.encode())
    rows = seen.context["rows"]
    assert (seen.status_code, Shift.objects.count()) == (200, 0)
    assert "Plan all 2 shifts" in seen.content.decode()
    done = make.tap(client, f"/h/{hall.code}/roster/import/", {"rows": rows}, key="import-one")
    again = make.tap(client, f"/h/{hall.code}/roster/import/", {"rows": rows}, key="import-one")

    assert [answer["HX-Redirect"] for answer in (done, again)] == [f"/h/{hall.code}/roster/?week=2026-W48"] * 2
    assert list(Shift.objects.values_list("person__login", "on", "counter__number")) == [
        ("wang", MONDAY + DAY, 3),
        ("li", MONDAY + 8 * DAY, None),
    ]
    assert ShiftEvent.objects.filter(verb="imported").count() == 2


def test_one_bad_row_keeps_all_from_being_planned():
    hall = clerk_hall()
    client = make.client(make.person(hall, Kind.HALL_MANAGER))
    content = f"{HEAD}\n2026-11-24,wang,counter-clerk,,3,09:00,17:00,\n2026-11-24,nobody,counter-clerk,,,09:00,17:00,"

    seen = upload(client, hall, content.encode())
    forced = make.tap(client, f"/h/{hall.code}/roster/import/", {"rows": seen.context["rows"]})

    assert "Nobody here is called nobody." in seen.content.decode()
    assert "roster/import/" not in seen.content.decode()
    assert forced.status_code == 422
    assert not Shift.objects.exists()


def test_what_has_changed_since_the_dry_run_keeps_all_from_being_planned():
    hall = clerk_hall()
    client = make.client(make.person(hall, Kind.HALL_MANAGER))
    content = f"{HEAD}\n2026-11-24,wang,counter-clerk,,3,09:00,17:00,\n2026-11-24,li,counter-clerk,,,09:00,17:00,"
    rows = upload(client, hall, content.encode()).context["rows"]
    shift(Membership.objects.get(person__login="li").person, hall, on=MONDAY + DAY)

    answer = make.tap(client, f"/h/{hall.code}/roster/import/", {"rows": rows})

    assert answer.status_code == 422
    assert "changed meanwhile" in answer.content.decode()
    assert Shift.objects.count() == 1


def test_files_that_cannot_be_taken_are_answered_in_words():
    hall = clerk_hall()
    client = make.client(make.person(hall, Kind.HALL_MANAGER))

    assert upload(client, hall, b"x" * 900_001).status_code == 422
    assert upload(client, hall, b"x" * 1024 * 1024).status_code == 413
    assert upload(client, hall, b"").status_code == 422
    assert upload(client, hall, HEAD.encode()).status_code == 422
    assert client.post(f"/h/{hall.code}/roster/check/", {"file": "no file"}).status_code == 422
    assert not Shift.objects.exists()


# Writing


def export(hall: Hall, kind: str, query: str = "?week=2026-W48") -> HttpResponse:
    return make.client(make.person(hall, Kind.HALL_MANAGER)).get(f"/h/{hall.code}/roster.{kind}{query}")


@pytest.mark.covers("REC-45")
def test_writes_date_shift_post_zone_person_meal_and_swap():
    hall = clerk_hall()
    wang, li = (Membership.objects.get(person__login=login).person for login in ("wang", "li"))
    Membership.objects.filter(person=wang).update(company="Anbao Ltd")
    given = shift(li, hall, on=MONDAY + DAY, counter=hall.counters.get(), meal="12:00-12:45", note="till")
    rosters.agree_swap(rosters.ask_swap(given, to=wang, by=li, at=AT), by=None, at=AT)
    shift(wang, hall, on=MONDAY + 7 * DAY)

    answer = export(hall, "csv")

    assert answer["Content-Disposition"] == f'attachment; filename="{hall.code}-2026-W48.csv"'
    assert list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))) == [
        ["date", "login", "name", "company", "post", "zone", "counter", "from", "to", "meal", "deputy", "note", "swap"],
        [
            "2026-11-24",
            "wang",
            "Wang Fang",
            "Anbao Ltd",
            "counter-clerk",
            "counter",
            "3",
            "09:00",
            "17:00",
            "12:00-12:45",
            "",
            "till",
            "li > wang",
        ],
    ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_written_can_be_read_in_again_the_same(kind: str):
    hall = clerk_hall()
    manager = make.person(hall, Kind.DUTY_MANAGER, login="zhao")
    wang = Membership.objects.get(person__login="wang").person
    made = [
        shift(wang, hall, "09:00", "13:00", on=MONDAY + DAY, counter=hall.counters.get(), note="=1+1"),
        shift(manager, hall, "20:00", "02:00", on=MONDAY + 2 * DAY, delegate=wang, meal="00:30-01:00"),
    ]
    content = export(hall, kind).content
    for row in made:
        rosters.cancel(row, by=None, at=AT)

    sheet = roster_files.check(hall, roster_files.read(f"r.{kind}", content), at=AT)
    again = rosters.plan_all(hall, sheet.plans, verb="imported", by=None, at=AT)

    fields = ["on", "person_id", "post_id", "zone_id", "counter_id", "starts", "ends"]
    fields += ["meal_from", "meal_until", "delegate_id", "note"]
    assert sheet.errors == []
    assert [[getattr(row, name) for name in fields] for row in again] == [
        [getattr(row, name) for name in fields] for row in made
    ]


def test_no_cell_is_a_formula():
    hall = make.hall()
    person = make.person(hall, name_en='=HYPERLINK("http://x","y")', login="+1")
    shift(person, hall, note="@SUM(A1)")

    cells = next(csv.reader(io.StringIO(export(hall, "csv").content.decode("utf-8-sig").partition("\r\n")[2])))
    book = load_workbook(io.BytesIO(export(hall, "xlsx").content))

    assert (cells[1], cells[2], cells[-2]) == ("'+1", '\'=HYPERLINK("http://x","y")', "'@SUM(A1)")
    assert {cell.data_type for row in book.active.iter_rows() for cell in row} <= {"s", "inlineStr", "n"}
    assert book.active["C2"].value == '=HYPERLINK("http://x","y")'


def test_everybody_of_the_hall_takes_the_file_and_nobody_else():
    hall = make.hall()
    address = f"/h/{hall.code}/roster.xlsx"

    assert make.client(make.person(hall)).get(address).status_code == 200
    assert make.client(make.person(make.hall(), Kind.HALL_MANAGER)).get(address).status_code == 404
    assert make.client().get(address).status_code == 302
    assert export(hall, "xlsx", "?week=2026-W54").status_code == 422
