"""Duties out to a spreadsheet or YAML and in again: first what would change, then all of it in one step."""

import io
import zipfile
from collections.abc import Iterator

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import translation
from openpyxl import Workbook, load_workbook

from hall.models import Kind, Person, Post
from hall.refusals import Invalid, WrongState
from roles import catalogue, duties, duty_files
from roles.models import Duty
from tests import make
from tests.roles.catalogue_rows import loaded_for_module

pytestmark = pytest.mark.django_db

LIST, IMPORT = "/admin/roles/duty/", "/admin/roles/duty/import/"
ROW = {"code": "D-GD-90", "post": "guide", "text_zh": "给鱼缸换水", "cadence": "daily", "moment": "normal"}


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup, django_db_blocker) -> Iterator[None]:
    yield from loaded_for_module(django_db_blocker)


@pytest.fixture
def headquarters() -> Person:
    return make.person(make.hall(), Kind.HEADQUARTERS, is_staff=True)


def book(*rows: dict[str, object], heads: list[str] | None = None) -> bytes:
    """A spreadsheet of these rows, all under the columns of the first one unless told otherwise."""
    made, heads = Workbook(), heads or list(rows[0])
    made.active.append(heads)
    for row in rows:
        made.active.append([row.get(head) for head in heads])
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def upload(client: Client, content: bytes, name: str = "duties.xlsx"):
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content)})


def applied(client: Client, shown):
    return client.post(IMPORT, {"rows": shown.context["rows"], "digest": shown.context["plan"].digest})


def plan_of(*rows: dict[str, object], heads: list[str] | None = None) -> duties.Plan:
    return duties.plan(duty_files.read("duties.xlsx", book(*rows, heads=heads)))


# Out.


def test_the_spreadsheet_holds_every_duty_and_what_may_stand_in_its_columns(headquarters: Person):
    answer = make.client(headquarters).get(reverse("admin:roles_duty_export", args=["xlsx"]))

    found = load_workbook(io.BytesIO(answer.content))
    rows = list(found.worksheets[0].iter_rows(values_only=True))
    assert rows[0] == tuple(duty_files.HEADS)
    assert [row[0] for row in rows[1:]] == [duty.code for duty in Duty.objects.all()]
    assert (rows[1][1], rows[1][5]) == ("Hall manager", "As the need arises")
    names = [cell.value for cell in found.worksheets[1]["C"]]
    assert names[:2] == ["cadence", "For every customer"] and len([name for name in names if name]) == 19


def test_the_list_is_exported_as_it_is_filtered(headquarters: Person):
    answer = make.client(headquarters).get(reverse("admin:roles_duty_export", args=["yaml"]), {"post": "guide"})

    rows = yaml.safe_load(answer.content)["duties"]
    assert [row["code"] for row in rows] == [duty.code for duty in Duty.objects.filter(post__slug="guide")]
    assert set(rows[0]) == set(duty_files.HEADS)


def test_no_text_of_a_spreadsheet_is_a_formula():
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")']
    post = Post.objects.get(slug="guide")
    for number, text in enumerate(texts):
        Duty.objects.create(post=post, code=f"D-GD-9{number}", position=1000 + number, text_zh=text, text_en=text)

    content = duty_files.as_workbook(Duty.objects.filter(code__startswith="D-GD-9").select_related("post"), [post])

    cells = [cell for row in load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2) for cell in row]
    shown = [cell for cell in cells if cell.column in (4, 5)]
    assert [cell.value for cell in shown] == [text for text in texts for _column in (4, 5)]
    assert {(cell.data_type, cell.quotePrefix) for cell in shown} == {("s", True)}
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", ["xlsx", "yaml"])
def test_what_was_exported_changes_nothing_when_it_comes_in_again(kind: str, language: str):
    rows = Duty.objects.select_related("post")
    with translation.override(language):
        content = duty_files.as_workbook(rows, Post.objects.all()) if kind == "xlsx" else duty_files.as_yaml(rows)
        found = duties.plan(duty_files.read(f"duties.{kind}", content))

    assert (len(found.same), found.changed, found.new, found.wrong) == (627, [], [], [])


def test_an_unknown_kind_of_export_is_not_found(headquarters: Person):
    assert make.client(headquarters).get(LIST + "export.exe").status_code == 404


# In: what would change.


def test_a_dry_run_shows_what_would_change_per_row_and_changes_nothing(headquarters: Person):
    before = Duty.objects.get(code="D-GD-01")
    content = book(
        {"code": "D-GD-01", "post": "guide", "text_zh": "站在门口", "cadence": before.cadence, "moment": "opening"},
        {**ROW},
    )

    shown = upload(make.client(headquarters), content)

    found = shown.context["plan"]
    assert [(line.number, line.code, [(one.field, one.after) for one in line.changes]) for line in found.changed] == [
        (2, "D-GD-01", [("text_zh", "站在门口"), ("moment", "opening")])
    ]
    assert [line.code for line in found.new] == ["D-GD-90"]
    html = shown.content.decode()
    assert "1 would change, 1 are new, 0 stay the same, 0 are wrong" in html
    assert f"<del>{before.text_zh}</del>" in html and "<ins>站在门口</ins>" in html
    assert "<ins>Opening</ins>" in html
    before.refresh_from_db()
    assert before.text_zh != "站在门口" and Duty.objects.count() == 627


