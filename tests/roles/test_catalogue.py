"""The catalogue: what it holds, how it is loaded, and that what people changed stays."""

import json
import re
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.utils import translation

from hall.management.commands import prepare
from hall.models import Hall, Kind, Post
from roles import catalogue
from roles.models import Cadence, ConductItem, Duty, Moment
from tests import make

pytestmark = pytest.mark.django_db

HAN = re.compile(r"[\u4e00-\u9fff]")


def load(**options: object) -> catalogue.Report:
    return catalogue.load(**{"by": None, "at": make.AT, **options})


def reworded(monkeypatch: pytest.MonkeyPatch, code: str, **fields: object) -> None:
    """The next version of the catalogue says something else of this duty."""
    words = catalogue.duty_words()
    words[code] = words[code] | fields
    monkeypatch.setattr(catalogue, "duty_words", lambda: words)


# What it holds.


@pytest.mark.covers("O-01")
def test_every_post_and_duty_of_the_catalogue_is_there_in_both_languages():
    load()

    assert Counter(Post.objects.values_list("group", flat=True)) == {
        "core": 22,
        "management": 3,
        "extended": 12,
        "tasks": 1,
    }
    duties = list(Duty.objects.select_related("post"))
    assert len(duties) == 627
    assert [duty.code for duty in duties if not duty.code.startswith(f"D-{duty.post.code}-")] == []
    assert [duty.code for duty in duties if not HAN.search(duty.text_zh) or HAN.search(duty.text_en or "中")] == []
    guide = Post.objects.get(slug="guide")
    with translation.override("zh-hans"):
        assert (guide.name, guide.duties.first().text) == ("引导岗", guide.duties.first().text_zh)
    with translation.override("en"):
        assert (guide.name, guide.duties.first().text) == ("Guide", guide.duties.first().text_en)


def test_english_duties_are_sentences():
    texts = [words["text_en"] for words in catalogue.duty_words().values()]

    assert [text for text in texts if not text[0].isupper() or not text.endswith(".")] == []


def test_cadences_and_moments_are_those_of_the_catalogue_with_its_english_names():
    written = catalogue.lists()

    with translation.override("en"):
        assert {slug: str(label) for slug, label in Cadence.choices} == {
            row["slug"]: row["name_en"] for row in written["cadences"]
        }
        assert {slug: str(label) for slug, label in Moment.choices} == {
            row["slug"]: row["name_en"] for row in written["moments"]
        }


def test_cadences_and_moments_have_the_catalogues_chinese_names():
    written = catalogue.lists()

    with translation.override("zh-hans"):
        assert {slug: str(label) for slug, label in Cadence.choices} == {
            row["slug"]: row["name_zh"] for row in written["cadences"]
        }
        assert {slug: str(label) for slug, label in Moment.choices} == {
            row["slug"]: row["name_zh"] for row in written["moments"]
        }


def test_every_duty_names_a_known_cadence_moment_zone_and_record():
    for code, words in catalogue.duty_words().items():
        assert words["cadence"] in Cadence.values, code
        assert words["moment"] in Moment.values, code
        assert words["zone_slug"] in {"", *catalogue.zone_names()}, code
        assert words["record"] in {"", *catalogue.record_names()}, code


def test_a_record_has_its_name_in_both_languages():
    name = catalogue.record_names()["REC-01"]

    assert len(catalogue.record_names()) == 63
    assert (name.slug, name.name_zh, name.name_en) == ("brief", "班前会记录", "Briefing record")


def test_posts_give_the_rights_of_their_kind():
    load()

    kinds = dict(Post.objects.exclude(kind=Kind.STAFF).values_list("slug", "kind"))
    assert kinds == {
        "hall-manager": Kind.HALL_MANAGER, "deputy-hall-manager": Kind.DUTY_MANAGER, "duty-manager": Kind.DUTY_MANAGER,
        "guide": Kind.GUIDE, "consultant": Kind.GUIDE, "floater": Kind.FLOATER, "demonstrator": Kind.FLOATER,
        "counter-clerk": Kind.CLERK, "vip-receptionist": Kind.VIP_RECEPTION, "security-guard": Kind.GUARD,
        "customer-receptionist": Kind.RECEPTIONIST, "bar-attendant": Kind.RECEPTIONIST, "branch-service-office": Kind.HEADQUARTERS,
    }  # fmt: skip


# The conduct cards.

