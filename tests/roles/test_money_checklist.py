"""The checklist side of cash, cards and stock (F-20): who owes what at the close of the day."""

import datetime as dt
from collections.abc import Iterator

import pytest

from hall.models import Hall, Kind, Membership, Post
from roles import day_tasks
from roles.models import Task
from tests import make
from tests.roles import catalogue_rows

AT = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)  # a Monday, 09:00 in the hall


@pytest.fixture(autouse=True, scope="module")
def loaded(django_db_setup, django_db_blocker) -> Iterator[None]:
    yield from catalogue_rows.loaded_for_module(django_db_blocker)


def staffed_hall() -> Hall:
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    for kind, slug in ((Kind.DUTY_MANAGER, "duty-manager"), (Kind.STAFF, "auditor"), (Kind.STAFF, "storekeeper")):
        Membership.objects.create(hall=hall, person=make.person(), kind=kind, post=Post.objects.get(slug=slug))
    return hall


@pytest.mark.django_db
@pytest.mark.covers("F-20")
def test_the_takings_are_owed_at_the_close_with_their_amount_and_a_second_signature():
    hall = staffed_hall()

    day_tasks.make_tasks([hall.pk], at=AT)

    takings = Task.objects.get(hall=hall, code="D-DM-41")
    asked = day_tasks.asked_of(takings)
    assert (takings.record, takings.due_by.astimezone(hall.zone_info).hour >= 18) == ("REC-23", True)
    assert (str(asked.number), asked.second) == ("Amount handed in, yuan", True)


@pytest.mark.django_db
@pytest.mark.covers("F-20")
def test_auditor_and_storekeeper_owe_their_daily_counts():
    hall = staffed_hall()

    day_tasks.make_tasks([hall.pk], at=AT)

    owed = set(Task.objects.filter(hall=hall).values_list("post__slug", "record"))
    assert {("auditor", "REC-31"), ("storekeeper", "REC-27")} <= owed