def test_names_in_either_language_are_understood():
    row = {
        "编号": "d-gd-90", "岗位": "引导岗", "中文": "给鱼缸换水", "周期": "Every Monday", "时点": "午间", "区域": "自助服务区",
        "记录": "保洁记录", "启用": "否",
    }  # fmt: skip

    (line,) = plan_of(row).lines

    assert (line.what, line.code) == ("new", "D-GD-90")
    assert {name: line.values[name] for name in ("post", "cadence", "moment", "zone_slug", "record", "is_active")} == {
        "post": "guide", "cadence": "weekly_mon", "moment": "lunch", "zone_slug": "selfservice", "record": "REC-44",
        "is_active": False,
    }  # fmt: skip


def test_a_new_duty_without_a_position_comes_last():
    last = Duty.objects.filter(post__slug="guide").order_by("position").last()

    found = plan_of(ROW, {**ROW, "code": "D-GD-91"})

    assert [line.values["position"] for line in found.new] == [last.position + 10, last.position + 20]


def test_a_column_that_is_left_out_leaves_its_field_alone():
    duty = Duty.objects.exclude(record="").first()
    row = {
        "code": duty.code,
        "post": duty.post.slug,
        "text_zh": duty.text_zh,
        "cadence": duty.cadence,
        "moment": duty.moment,
    }

    assert len(plan_of(row).same) == 1
    assert [one.field for one in plan_of(row | {"record": None}, heads=[*row, "record"]).changed[0].changes] == [
        "record"
    ]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"post": "astronaut"}, "There is no post called “astronaut”."),
        ({"post": ""}, "The duty has no post."),
        ({"cadence": "hourly"}, "There is no cadence called “hourly”."),
        ({"cadence": ""}, "The duty has no cadence."),
        ({"moment": "dawn"}, "There is no moment called “dawn”."),
        ({"zone": "moon"}, "There is no zone called “moon”."),
        ({"record": "REC-99"}, "There is no record called “REC-99”."),
        ({"code": ""}, "The duty has no code."),
        ({"code": "fish tank"}, "Please give a code such as D-HM-54."),
        ({"text_zh": ""}, "The duty has no Chinese text."),
        ({"text_zh": "字" * 201}, "The text is too long: 201 characters, at most 200."),
        ({"text_en": "x" * 401}, "The text is too long: 401 characters, at most 400."),
        ({"position": "-1"}, "Please give a whole number from 0 to 30000."),
        ({"in_use": "perhaps"}, "Please say yes or no."),
    ],
)
def test_a_wrong_row_says_why(wrong: dict[str, str], reason: str):
    with translation.override("en"):
        (line,) = plan_of(ROW | wrong).lines

    assert line.what == "wrong" and line.changes == []
    assert [error for error in line.errors if error.endswith(reason)] == line.errors != []


def test_a_code_that_stands_twice_is_wrong_the_second_time():
    with translation.override("en"):
        first, second = plan_of(ROW, {**ROW, "text_zh": "再换一次"}).lines

    assert (first.what, second.errors) == ("new", ["The code D-GD-90 stands in row 2 already."])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("duties.xlsx", b"", "cannot be read"),
        ("duties.xlsx", b"PK\x03\x04 no zip", "cannot be read"),
        ("duties.csv", b"code,post\n", "cannot be read"),
        ("duties.yaml", b"\xff\xfe", "cannot be read"),
        ("duties.yaml", b"duties: [", "cannot be read"),
        ("duties.yaml", b"just words", "a list under the word"),
        ("duties.yaml", b"duties: [1, 2]", "a list under the word"),
        ("duties.yaml", b"duties: []", "These columns are missing: code, post, text_zh, cadence, moment."),
        ("duties.yaml", b"duties: [{code: [[1], [2]], post: x, text_zh: x, cadence: x, moment: x}]", "cannot be read"),
        ("duties.yaml", b"duties: [{code: 0x" + b"f" * 9000 + b", post: x, text_zh: x, cadence: x, moment: x}]", "cannot be read"),
        ("duties.xlsx", book({"code": "D-GD-90", "colour": "red"}), "These columns are not known: colour."),
        ("duties.xlsx", book({"code": "D-GD-90"}), "These columns are missing: post, text_zh, cadence, moment."),
        ("duties.xlsx", book(dict.fromkeys(ROW), heads=list(ROW)), "The file has no duties."),
        ("duties.xlsx", book(ROW, heads=["code", *ROW]), "These columns are not known: code."),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_duties_is_refused_in_words(
    headquarters: Person, name: str, content: bytes, reason: str
):
    answer = upload(make.client(headquarters), content, name)

    assert answer.status_code in (200, 422)
    assert reason in answer.content.decode()
    assert "plan" not in answer.context or answer.context["plan"] == ""
    assert Duty.objects.count() == 627


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(duty_files, "MOST_ROWS", 2)

    with make.refusal(Invalid):
        duty_files.read("duties.xlsx", book(ROW, ROW, ROW))


