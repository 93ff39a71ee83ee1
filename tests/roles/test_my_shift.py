"""My shift: posts taken and left with one tap, a guard's leave, the duty manager's delegate."""

import pytest

from hall import access, postings
from hall.access import Action
from hall.models import Hall, Kind, Person, Posting
from roles import delegates, my_shift
from tests import make
from tests.make import AT

pytestmark = pytest.mark.django_db


def page(person: Person | None, hall: Hall, query: str = "") -> str:
    answer = make.client(person).get(f"/h/{hall.code}/shift/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def tap(one: Person, hall: Hall, step: str, /, **data: object):
    return make.tap(make.client(one), f"/h/{hall.code}/shift/{step}/", data)


def held(person: Person, hall: Hall) -> list[tuple[str, str | None]]:
    """What a person holds now: the post's short name and the zone's."""
    rows = Posting.objects.filter(person=person, hall=hall, until=None).select_related("post", "zone").order_by("id")
    return [(row.post.slug, row.zone.slug if row.zone else None) for row in rows]


def floater_of(hall: Hall, *zones: str) -> Person:
    """A floater who holds nothing yet; her post has these zones, and the hall has them."""
    for slug in zones:
        make.zone(hall, slug, name_en=f"Zone {slug}")
    person = make.person(hall, Kind.FLOATER, holds=False)
    post = make.post(Kind.FLOATER)
    post.zone_slugs = list(zones)
    post.save()
    return person


def test_opens_to_who_belongs_to_the_hall_and_to_nobody_else():
    hall = make.hall()
    address = f"/h/{hall.code}/shift/"

    people = (
        make.person(hall, Kind.STAFF, holds=False),
        make.person(hall, Kind.HALL_MANAGER),
        make.person(make.hall()),
        None,
    )

    assert [make.client(person).get(address).status_code for person in people] == [200, 200, 404, 302]


def test_a_page_of_a_post_not_held_leads_here_and_on_after_taking():
    hall = make.hall()
    floater = make.person(hall, Kind.FLOATER, holds=False)
    client = make.client(floater)

    led = client.get(f"/h/{hall.code}/floor/")
    html = client.get(led["Location"]).content.decode()
    taken = make.tap(
        client, f"/h/{hall.code}/shift/take/", {"post": make.post(Kind.FLOATER).pk, "next": f"/h/{hall.code}/floor/"}
    )

    assert led["Location"] == f"/h/{hall.code}/shift/?next=/h/{hall.code}/floor/"
    assert f'name="next" value="/h/{hall.code}/floor/"' in html
    assert (taken.status_code, taken["HX-Redirect"]) == (200, f"/h/{hall.code}/floor/")
    assert client.get(f"/h/{hall.code}/floor/").status_code == 200


@pytest.mark.parametrize(
    "onward", ["https://elsewhere.test/", "//elsewhere.test/", "javascript:alert(1)", "/a\x00b", "/" + "a" * 600]
)
def test_leads_on_to_no_other_site(onward: str):
    hall = make.hall()
    floater = make.person(hall, Kind.FLOATER, holds=False)

    answer = tap(floater, hall, "take", post=make.post(Kind.FLOATER).pk, next=onward)

    assert (answer.status_code, answer.has_header("HX-Redirect")) == (200, False)
    assert held(floater, hall) == [("floater", None)]


@pytest.mark.covers("O-03")
def test_a_floater_takes_a_zone_with_one_tap_and_leaves_it():
    hall = make.hall()
    floater = floater_of(hall, "consult", "waiting")
    zone = hall.zones.get(slug="waiting")

    taken = tap(floater, hall, "take", post=make.post(Kind.FLOATER).pk, zone=zone.pk)

    assert taken.status_code == 200
    assert held(floater, hall) == [("floater", "waiting")]
    posting = floater.postings.get()
    assert tap(floater, hall, "leave", posting=posting.pk).status_code == 200
    assert held(floater, hall) == []


def test_zone_tiles_name_who_is_there():
    hall = make.hall()
    floater = floater_of(hall, "consult", "waiting")
    colleague = make.person(hall, Kind.FLOATER, holds=False, name_en="Chen Min")
    postings.take(colleague, hall, make.post(Kind.FLOATER), zone=hall.zones.get(slug="consult"), by=None, at=AT)

    html = page(floater, hall)

    assert html.count('<button class="shift-zone">') == 2
    assert html.count("Chen Min") == 1


def test_a_clerks_post_is_taken_at_a_counter():
    hall = make.hall()
    clerk = make.person(hall, Kind.CLERK, holds=False)

    answer = tap(clerk, hall, "take", post=make.post(Kind.CLERK).pk)

    assert answer.status_code == 409
    assert "This post is taken at a counter. Sign in there." in answer.content.decode()
    assert held(clerk, hall) == []
    assert f'href="/h/{hall.code}/counter/"' in page(clerk, hall)


def test_a_post_held_at_a_counter_is_left_there():
    hall = make.hall()
    clerk = make.person(hall, Kind.CLERK, holds=False)
    posting = postings.take(clerk, hall, make.post(Kind.CLERK), counter=make.counter(hall), by=clerk, at=AT)

    answer = tap(clerk, hall, "leave", posting=posting.pk)

    assert answer.status_code == 409
    assert "You are at counter 1." in answer.content.decode()
    assert held(clerk, hall) == [("counter-clerk", None)]


def test_nobody_takes_a_post_that_is_not_his_or_a_zone_elsewhere():
    hall = make.hall()
    floater = floater_of(hall, "consult", "waiting")
    foreign, unfit = make.zone(make.hall(), "consult"), make.zone(hall, "vip")
    post = make.post(Kind.FLOATER).pk

    answers = [
        tap(floater, hall, "take", post=make.post(Kind.DUTY_MANAGER).pk),
        tap(floater, hall, "take", post=post, zone=foreign.pk),
        tap(floater, hall, "take", post=post, zone=unfit.pk),
        tap(floater, hall, "take", post="banana"),
        tap(floater, hall, "take", post=999_999),
    ]

    assert [answer.status_code for answer in answers] == [422, 404, 422, 422, 404]
    assert held(floater, hall) == []


def test_nobody_ends_what_a_colleague_holds():
    hall = make.hall()
    guide, floater = make.person(hall, Kind.GUIDE), make.person(hall, Kind.FLOATER)
    manager = make.person(hall, Kind.DUTY_MANAGER)

    answers = [tap(person, hall, "leave", posting=guide.postings.get().pk) for person in (floater, manager)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert held(guide, hall) == [("guide", None)]


@pytest.mark.covers("R-B15", "O-14")
def test_a_guards_leave_waits_for_the_duty_managers_consent():
    hall = make.hall()
    guard, manager = make.person(hall, Kind.GUARD, name_en="Zhao Gang"), make.person(hall, Kind.DUTY_MANAGER)

    asked = tap(guard, hall, "leave", posting=guard.postings.get().pk)

    assert "Please stay until he consents." in asked.content.decode()
    assert held(guard, hall) == [("security-guard", None)]
    assert "Zhao Gang asks to leave the post" in page(manager, hall)

    request = guard.leave_requests.get()
    assert tap(manager, hall, "consent", request=request.pk).status_code == 200
    assert held(guard, hall) == []
    assert tap(manager, hall, "consent", request=request.pk).status_code == 409


@pytest.mark.covers("R-B15")
def test_a_refused_guard_reads_why_and_stays():
    hall = make.hall()
    guard, manager = make.person(hall, Kind.GUARD), make.person(hall, Kind.DUTY_MANAGER, name_en="Li Wei")
    tap(guard, hall, "leave", posting=guard.postings.get().pk)
    request = guard.leave_requests.get()

    assert tap(manager, hall, "refuse", request=request.pk, reason=" ").status_code == 422
    assert tap(manager, hall, "refuse", request=request.pk, reason="The cash van comes at ten").status_code == 200

    assert held(guard, hall) == [("security-guard", None)]
    assert "Your leave was refused by Li Wei: The cash van comes at ten" in page(guard, hall)


def test_a_guard_asks_once_and_may_stay_after_all():
    hall = make.hall()
    guard = make.person(hall, Kind.GUARD)
    posting = guard.postings.get()

    for _tap in range(2):
        tap(guard, hall, "leave", posting=posting.pk)
    assert guard.leave_requests.count() == 1
    assert tap(guard, hall, "withdraw", posting=posting.pk).status_code == 200

    assert guard.leave_requests.get().state == "withdrawn"
    assert held(guard, hall) == [("security-guard", None)]


def test_only_who_assigns_posts_answers_and_nobody_his_own():
    hall = make.hall()
    guard, colleague = make.person(hall, Kind.GUARD), make.person(hall, Kind.GUARD)
    make.membership(guard, hall, Kind.DUTY_MANAGER)
    tap(guard, hall, "leave", posting=guard.postings.get(post__kind=Kind.GUARD).pk)
    request = guard.leave_requests.get()

    answers = [
        tap(colleague, hall, "consent", request=request.pk),
        tap(guard, hall, "consent", request=request.pk),
        tap(make.person(make.hall(), Kind.DUTY_MANAGER), hall, "consent", request=request.pk),
    ]

    assert [answer.status_code for answer in answers] == [403, 409, 404]
    assert guard.leave_requests.get().state == "asked"


@pytest.mark.covers("O-02")
def test_a_duty_manager_names_a_delegate_and_either_ends_it():
    hall = make.hall()
    manager, floater = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.FLOATER)

    assert tap(manager, hall, "delegate", person=floater.pk).status_code == 200
    assert held(floater, hall) == [("floater", None), ("duty-manager", None)]
    assert make.client(floater).get(f"/h/{hall.code}/board/").status_code == 200

    standing_in = floater.postings.get(is_delegate=True)
    assert tap(manager, hall, "leave", posting=standing_in.pk).status_code == 200
    assert make.client(floater).get(f"/h/{hall.code}/board/").status_code == 403

    tap(manager, hall, "delegate", person=floater.pk)
    assert tap(floater, hall, "leave", posting=floater.postings.get(is_delegate=True, until=None).pk).status_code == 200
    assert held(floater, hall) == [("floater", None)]


def test_a_delegate_names_no_delegate_and_nobody_off_shift_is_named():
    hall = make.hall()
    manager, floater, guide = (make.person(hall, kind) for kind in (Kind.DUTY_MANAGER, Kind.FLOATER, Kind.GUIDE))
    away = make.person(hall, Kind.GUIDE, holds=False)
    tap(manager, hall, "delegate", person=floater.pk)

    answers = [
        tap(floater, hall, "delegate", person=guide.pk),
        tap(manager, hall, "delegate", person=away.pk),
        tap(manager, hall, "delegate", person=manager.pk),
        tap(manager, hall, "delegate", person=make.person(make.hall(), Kind.GUIDE).pk),
        tap(guide, hall, "delegate", person=floater.pk),
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 422, 404, 403]
    assert held(guide, hall) == [("guide", None)]


def test_a_post_that_was_taken_from_somebody_gives_no_rights_here_either():
    hall = make.hall()
    person = make.person(hall, Kind.GUIDE)
    make.membership(person, hall, Kind.DUTY_MANAGER).delete()  # he still holds the post

    assert my_shift.load(hall, person, AT).may == access.rights_of(person, hall).now


def test_who_stands_in_has_the_duty_managers_rights_here_too():
    hall = make.hall()
    guide, manager = make.person(hall, Kind.GUIDE), make.person(hall, Kind.DUTY_MANAGER)
    delegates.name(guide, hall, by=manager, at=AT)

    assert my_shift.load(hall, guide, AT).may == access.rights_of(guide, hall).now
    assert Action.ASSIGN in my_shift.load(hall, guide, AT).may
