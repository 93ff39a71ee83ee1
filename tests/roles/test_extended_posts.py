"""The calendar of extended posts: nothing of it in a hall that has not switched them on (O-20)."""

import datetime as dt
from collections.abc import Iterator

import pytest

from hall.models import Hall, HallPost, Kind, Membership, Post
from roles import day_tasks
from roles.models import Task
from tests import make
from tests.roles import catalogue_rows

FIRST_OF_THE_MONTH = dt.date(2026, 12, 1)
AT = dt.datetime(2026, 12, 1, 1, 0, tzinfo=dt.UTC)  # 09:00 in the hall


@pytest.fixture(autouse=True, scope="module")
def loaded(django_db_setup, django_db_blocker) -> Iterator[None]:
    yield from catalogue_rows.loaded_for_module(django_db_blocker)


def hall_with_an_accountant() -> tuple[Hall, Post]:
    hall, accountant = make.hall(opens=dt.time(9), closes=dt.time(18)), Post.objects.get(slug="accountant")
    Membership.objects.create(hall=hall, person=make.person(), kind=Kind.STAFF, post=accountant)
    return hall, accountant


def owed(hall: Hall, post: Post) -> set[str]:
    day_tasks.make_tasks([hall.pk], FIRST_OF_THE_MONTH, at=AT)
    return set(Task.objects.filter(hall=hall, post=post).values_list("code", flat=True))


@pytest.mark.django_db
@pytest.mark.covers("O-20", "O-17")
def test_a_hall_without_the_extended_post_owes_nothing_of_its_calendar():
    hall, accountant = hall_with_an_accountant()

    assert owed(hall, accountant) == set()


@pytest.mark.django_db
@pytest.mark.covers("O-20", "R-R15")
def test_once_it_is_switched_on_the_accountants_monthly_report_is_owed():
    hall, accountant = hall_with_an_accountant()
    HallPost.objects.create(hall=hall, post=accountant, is_used=True)
    monthly = set(accountant.duties.filter(cadence="monthly").values_list("code", flat=True))

    assert monthly and monthly <= owed(hall, accountant)
