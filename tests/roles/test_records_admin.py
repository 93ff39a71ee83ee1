"""The editor of forms in the admin site."""

import pytest
from django.test import Client

from hall.models import Kind
from roles.models import Form
from tests import make
from tests.roles.record_rows import field, form

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

LIST = "/admin/roles/form/"


def editor(kind: str = Kind.HEADQUARTERS) -> Client:
    return make.client(make.person(make.hall(), kind, is_staff=True))


def sent(row: Form, *fields: dict[str, object], **head: object) -> dict[str, object]:
    """What the page sends: the head, then each field."""
    data: dict[str, object] = {
        "name_zh": row.name_zh, "name_en": row.name_en, "is_active": "on", "version": row.version, "field-TOTAL_FORMS": len(fields),
        "field-INITIAL_FORMS": len(row.fields), **head,
    }  # fmt: skip
    for number, one in enumerate(fields):
        data |= {f"field-{number}-ORDER": number + 1, f"field-{number}-kind": "text"}
        data |= {f"field-{number}-{name}": value for name, value in one.items()}
    return data


def test_an_edit_makes_the_next_version():
    row = form(field("a"), code="TST-1")
    choices = "good | 正常 | Works\nbad | 故障 | Broken"

    answer = editor().post(
        f"{LIST}{row.pk}/change/",
        sent(
            row,
            {"name": "a", "label_zh": "甲", "required": "on"},
            {"name": "b", "label_zh": "乙", "kind": "choice", "choices": choices},
        ),
    )

    made = Form.objects.get(code="TST-1", is_current=True)
    assert (answer.status_code, made.version, made.is_shipped) == (302, 2, False)
    assert [(one["name"], one["required"]) for one in made.fields] == [("a", True), ("b", False)]
    assert made.fields[1]["choices"] == [
        {"value": "good", "zh": "正常", "en": "Works"},
        {"value": "bad", "zh": "故障", "en": "Broken"},
    ]


def test_fields_are_put_in_order_and_taken_away():
    row = form(field("a"), field("b"), field("c"), code="TST-2")

    editor().post(
        f"{LIST}{row.pk}/change/",
        sent(
            row,
            {"name": "a", "label_zh": "甲", "ORDER": 3},
            {"name": "b", "label_zh": "乙", "DELETE": "on"},
            {"name": "c", "label_zh": "丙", "ORDER": 1},
        ),
    )

    assert [one["name"] for one in Form.objects.get(code="TST-2", is_current=True).fields] == ["c", "a"]


def test_what_is_wrong_is_told_beside_its_field_and_stays_typed():
    row = form(field("a"), code="TST-3")

    answer = editor().post(
        f"{LIST}{row.pk}/change/",
        sent(
            row,
            {"name": "a", "label_zh": "甲"},
            {"name": "Bad Name", "label_zh": "乙", "kind": "choice", "choices": "one | 一"},
        ),
    )

    assert answer.status_code == 422
    assert dict(answer.context["rows"].forms[1].errors) == {
        "name": ["Small letters, digits and _ only, a letter first."],
        "choices": ["Give from 2 to 40 choices, each with a short name of its own."],
    }
    assert "Bad Name" in answer.content.decode()
    assert Form.objects.filter(code="TST-3").count() == 1


def test_two_who_edit_at_once_do_not_overwrite_each_other():
    row = form(field("a"), code="TST-4")
    mine = sent(row, {"name": "mine", "label_zh": "甲"})
    form(field("theirs"), code="TST-4")
    current = Form.objects.get(code="TST-4", is_current=True)

    answer = editor().post(f"{LIST}{current.pk}/change/", mine)

    assert answer.status_code == 422
    assert "Somebody else has changed this form meanwhile" in answer.content.decode()
    assert Form.objects.get(code="TST-4", is_current=True) == current


def test_a_former_version_is_shown_to_be_taken_again():
    form(field("old"), code="TST-5")
    form(field("new"), code="TST-5")
    current = Form.objects.get(code="TST-5", is_current=True)

    answer = editor().get(f"{LIST}{current.pk}/change/?version=1")

    assert answer.status_code == 200
    assert answer.context["rows"].initial[0]["name"] == "old"
    assert answer.context["head"].initial["version"] == 2


def test_a_new_form_is_made_and_a_known_code_is_refused():
    form(code="TST-6")
    empty = Form(name_zh="新表", name_en="New", version=0, fields=[])
    data = sent(empty, {"name": "a", "label_zh": "甲"})
    browser = editor()

    taken = browser.post(f"{LIST}add/", data | {"code": "TST-6"})
    made = browser.post(f"{LIST}add/", data | {"code": "TST-7"})

    assert (taken.status_code, made.status_code) == (422, 302)
    assert Form.objects.get(code="TST-7").version == 1


def test_who_edits_one_hall_reads_forms_and_does_not_change_them():
    row = form(field("a"), code="TST-8")
    manager = editor(Kind.HALL_MANAGER)

    assert manager.get(LIST).status_code == 200
    assert manager.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert manager.post(f"{LIST}{row.pk}/change/", sent(row, {"name": "x", "label_zh": "甲"})).status_code == 403
    assert manager.get(f"{LIST}add/").status_code == 403
    assert editor().post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Form.objects.get(code="TST-8").version == 1
