"""The A/B table: each small task has an A and a B, named by who edits the hall and read by all."""

import pytest

from hall.models import Hall, Kind, Person, Post
from roles import day_tasks
from roles.models import Duty, Routine, Task
from tests import make
from tests.roles import task_rows
from tests.roles.task_rows import local

pytestmark = pytest.mark.django_db


def small_duty(**fields: object) -> Duty:
    post = Post.objects.get_or_create(
        slug="ab-tasks", defaults={"code": "AB", "name_zh": "日常事务", "group": Post.Group.TASKS, "kind": Kind.STAFF}
    )[0]
    return task_rows.duty(post, **fields)


def tap(one: Person, hall: Hall, step: str, /, **data: object):
    return make.tap(make.client(one), f"/h/{hall.code}/routines/{step}/", data)


@pytest.mark.covers("O-09", "REC-55")
def test_the_hall_manager_names_a_and_b_and_everybody_reads_it():
    hall = task_rows.hall()
    manager, guide = make.person(hall, Kind.HALL_MANAGER), make.person(hall, Kind.GUIDE)
    a, b = make.person(hall, Kind.FLOATER, name_en="Chen Min"), make.person(hall, Kind.FLOATER, name_en="Sun Li")
    duty = small_duty(text_en="Change the water")

    assert tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=b.pk).status_code == 200

    html = make.client(guide).get(f"/h/{hall.code}/routines/").content.decode()
    assert "Change the water" in html
    assert "<b>A</b> Chen Min · <b>B</b> Sun Li" in html
    assert Routine.history.get().history_user == manager


def test_open_tasks_change_hands_with_the_table_and_go_with_it():
    hall = task_rows.hall()
    manager = make.person(hall, Kind.HALL_MANAGER)
    a, b, c = (make.person(hall, Kind.FLOATER) for _person in range(3))
    duty = small_duty()
    tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=b.pk)
    task_rows.made(hall)

    tap(manager, hall, "assign", duty=duty.pk, a=c.pk, b=a.pk)
    task = Task.objects.get(hall=hall)
    assert (task.person, task.backup) == (c, a)

    assert tap(manager, hall, "remove", duty=duty.pk).status_code == 200
    assert (Routine.objects.count(), Task.objects.count()) == (0, 0)


def test_what_was_done_stays_when_a_line_is_removed():
    hall = task_rows.hall()
    manager, a, b = (make.person(hall, kind) for kind in (Kind.HALL_MANAGER, Kind.FLOATER, Kind.GUIDE))
    duty = small_duty()
    tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=b.pk)
    (task,) = task_rows.made(hall)
    day_tasks.done(task, by=a, at=local("10:00"))

    tap(manager, hall, "remove", duty=duty.pk)

    assert Task.objects.get().done_by == a


def test_bad_lines_are_refused_and_change_nothing():
    hall = task_rows.hall()
    manager, a, b = (make.person(hall, kind) for kind in (Kind.HALL_MANAGER, Kind.FLOATER, Kind.GUIDE))
    stranger = make.person(make.hall(), Kind.FLOATER)
    duty, of_a_post = small_duty(), task_rows.duty()

    answers = [
        tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=a.pk),
        tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=stranger.pk),
        tap(manager, hall, "assign", duty=duty.pk, a=a.pk, b=""),
        tap(manager, hall, "assign", duty=of_a_post.pk, a=a.pk, b=b.pk),
        tap(manager, hall, "assign", duty=999_999, a=a.pk, b=b.pk),
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 404]
    assert "A and B are two people" in answers[0].content.decode()
    assert Routine.objects.count() == 0


def test_only_who_edits_the_hall_changes_the_table():
    hall = task_rows.hall()
    manager, guide = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.GUIDE)
    stranger = make.person(make.hall(), Kind.HALL_MANAGER)
    data = {"duty": small_duty().pk, "a": manager.pk, "b": guide.pk}

    answers = [tap(person, hall, "assign", **data) for person in (manager, guide, stranger)]

    assert [answer.status_code for answer in answers] == [403, 403, 404]
    assert make.client().get(f"/h/{hall.code}/routines/").status_code == 302


def test_the_table_asks_the_database_equally_often_however_long_it_is(django_assert_num_queries):
    hall = task_rows.hall()
    client = make.client(make.person(hall, Kind.HALL_MANAGER))
    small_duty()
    client.get(f"/h/{hall.code}/routines/")

    with django_assert_num_queries(9):
        client.get(f"/h/{hall.code}/routines/")
    for _line in range(20):
        small_duty()
    with django_assert_num_queries(9):
        client.get(f"/h/{hall.code}/routines/")
