"""Forms and entries: handed in, kept as they were, corrected by a new version, loaded without overwriting people's work."""

import datetime as dt
import io
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from hall.models import Kind
from hall.refusals import Invalid, WrongState
from roles import records
from roles.models import Entry, Form
from roles.records import BadForm, NotFilledIn
from tests import make
from tests.roles.record_rows import entry, field, form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

FIRE = {"hydrants": "yes", "extinguishers": "no", "count": "12", "pipes": "yes", "taps": "yes", "exits": "yes"}


def errors(filled: Form, hall: object, answers: dict[str, str]) -> dict[str, str]:
    return records.read(filled, answers, hall)[1]  # type: ignore[arg-type]


def shipped(code: str) -> Form:
    records.load_forms(by=None, at=make.AT)
    return Form.objects.get(code=code, is_current=True)


@pytest.mark.covers("R-B07")
def test_the_fire_gear_register_keeps_what_was_entered():
    hall = make.hall()
    person = make.person(hall, Kind.DUTY_MANAGER)

    made = records.hand_in(shipped("REC-36"), hall, FIRE, by=person, at=make.AT)

    made.refresh_from_db()
    assert (made.code, made.by, made.business_date) == ("REC-36", person, dt.date(2026, 11, 23))
    assert {row["name"]: row["value"] for row in made.data} == {
        "hydrants": True, "extinguishers": False, "count": 12, "pipes": True, "taps": True, "exits": True, "hazard": None,
        "reported_to": None,
    }  # fmt: skip


def test_an_entry_keeps_the_wording_of_its_day():
    hall = make.hall()
    old = form(field("what"), code="TST-A")
    made = entry(old, hall, make.person(hall), what="leak")

    records.define_form("TST-A", name_zh="新表", fields=[field("other")], by=None, at=make.AT)

    made.refresh_from_db()
    assert [(row["label_en"], row["shown_en"]) for row in made.data] == [("what", "leak")]
    assert (made.form.version, made.form.name_zh) == (1, "测试表")


def test_an_entry_keeps_the_name_of_a_person_who_is_renamed():
    hall = make.hall()
    named = make.person(hall, name_en="Li Na")
    made = entry(form(field("who", "person")), hall, make.person(hall), who=str(named.pk))

    named.name_en = "Li Nana"
    named.save()

    made.refresh_from_db()
    assert (made.data[0]["shown_en"], made.people) == ("Li Na", [named.pk])


@pytest.mark.parametrize(
    ("one", "typed", "said"),
    [
        (field("a", required=True), "", "Please fill this in."),
        (field("a", required=True), "   ", "Please fill this in."),
        (field("a", "number"), "twelve", "Please give a number such as 12 or 12.5."),
        (field("a", "number"), "1e9", "Please give a number such as 12 or 12.5."),
        (field("a", "number"), "NaN", "Please give a number such as 12 or 12.5."),
        (field("a", "number", least=1, most=5), "0", "At least 1."),
        (field("a", "number", least=1, most=5), "5.5", "At most 5."),
        (field("a", "choice", choices=[{"value": "x", "zh": "甲"}, {"value": "y", "zh": "乙"}]), "z", "Please choose one of the list."),
        (field("a", "yesno"), "perhaps", "Please choose yes or no."),
        (field("a", "date"), "2026-02-30", "Please give a date as 2026-11-24."),
        (field("a", "time"), "25:00", "Please give a time of day such as 14:30."),
        (field("a", "person"), "999999", "Please choose a person of this hall."),
        (field("a", "person"), "²", "Please choose a person of this hall."),
        (field("a"), "a\x00b", "The text has a character that cannot be stored. Please type it again."),
        (field("a"), "a\nb", "The text has a character that cannot be stored. Please type it again."),
        (field("a"), "x" * 201, "The text is too long: 201 characters, at most 200."),
    ],
)  # fmt: skip
def test_a_field_says_in_words_why_an_answer_is_not_taken(one: dict[str, object], typed: str, said: str):
    hall = make.hall()

    assert errors(form(one), hall, {"a": typed}) == {"a": said}


def test_a_number_at_its_bounds_and_several_lines_are_taken():
    hall = make.hall()
    filled = form(field("a", "number", least=1, most=5), field("b", "number"), field("c", "long"))

    rows, wrong = records.read(filled, {"a": "5", "b": "-2.50", "c": "one\r\ntwo"}, hall)

    assert (wrong, [row["value"] for row in rows]) == ({}, [5, -2.5, "one\ntwo"])