def test_a_packed_file_that_unfolds_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(duty_files, "LARGEST_UNPACKED", 1000)

    with translation.override("en"), make.refusal(Invalid, "too large"):
        duty_files.read("duties.xlsx", book(ROW))


def test_nothing_is_chosen(headquarters: Person):
    assert "Please choose a file." in make.client(headquarters).post(IMPORT).content.decode()


# In: applied.


def test_what_the_dry_run_showed_is_applied_in_one_step(headquarters: Person):
    client, duty = make.client(headquarters), Duty.objects.get(code="D-GD-01")
    shown = upload(
        client,
        book(
            {"code": "D-GD-01", "post": "guide", "text_zh": "站在门口", "cadence": duty.cadence, "moment": duty.moment},
            ROW,
        ),
    )

    answer = applied(client, shown)

    duty.refresh_from_db()
    added = Duty.objects.get(code="D-GD-90")
    assert answer.status_code == 302
    assert (duty.text_zh, catalogue.changed_here(duty)) == ("站在门口", ["text_zh"])
    assert (added.post.slug, added.text_zh, added.is_active, added.loaded) == ("guide", "给鱼缸换水", True, None)
    for row in (duty, added):
        record = row.history.order_by("-history_id").first()
        assert (record.history_user, record.history_change_reason) == (headquarters, "import")
    assert Duty.history.count() == 629
    assert "Imported: 1 new, 1 changed." in client.get(LIST).content.decode()


def test_a_yaml_file_is_applied_too(headquarters: Person):
    client = make.client(headquarters)
    content = yaml.safe_dump({"duties": [ROW | {"in_use": False, "position": 15}]}, allow_unicode=True).encode()

    applied(client, upload(client, content, "duties.yaml"))

    added = Duty.objects.get(code="D-GD-90")
    assert (added.is_active, added.position) == (False, 15)


def test_a_duty_can_move_to_another_post(headquarters: Person):
    duty = Duty.objects.get(code="D-GD-01")
    row = {
        "code": duty.code,
        "post": "floater",
        "text_zh": duty.text_zh,
        "cadence": duty.cadence,
        "moment": duty.moment,
    }
    rows = duty_files.read("duties.xlsx", book(row))

    duties.apply(rows, digest=duties.plan(rows).digest, by=headquarters, at=make.AT)

    duty.refresh_from_db()
    assert duty.post.slug == "floater"


def test_nothing_of_a_file_with_a_wrong_row_is_applied(headquarters: Person):
    rows = duty_files.read("duties.xlsx", book(ROW, {**ROW, "code": "D-GD-91", "post": "astronaut"}))
    digest = duties.plan(rows).digest

    with make.refusal(Invalid):
        duties.apply(rows, digest=digest, by=headquarters, at=make.AT)

    assert Duty.objects.count() == 627


def test_what_was_changed_meanwhile_is_not_overwritten_unseen(headquarters: Person):
    client, duty = make.client(headquarters), Duty.objects.get(code="D-GD-01")
    row = {"code": "D-GD-01", "post": "guide", "text_zh": "站在门口", "cadence": duty.cadence, "moment": duty.moment}
    shown = upload(client, book(row))
    Duty.objects.filter(pk=duty.pk).update(text_zh="别人刚改的")

    answer = applied(client, shown)

    duty.refresh_from_db()
    assert (answer.status_code, duty.text_zh) == (409, "别人刚改的")
    assert "Somebody has changed these duties meanwhile." in answer.content.decode()


def test_the_same_dry_run_applied_twice_adds_once(headquarters: Person):
    client = make.client(headquarters)
    shown = upload(client, book(ROW))

    first, second = applied(client, shown), applied(client, shown)

    assert (first.status_code, second.status_code) == (302, 409)
    assert Duty.objects.filter(code="D-GD-90").count() == 1


def test_rows_that_no_dry_run_has_signed_are_refused(headquarters: Person):
    answer = make.client(headquarters).post(IMPORT, {"rows": "[[1, {}]]", "digest": ""})

    assert answer.status_code == 409
    assert "Please choose the file again." in answer.content.decode()
    assert WrongState.status == 409


@pytest.mark.parametrize("kind", [Kind.HALL_MANAGER, Kind.CLERK])
def test_only_headquarters_import(headquarters: Person, kind: str):
    shown = upload(make.client(headquarters), book(ROW))
    other = make.client(make.person(make.hall(), kind, is_staff=True))

    assert upload(other, book(ROW)).status_code == 403
    assert applied(other, shown).status_code == 403
    assert applied(make.client(), shown).status_code == 302  # to the login page
    assert Duty.objects.count() == 627
