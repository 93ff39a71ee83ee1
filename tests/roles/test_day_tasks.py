"""A day's tasks: made from duties, each once, with the times of the hall; done, excepted, reopened, signed."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall import postings
from hall.models import HallPost, Holiday, Kind, OpeningInterval, Post
from hall.refusals import Invalid, WrongState
from roles import day_tasks
from roles.models import Cadence, HallDay, Moment, Routine, Task
from tests import make
from tests.roles import task_rows
from tests.roles.task_rows import TODAY, local

pytestmark = pytest.mark.django_db

TUESDAY, SATURDAY, SUNDAY = (TODAY + dt.timedelta(days=days) for days in (1, 5, 6))


@pytest.mark.covers("O-04")
@pytest.mark.parametrize(
    ("cadence", "moment", "expected"),
    [
        (Cadence.DAILY_OPEN, Moment.BEFORE_OPENING, [("Mon 23 07:30", "Mon 23 09:00")]),
        (Cadence.DAILY_OPEN, Moment.BRIEFING, [("Mon 23 08:30", "Mon 23 09:00")]),
        (Cadence.DAILY, Moment.OPENING, [("Mon 23 09:00", "Mon 23 10:00")]),
        (Cadence.DAILY, Moment.NORMAL, [("Mon 23 09:00", "Mon 23 18:00")]),
        (Cadence.DAILY, Moment.LUNCH, [("Mon 23 11:30", "Mon 23 13:00")]),
        (Cadence.DAILY_CLOSE, Moment.CLOSING, [("Mon 23 17:00", "Mon 23 18:30")]),
        (Cadence.DAILY_CLOSE, Moment.AFTER_CLOSING, [("Mon 23 18:00", "Mon 23 19:30")]),
        (Cadence.CONTINUOUS, Moment.NORMAL, []),
        (Cadence.PER_CUSTOMER, Moment.NORMAL, []),
        (Cadence.ON_EVENT, Moment.EVENT, []),
    ],
)
def test_due_times_follow_moment_and_opening_hours(cadence: str, moment: str, expected: list):
    hall = task_rows.hall()
    make.person(hall, Kind.FLOATER)
    task_rows.duty(cadence=cadence, moment=moment)

    assert task_rows.spans(hall) == expected


def test_a_hall_that_never_shuts_does_its_openings_in_the_course_of_the_day():
    hall = make.hall()
    make.person(hall, Kind.FLOATER)
    task_rows.duty(cadence=Cadence.DAILY_OPEN, moment=Moment.BRIEFING)

    assert task_rows.spans(hall) == [("Mon 23 00:00", "Tue 24 00:00")]


@pytest.mark.covers("R-C01", "H-09")
def test_the_full_clean_is_owed_before_opening_and_during_business():
    hall = task_rows.hall()
    make.person(hall, Kind.STAFF)
    task_rows.duty(Kind.STAFF, Cadence.TWICE_DAILY, Moment.BEFORE_OPENING)

    assert task_rows.spans(hall) == [("Mon 23 07:30", "Mon 23 09:00"), ("Mon 23 09:00", "Mon 23 18:00")]


@pytest.mark.covers("R-C01")
def test_a_hall_that_cleans_three_times_a_day_has_three():
    hall = task_rows.hall()
    make.limit(hall, "R-C01", "times", 3)
    make.person(hall, Kind.STAFF)
    task_rows.duty(Kind.STAFF, Cadence.TWICE_DAILY, Moment.BEFORE_OPENING)

    assert [by for _from, by in task_rows.spans(hall)] == ["Mon 23 09:00", "Mon 23 13:30", "Mon 23 18:00"]


@pytest.mark.covers("R-C02", "H-09")
def test_the_floor_is_cleaned_every_two_hours():
    hall = task_rows.hall()
    make.person(hall, Kind.STAFF)
    task_rows.duty(Kind.STAFF, Cadence.EVERY_2H)

    assert [by for _from, by in task_rows.spans(hall)] == [
        "Mon 23 11:00", "Mon 23 13:00", "Mon 23 15:00", "Mon 23 17:00", "Mon 23 18:00",
    ]  # fmt: skip


@pytest.mark.covers("R-B07", "H-11")
def test_the_fire_gear_is_a_task_on_mondays():
    hall = task_rows.hall()
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.WEEKLY_MON, Moment.BEFORE_OPENING)

    assert task_rows.spans(hall, TUESDAY) == []
    assert task_rows.spans(hall) == [("Mon 23 07:30", "Mon 23 09:00")]


@pytest.mark.covers("R-B07")
def test_a_monday_that_is_shut_is_made_up_on_the_next_open_day():
    hall = task_rows.hall()
    Holiday.objects.create(hall=hall, on=TODAY)
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.WEEKLY_MON, Moment.BEFORE_OPENING)

    assert task_rows.spans(hall) == []
    assert task_rows.spans(hall, TUESDAY) == [("Tue 24 07:30", "Tue 24 09:00")]


def test_the_saturday_report_moves_to_the_working_day_before():
    """X-17."""
    hall = task_rows.hall()
    OpeningInterval.objects.filter(hall=hall, weekday__gte=5).delete()
    make.person(hall, Kind.HALL_MANAGER)
    task_rows.duty(Kind.HALL_MANAGER, Cadence.WEEKLY_SAT, Moment.PERIODIC)

    assert task_rows.spans(hall, SATURDAY) == []
    assert task_rows.spans(hall, SATURDAY - dt.timedelta(days=1)) == [("Fri 27 09:00", "Fri 27 18:00")]


def test_a_weeks_task_is_owed_once_until_its_last_open_day():
    hall = task_rows.hall()
    make.person(hall, Kind.FLOATER)
    task_rows.duty(cadence=Cadence.WEEKLY, moment=Moment.PERIODIC)

    task_rows.made(hall)

    assert task_rows.spans(hall, TUESDAY) == [("Mon 23 09:00", "Sun 29 18:00")]


@pytest.mark.covers("R-R06")
@pytest.mark.parametrize(
    ("cadence", "on", "shut", "expected"),
    [
        (Cadence.MONTHLY_BY_30, dt.date(2026, 11, 5), [], "Mon 30 18:00"),
        (Cadence.MONTHLY_BY_30, dt.date(2027, 2, 5), [], "Sun 28 18:00"),
        (Cadence.MONTHLY_BY_30, dt.date(2027, 2, 5), [dt.date(2027, 2, 28), dt.date(2027, 2, 27)], "Fri 26 18:00"),
        (Cadence.MONTHLY_BY_3, dt.date(2026, 11, 2), [], "Tue 03 18:00"),
        (Cadence.MONTHLY, dt.date(2026, 11, 30), [], "Mon 30 18:00"),
    ],
)
def test_a_months_task_ends_on_its_day_or_the_last_open_one_before(
    cadence: str, on: dt.date, shut: list, expected: str
):
    """X-16: no 30 February; a shut day moves it forward."""
    hall = task_rows.hall()
    for day in shut:
        Holiday.objects.create(hall=hall, on=day)
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, cadence, Moment.PERIODIC)

    assert [by for _from, by in task_rows.spans(hall, on)] == [expected]


def test_a_month_whose_time_is_over_owes_nothing_more():
    hall = task_rows.hall()
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.MONTHLY_BY_3, Moment.PERIODIC)

    assert task_rows.spans(hall, dt.date(2026, 11, 4)) == []


def test_a_shut_day_owes_nothing():
    hall = task_rows.hall()
    Holiday.objects.create(hall=hall, on=TODAY)
    make.person(hall, Kind.FLOATER)
    task_rows.duty()

    assert task_rows.made(hall) == []
    assert HallDay.objects.get(hall=hall).business_date == TODAY


def test_making_a_day_again_makes_only_what_is_missing():
    hall = task_rows.hall()
    make.person(hall, Kind.FLOATER)
    task_rows.duty()
    first = task_rows.made(hall)
    task_rows.duty()

    assert len(first) == 1
    assert len(task_rows.made(hall)) == 2
    assert len(task_rows.made(hall)) == 2
    assert HallDay.objects.filter(hall=hall).count() == 1


def test_a_post_owes_a_duty_once_however_many_have_it():
    hall = task_rows.hall()
    for _person in range(3):
        make.person(hall, Kind.FLOATER)
    task_rows.duty()

    assert [task.person for task in task_rows.made(hall)] == [None]


def test_a_hall_owes_only_for_posts_that_its_people_have_and_it_uses():
    hall = task_rows.hall()
    make.person(hall, Kind.GUIDE)
    make.person(hall, Kind.HEADQUARTERS)
    make.person(hall, Kind.FLOATER, is_active=False)
    extended = Post.objects.create(
        code="EX", slug="promoter", name_zh="促销", group=Post.Group.EXTENDED, kind=Kind.STAFF
    )
    make.membership(make.person(), hall, Kind.STAFF).delete()
    member = make.person(hall, Kind.STAFF)
    member.memberships.update(post=extended)
    for post in (Kind.GUIDE, Kind.HEADQUARTERS, Kind.FLOATER, Kind.DUTY_MANAGER, extended):
        task_rows.duty(post)

    assert [task.post.slug for task in task_rows.made(hall)] == ["guide"]

    HallPost.objects.create(hall=hall, post=extended, is_used=True)
    assert [task.post.slug for task in task_rows.made(hall)] == ["guide", "promoter"]


@pytest.mark.covers("R-B09", "H-03")
def test_what_every_shift_asks_is_owed_by_each_holder_and_ready_five_minutes_before_duty():
    hall = task_rows.hall()
    task_rows.duty(Kind.CLERK, Cadence.PER_SHIFT, Moment.BEFORE_OPENING)
    early, late = (make.person(hall, Kind.CLERK, holds=False) for _person in range(2))
    post = make.post(Kind.CLERK)
    postings.take(early, hall, post, by=early, at=local("08:00"))
    postings.take(late, hall, post, by=late, at=local("13:00"))

    for _again in range(2):
        day_tasks.make_due(at=local("13:01"))

    rows = Task.objects.filter(hall=hall).order_by("due_by")
    assert [(row.person, f"{hall.local(row.due_by):%H:%M}") for row in rows] == [(early, "08:55"), (late, "13:15")]


def test_a_stand_in_owes_no_shift_of_his_own():
    hall = task_rows.hall()
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.PER_SHIFT)
    floater = make.person(hall, Kind.FLOATER)
    postings.take(floater, hall, make.post(Kind.DUTY_MANAGER), is_delegate=True, by=floater, at=local("09:00"))

    day_tasks.make_shift_tasks(at=local("09:01"))

    assert Task.objects.count() == 0


def test_the_worker_makes_each_halls_day_at_its_own_midnight():
    here, west = task_rows.hall(), task_rows.hall(time_zone="Asia/Urumqi")
    for hall in (here, west):
        make.person(hall, Kind.FLOATER)
    task_rows.duty()
    day_tasks.make_due(at=local("23:00", TODAY - dt.timedelta(days=1)))
    Task.objects.all().delete()

    begun = day_tasks.make_due(at=local("00:10"))

    assert begun == 1
    assert [(task.hall, task.business_date) for task in Task.objects.all()] == [(here, TODAY)]


def test_a_recorded_day_and_a_hall_out_of_use_owe_nothing():
    for fields in ({"clock": "played"}, {"is_active": False}):
        hall = task_rows.hall(**fields)
        make.person(hall, Kind.FLOATER)
    task_rows.duty()

    day_tasks.make_due(at=local("08:00"))
    day_tasks.make_tasks(None, at=local("08:00"))

    assert Task.objects.count() == 0


def test_a_task_keeps_the_wording_of_its_day():
    hall = task_rows.hall()
    make.person(hall, Kind.FLOATER)
    duty = task_rows.duty(text_en="Check the kiosks", text_zh="检查自助机", record="REC-03")
    task = task_rows.made(hall)[0]

    duty.delete()

    task.refresh_from_db()
    assert (task.duty, task.text_en, task.text_zh, task.record) == (None, "Check the kiosks", "检查自助机", "REC-03")


def test_many_halls_cost_as_many_queries_as_few():
    task_rows.duty()
    counts = []
    for number in (2, 6):
        halls = [task_rows.hall() for _hall in range(number)]
        for hall in halls:
            make.person(hall, Kind.FLOATER)
        with CaptureQueriesContext(connection) as queries:
            day_tasks.make_tasks([hall.pk for hall in halls], TODAY, at=local("00:05"))
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_done_leaves_who_when_and_an_event():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)

    done = day_tasks.done(task, note="all in order", by=floater, at=local("10:00"))

    assert (done.state, done.done_by, done.done_at) == ("done", floater, local("10:00"))
    assert done.evidence == {"text": "all in order"}
    assert [(event.verb, event.by) for event in done.events.all()] == [("done", floater)]


def test_done_twice_is_refused():
    hall = task_rows.hall()
    floater, colleague = make.person(hall, Kind.FLOATER), make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)
    day_tasks.done(task, by=floater, at=local("10:00"))

    with make.refusal(WrongState, "has done this already."):
        day_tasks.done(task, by=colleague, at=local("10:01"))

    assert task.events.count() == 1


def test_an_exception_needs_a_reason():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)

    with make.refusal(Invalid, "Please say why it is not done."):
        day_tasks.except_task(task, reason="  ", by=floater, at=local("10:00"))
    excepted = day_tasks.except_task(task, reason="no water today", by=floater, at=local("10:00"))

    assert (excepted.state, excepted.reason) == ("excepted", "no water today")


def test_undone_it_is_owed_again_and_the_event_stays():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)
    day_tasks.done(task, note="x", by=floater, at=local("10:00"))

    again = day_tasks.reopen(task, by=floater, at=local("10:01"))

    assert (again.state, again.done_at, again.done_by, again.evidence) == ("open", None, None, {})
    assert [event.verb for event in again.events.all()] == ["done", "reopened"]
    with make.refusal(WrongState):
        day_tasks.reopen(task, by=floater, at=local("10:02"))


def test_the_takings_ask_for_their_amount_and_a_second_signature():
    hall = task_rows.hall()
    manager, floater = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall, post=Kind.DUTY_MANAGER, record="REC-23")

    for number in ("", "much", "-1", "1e3", "1.234", "NaN", "９"):
        with make.refusal(Invalid, "Please give the number"):
            day_tasks.done(task, number=number, second=floater, by=manager, at=local("18:00"))
    for second in (None, manager):
        with make.refusal(Invalid, "Please choose the colleague"):
            day_tasks.done(task, number="1204.50", second=second, by=manager, at=local("18:00"))
    done = day_tasks.done(task, number="1204.50", second=floater, by=manager, at=local("18:00"))

    assert (done.evidence, done.second, done.signed_at) == ({"number": "1204.50"}, floater, None)
    with make.refusal(WrongState):
        day_tasks.sign(task, by=manager, at=local("18:01"))
    assert day_tasks.sign(task, by=floater, at=local("18:02")).signed_at == local("18:02")
    with make.refusal(WrongState):
        day_tasks.sign(task, by=floater, at=local("18:03"))


@pytest.mark.covers("REC-36")
def test_the_fire_round_asks_what_was_found():
    hall = task_rows.hall()
    manager = make.person(hall, Kind.DUTY_MANAGER)
    task = task_rows.one(hall, post=Kind.DUTY_MANAGER, record="REC-36")

    with make.refusal(Invalid, "Please write down what was found."):
        day_tasks.done(task, by=manager, at=local("08:00"))

    assert day_tasks.done(
        task, note="2 hydrants, 6 extinguishers in order", by=manager, at=local("08:00")
    ).evidence == {"text": "2 hydrants, 6 extinguishers in order"}


@pytest.mark.covers("R-B14", "O-09", "REC-55")
def test_a_task_of_the_a_b_table_is_as_of_a_with_b_behind_him():
    hall = task_rows.hall()
    small = Post.objects.create(code="AB", slug="ab-tasks", name_zh="日常事务", group=Post.Group.TASKS, kind=Kind.STAFF)
    duty, _unassigned = task_rows.duty(small), task_rows.duty(small)
    a, b = make.person(hall, Kind.FLOATER), make.person(hall, Kind.GUIDE)
    Routine.objects.create(hall=hall, duty=duty, a=a, b=b)

    assert [(task.duty, task.person, task.backup) for task in task_rows.made(hall)] == [(duty, a, b)]
