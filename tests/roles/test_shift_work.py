"""What "my shift" says is owed: whose a task is, the checklists that open and secure the hall, one tap each."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall import postings
from hall.models import Counter, Hall, Kind, Person, Post
from roles import day_tasks, my_shift, opening, work
from roles.models import Cadence, HallDay, Moment, OpeningGate, Routine, Task
from tests import make
from tests.roles import task_rows
from tests.roles.task_rows import TODAY, local

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ten_o_clock(monkeypatch: pytest.MonkeyPatch):
    """The views' clock stands at ten on Monday."""
    monkeypatch.setattr("hall.clock.now", lambda: local("10:00"))


def seen(person: Person, hall: Hall, time: str = "10:00", on: dt.date = TODAY) -> work.Work:
    return work.load(my_shift.load(hall, person, local(time, on)))


def codes(rows: list[work.Row]) -> list[str]:
    return [row.task.code for row in rows]


def tap(one: Person, hall: Hall, step: str, /, **data: object):
    return make.tap(make.client(one), f"/h/{hall.code}/shift/{step}/", data)


def page(person: Person, hall: Hall) -> str:
    return make.client(person).get(f"/h/{hall.code}/shift/").content.decode()


@pytest.mark.covers("O-04")
def test_what_is_owed_stands_as_late_now_and_next():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task_rows.duty(code="D-LATE", moment=Moment.BEFORE_OPENING)
    task_rows.duty(code="D-NOW")
    task_rows.duty(code="D-NEXT", moment=Moment.LUNCH)
    task_rows.made(hall)

    owed = seen(floater, hall)

    assert (codes(owed.late), codes(owed.now), codes(owed.next)) == (["D-LATE"], ["D-NOW"], ["D-NEXT"])


def test_who_holds_no_post_owes_nothing():
    hall = task_rows.hall()
    task_rows.duty()
    away = make.person(hall, Kind.FLOATER, holds=False)
    task_rows.made(hall)

    owed = seen(away, hall)

    assert (owed.late, owed.now, owed.next) == ([], [], [])


def test_a_zones_duty_is_its_holders_and_everybodys_while_nobody_is_there():
    hall = task_rows.hall()
    zone, other = make.zone(hall, "consult"), make.zone(hall, "waiting")
    here, there = (make.person(hall, Kind.FLOATER, holds=False) for _person in range(2))
    postings.take(there, hall, make.post(Kind.FLOATER), zone=other, by=there, at=local("08:00"))
    task_rows.duty(zone_slug="consult")
    task_rows.made(hall)

    assert len(seen(there, hall).now) == 1
    postings.take(here, hall, make.post(Kind.FLOATER), zone=zone, by=here, at=local("08:00"))
    assert (len(seen(here, hall).now), len(seen(there, hall).now)) == (1, 0)


@pytest.mark.covers("R-B14", "O-09")
def test_b_has_the_task_while_a_is_away():
    hall = task_rows.hall()
    duty = task_rows.duty(Post.objects.create(code="AB", slug="ab-tasks", name_zh="日常", group=Post.Group.TASKS))
    a = make.person(hall, Kind.FLOATER, holds=False, name_en="Chen Min")
    b = make.person(hall, Kind.GUIDE)
    Routine.objects.create(hall=hall, duty=duty, a=a, b=b)
    task_rows.made(hall)

    assert [(row.task.duty, row.covers) for row in seen(b, hall).now] == [(duty, True)]
    postings.take(a, hall, make.post(Kind.FLOATER), by=a, at=local("09:00"))
    assert seen(b, hall).now == []
    assert [(row.task.duty, row.covers) for row in seen(a, hall).now] == [(duty, False)]


def test_a_task_that_nobody_holds_is_shown_to_the_duty_manager():
    hall = task_rows.hall()
    manager, guide = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.GUIDE)
    floater = make.person(hall, Kind.FLOATER, holds=False)
    task_rows.duty(code="D-FLOOR")
    task_rows.made(hall)

    assert codes(seen(manager, hall).unheld) == ["D-FLOOR"]
    assert seen(guide, hall).unheld == []
    postings.take(floater, hall, make.post(Kind.FLOATER), by=floater, at=local("09:00"))
    assert seen(manager, hall).unheld == []


def test_one_tap_and_it_is_done_and_one_more_undoes_it():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall, text_en="Check the kiosks")

    done = tap(floater, hall, "done", task=task.pk)
    assert (done.status_code, codes(seen(floater, hall).now), codes(seen(floater, hall).done)) == (200, [], [task.code])
    assert tap(floater, hall, "done", task=task.pk).status_code == 409
    assert tap(floater, hall, "undo", task=task.pk).status_code == 200
    assert codes(seen(floater, hall).now) == [task.code]


