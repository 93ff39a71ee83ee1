"""Tasks that are ticked or made at the same time: real threads against PostgreSQL."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from hall.models import Kind, Post
from hall.refusals import WrongState
from roles import day_tasks, opening, routines
from roles.models import Cadence, HallDay, Moment, OpeningGate, Routine, Task
from tests import make
from tests.roles import task_rows
from tests.roles.task_rows import TODAY, local

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[str]:
    """Run all at the same time, each on a connection of its own; what came of each: "done" or the refusal's class."""
    together, outcomes = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        try:
            together.wait(30)
            act()
            outcomes.append("done")
        except WrongState as refusal:
            outcomes.append(type(refusal).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


@pytest.mark.covers("F-13")
def test_two_who_do_the_last_two_items_open_the_hall():
    hall = task_rows.hall()
    OpeningGate.objects.create(hall=hall, is_on=True)
    one, other = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.DUTY_MANAGER)
    for _item in range(2):
        task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)
    first, second = task_rows.made(hall)

    outcomes = at_once(
        lambda: day_tasks.done(first, by=one, at=local("08:40")),
        lambda: day_tasks.done(second, by=other, at=local("08:40")),
    )

    assert outcomes == ["done", "done"]
    assert opening.is_open(hall, local("08:41"))


def test_of_two_who_tick_the_same_task_one_is_told():
    hall = task_rows.hall()
    one, other = make.person(hall, Kind.FLOATER), make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)

    outcomes = at_once(
        lambda: day_tasks.done(task, by=one, at=local("10:00")),
        lambda: day_tasks.done(task, by=other, at=local("10:00")),
    )

    assert outcomes == ["WrongState", "done"]
    assert task.events.count() == 1


def test_two_workers_make_a_day_once():
    hall = task_rows.hall()
    make.person(hall, Kind.FLOATER)
    for _duty in range(5):
        task_rows.duty()

    outcomes = at_once(*(lambda: day_tasks.make_tasks([hall.pk], TODAY, at=local("00:05")) for _worker in range(2)))

    assert outcomes == ["done", "done"]
    assert (Task.objects.count(), HallDay.objects.count()) == (5, 1)


def test_two_who_name_a_and_b_of_a_task_at_once_leave_one_line():
    hall = task_rows.hall()
    manager = make.person(hall, Kind.HALL_MANAGER)
    a, b, c = (make.person(hall, Kind.FLOATER) for _person in range(3))
    post = Post.objects.create(code="AB", slug="ab-tasks", name_zh="日常", group=Post.Group.TASKS)

    for _time in range(5):
        duty = task_rows.duty(post)
        outcomes = at_once(
            partial(routines.assign, hall, duty, a, b, by=manager, at=local("08:40")),
            partial(routines.assign, hall, duty, b, c, by=manager, at=local("08:40")),
        )

        assert outcomes == ["done", "done"]
        assert Routine.objects.filter(duty=duty).count() == 1
