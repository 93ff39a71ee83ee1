"""Who holds which post: taking, leaving, being sent; rights come and go with it."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from hall import access, counters, postings
from hall.access import Action
from hall.models import Counter, HallPost, Kind, Person, Post, Posting
from hall.refusals import CounterTaken, Invalid, WrongState
from tests import make
from tests.at_once import together
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.covers("O-16")
def test_rights_come_with_the_post_and_go_with_it():
    hall = make.hall()
    liu = make.person(hall, Kind.GUIDE, holds=False)
    before = access.may(liu, hall, Action.GIVE_TICKET)

    posting = postings.take(liu, hall, make.post(Kind.GUIDE), by=liu, at=AT)
    during = access.may(liu, hall, Action.GIVE_TICKET)
    postings.leave(posting, by=liu, at=AT + MINUTE)

    assert (before, during, access.may(liu, hall, Action.GIVE_TICKET)) == (False, True, False)


def test_who_holds_nothing_is_led_to_my_shift_and_back():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER, holds=False))

    answer = client.get(f"/h/{hall.code}/board/")

    assert answer["Location"] == f"/h/{hall.code}/shift/?next=/h/{hall.code}/board/"


def test_an_action_without_the_post_is_refused_in_words():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER, holds=False))

    answer = make.tap(client, f"/h/{hall.code}/day/close/")

    assert (answer.status_code, "You do not hold the post" in answer.content.decode()) == (403, True)


def test_a_post_one_has_not_learnt_is_refused_in_words():
    hall = make.hall()
    li = make.person(hall, Kind.CLERK, holds=False)

    with make.refusal(Invalid, "does not have the post"):
        postings.take(li, hall, make.post(Kind.DUTY_MANAGER), by=li, at=AT)

    assert not Posting.objects.filter(person=li).exists()


@pytest.mark.covers("O-02")
def test_one_person_may_hold_several_posts():
    hall = make.hall()
    zhou = make.person(hall, Kind.DUTY_MANAGER)
    make.membership(zhou, hall, Kind.GUIDE)

    assert {row.post.slug for row in postings.held_by(zhou, hall)} == {"duty-manager", "guide"}


def test_taking_a_post_twice_is_taking_it_once():
    hall = make.hall()
    liu = make.person(hall, Kind.GUIDE, holds=False)
    first = postings.take(liu, hall, make.post(Kind.GUIDE), by=liu, at=AT)

    again = postings.take(liu, hall, make.post(Kind.GUIDE), by=liu, at=AT + MINUTE)

    assert (again.pk, again.since) == (first.pk, AT)


def test_going_to_a_zone_ends_being_nowhere():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)
    zone = make.zone(hall, "waiting")

    postings.take(wang, hall, make.post(Kind.FLOATER), zone=zone, by=wang, at=AT)

    assert [row.zone_id for row in postings.held_by(wang, hall)] == [zone.pk]


def test_a_zone_of_another_hall_is_refused():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)

    with make.refusal(Invalid, "zone of this hall"):
        postings.take(wang, hall, make.post(Kind.FLOATER), zone=make.zone(make.hall()), by=wang, at=AT)


@pytest.mark.covers("R-Q20")
def test_an_idle_hall_lets_a_floater_hold_several_zones_a_busy_one_gives_him_one():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)
    waiting, kiosks = make.zone(hall, "waiting"), make.zone(hall, "selfservice")

    postings.send(wang, waiting, only_here=False, by=None, at=AT)
    postings.send(wang, kiosks, only_here=False, by=None, at=AT)
    idle = {row.zone_id for row in postings.held_by(wang, hall)}
    postings.send(wang, kiosks, only_here=True, by=None, at=AT + MINUTE)

    assert idle == {waiting.pk, kiosks.pk}
    assert [row.zone_id for row in postings.held_by(wang, hall)] == [kiosks.pk]


def test_a_clerk_at_a_counter_is_not_sent_away():
    hall = make.hall()
    li, counter = make.person(hall, Kind.CLERK), make.counter(hall, state=Counter.State.CLOSED)
    counters.sign_in(counter, by=li, at=AT)

    with make.refusal(WrongState, "is at a counter"):
        postings.send(li, make.zone(hall, "waiting"), only_here=True, by=None, at=AT)


def test_being_relieved_of_the_last_zone_keeps_the_post():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)
    posting = postings.send(wang, make.zone(hall, "waiting"), only_here=True, by=None, at=AT)

    postings.relieve(posting, by=None, at=AT + MINUTE)

    assert [(row.zone_id, row.post.slug) for row in postings.held_by(wang, hall)] == [(None, "floater")]


def test_giving_up_twice_is_refused_in_words():
    hall = make.hall()
    liu = make.person(hall, Kind.GUIDE)
    (posting,) = postings.held_by(liu, hall)
    postings.leave(posting, by=liu, at=AT)

    with make.refusal(WrongState, "given up already"):
        postings.leave(posting, by=liu, at=AT)


@pytest.mark.covers("O-16")
def test_a_clerks_sign_in_is_a_posting_and_closing_ends_it():
    hall = make.hall()
    li, counter = make.person(hall, Kind.CLERK, holds=False), make.counter(hall, state=Counter.State.CLOSED)

    counters.sign_in(counter, by=li, at=AT)
    held = [(row.post.slug, row.counter_id, row.since) for row in postings.held_by(li, hall)]
    counters.close(counter, by=li, at=AT + MINUTE)

    assert held == [("counter-clerk", counter.pk, AT)]
    assert [row.until for row in Posting.objects.filter(person=li)] == [AT + MINUTE]


def test_one_person_never_holds_two_counters_at_a_time():
    hall = make.hall()
    li, first, second = make.person(hall, Kind.CLERK, holds=False), make.counter(hall), make.counter(hall)
    postings.take(li, hall, make.post(Kind.CLERK), counter=first, by=li, at=AT)

    with make.refusal(CounterTaken, "still at another counter"):
        postings.take(li, hall, make.post(Kind.CLERK), counter=second, by=li, at=AT)


def test_two_people_never_hold_one_counter_at_a_time():
    hall = make.hall()
    li, gao, counter = make.person(hall, holds=False), make.person(hall, holds=False), make.counter(hall)
    postings.take(li, hall, make.post(Kind.CLERK), counter=counter, by=li, at=AT)

    with make.refusal(CounterTaken, "Somebody else holds counter"):
        postings.take(gao, hall, make.post(Kind.CLERK), counter=counter, by=gao, at=AT)


def test_the_database_refuses_two_overlapping_times_at_one_counter():
    hall = make.hall()
    li, gao, counter = make.person(hall, holds=False), make.person(hall, holds=False), make.counter(hall)
    post, hour = make.post(Kind.CLERK), dt.timedelta(hours=1)
    Posting.objects.create(hall=hall, person=li, post=post, counter=counter, since=AT, until=AT + hour)
    Posting.objects.create(hall=hall, person=gao, post=post, counter=counter, since=AT + hour)

    with pytest.raises(IntegrityError, match="counter_has_one_person_at_a_time"), transaction.atomic():
        Posting.objects.create(hall=hall, person=gao, post=post, counter=counter, since=AT, until=AT + MINUTE)


def test_a_right_without_a_membership_is_none():
    hall = make.hall()
    liu = make.person(hall, Kind.GUIDE)

    liu.memberships.all().delete()

    assert access.rights_of(liu, hall) == access.NONE


@pytest.mark.covers("O-17")
def test_an_extended_post_is_taken_only_where_the_hall_has_it():
    hall = make.hall()
    cashier = make.post(Kind.STAFF, group=Post.Group.EXTENDED, code="CA")
    person = make.person(hall, Kind.STAFF, holds=False)
    off = postings.posts_of(person, hall)
    HallPost.objects.create(hall=hall, post=cashier)

    assert (off, postings.posts_of(person, hall)) == ([], [cashier])


def test_in_a_busy_hall_whoever_is_sent_leaves_the_zones_of_all_his_posts():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)
    make.membership(wang, hall, Kind.GUIDE)
    entrance, waiting = make.zone(hall, "entrance"), make.zone(hall, "waiting")
    postings.take(wang, hall, make.post(Kind.GUIDE), zone=entrance, by=wang, at=AT)

    postings.send(wang, waiting, only_here=True, by=None, at=AT + MINUTE)

    assert {row.zone_id for row in postings.held_by(wang, hall)} - {None} == {waiting.pk}


def test_who_is_no_longer_of_the_hall_is_relieved_and_holds_nothing():
    hall = make.hall()
    wang = make.person(hall, Kind.FLOATER)
    posting = postings.send(wang, make.zone(hall, "waiting"), only_here=True, by=None, at=AT)
    wang.memberships.all().delete()

    postings.relieve(posting, by=None, at=AT + MINUTE)

    assert postings.held_by(wang, hall) == []


@pytest.mark.parametrize("gone", ["inactive", "no membership"])
def test_what_somebody_held_who_left_in_mid_shift_ends_by_itself(gone: str):
    hall = make.hall()
    wang, liu = make.person(hall, Kind.FLOATER), make.person(hall, Kind.GUIDE)
    if gone == "inactive":
        Person.objects.filter(pk=wang.pk).update(is_active=False)
    else:
        wang.memberships.all().delete()

    assert postings.end_of_those_gone(at=AT) == 1
    assert [len(postings.held_by(person, hall)) for person in (wang, liu)] == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_take_one_post_at_once_take_it_once():
    hall = make.hall()
    liu, post = make.person(hall, Kind.GUIDE, holds=False), make.post(Kind.GUIDE)

    results = together(*[lambda: postings.take(liu, hall, post, by=liu, at=AT) for _tab in range(4)])

    assert {type(result) for result in results} == {Posting}
    assert Posting.objects.filter(person=liu).count() == 1