def test_a_double_tap_is_one_tap():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task, client = task_rows.one(hall), make.client(floater)

    answers = [
        make.tap(client, f"/h/{hall.code}/shift/done/", {"task": task.pk}, key="the-same-key") for _tap in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert task.events.count() == 1


def test_nobody_ticks_a_colleagues_task_but_who_assigns_posts():
    hall = task_rows.hall()
    floater, manager = make.person(hall, Kind.FLOATER), make.person(hall, Kind.DUTY_MANAGER)
    guide, stranger = make.person(hall, Kind.GUIDE), make.person(make.hall(), Kind.DUTY_MANAGER)
    task = task_rows.one(hall)
    elsewhere = make.hall()

    assert tap(guide, hall, "done", task=task.pk).status_code == 403
    assert tap(guide, hall, "except", task=task.pk, reason="x").status_code == 403
    assert tap(stranger, hall, "done", task=task.pk).status_code == 404
    make.membership(stranger, elsewhere, Kind.DUTY_MANAGER)
    assert tap(stranger, elsewhere, "done", task=task.pk).status_code == 404
    assert tap(floater, hall, "done", task="x").status_code == 422
    assert Task.objects.get(pk=task.pk).state == "open"
    assert tap(manager, hall, "done", task=task.pk).status_code == 200


def test_an_exception_without_a_reason_is_refused_in_words():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)

    refused = tap(floater, hall, "except", task=task.pk, reason="")

    assert (refused.status_code, "Please say why it is not done." in refused.content.decode()) == (422, True)
    assert tap(floater, hall, "except", task=task.pk, reason="no water").status_code == 200
    assert "not today: no water" in page(floater, hall)


def test_a_weeks_task_stays_until_its_last_day():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task_rows.duty(code="D-WEEK", cadence=Cadence.WEEKLY, moment=Moment.PERIODIC)
    thursday = TODAY + dt.timedelta(days=3)
    task_rows.made(hall)
    task_rows.made(hall, thursday)

    assert codes(seen(floater, hall, on=thursday).now) == ["D-WEEK"]


@pytest.mark.covers("R-C02")
def test_a_round_that_went_by_is_counted_on_the_one_that_is_on():
    hall = task_rows.hall()
    cleaner = make.person(hall, Kind.STAFF)
    task_rows.duty(Kind.STAFF, Cadence.EVERY_2H)
    task_rows.made(hall)

    owed = seen(cleaner, hall, "13:30")

    assert [(f"{hall.local(row.task.due_by):%H:%M}", row.missed) for row in owed.now] == [("15:00", 2)]
    assert owed.late == []


@pytest.mark.covers("R-C03", "REC-44", "H-09")
def test_bins_emptied_is_one_tap_each_time():
    hall = task_rows.hall()
    cleaner, guide = make.person(hall, Kind.STAFF), make.person(hall, Kind.GUIDE)
    bins = task_rows.duty(Kind.STAFF, Cadence.CONTINUOUS, record="REC-44", text_en="Empty the bins when full")
    day_tasks.make_tasks([hall.pk], TODAY, at=local("00:05"))

    assert tap(cleaner, hall, "event", duty=bins.pk).status_code == 200
    assert tap(guide, hall, "event", duty=bins.pk).status_code == 404

    row = Task.objects.get(hall=hall)
    assert (row.duty, row.state, row.done_by, row.done_at) == (bins, "done", cleaner, local("10:00"))
    assert codes(seen(cleaner, hall).done) == [bins.code]


def test_the_second_person_signs_on_his_own_page():
    hall = task_rows.hall()
    manager, floater = make.person(hall, Kind.DUTY_MANAGER, name_en="Li Wei"), make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall, post=Kind.DUTY_MANAGER, record="REC-23")
    tap(manager, hall, "done", task=task.pk, number="1204.50", second=floater.pk)

    assert "Your signature is asked for" in page(floater, hall)
    assert tap(manager, hall, "sign", task=task.pk).status_code == 409
    assert tap(floater, hall, "sign", task=task.pk).status_code == 200
    assert "Your signature is asked for" not in page(floater, hall)


@pytest.mark.covers("F-13", "H-03", "REC-03")
def test_counters_wait_until_the_opening_checklist_is_done_or_excepted():
    hall = task_rows.hall()
    OpeningGate.objects.create(hall=hall, is_on=True)
    manager = make.person(hall, Kind.DUTY_MANAGER)
    for _item in range(2):
        task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING, record="REC-03")
    task_rows.duty(Kind.DUTY_MANAGER)  # of the day: no item
    assert not opening.is_open(hall, local("08:00"))
    first, second, _other = task_rows.made(hall)

    day_tasks.done(first, by=manager, at=local("08:40"))
    assert not opening.is_open(hall, local("08:41"))
    day_tasks.except_task(second, reason="one touch screen is at the repair shop", by=manager, at=local("08:45"))

    assert opening.is_open(hall, local("08:46"))
    day = HallDay.objects.get(hall=hall)
    assert (day.opened_at, day.opened_by, day.open_reason) == (local("08:45"), manager, "")
    day_tasks.reopen(second, by=manager, at=local("09:30"))
    assert opening.is_open(hall, local("09:31"))