def test_nothing_is_kept_when_one_field_is_wrong():
    hall = make.hall()
    filled = form(field("a"), field("b", "number"), field("c", "date"))

    with pytest.raises(NotFilledIn) as refused:
        entry(filled, hall, make.person(hall), a="fine", b="x", c="x")

    assert set(refused.value.errors) == {"b", "c"}
    assert not Entry.objects.exists()


def test_an_empty_form_is_not_handed_in():
    hall = make.hall()

    assert errors(form(field("a"), field("b")), hall, {}) == {"a": "Please fill in at least one field."}


def test_a_person_of_another_hall_cannot_be_named():
    hall = make.hall()
    stranger = make.person(make.hall())

    assert errors(form(field("who", "person")), hall, {"who": str(stranger.pk)}) == {
        "who": "Please choose a person of this hall."
    }


def test_a_correction_is_another_entry_and_the_first_stays_as_it_was():
    hall = make.hall()
    first = entry(form(), hall, make.person(hall), what="12 extinguishers")
    manager, later = make.person(hall, Kind.DUTY_MANAGER), make.AT + dt.timedelta(days=1)

    second = records.correct(first, {"what": "13 extinguishers"}, reason="counted again", by=manager, at=later)

    first.refresh_from_db()
    assert first.data[0]["value"] == "12 extinguishers"
    assert (second.replaces, second.data[0]["value"], second.reason) == (first, "13 extinguishers", "counted again")
    assert second.by == manager
    assert second.business_date == first.business_date
    assert list(records.entries(hall, first.code)) == [second]
    assert records.versions(first) == records.versions(second) == [first, second]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_a_correction_needs_a_reason(reason: str):
    hall = make.hall()
    first = entry(form(), hall, make.person(hall))

    with pytest.raises(NotFilledIn) as refused:
        records.correct(first, {"what": "else"}, reason=reason, by=first.by, at=make.AT)

    assert list(refused.value.errors) == ["reason"]
    assert Entry.objects.count() == 1


def test_an_entry_is_corrected_once_and_then_its_correction():
    hall = make.hall()
    first = entry(form(), hall, make.person(hall))
    records.correct(first, {"what": "b"}, reason="wrong", by=first.by, at=make.AT)

    with make.refusal(WrongState, match="corrected already"):
        records.correct(first, {"what": "c"}, reason="wrong", by=first.by, at=make.AT)

    assert Entry.objects.count() == 2


def test_no_verb_changes_an_entry():
    """Immutable: what this module does with entries is reading and `create`."""
    source = Path(records.__file__).read_text(encoding="utf-8")

    writes = re.findall(r"Entry\.objects\.(create|bulk_\w+|update\w*|delete|get_or_create)\(", source)

    assert (writes, re.findall(r"(\w+)\.save\(", source), ".update(" in source) == (["create"], ["current"], False)


def test_an_edit_makes_a_new_version_and_the_same_again_makes_none():
    first = form(field("a"), code="TST-B")

    second = form(field("a"), field("b"), code="TST-B")
    again = form(field("a"), field("b"), code="TST-B")

    first.refresh_from_db()
    assert ((first.version, first.is_current), (second.version, second.is_current), again) == ((1, False), (2, True), second)  # fmt: skip


