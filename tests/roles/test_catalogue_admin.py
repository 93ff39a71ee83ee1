"""Posts, duties and conduct cards in the admin site: finding, editing, history and the way back, and who may do what."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from hall import postings
from hall.models import Hall, HallPost, Kind, Person, Post
from roles import catalogue
from roles.models import ConductItem, Duty
from tests import make
from tests.roles.catalogue_rows import loaded_for_module

pytestmark = pytest.mark.django_db

DUTY_FORM = {"position": "10", "is_active": "on", "cadence": "daily", "moment": "normal", "zone_slug": "", "record": ""}


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup, django_db_blocker) -> Iterator[None]:
    yield from loaded_for_module(django_db_blocker)


def url(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", args=arguments)


def editor(kind: str = Kind.HEADQUARTERS, hall: Hall | None = None) -> Client:
    return make.client(make.person(hall or make.hall(), kind, is_staff=True, name_en="Head Quarters"))


def codes(response) -> list[str]:
    return [row.code for row in response.context["cl"].result_list]


def duty(code: str) -> Duty:
    return Duty.objects.get(code=code)


def duty_form(row: Duty, **fields: str) -> dict[str, str]:
    form = {
        "post": str(row.post_id), "code": row.code, "position": str(row.position), "text_zh": row.text_zh, "text_en": row.text_en,
        "cadence": row.cadence, "moment": row.moment, "zone_slug": row.zone_slug, "record": row.record, "is_active": "on",
    }  # fmt: skip
    return form | fields


def errors(response) -> str:
    return re.sub(r"<[^>]+>", " ", response.content.decode()) if response.status_code == 200 else ""


# Finding.


@pytest.mark.parametrize("address", ["", "?all=", "?q=customer", "?post=floater&cadence=daily&moment=normal"])
def test_the_list_of_627_duties_asks_at_most_15_questions(django_assert_max_num_queries, address: str):
    client = editor()

    with django_assert_max_num_queries(15):
        assert client.get(url("roles_duty_changelist") + address).status_code == 200


def test_all_duties_can_be_shown_on_one_page():
    assert len(codes(editor().get(url("roles_duty_changelist"), {"all": ""}))) == 627


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        ({"post": "guide"}, {"post__slug": "guide"}),
        ({"cadence": "weekly_mon"}, {"cadence": "weekly_mon"}),
        ({"moment": "lunch"}, {"moment": "lunch"}),
        ({"zone": "selfservice"}, {"zone_slug": "selfservice"}),
        ({"zone": "none", "post": "floater"}, {"zone_slug": "", "post__slug": "floater"}),
        ({"record": "REC-01"}, {"record": "REC-01"}),
        ({"record": "none", "post": "guide"}, {"record": "", "post__slug": "guide"}),
        (
            {"post": "floater", "cadence": "continuous", "moment": "", "zone": ""},
            {"post__slug": "floater", "cadence": "continuous"},
        ),
    ],
)
def test_duties_are_found_by_post_cadence_moment_zone_and_record(asked: dict[str, str], matches: dict[str, str]):
    wanted = set(Duty.objects.filter(**matches).values_list("code", flat=True))

    found = codes(editor().get(url("roles_duty_changelist"), asked | {"all": ""}))

    assert 0 < len(wanted) < 627
    assert set(found) == wanted


def test_what_was_changed_here_is_found():
    changed = duty("D-GD-01")
    changed.text_zh = "站在门口"
    changed.save()
    Duty.objects.create(post=changed.post, code="D-GD-90", text_zh="给鱼缸换水")
    client = editor()

    assert codes(client.get(url("roles_duty_changelist"), {"origin": "changed"})) == ["D-GD-01"]
    assert codes(client.get(url("roles_duty_changelist"), {"origin": "own"})) == ["D-GD-90"]
    assert len(codes(client.get(url("roles_duty_changelist"), {"origin": "catalogue", "all": ""}))) == 626


@pytest.mark.parametrize("words", ["鱼缸", "FISH tank", "D-GD-90"])
def test_duties_are_found_by_words_of_either_language_and_by_code(words: str):
    post = Post.objects.get(slug="guide")
    Duty.objects.create(post=post, code="D-GD-90", text_zh="给鱼缸换水", text_en="Change the water of the fish tank.")

    assert codes(editor().get(url("roles_duty_changelist"), {"q": words})) == ["D-GD-90"]


@pytest.mark.parametrize("address", ["?post=nobody", "?cadence=hourly", "?zone='", "?origin=x", "?in_use=maybe"])
def test_a_filter_that_is_none_filters_nothing(address: str):
    response = editor().get(url("roles_duty_changelist") + address)

    assert (response.status_code, response.context["cl"].result_count) == (200, 627)


# Editing.


@pytest.mark.covers("O-01")
def test_headquarters_reword_a_duty_and_every_hall_reads_it():
    hall = make.hall()
    row = duty("D-GD-01")

    answer = editor().post(
        url("roles_duty_change", row.pk), duty_form(row, text_en="Stand by the door.", text_zh="站在门口")
    )

    assert answer.status_code == 302, errors(answer)
    assert "Stand by the door." in make.client(make.person(hall)).get(f"/h/{hall.code}/posts/guide/").content.decode()
    row.refresh_from_db()
    assert catalogue.changed_here(row) == ["text_zh", "text_en"]
    assert "The catalogue says" in editor().get(url("roles_duty_change", row.pk)).content.decode()


def test_a_duty_shows_both_languages_side_by_side():
    html = editor().get(url("roles_duty_change", duty("D-GD-01").pk)).content.decode()

    row = re.search(r'<div class="form-row field-text_zh field-text_en">(.*?)</fieldset>', html, re.S)
    assert row is not None
    assert row[1].count("<textarea") == 2


def test_a_code_stays_when_somebody_sends_another():
    row = duty("D-GD-01")

    editor().post(url("roles_duty_change", row.pk), duty_form(row, code="D-XX-99"))

    row.refresh_from_db()
    assert row.code == "D-GD-01"


def test_a_duty_of_ones_own_is_added_with_a_code_of_its_own():
    post = Post.objects.get(slug="guide")
    form = DUTY_FORM | {"post": str(post.pk), "code": "D-GD-90", "text_zh": "给鱼缸换水", "text_en": ""}

    answer = editor().post(url("roles_duty_add"), form)

    assert answer.status_code == 302, errors(answer)
    assert (duty("D-GD-90").post, duty("D-GD-90").loaded) == (post, None)


@pytest.mark.parametrize(
    "wrong",
    [{"code": "D-GD-01"}, {"code": "fish tank"}, {"post": ""}, {"text_zh": ""}, {"text_zh": "字" * 201}, {"text_en": "x" * 401},
     {"cadence": "hourly"}, {"moment": ""}, {"zone_slug": "moon"}, {"record": "REC-99"}, {"text_zh": "a\x00b"}],
)  # fmt: skip
def test_a_wrong_duty_is_refused_and_nothing_is_added(wrong: dict[str, str]):
    post = Post.objects.get(slug="guide")
    form = DUTY_FORM | {"post": str(post.pk), "code": "D-GD-90", "text_zh": "给鱼缸换水", "text_en": ""} | wrong

    answer = editor().post(url("roles_duty_add"), form)

    assert answer.status_code == 200
    assert 'class="errornote"' in answer.content.decode()
    assert Duty.objects.count() == 627


def post_form(client: Client, post: Post) -> dict[str, str]:
    """What the browser would send when nothing is changed."""
    response = client.get(url("hall_post_change", post.pk))
    form: dict[str, object] = {}
    inlines = [one.formset for one in response.context["inline_admin_formsets"]]
    forms = [response.context["adminform"].form, *(formset.management_form for formset in inlines)]
    forms += [row for formset in inlines for row in formset.forms]
    for one in forms:
        for bound in one:
            value = bound.value()
            if value is None or value is False:
                continue
            form[bound.html_name] = "on" if value is True else value
    return form  # type: ignore[return-value]


def test_a_posts_duties_stand_below_it_in_order_and_are_edited_there():
    client, post = editor(), Post.objects.get(slug="guide")
    form = post_form(client, post)
    rows = [name for name in form if re.fullmatch(r"duties-\d+-code", name)]
    assert [form[name] for name in rows] == list(post.duties.order_by("position").values_list("code", flat=True))

    answer = client.post(
        url("hall_post_change", post.pk),
        form
        | {
            "name_en": "Greeter",
            "duties-0-position": "25",
            "duties-1-text_en": "Smile.",
            "conduct_items-0-text_en": "Bow.",
        },
    )

    assert answer.status_code == 302, errors(answer)
    assert list(post.duties.order_by("position").values_list("code", flat=True))[:3] == [
        "D-GD-02",
        "D-GD-01",
        "D-GD-03",
    ]
    assert (duty("D-GD-02").text_en, post.conduct_items.first().text_en) == ("Smile.", "Bow.")
    assert Post.objects.get(slug="guide").name_en == "Greeter"


def test_saving_a_post_without_a_change_changes_nothing():
    client, post = editor(), Post.objects.get(slug="hall-manager")
    form = post_form(client, post)

    answer = client.post(url("hall_post_change", post.pk), form)

    assert answer.status_code == 302, errors(answer)
    assert [row.code for row in Duty.objects.select_related("post") if catalogue.changed_here(row)] == []
    assert catalogue.changed_here(Post.objects.get(pk=post.pk)) == []
    assert Duty.history.filter(post=post).count() == post.duties.count()


def test_a_record_that_is_none_is_refused_below_the_post():
    client, post = editor(), Post.objects.get(slug="guide")

    answer = client.post(url("hall_post_change", post.pk), post_form(client, post) | {"duties-0-record": "REC-99"})

    assert "There is no record called “REC-99”." in answer.content.decode()


def test_a_post_with_duties_is_not_deleted_and_one_of_ones_own_is():
    client, own = editor(), Post.objects.create(code="GA2", slug="gardener", name_zh="园丁")

    kept = client.post(url("hall_post_delete", Post.objects.get(slug="guide").pk), {"post": "yes"}, follow=True)
    client.post(url("hall_post_delete", own.pk), {"post": "yes"})

    assert "Clear “in use” instead." in kept.content.decode()
    assert Post.objects.filter(slug="guide").exists() and not Post.objects.filter(slug="gardener").exists()


def test_the_catalogues_words_are_taken_again_by_an_action():
    row = duty("D-GD-01")
    written = row.text_zh
    Duty.objects.filter(pk=row.pk).update(text_zh="站在门口")

    answer = editor().post(
        url("roles_duty_changelist"), {"action": "take_back", "_selected_action": [str(row.pk)]}, follow=True
    )

    row.refresh_from_db()
    assert row.text_zh == written
    assert "1 row has the catalogue&#x27;s words again." in answer.content.decode()


# History, and the way back.


def test_history_says_who_changed_a_duty_and_brings_the_former_words_back():
    client, row = editor(), duty("D-GD-01")
    written = row.text_zh
    client.post(url("roles_duty_change", row.pk), duty_form(row, text_zh="站在门口"))

    history = client.get(url("roles_duty_history", row.pk)).content.decode()
    first = row.history.order_by("history_id").first()
    back = client.post(url("roles_duty_simple_history", row.pk, first.pk), duty_form(row, text_zh=first.text_zh))

    row.refresh_from_db()
    assert "Head Quarters" in history and "站在门口" in history
    assert back.status_code == 302, errors(back)
    assert (row.text_zh, catalogue.changed_here(row)) == (written, [])


def test_a_deleted_duty_is_listed_and_comes_back_with_its_code():
    client, row = editor(), duty("D-GD-01")
    first, key = row.history.order_by("history_id").first(), row.pk
    client.post(url("roles_duty_delete", key), {"post": "yes"})
    assert not Duty.objects.filter(code="D-GD-01").exists()

    listed = client.get(url("roles_duty_deleted")).content.decode()
    back = client.post(url("roles_duty_simple_history", key, first.pk), duty_form(row))

    assert "D-GD-01" in listed
    assert back.status_code == 302, errors(back)
    assert (duty("D-GD-01").pk, catalogue.load(by=None, at=make.AT).duties.kept) == (key, {})


def test_a_posts_former_version_comes_back():
    client, post = editor(), Post.objects.get(slug="guide")
    first = post.history.order_by("history_id").first()
    client.post(url("hall_post_change", post.pk), post_form(client, post) | {"name_zh": "迎宾员"})
    assert catalogue.changed_here(Post.objects.get(pk=post.pk)) == ["name_zh"]

    shown = client.get(url("hall_post_simple_history", post.pk, first.pk))
    form = {
        bound.html_name: bound.value()
        for bound in shown.context["adminform"].form
        if bound.value() not in (None, False)
    }
    back = client.post(url("hall_post_simple_history", post.pk, first.pk), form)

    assert back.status_code == 302, errors(back)
    assert catalogue.changed_here(Post.objects.get(pk=post.pk)) == []
    assert post.duties.count() == 32


def test_a_posts_history_shows_what_happened_to_its_duties():
    client, row = editor(), duty("D-GD-01")
    client.post(url("roles_duty_change", row.pk), duty_form(row, text_en="Stand by the door."))

    assert "D-GD-01 Stand by the door." in client.get(url("hall_post_history", row.post_id)).content.decode()


# Preview.


def test_the_preview_shows_a_posts_page_in_either_language():
    client, post = editor(), Post.objects.get(slug="cashier")

    english = client.get(url("hall_post_preview", post.pk), {"language": "en"}).content.decode()
    chinese = client.get(url("hall_post_preview", post.pk), {"language": "zh-hans"}).content.decode()

    assert post.mission_en in english and post.mission_zh not in english
    assert post.mission_zh in chinese and post.duties.first().text_zh in chinese
    assert client.get(url("hall_post_preview", 999_999)).status_code == 404
    assert url("hall_post_preview", post.pk) in client.get(url("hall_post_change", post.pk)).content.decode()


# Switching posts on and off.


@pytest.mark.covers("O-17")
def test_a_hall_manager_switches_an_extended_post_on_in_his_hall_only():
    mine, other = make.hall(), make.hall()
    cashier = Post.objects.get(slug="cashier")
    client = editor(Kind.HALL_MANAGER, mine)
    assert cashier not in postings.posts_of_hall(mine)

    client.post(url("hall_post_changelist"), {"action": "switch_on", "_selected_action": [str(cashier.pk)]})

    assert cashier in postings.posts_of_hall(mine) and cashier not in postings.posts_of_hall(other)
    client.post(url("hall_post_changelist"), {"action": "switch_off", "_selected_action": [str(cashier.pk)]})
    assert cashier not in postings.posts_of_hall(mine)
    assert HallPost.history.filter(hall=mine, post=cashier).count() == 2


@pytest.mark.covers("O-17")
def test_extended_posts_are_off_by_default():
    shown = {post.group for post in postings.posts_of_hall(make.hall())}

    assert shown == {"core", "management"}


def test_the_list_says_in_how_many_halls_a_post_is_used():
    hall, other = make.hall(), make.hall()
    person = make.person(hall, Kind.HEADQUARTERS, is_staff=True)
    make.membership(person, other, Kind.HEADQUARTERS)
    HallPost.objects.create(hall=hall, post=Post.objects.get(slug="cashier"), is_used=True)
    HallPost.objects.create(hall=hall, post=Post.objects.get(slug="guide"), is_used=False)
    HallPost.objects.create(hall=make.hall(), post=Post.objects.get(slug="guide"), is_used=False)

    rows = make.client(person).get(url("hall_post_changelist")).context["cl"]

    used = {row.slug: rows.model_admin.used_in(row) for row in rows.result_list}
    assert [used[slug] for slug in ("cashier", "guide", "floater", "cashier")] == [
        "1 of 2",
        "1 of 2",
        "2 of 2",
        "1 of 2",
    ]


def test_posts_are_not_switched_in_many_halls_by_one_tick():
    person = make.person(make.hall(), Kind.HALL_MANAGER, is_staff=True)
    for _number in range(20):
        make.membership(person, make.hall(), Kind.HALL_MANAGER)

    answer = make.client(person).post(
        url("hall_post_changelist"),
        {"action": "switch_on", "_selected_action": [str(Post.objects.get(slug="cashier").pk)]},
        follow=True,
    )

    assert "You edit many halls." in answer.content.decode()
    assert HallPost.objects.count() == 0


def test_a_hall_manager_sees_no_other_halls_switches():
    mine, other = make.hall(), make.hall()
    theirs = HallPost.objects.create(hall=other, post=Post.objects.get(slug="cashier"), is_used=True)
    client = editor(Kind.HALL_MANAGER, mine)

    form = {"hall": str(other.pk), "post": str(Post.objects.get(slug="accountant").pk), "is_used": "on"}
    added = client.post(url("hall_hallpost_add"), form)

    assert client.get(url("hall_hallpost_change", theirs.pk)).status_code == 302  # to the index: there is no such row
    assert added.status_code == 200 and HallPost.objects.count() == 1


# Who may.


@pytest.fixture
def people() -> dict[str, Person]:
    hall = make.hall()
    return {
        "superuser": make.person(is_staff=True, is_superuser=True),
        "headquarters": make.person(hall, Kind.HEADQUARTERS, is_staff=True),
        "manager": make.person(hall, Kind.HALL_MANAGER, is_staff=True),
        "clerk": make.person(hall, Kind.CLERK, is_staff=True),
    }


@pytest.mark.parametrize(
    ("who", "reads", "changes"),
    [("superuser", 200, True), ("headquarters", 200, True), ("manager", 200, False), ("clerk", 403, False)],
)
def test_definitions_are_read_by_editors_and_changed_by_headquarters(
    people: dict[str, Person], who: str, reads: int, changes: bool
):
    client, row = make.client(people[who]), duty("D-GD-01")
    form = duty_form(row, text_zh="站在门口")

    assert client.get(url("roles_duty_changelist")).status_code == reads
    assert client.get(url("roles_duty_change", row.pk)).status_code == reads
    assert client.get(url("hall_post_change", row.post_id)).status_code == reads
    assert client.get(url("hall_post_preview", row.post_id)).status_code == reads
    assert client.get(url("roles_duty_export", "yaml")).status_code == reads
    assert client.get(url("roles_duty_import")).status_code == (200 if changes else 403)
    assert client.get(url("roles_duty_add")).status_code == (200 if changes else 403)
    assert client.post(url("roles_duty_change", row.pk), form).status_code == (302 if changes else 403)
    row.refresh_from_db()
    assert (row.text_zh == "站在门口") is changes
    assert client.post(url("roles_duty_delete", row.pk), {"post": "yes"}).status_code == (302 if changes else 403)
    assert Duty.objects.filter(pk=row.pk).exists() is not changes


def test_a_hall_manager_takes_nothing_back_and_changes_no_post():
    client, post = editor(Kind.HALL_MANAGER), Post.objects.get(slug="guide")
    Post.objects.filter(pk=post.pk).update(name_en="Greeter")

    client.post(url("hall_post_changelist"), {"action": "take_back", "_selected_action": [str(post.pk)]})
    answer = client.post(url("hall_post_change", post.pk), {"name_zh": "x"})

    post.refresh_from_db()
    assert (answer.status_code, post.name_en, post.name_zh) == (403, "Greeter", "引导岗")


def test_what_a_posts_holder_may_do_is_changed_by_a_superuser_only():
    client, post = editor(), Post.objects.get(slug="cleaner")

    client.post(url("hall_post_change", post.pk), post_form(client, post) | {"kind": Kind.HEADQUARTERS})

    post.refresh_from_db()
    assert post.kind == Kind.STAFF


def test_nobody_signed_in_is_asked_to_sign_in():
    for name in ("roles_duty_changelist", "roles_duty_import", "hall_post_changelist"):
        assert make.client().get(url(name)).status_code == 302


def test_no_page_has_inline_script_or_style():
    client, row = editor(), duty("D-GD-01")
    line = ConductItem.objects.first()
    pages = [
        url("roles_duty_changelist"), url("roles_duty_change", row.pk), url("roles_duty_import"), url("roles_duty_history", row.pk),
        url("hall_post_changelist"), url("hall_post_change", row.post_id), url("hall_post_preview", row.post_id),
        url("roles_conductitem_changelist"), url("roles_conductitem_change", line.pk), url("hall_hallpost_changelist"),
    ]  # fmt: skip

    for page in pages:
        html = client.get(page).content.decode()
        assert [found for found in (" style=", "<script>", "<style", "onclick") if found in html] == [], page