@pytest.mark.covers("F-13", "H-03")
def test_the_hall_opens_anyway_with_a_reason_by_who_may():
    hall = task_rows.hall()
    OpeningGate.objects.create(hall=hall, is_on=True)
    manager, guard = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.GUARD)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)
    task_rows.made(hall)

    assert tap(guard, hall, "open", reason="x").status_code == 403
    assert tap(manager, hall, "open", reason=" ").status_code == 422
    assert not opening.is_open(hall, local("10:00"))
    assert tap(manager, hall, "open", reason="Queue outside").status_code == 200

    assert opening.is_open(hall, local("10:01"))
    assert HallDay.objects.get(hall=hall).open_reason == "Queue outside"
    assert tap(manager, hall, "open", reason="again").status_code == 409


@pytest.mark.parametrize("gated", [None, False])
def test_a_hall_without_the_gate_is_always_open(gated: bool | None):
    hall = task_rows.hall()
    if gated is not None:
        OpeningGate.objects.create(hall=hall, is_on=gated)
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)

    assert opening.is_open(hall, local("10:00"))
    task_rows.made(hall)
    assert opening.is_open(hall, local("10:00"))


def test_a_hall_open_round_the_clock_has_no_gate():
    hall = make.hall()
    OpeningGate.objects.create(hall=hall, is_on=True)
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)
    task_rows.made(hall)

    assert opening.is_open(hall, local("10:00"))


def test_a_hall_with_nothing_on_its_checklist_waits_for_nothing():
    hall = task_rows.hall()
    OpeningGate.objects.create(hall=hall, is_on=True)
    make.person(hall, Kind.FLOATER)
    task_rows.duty()
    task_rows.made(hall)

    assert opening.is_open(hall, local("10:00"))


def test_a_colleagues_task_folds_open_without_forms_and_another_halls_not_at_all():
    hall = task_rows.hall()
    floater, guide = make.person(hall, Kind.FLOATER), make.person(hall, Kind.GUIDE)
    stranger = make.person(make.hall(), Kind.FLOATER)
    task = task_rows.one(hall, text_en="Check the kiosks")
    address = f"/h/{hall.code}/shift/task/?task={task.pk}"

    answers = [make.client(person).get(address) for person in (floater, guide, stranger, None)]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 302]
    assert [answer.content.decode().count("<form") for answer in answers[:2]] == [2, 0]
    assert make.client(floater).get(f"/h/{hall.code}/shift/task/?task=x").status_code == 404


def test_a_refusal_in_the_fold_is_said_in_the_fold():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    task = task_rows.one(hall)

    refused = tap(floater, hall, "except", task=task.pk, reason=" ", fold="yes")

    assert (refused.status_code, refused["HX-Retarget"]) == (422, "#fold-said")
    assert "Please say why it is not done." in refused.content.decode()
    assert 'id="shift"' not in refused.content.decode()


def test_who_edits_the_hall_switches_its_gate():
    hall = task_rows.hall()
    manager, duty_manager = make.person(hall, Kind.HALL_MANAGER), make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)
    task_rows.made(hall)

    assert tap(duty_manager, hall, "gate", gate="on").status_code == 403
    assert tap(manager, hall, "gate", gate="perhaps").status_code == 422
    assert tap(manager, hall, "gate", gate="on").status_code == 200
    assert not opening.is_open(hall, local("10:00"))
    assert tap(manager, hall, "gate", gate="off").status_code == 200
    assert opening.is_open(hall, local("10:00"))


def test_who_may_check_ticks_a_colleagues_item_and_no_other_task():
    hall = task_rows.hall()
    guard = make.person(hall, Kind.GUARD)
    make.person(hall, Kind.DUTY_MANAGER)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY_OPEN, Moment.BEFORE_OPENING)
    task_rows.duty(Kind.DUTY_MANAGER, Cadence.DAILY)
    item, task = task_rows.made(hall)

    assert tap(guard, hall, "done", task=item.pk).status_code == 200
    assert tap(guard, hall, "done", task=task.pk).status_code == 403


