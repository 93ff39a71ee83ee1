"""The posts' pages: what a post is and owes, who holds it, and who may read that."""

import re
from collections.abc import Iterator

import pytest

from hall import postings
from hall.models import Hall, HallPost, Kind, Person, Post
from roles import catalogue
from roles.models import Duty, Moment
from tests import make
from tests.roles.catalogue_rows import loaded_for_module

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def loaded(django_db_setup, django_db_blocker) -> Iterator[None]:
    yield from loaded_for_module(django_db_blocker)


@pytest.fixture
def hall() -> Hall:
    return make.hall()


def page(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", answer.content.decode())


def chinese(person: Person):
    client = make.client(person)
    client.cookies["django_language"] = "zh-hans"
    return client


# All posts.


def test_all_posts_of_the_hall_stand_by_group_with_who_holds_each_now(hall: Hall):
    floater = make.person(hall, Kind.FLOATER, holds=False, name_en="Li Na")
    zone = make.zone(hall, "selfservice", name_en="Machines")
    postings.take(floater, hall, Post.objects.get(slug="floater"), zone=zone, by=floater, at=make.AT)

    response = make.client(floater).get(f"/h/{hall.code}/posts/")

    groups = {name: [post.slug for post, _held in rows] for name, rows in response.context["groups"]}
    assert {name: len(slugs) for name, slugs in groups.items()} == {"hall posts": 22, "above the hall": 3}
    held = {post.slug: held for _name, rows in response.context["groups"] for post, held in rows if held}
    assert {slug: [(one["name"], one["place"], one["since"]) for one in held] for slug, held in held.items()} == {
        "floater": [("Li Na", "Machines", make.AT)]
    }
    assert "Li Na · Machines" in response.content.decode()


def test_a_hall_manager_holds_his_post_at_all_hours(hall: Hall):
    manager = make.person(hall, Kind.HALL_MANAGER, name_en="Gu Lan")
    make.person(make.hall(), Kind.HALL_MANAGER)

    response = make.client(manager).get(f"/h/{hall.code}/posts/hall-manager/")

    assert [(one["name"], one["since"]) for one in response.context["held"]] == [("Gu Lan", None)]


def test_who_has_left_a_post_does_not_stand_there(hall: Hall):
    guide = make.person(hall, Kind.GUIDE)
    postings.leave(guide.postings.get(), by=guide, at=make.AT)

    response = make.client(guide).get(f"/h/{hall.code}/posts/")

    assert [held for _name, rows in response.context["groups"] for _post, held in rows if held] == []


def test_who_holds_a_post_in_another_hall_does_not_stand_here(hall: Hall):
    make.person(make.hall(), Kind.GUIDE, name_en="Stranger Guide")

    assert "Stranger Guide" not in page(make.client(make.person(hall, Kind.CLERK)), f"/h/{hall.code}/posts/")


@pytest.mark.covers("O-17")
def test_an_extended_post_has_a_page_only_where_the_hall_has_switched_it_on(hall: Hall):
    other, cashier = make.hall(), Post.objects.get(slug="cashier")
    HallPost.objects.create(hall=other, post=cashier, is_used=True)
    here, there = make.client(make.person(hall, Kind.GUIDE)), make.client(make.person(other, Kind.GUIDE))

    assert here.get(f"/h/{hall.code}/posts/cashier/").status_code == 404
    assert there.get(f"/h/{other.code}/posts/cashier/").status_code == 200
    assert "/posts/cashier/" not in page(here, f"/h/{hall.code}/posts/")
    assert "/posts/cashier/" in page(there, f"/h/{other.code}/posts/")


def test_a_post_that_the_hall_has_switched_off_has_no_page(hall: Hall):
    HallPost.objects.create(hall=hall, post=Post.objects.get(slug="bar-attendant"), is_used=False)

    assert make.client(make.person(hall)).get(f"/h/{hall.code}/posts/bar-attendant/").status_code == 404


def test_the_task_list_is_no_post_and_an_unknown_one_has_no_page(hall: Hall):
    client = make.client(make.person(hall))

    assert client.get(f"/h/{hall.code}/posts/ab-tasks/").status_code == 404
    assert client.get(f"/h/{hall.code}/posts/astronaut/").status_code == 404


# One post.


@pytest.mark.covers("O-18")
def test_a_posts_page_says_mission_zones_idle_and_busy_behaviour_and_duties(hall: Hall):
    response = make.client(make.person(hall, Kind.CLERK)).get(f"/h/{hall.code}/posts/floater/")

    post, shown = Post.objects.get(slug="floater"), response.context["page"]
    assert (shown.duty_count, sum(len(duties) for _slug, _name, duties in shown.moments)) == (72, 72)
    assert shown.zones == [catalogue.zone_names()[slug].name_en for slug in post.zone_slugs]
    html = response.content.decode()
    for text in (post.mission_en, post.normal_en, post.peak_en, " · ".join(shown.zones)):
        assert text.replace("'", "&#x27;") in html
    moments = [slug for slug, _name, _duties in shown.moments]
    assert moments == [slug for slug in Moment.values if slug in moments]


def test_a_duty_stands_with_its_cadence_zone_and_the_record_that_it_leaves(hall: Hall):
    make.zone(hall, "selfservice", name_en="Our machines")
    duty = Duty.objects.filter(post__slug="floater").first()
    Duty.objects.filter(pk=duty.pk).update(
        text_en="Wipe the screens.", cadence="every_2h", moment="closing", zone_slug="selfservice", record="REC-44"
    )

    html = page(make.client(make.person(hall)), f"/h/{hall.code}/posts/floater/")

    text = re.sub(r"<[^>]+>", "", html[html.index("Wipe the screens.") :])[:110]
    assert "Wipe the screens. At least every 2 hours · Our machines · Cleaning log" in text


@pytest.mark.covers("O-19")
def test_a_posts_page_shows_its_conduct_card(hall: Hall):
    html = page(make.client(make.person(hall, Kind.GUIDE)), f"/h/{hall.code}/posts/guide/")

    assert "Conduct card" in html and "bow 15 degrees" in html and "R-G02" in html


def test_the_page_is_chinese_for_who_reads_chinese(hall: Hall):
    html = page(chinese(make.person(hall)), f"/h/{hall.code}/posts/guide/")

    assert "侧身鞠躬15度致意" in html and "引导岗" in html and "bow 15 degrees" not in html


def test_a_duty_out_of_use_is_not_shown(hall: Hall):
    Duty.objects.filter(code="D-GD-01").update(is_active=False)

    html = page(make.client(make.person(hall)), f"/h/{hall.code}/posts/guide/")

    assert "D-GD-02" in html and "D-GD-01" not in html


def test_a_renamed_or_deleted_duty_shows_at_once(hall: Hall):
    client = make.client(make.person(hall))
    renamed = Duty.objects.get(code="D-GD-01")
    renamed.text_en = "Stand where everybody sees you."
    renamed.save()
    Duty.objects.get(code="D-GD-02").delete()

    html = page(client, f"/h/{hall.code}/posts/guide/")

    assert "Stand where everybody sees you." in html and "D-GD-02" not in html


def test_both_pages_ask_the_same_number_of_questions_however_much_there_is(hall: Hall, django_assert_num_queries):
    person = make.person(hall, Kind.GUIDE)
    client = make.client(person)
    with django_assert_num_queries(9):
        client.get(f"/h/{hall.code}/posts/")
    for _number in range(10):
        make.person(hall, Kind.GUIDE)
    with django_assert_num_queries(9):
        client.get(f"/h/{hall.code}/posts/")
    with django_assert_num_queries(12):
        client.get(f"/h/{hall.code}/posts/guide/")
    with django_assert_num_queries(12):
        client.get(f"/h/{hall.code}/posts/floater/")


@pytest.mark.parametrize("address", ["posts/", "posts/guide/"])
def test_everybody_of_the_hall_reads_it_and_no_stranger(hall: Hall, address: str):
    stranger = make.person(make.hall(), Kind.HALL_MANAGER)
    off_duty = make.person(hall, Kind.STAFF, holds=False)

    assert make.client(off_duty).get(f"/h/{hall.code}/{address}").status_code == 200
    assert make.client(stranger).get(f"/h/{hall.code}/{address}").status_code == 404
    assert make.client().get(f"/h/{hall.code}/{address}").status_code == 302
    assert make.client(off_duty).post(f"/h/{hall.code}/{address}").status_code == 405