CLERK = [
    ("R-B10", "15 minutes early"), ("R-G08", "smile for one minute"), ("R-G04", "within 3 m"), ("R-Q16", "one-metre line"),
    ("R-Q09", "apologising"), ("R-G06", "at most twice"), ("R-G07", "after you have checked who it is"),
    ("R-B16", "ask for consent"), ("R-A13", "both hands"),
    ("R-G17", "about the offer first"), ("R-Q14", "one sentence"), ("R-G12", "One only"), ("R-G13", "at most 3 leaflets"),
]  # fmt: skip
FLOATER = [
    ("R-G09", "1.20 to 1.80 m"), ("R-S03", "Do not disturb"), ("R-S12", "older customers"), ("R-S10", "nearby bank"),
    ("R-S13", "overcrowded"), ("R-S11", "home screen"), ("R-G10", "2 or 3 devices"), ("R-G11", "1 or 2 services"),
    ("R-G18", "quiet times only"),
]  # fmt: skip
GUIDE = [("R-G01", "within 3 m of the door"), ("R-G02", "15 degrees"), ("R-G03", "2 to 3 steps ahead on the left")]
EVERYBODY = [("R-G15", "Hide nothing, inflate nothing, deceive nobody"), ("R-G14", "to the reception room")]


def check_card(slug: str, wanted: list[tuple[str, str]]) -> None:
    """The card has exactly these rules in this order, each with its gist, and the same in Chinese."""
    load()

    lines = list(ConductItem.objects.filter(post__slug=slug))
    assert [line.rule for line in lines] == [rule for rule, _gist in wanted]
    assert [rule for (rule, gist), line in zip(wanted, lines, strict=True) if gist not in line.text_en] == []
    assert [line.rule for line in lines if not HAN.search(line.text_zh)] == []


@pytest.mark.covers(
    "O-19",
    "R-B10",
    "R-G04",
    "R-G06",
    "R-G07",
    "R-G08",
    "R-G12",
    "R-G13",
    "R-G17",
    "R-Q09",
    "R-Q14",
    "R-Q16",
    "R-A13",
    "R-B16",
)
def test_the_counter_clerks_card_carries_the_clerks_rules():
    check_card("counter-clerk", [*CLERK, *EVERYBODY])


@pytest.mark.covers("R-G09", "R-G10", "R-G11", "R-G18", "R-S03", "R-S10", "R-S11", "R-S12", "R-S13")
def test_the_floaters_card_carries_the_floaters_rules():
    check_card("floater", [*FLOATER, *EVERYBODY])


@pytest.mark.covers("R-G01", "R-G02", "R-G03")
def test_the_guides_card_carries_the_guides_rules():
    check_card("guide", [*GUIDE, *EVERYBODY])


@pytest.mark.covers("R-G05", "R-Q24")
def test_the_consultants_card_carries_the_inquiry_desks_rules():
    check_card("consultant", [("R-G05", "within 3 m of the inquiry desk"), ("R-Q24", "short answers"), *EVERYBODY])


@pytest.mark.covers("R-G06", "R-G16")
def test_the_demonstrators_card_carries_the_demonstrators_rules():
    check_card("demonstrator", [("R-G06", "at most twice"), ("R-G16", "how to cancel it"), *EVERYBODY])


@pytest.mark.covers("R-G14", "R-G15")
def test_honest_offers_and_complaints_away_from_the_counter_stand_on_every_post_that_people_hold():
    load()

    for rule in ("R-G14", "R-G15"):
        held = set(ConductItem.objects.filter(rule=rule).values_list("post__slug", flat=True))
        assert held == set(Post.objects.exclude(group=Post.Group.TASKS).values_list("slug", flat=True))


# Loading.


def test_loading_again_changes_nothing():
    first = load()
    before = (list(Post.objects.values()), list(Duty.objects.values()), list(ConductItem.objects.values()))

    second = load()

    assert first.changes == 38 + 627 + ConductItem.objects.count()
    assert second.changes == 0
    assert (second.duties.kept, second.duties.gone, second.duties.deleted_here) == ({}, [], [])
    assert before == (list(Post.objects.values()), list(Duty.objects.values()), list(ConductItem.objects.values()))
    assert Duty.history.count() == 627


def test_a_dry_run_reports_and_writes_nothing():
    report = load(dry_run=True)

    assert (len(report.posts.added), len(report.duties.added)) == (38, 627)
    assert (Post.objects.count(), Duty.objects.count(), ConductItem.objects.count()) == (0, 0, 0)


def test_new_words_of_the_catalogue_reach_a_duty_that_nobody_changed(monkeypatch: pytest.MonkeyPatch):
    load()
    reworded(monkeypatch, "D-HM-01", text_en="Pass on every document on its day.")

    report = load()

    assert (report.duties.updated, report.duties.kept) == (["D-HM-01"], {})
    assert Duty.objects.get(code="D-HM-01").text_en == "Pass on every document on its day."
    assert Duty.history.filter(code="D-HM-01").first().history_change_reason == "catalogue"


def test_what_people_changed_is_kept_and_reported_field_by_field(monkeypatch: pytest.MonkeyPatch):
    load()
    duty = Duty.objects.get(code="D-HM-01")
    duty.text_en, duty.is_active = "Our own words.", False
    duty.save()
    reworded(monkeypatch, "D-HM-01", text_en="The catalogue's new words.", text_zh="新的说法")

    report = load()

    duty.refresh_from_db()
    assert (duty.text_en, duty.text_zh, duty.is_active) == ("Our own words.", "新的说法", False)
    assert (report.duties.updated, report.duties.kept) == (["D-HM-01"], {"D-HM-01": ["text_en"]})
    assert load().duties.kept == {"D-HM-01": ["text_en"]}


