"""The pages of records: who sees what, filling in with errors beside the fields, search, export."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from hall.models import Hall, Kind
from roles import records
from roles.models import Entry
from tests import make
from tests.roles.record_rows import entry, field, form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def address(hall: Hall, *parts: object) -> str:
    return "".join(f"{part}/" for part in (f"/h/{hall.code}/records", *parts))


def test_everybody_of_the_hall_sees_the_forms_and_nobody_else():
    hall = make.hall()
    form(code="TST-1", name_en="Leak register")

    answers = {
        "guard": make.client(make.person(hall, Kind.GUARD)).get(address(hall)).status_code,
        "stranger": make.client(make.person(make.hall())).get(address(hall)).status_code,
        "nobody": make.client().get(address(hall)).status_code,
    }

    assert answers == {"guard": 200, "stranger": 404, "nobody": 302}
    assert "Leak register" in make.client(make.person(hall, Kind.GUARD)).get(address(hall)).content.decode()


def test_the_forms_of_ones_own_posts_stand_first():
    hall = make.hall()
    guards, others = form(filled_by=["security-guard"]), form(filled_by=["cleaner"])

    context = make.client(make.person(hall, Kind.GUARD)).get(address(hall)).context

    assert (context["mine"], context["others"]) == ([guards], [others])


def test_a_form_is_handed_in_and_its_entry_is_shown():
    hall = make.hall()
    filled, person = form(field("what"), field("count", "number")), make.person(hall)
    browser = make.client(person)

    answer = make.tap(browser, address(hall, filled.code, "new"), {"what": "a leak", "count": "3"})

    made = Entry.objects.get()
    assert (answer.status_code, answer["HX-Redirect"]) == (200, address(hall, filled.code, made.pk))
    assert (made.by, [row["value"] for row in made.data]) == (person, ["a leak", 3])
    assert "a leak" in browser.get(answer["HX-Redirect"]).content.decode()


def test_the_same_tap_twice_hands_in_once():
    hall = make.hall()
    filled = form()
    browser = make.client(make.person(hall))

    answers = [make.tap(browser, address(hall, filled.code, "new"), {"what": "x"}, key="twice-0001") for _ in range(2)]

    assert [answer["HX-Redirect"] for answer in answers] == [address(hall, filled.code, Entry.objects.get().pk)] * 2


def test_a_wrong_answer_is_told_beside_its_field_and_what_was_typed_stays():
    hall = make.hall()
    filled = form(field("what"), field("count", "number"))

    answer = make.tap(
        make.client(make.person(hall)), address(hall, filled.code, "new"), {"what": "a leak", "count": "lots"}
    )

    assert answer.status_code == 422
    assert [(one.value, one.error) for one in answer.context["inputs"]] == [
        ("a leak", ""),
        ("lots", "Please give a number such as 12 or 12.5."),
    ]
    assert 'value="lots"' in answer.content.decode()
    assert not Entry.objects.exists()


def test_ones_own_entries_are_seen_a_colleagues_only_by_who_sees_records():
    hall = make.hall()
    filled, guard, colleague = form(), make.person(hall, Kind.GUARD), make.person(hall, Kind.GUARD)
    mine, his = entry(filled, hall, guard, what="mine"), entry(filled, hall, colleague, what="his")
    browser, manager = make.client(guard), make.client(make.person(hall, Kind.DUTY_MANAGER))

    assert list(browser.get(address(hall, filled.code)).context["page"]) == [mine]
    assert set(manager.get(address(hall, filled.code)).context["page"]) == {mine, his}
    assert [
        who.get(address(hall, filled.code, one.pk)).status_code for who in (browser, manager) for one in (mine, his)
    ] == [200, 403, 200, 200]


def test_an_entry_of_another_hall_is_not_found():
    hall, other = make.hall(), make.hall()
    filled = form()
    foreign = entry(filled, other, make.person(other))
    manager = make.client(make.person(hall, Kind.DUTY_MANAGER))

    assert manager.get(address(hall, filled.code, foreign.pk)).status_code == 404
    correction = make.tap(manager, address(hall, filled.code, foreign.pk, "correct"), {"what": "x", "reason": "y"})
    assert correction.status_code == 404
    assert manager.get(address(hall, filled.code, 2**70)).status_code == 404
    assert list(manager.get(address(hall, filled.code)).context["page"]) == []


def test_a_correction_without_a_reason_is_told_and_with_one_is_kept():
    hall = make.hall()
    filled, person = form(), make.person(hall)
    first = entry(filled, hall, person, what="12")
    browser, to = make.client(person), address(hall, filled.code, first.pk, "correct")

    without = make.tap(browser, to, {"what": "13", "reason": ""})
    answer = make.tap(browser, to, {"what": "13", "reason": "counted again"})
    late = make.tap(browser, to, {"what": "14", "reason": "counted again"})

    assert (without.status_code, without.context["reason_error"]) == (422, "Please say why it is corrected.")
    assert 'value="13"' in without.content.decode()
    second = Entry.objects.get(replaces=first)
    assert answer["HX-Redirect"] == address(hall, filled.code, second.pk)
    assert (late.status_code, Entry.objects.count()) == (409, 2)


def test_a_date_that_is_none_finds_nothing_in_words():
    hall = make.hall()
    filled = form()
    entry(filled, hall, make.person(hall))
    manager = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answer = manager.get(address(hall, filled.code), {"since": "yesterday"})

    assert (answer.status_code, answer.context["asked"].error) == (422, "Please give a date as 2026-11-24.")
    assert manager.get(address(hall, filled.code, "csv"), {"since": "yesterday"}).status_code == 422


def test_the_list_asks_as_often_for_30_entries_as_for_one():
    hall = make.hall()
    filled, person = form(), make.person(hall, Kind.DUTY_MANAGER)
    browser = make.client(person)
    counts = []
    for more in (1, 29):
        for _ in range(more):
            entry(filled, hall, person)
        counts.append(queries(browser, address(hall, filled.code)))

    assert counts[0] == counts[1]


def queries(browser: Client, to: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(to).status_code == 200
    return len(asked)


def exported(hall: Hall, code: str, ending: str) -> bytes:
    answer = make.client(make.person(hall, Kind.HEADQUARTERS)).get(address(hall, code, ending))
    assert answer.status_code == 200
    assert answer["Content-Disposition"].endswith(f'.{ending}"')
    return answer.content


def test_csv_has_a_mark_for_spreadsheets_and_no_formula():
    hall = make.hall()
    filled = form(field("what"), field("count", "number"))
    person = make.person(hall, name_en="=HYPERLINK(1)")
    made = entry(filled, hall, person, what="=1+1", count="-5")

    body = exported(hall, filled.code, "csv")

    assert body.startswith(b"\xef\xbb\xbf")
    head, line = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert head == [
        "Number",
        "Date",
        "Handed in at",
        "Handed in by",
        "Version of the form",
        "what",
        "count",
        "Reason for the correction",
    ]
    assert line == [str(made.pk), "2026-11-23", "2026-11-23 10:00", "'=HYPERLINK(1)", "1", "'=1+1", "-5", ""]


def test_the_spreadsheet_holds_numbers_as_numbers_and_formulas_as_text():
    hall = make.hall()
    filled = form(field("what"), field("count", "number"))
    entry(filled, hall, make.person(hall), what="=1+1", count="2.5")

    sheet = load_workbook(io.BytesIO(exported(hall, filled.code, "xlsx"))).active

    cells = {sheet.cell(1, column).value: sheet.cell(2, column) for column in range(1, sheet.max_column + 1)}
    assert (cells["what"].value, cells["what"].data_type) == ("=1+1", "s")
    assert (cells["count"].value, cells["count"].data_type) == (2.5, "n")


def test_an_export_holds_fields_that_the_form_has_no_more():
    hall = make.hall()
    person = make.person(hall)
    entry(form(field("old"), code="TST-V"), hall, person, old="kept")
    entry(form(field("new"), code="TST-V"), hall, person, new="fresh")

    lines = list(csv.reader(io.StringIO(exported(hall, "TST-V", "csv").decode("utf-8-sig"))))

    assert [line[4:7] for line in lines] == [
        ["Version of the form", "new", "old"],
        ["2", "fresh", ""],
        ["1", "", "kept"],
    ]


def test_only_who_sees_records_exports_them():
    hall = make.hall()
    filled = form()

    for ending in ("csv", "xlsx"):
        to = address(hall, filled.code, ending)
        assert make.client(make.person(hall, Kind.GUARD)).get(to).status_code == 403
        assert make.client(make.person(make.hall(), Kind.DUTY_MANAGER)).get(to).status_code == 404
        assert make.client().get(to).status_code == 302


def test_an_unknown_form_is_not_found():
    hall = make.hall()
    browser = make.client(make.person(hall))

    assert [browser.get(address(hall, *parts)).status_code for parts in (["REC-99"], ["REC-99", "new"])] == [404, 404]


def test_every_shipped_form_can_be_opened():
    hall = make.hall()
    browser = make.client(make.person(hall))
    records.load_forms(by=None, at=make.AT)

    answers = {shown.code: browser.get(address(hall, shown.code, "new")).status_code for shown in records.forms()}

    assert set(answers.values()) == {200}
    assert len(answers) == 18