@pytest.mark.covers("F-14", "H-04", "R-A03", "REC-04")
def test_the_hall_is_secured_when_all_is_off_but_what_stays_on():
    hall = task_rows.hall()
    guard, clerk = make.person(hall, Kind.GUARD), make.person(hall, Kind.CLERK, name_en="Wang Fang")
    counter = make.counter(hall, clerk=clerk)
    task_rows.duty(Kind.GUARD, Cadence.DAILY_CLOSE, Moment.AFTER_CLOSING, record="REC-04")
    (item,) = task_rows.made(hall)
    both = {"on": TODAY, "left_on": ["machine_room", "surveillance"]}

    half = tap(guard, hall, "secure", on=TODAY, left_on=["machine_room"])
    signed_in = tap(guard, hall, "secure", **both)
    Counter.objects.filter(pk=counter.pk).update(clerk=None)
    undone = tap(guard, hall, "secure", **both)
    day_tasks.done(item, by=guard, at=local("18:20"))
    secured = tap(guard, hall, "secure", note="window 3 sticks", **both)

    assert [answer.status_code for answer in (half, signed_in, undone, secured)] == [422, 409, 409, 200]
    assert "Still signed in at counter: 1 (Wang Fang)." in signed_in.content.decode()
    assert "Still open on the closing checklist: 1." in undone.content.decode()
    day = HallDay.objects.get(hall=hall)
    assert (day.secured_by, day.left_on, day.secure_note) == (
        guard,
        ["machine_room", "surveillance"],
        "window 3 sticks",
    )
    assert tap(guard, hall, "secure", **both).status_code == 409


def test_what_was_signed_at_closing_is_not_undone():
    hall = task_rows.hall()
    guard = make.person(hall, Kind.GUARD)
    task_rows.duty(Kind.GUARD, Cadence.DAILY_CLOSE, Moment.AFTER_CLOSING, record="REC-04")
    (item,) = task_rows.made(hall)
    day_tasks.done(item, by=guard, at=local("18:20"))
    opening.secure(hall, TODAY, left_on=opening.STAYS_ON, by=guard, at=local("18:30"))

    answer = tap(guard, hall, "undo", task=item.pk)

    item.refresh_from_db()
    assert (answer.status_code, item.state, item.done_by) == (409, Task.State.DONE, guard)
    assert "The closing checklist is signed already." in answer.content.decode()


@pytest.mark.parametrize("on", ["", "banana", "2026-02-30", "1999-01-01"])
def test_a_bad_date_secures_nothing(on: str):
    hall = task_rows.hall()
    guard = make.person(hall, Kind.GUARD)

    assert tap(guard, hall, "secure", on=on, left_on=["machine_room", "surveillance"]).status_code == 422


def test_the_closing_of_a_hall_that_shuts_at_midnight_is_signed_in_the_small_hours():
    hall = task_rows.hall(closes=dt.time(0))
    guard = make.person(hall, Kind.GUARD)
    task_rows.duty(Kind.GUARD, Cadence.DAILY_CLOSE, Moment.AFTER_CLOSING)
    task_rows.made(hall)
    tuesday = TODAY + dt.timedelta(days=1)
    task_rows.made(hall, tuesday)

    owed = seen(guard, hall, "00:30", tuesday)

    assert owed.closing is not None
    assert (owed.closing.day.business_date, owed.closing.left) == (TODAY, 1)
    assert len(owed.now) == 1


def test_the_first_look_makes_the_day():
    hall = task_rows.hall()
    floater = make.person(hall, Kind.FLOATER)
    duty = task_rows.duty(text_en="Check the kiosks")

    assert "Check the kiosks" in page(floater, hall)
    assert Task.objects.get(hall=hall).duty == duty


def test_a_recorded_day_makes_nothing():
    hall = task_rows.hall(clock="played", played_at=local("10:00"))
    floater = make.person(hall, Kind.FLOATER)
    task_rows.duty()

    assert "This is a recorded day." in page(floater, hall)
    assert Task.objects.count() == 0


def test_at_most_twelve_queries_with_one_task_and_with_sixty():
    counts = []
    for number in (1, 60):
        hall = task_rows.hall()
        manager = make.person(hall, Kind.DUTY_MANAGER)
        post = Post.objects.create(code=f"P{number}", slug=f"post-{number}", name_zh="岗", kind=Kind.DUTY_MANAGER)
        manager.memberships.update(post=post)
        manager.postings.update(post=post)
        for moment in [Moment.NORMAL, Moment.BEFORE_OPENING, Moment.LUNCH][:number] * max(number // 3, 1):
            task_rows.duty(post, moment=moment)
        task_rows.made(hall)
        client = make.client(manager)
        with CaptureQueriesContext(connection) as queries:
            html = client.get(f"/h/{hall.code}/shift/").content.decode()
        counts.append(len(queries) + 1)  # the clock, which stands still here
        assert html.count('data-place="task-') >= min(number, 40)

    assert counts[0] == counts[1] <= 12