def test_a_post_that_people_renamed_keeps_its_name():
    load()
    post = Post.objects.get(slug="guide")
    post.name_zh = "迎宾员"
    post.save()

    report = load()

    assert report.posts.kept == {"guide": ["name_zh"]}
    assert Post.objects.get(slug="guide").name_zh == "迎宾员"


def test_a_duty_that_people_deleted_does_not_come_back():
    load()
    Duty.objects.get(code="D-HM-01").delete()

    report = load()

    assert (report.duties.added, report.duties.deleted_here) == ([], ["D-HM-01"])
    assert not Duty.objects.filter(code="D-HM-01").exists()


def test_a_line_of_a_card_that_people_deleted_does_not_come_back():
    load()
    ConductItem.objects.get(post__slug="guide", rule="R-G02").delete()

    report = load()

    assert (report.conduct.added, report.conduct.deleted_here) == ([], ["R-G02 guide"])


def test_a_duty_that_left_the_catalogue_stays_and_is_reported(monkeypatch: pytest.MonkeyPatch):
    load()
    words = catalogue.duty_words()
    del words["D-HM-53"]
    monkeypatch.setattr(catalogue, "duty_words", lambda: words)

    report = load()

    assert report.duties.gone == ["D-HM-53"]
    assert Duty.objects.filter(code="D-HM-53").exists()


def test_a_duty_of_peoples_own_is_left_alone():
    load()
    own = Duty.objects.create(post=Post.objects.get(slug="guide"), code="D-GD-90", text_zh="给鱼缸换水")

    report = load()

    own.refresh_from_db()
    assert (own.text_zh, own.loaded, report.changes, report.duties.gone) == ("给鱼缸换水", None, 0, [])


def test_a_post_of_peoples_own_with_a_code_of_the_catalogue_is_refused_and_nothing_is_loaded():
    Post.objects.create(code="GD", slug="gardener", name_zh="园丁")

    with make.refusal(catalogue.CatalogueClash, "code GD"):
        load()

    assert (Post.objects.count(), Duty.objects.count()) == (1, 0)


def test_the_catalogues_words_can_be_taken_back():
    load()
    person = make.person()
    duty = Duty.objects.get(code="D-HM-01")
    written = duty.text_en
    duty.text_en = "Our own words."
    duty.save()
    assert catalogue.changed_here(duty) == ["text_en"]

    count = catalogue.take_back([duty, Duty.objects.get(code="D-HM-02")], by=person, at=make.AT)

    duty.refresh_from_db()
    record = Duty.history.filter(code="D-HM-01").latest()
    assert (count, duty.text_en, catalogue.changed_here(duty)) == (1, written, [])
    assert Duty.history.filter(code="D-HM-01", history_user=person).count() == 1
    assert record.history_change_reason == "catalogue" or record.text_en != written


def test_loading_again_asks_few_questions(django_assert_max_num_queries):
    load()

    with django_assert_max_num_queries(12):
        load()


def test_the_command_says_what_changed():
    load()
    duty = Duty.objects.get(code="D-HM-01")
    duty.text_en = "Our own words."
    duty.save()
    words, data = StringIO(), StringIO()

    call_command("load_catalogue", "--dry-run", stdout=words)
    call_command("load_catalogue", "--json", stdout=data)

    assert "duties: 0 added, 0 updated, 1 kept because changed here" in words.getvalue()
    assert "kept: D-HM-01 (text_en)" in words.getvalue()
    assert json.loads(data.getvalue())["duties"]["kept"] == {"D-HM-01": ["text_en"]}


def test_preparing_a_machine_loads_the_catalogue(monkeypatch: pytest.MonkeyPatch):
    for name in ("check_database", "check_redis", "call_command", "compile_all", "collect_static"):
        monkeypatch.setattr(prepare, name, lambda *arguments, **named: None)

    call_command("prepare", "--no-demo")

    assert (Post.objects.count(), Duty.objects.count()) == (38, 627)


def test_chinese_words_have_chinese_punctuation():
    texts = [
        words[name] for words in catalogue.post_words().values() for name in ("mission_zh", "normal_zh", "peak_zh")
    ]
    texts += [words["text_zh"] for words in [*catalogue.duty_words().values(), *catalogue.conduct_words().values()]]

    assert [text for text in texts if re.search(r"[\u4e00-\u9fff][,:;?!]", text)] == []


def test_the_files_hold_each_id_once():
    folder = Path(catalogue.FOLDER)
    ids = [
        duty["id"]
        for path in folder.glob("posts/*.yaml")
        for duty in yaml.safe_load(path.read_text(encoding="utf-8"))["duties"]
    ]

    assert len(ids) == len(set(ids)) == 627
    assert {path.stem for path in folder.glob("posts/*.yaml")} == set(catalogue.post_words())
    assert Hall.objects.count() == 0  # the catalogue makes no hall