def test_an_old_version_and_a_form_out_of_use_are_not_filled_in():
    hall = make.hall()
    person = make.person(hall)
    old = form(code="TST-C")
    off = form(field("what"), code="TST-C", is_active=False)

    for filled, said in [(old, "out of use|newer version"), (off, "out of use")]:
        with make.refusal(WrongState, match=said):
            entry(filled, hall, person)

    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ([], "fields"),
        ([field("Bad Name")], "0.name"),
        ([field("a"), field("a")], "1.name"),
        ([field("a", "photograph")], "0.kind"),
        ([field("a", label_zh="")], "0.label_zh"),
        ([field("a", "choice")], "0.choices"),
        ([field("a", "choice", choices=[{"value": "x", "zh": "甲"}, {"value": "x", "zh": "乙"}])], "0.choices"),
        ([field("a", "number", least=5, most=1)], "0.most"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_used_is_refused_with_the_place(fields: list[dict[str, object]], place: str):
    with pytest.raises(BadForm) as refused:
        records.define_form("TST-D", name_zh="表", fields=fields, by=None, at=make.AT)

    assert list(refused.value.errors) == [place]
    assert not Form.objects.exists()


def test_the_shipped_forms_are_the_registers_of_these_duties():
    report = records.load_forms(by=None, at=make.AT)

    assert report.added == [
        "REC-01", "REC-02", "REC-03", "REC-04", "REC-05", "REC-06", "REC-24", "REC-36", "REC-37", "REC-38", "REC-40", "REC-43", "REC-44",
        "REC-45", "REC-46", "REC-50", "REC-54", "REC-55",
    ]  # fmt: skip
    assert all(one["label_zh"] and one["label_en"] for shipped in records.forms() for one in shipped.fields)


def test_loading_again_changes_nothing():
    records.load_forms(by=None, at=make.AT)

    report = records.load_forms(by=None, at=make.AT)

    assert (report.added, report.updated, report.kept) == ([], [], [])
    assert set(Form.objects.values_list("version", flat=True)) == {1}


def test_loading_renews_what_nobody_changed_and_keeps_what_somebody_did(monkeypatch: pytest.MonkeyPatch):
    records.load_forms(by=None, at=make.AT)
    form(field("own"), code="REC-40")
    Form.objects.filter(code="REC-44").update(name_en="Cleaning, as an older catalogue called it")

    report = records.load_forms(by=None, at=make.AT)

    assert (report.updated, report.kept) == (["REC-44"], ["REC-40"])
    assert [one["name"] for one in Form.objects.get(code="REC-40", is_current=True).fields] == ["own"]
    assert Form.objects.get(code="REC-44", is_current=True).name_en == "Cleaning log"


def test_search_finds_every_word_in_any_language_and_by_date():
    hall = make.hall()
    person = make.person(hall, name_zh="李娜")
    filled = form(field("a"), field("ok", "yesno"))
    leak = entry(filled, hall, person, a="Leak at the Tap", ok="yes")
    entry(filled, hall, person, a="nothing", ok="no")
    found = records.entries(hall, filled.code)
    day = leak.business_date

    assert list(records.search(found, "tap LEAK", None, None)) == [leak]
    assert list(records.search(found, "李娜 tap", day, day)) == [leak]
    assert records.search(found, "", day, None).count() == 2
    assert records.search(found, "", day + dt.timedelta(days=1), None).count() == 0
    assert records.search(found, "%", None, None).count() == 0


@pytest.mark.covers("R-B17")
def test_early_settlement_is_evidence_about_the_person_for_appraisal():
    hall = make.hall()
    clerk, manager = make.person(hall), make.person(hall, Kind.DUTY_MANAGER)
    answers = {"person": str(clerk.pk), "evidence": "early_settlement", "what": "Settled at 17:20, stopped."}

    made = records.hand_in(shipped("REC-50"), hall, answers, by=manager, at=make.AT)

    assert list(records.naming(hall, clerk)) == [made]
    assert made.data[1]["shown_en"] == "Settlement before closing, stopped"


def test_a_code_that_is_none_is_refused():
    with make.refusal(Invalid):
        records.define_form("rec 1", name_zh="表", fields=[field("a")], by=None, at=make.AT)


def test_the_forms_come_with_the_catalogue():
    call_command("load_catalogue", stdout=io.StringIO())

    assert len(records.forms()) == 18


def plausible(one: dict[str, object], person: object) -> str:
    """An answer that a field takes."""
    kinds = {"yesno": "yes", "date": "2026-11-23", "time": "08:30", "number": "1", "person": str(person.pk)}  # type: ignore[attr-defined]
    return one["choices"][0]["value"] if one["kind"] == "choice" else kinds.get(str(one["kind"]), "all in order")  # type: ignore[index]


REGISTERS = [
    "REC-01", "REC-02", "REC-03", "REC-04", "REC-05", "REC-06", "REC-24", "REC-36", "REC-37", "REC-38", "REC-40", "REC-43", "REC-44",
    "REC-45", "REC-46", "REC-50", "REC-54", "REC-55",
]  # fmt: skip


@pytest.mark.parametrize("code", [pytest.param(code, marks=pytest.mark.covers(code)) for code in REGISTERS])
def test_each_register_is_kept_and_found_again_in_both_languages(code: str):
    hall = make.hall()
    person, register = make.person(hall), shipped(code)

    made = entry(register, hall, person, **{one["name"]: plausible(one, person) for one in register.fields})

    made.refresh_from_db()
    assert [row["name"] for row in made.data] == [one["name"] for one in register.fields]
    assert all(row["shown_zh"] and row["shown_en"] and row["label_zh"] and row["label_en"] for row in made.data)
    assert list(records.entries(hall, code)) == [made]
