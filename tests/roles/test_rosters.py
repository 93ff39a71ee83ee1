"""The roster's verbs: planning, changing, cancelling, copying a week, swaps, meals."""

import datetime as dt
import random
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from hall.models import Counter, Hall, Kind, Person
from hall.refusals import Invalid, WrongState
from roles import meals, rosters
from roles.models import Shift, ShiftEvent, Swap
from roles.rosters import Overlaps
from tests import make
from tests.make import AT, MINUTE
from tests.roles.roster_rows import HOUR, MONDAY, plan, shift

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
DAY = dt.timedelta(days=1)


@pytest.fixture
def english() -> Iterator[None]:
    """What is said is read here in English."""
    with translation.override("en"):
        yield


def clerks(hall: Hall, count: int) -> list[Person]:
    return [make.person(hall, Kind.CLERK) for _number in range(count)]


# Planning


def test_plans_a_shift_with_its_place_and_meal():
    hall = make.hall()
    zone = make.zone(hall)
    counter = make.counter(hall, 3, zone=zone)
    person, manager = make.person(hall, Kind.CLERK), make.person(hall, Kind.HALL_MANAGER)

    made = rosters.plan(
        hall, plan(person, hall, meal="12:00-12:45", counter=counter, note=" early bus "), by=manager, at=AT
    )

    made.refresh_from_db()
    assert (made.on, made.person, made.post.kind) == (MONDAY, person, Kind.CLERK)
    assert (made.starts, made.ends) == (AT - HOUR, AT + 7 * HOUR)
    assert (made.meal_from, made.meal_until) == (AT + 2 * HOUR, AT + 2 * HOUR + 45 * MINUTE)
    assert (made.counter, made.zone, made.note) == (counter, zone, "early bus")
    assert list(ShiftEvent.objects.values_list("shift_id", "verb", "at", "by_id")) == [
        (made.pk, "planned", AT, manager.pk)
    ]


def test_a_shift_over_midnight_belongs_to_the_date_on_which_it_starts():
    hall = make.hall()
    guard = make.person(hall, Kind.GUARD)

    made = shift(guard, hall, "22:00", "06:00", meal="01:00-01:30")

    assert made.on == MONDAY
    assert made.ends - made.starts == 8 * HOUR
    assert hall.local(made.meal_from).date() == MONDAY + DAY
    assert rosters.planned_on(hall, MONDAY) == [made]
    assert rosters.planned_on(hall, MONDAY + DAY) == []
    assert rosters.planned_now(hall, made.ends - MINUTE) == [made]


def test_finds_the_shifts_that_run_now():
    hall = make.hall()
    early, late, gone, free = (make.person(hall, Kind.CLERK) for _number in range(4))
    first = shift(early, hall, "09:00", "12:00")
    second = shift(late, hall, "12:00", "18:00")
    rosters.cancel(shift(gone, hall), by=None, at=AT - HOUR)
    shift(free, hall, on=MONDAY + DAY)

    assert rosters.planned_now(hall, AT) == [first]
    assert rosters.planned_now(hall, AT + 2 * HOUR) == [second]
    assert rosters.planned_now(hall, AT - HOUR - MINUTE) == []


def test_refuses_a_second_shift_at_the_same_time_also_in_another_hall():
    hall, other = make.hall(), make.hall()
    person = make.person(hall, Kind.CLERK)
    make.membership(person, other, Kind.CLERK)
    shift(person, hall, "09:00", "13:00")

    with make.refusal(Overlaps, f"{person.name} already has a shift from 11-23 09:00 to 13:00"):
        rosters.plan(other, plan(person, other, "12:00", "17:00"), by=None, at=AT)

    assert rosters.plan(other, plan(person, other, "13:00", "17:00"), by=None, at=AT).starts == AT + 3 * HOUR
    assert Shift.objects.count() == 2


def test_a_shift_after_midnight_overlaps_with_the_night_before():
    hall = make.hall()
    guard = make.person(hall, Kind.GUARD)
    shift(guard, hall, "22:00", "06:00")

    with make.refusal(Overlaps):
        rosters.plan(hall, plan(guard, hall, "05:00", "09:00", on=MONDAY + DAY), by=None, at=AT)


def test_the_database_keeps_one_shift_at_a_time_by_itself():
    hall = make.hall()
    made = shift(make.person(hall, Kind.CLERK), hall)

    made.pk = None
    with pytest.raises(IntegrityError, match="person_has_one_shift_at_a_time"), transaction.atomic():
        made.save()


@pytest.mark.parametrize(
    ("start", "end", "meal", "words"),
    [
        ("09:00", "09:00", "", "at most 16 hours"),
        ("06:00", "22:01", "", "at most 16 hours"),
        ("09:00", "17:00", "16:30-17:15", "meal is within the shift"),
        ("09:00", "17:00", "08:30-09:15", "meal is within the shift"),
    ],
)
def test_refuses_times_that_are_no_shift(start: str, end: str, meal: str, words: str):
    hall = make.hall()

    with make.refusal(Invalid, words):
        rosters.plan(hall, plan(make.person(hall, Kind.CLERK), hall, start, end, meal=meal), by=None, at=AT)

    assert not Shift.objects.exists()


def test_plans_sixteen_hours():
    hall = make.hall()

    assert shift(make.person(hall, Kind.GUARD), hall, "06:00", "22:00").ends == AT + 12 * HOUR


def test_refuses_a_post_that_the_person_does_not_have():
    hall = make.hall()
    person = make.person(hall, Kind.GUARD)

    with make.refusal(Invalid, f"{person.name} does not have the post"):
        rosters.plan(hall, plan(person, hall, post=make.post(Kind.CLERK)), by=None, at=AT)


@pytest.mark.covers("O-02")
def test_somebody_with_several_posts_is_planned_in_each():
    hall = make.hall()
    person = make.person(hall, Kind.CLERK)
    make.membership(person, hall, Kind.DUTY_MANAGER)

    shift(person, hall, "09:00", "12:00", post=make.post(Kind.CLERK))
    second = shift(person, hall, "12:00", "17:00", post=make.post(Kind.DUTY_MANAGER))

    assert second.is_duty_manager
    assert [row.post.kind for row in rosters.planned_on(hall, MONDAY)] == [Kind.CLERK, Kind.DUTY_MANAGER]


@pytest.mark.covers("O-02", "X-08")
def test_a_duty_manager_has_a_deputy_and_nobody_else_has():
    hall = make.hall()
    manager, clerk = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.CLERK)
    stranger = make.person(make.hall(), Kind.CLERK)

    made = shift(manager, hall, delegate=clerk)

    assert made.delegate == clerk
    for person, delegate, words in [
        (clerk, manager, "Only a duty manager"),
        (manager, manager, "somebody else"),
        (manager, stranger, "does not belong to this hall"),
    ]:
        with make.refusal(Invalid, words):
            rosters.plan(hall, plan(person, hall, on=MONDAY + DAY, delegate=delegate), by=None, at=AT)


def test_refuses_what_is_of_another_hall():
    hall, other = make.hall(), make.hall()
    person, stranger = make.person(hall, Kind.CLERK), make.person(other, Kind.CLERK)

    with make.refusal(Invalid, "does not belong to this hall"):
        rosters.plan(hall, plan(stranger, other), by=None, at=AT)
    with make.refusal(Invalid, "zone or counter of this hall"):
        rosters.plan(hall, plan(person, hall, zone=make.zone(other)), by=None, at=AT)
    with make.refusal(Invalid, "zone or counter of this hall"):
        rosters.plan(hall, plan(person, hall, counter=make.counter(other)), by=None, at=AT)
    assert not Shift.objects.exists()


def test_refuses_a_note_that_cannot_be_stored():
    hall = make.hall()

    with make.refusal(Invalid, "cannot be stored"):
        rosters.plan(hall, plan(make.person(hall), hall, note="a\x00b"), by=None, at=AT)


def test_what_is_over_stays_as_it_was():
    hall = make.hall()
    person = make.person(hall)
    over = shift(person, hall, on=MONDAY - DAY)

    with make.refusal(WrongState, "over"):
        rosters.plan(hall, plan(person, hall, "05:00", "08:00"), by=None, at=AT)
    with make.refusal(WrongState, "over"):
        rosters.change(over, plan(person, hall), by=None, at=AT)
    with make.refusal(WrongState, "over"):
        rosters.cancel(over, by=None, at=AT)


# Changing and cancelling


def test_changes_a_shift_and_keeps_what_stood_there():
    hall = make.hall()
    first, second = clerks(hall, 2)
    made = shift(first, hall, "09:00", "17:00")

    rosters.change(made, plan(second, hall, "10:00", "18:00"), by=first, at=AT)

    made.refresh_from_db()
    assert (made.person, made.starts) == (second, AT)
    event = ShiftEvent.objects.get(verb="changed")
    assert (event.by, event.data["person"]) == (first, first.login)
    assert dt.datetime.fromisoformat(event.data["starts"]) == AT - HOUR


@pytest.mark.covers("R-Q21")
def test_the_running_day_is_rostered_by_its_flow():
    hall = make.hall()
    running, called = clerks(hall, 2)
    made = shift(running, hall, "09:00", "11:00")

    rosters.change(made, plan(running, hall, "09:00", "13:00"), by=None, at=AT)
    rosters.plan(hall, plan(called, hall, "11:00", "13:00"), by=None, at=AT)

    assert [row.person for row in rosters.planned_now(hall, AT + 2 * HOUR)] == [running, called]


def test_a_changed_shift_does_not_overlap_with_itself_but_with_others():
    hall = make.hall()
    person = make.person(hall)
    morning = shift(person, hall, "09:00", "12:00")
    shift(person, hall, "13:00", "17:00")

    assert rosters.change(morning, plan(person, hall, "09:00", "13:00"), by=None, at=AT).ends == AT + 3 * HOUR
    with make.refusal(Overlaps):
        rosters.change(morning, plan(person, hall, "09:00", "14:00"), by=None, at=AT)


def test_a_cancelled_shift_frees_its_time_and_cannot_be_changed():
    hall = make.hall()
    person = make.person(hall)
    made = shift(person, hall)

    rosters.cancel(made, by=None, at=AT)

    assert rosters.planned_on(hall, MONDAY) == []
    for verb in (
        lambda: rosters.cancel(made, by=None, at=AT),
        lambda: rosters.change(made, plan(person, hall), by=None, at=AT),
    ):
        with make.refusal(WrongState, "cancelled already"):
            verb()
    assert rosters.plan(hall, plan(person, hall), by=None, at=AT).pk != made.pk


# Copying


def test_copies_last_week_with_place_meal_and_deputy():
    hall = make.hall()
    manager, clerk = make.person(hall, Kind.DUTY_MANAGER), make.person(hall)
    counter = make.counter(hall, zone=make.zone(hall))
    shift(clerk, hall, meal="12:00-12:45", counter=counter, note="till")
    shift(manager, hall, "20:00", "02:00", on=MONDAY + 6 * DAY, delegate=clerk)
    rosters.cancel(shift(clerk, hall, on=MONDAY + DAY), by=None, at=AT)

    made = rosters.copy_week(hall, MONDAY + 7 * DAY, by=manager, at=AT)

    first, last = rosters.planned_between(hall, MONDAY + 7 * DAY, MONDAY + 13 * DAY)
    assert [row.pk for row in made] == [first.pk, last.pk]
    assert (first.on, first.person, first.counter, first.note) == (MONDAY + 7 * DAY, clerk, counter, "till")
    assert first.meal_from == AT + 7 * DAY + 2 * HOUR
    assert (last.on, last.delegate) == (MONDAY + 13 * DAY, clerk)
    assert ShiftEvent.objects.filter(verb="copied", by=manager).count() == 2


def test_copies_the_wall_clock_over_a_change_to_winter_time():
    hall = make.hall(time_zone="Europe/Berlin")
    person = make.person(hall)
    before = dt.date(2026, 10, 23)  # a Friday; the clocks go back on 25 October
    rosters.plan(hall, plan(person, hall, on=before), by=None, at=AT - 60 * DAY)

    (made,) = rosters.copy_week(hall, dt.date(2026, 10, 26), by=None, at=AT - 60 * DAY)

    assert (made.on, hall.local(made.starts).hour) == (before + 7 * DAY, 9)
    assert made.starts.hour == 8


def test_copies_nothing_while_a_conflict_has_not_been_seen():
    hall = make.hall()
    first, second = clerks(hall, 2)
    stays = shift(first, hall)
    shift(second, hall)
    shift(first, hall, "12:00", "20:00", on=MONDAY + 7 * DAY)

    found = rosters.copy_preview(hall, MONDAY + 7 * DAY, at=AT)
    assert [(row.pk, "already has a shift" in why) for row, why in found.conflicts] == [(stays.pk, True)]
    with make.refusal(WrongState, "1 shift cannot be copied; nothing was"):
        rosters.copy_week(hall, MONDAY + 7 * DAY, by=None, at=AT)
    assert Shift.objects.count() == 3

    made = rosters.copy_week(hall, MONDAY + 7 * DAY, leave_out=[stays.pk], by=None, at=AT)
    assert [row.person for row in made] == [second]


def test_whoever_has_left_or_lost_the_post_is_a_conflict():
    hall = make.hall()
    left, lost = clerks(hall, 2)
    shift(left, hall)
    shift(lost, hall)
    left.memberships.all().delete()
    lost.memberships.update(kind=Kind.GUARD, post=make.post(Kind.GUARD))

    found = rosters.copy_preview(hall, MONDAY + 7 * DAY, at=AT)

    assert found.plans == []
    assert sorted(why.split(" does ")[1][:6] for _row, why in found.conflicts) == ["not be", "not ha"]


def test_copying_twice_makes_no_doubles():
    hall = make.hall()
    shift(make.person(hall), hall)
    rosters.copy_week(hall, MONDAY + 7 * DAY, by=None, at=AT)

    with make.refusal(WrongState):
        rosters.copy_week(hall, MONDAY + 7 * DAY, by=None, at=AT)

    assert Shift.objects.count() == 2


# Swaps


@pytest.mark.covers("O-03")
def test_a_shift_goes_to_the_colleague_when_the_swap_is_agreed():
    hall = make.hall()
    giver, taker, manager = make.person(hall), make.person(hall), make.person(hall, Kind.HALL_MANAGER)
    made = shift(giver, hall, on=MONDAY + DAY)

    asked = rosters.ask_swap(made, to=taker, reason="dentist", by=giver, at=AT)
    made.refresh_from_db()
    assert (made.person, asked.state) == (giver, Swap.State.ASKED)
    agreed = rosters.agree_swap(asked, by=manager, at=AT + MINUTE)

    made.refresh_from_db()
    assert made.person == taker
    assert (agreed.state, agreed.by, agreed.at, agreed.reason) == (Swap.State.AGREED, manager, AT + MINUTE, "dentist")
    assert ShiftEvent.objects.get(verb="swapped").data["person"] == giver.login


def test_exchanges_two_shifts_at_the_same_time():
    hall = make.hall()
    one, two = clerks(hall, 2)
    at_one, at_two = make.counter(hall, 1), make.counter(hall, 2)
    first = shift(one, hall, on=MONDAY + DAY, counter=at_one)
    second = shift(two, hall, on=MONDAY + DAY, counter=at_two)

    rosters.agree_swap(rosters.ask_swap(first, other=second, by=one, at=AT), by=None, at=AT)

    assert list(Shift.objects.order_by("pk").values_list("person_id", "counter_id")) == [
        (two.pk, at_one.pk),
        (one.pk, at_two.pk),
    ]


def test_refuses_a_swap_with_somebody_who_lacks_the_post():
    hall = make.hall()
    clerk, guard = make.person(hall), make.person(hall, Kind.GUARD)
    make.membership(guard, hall, Kind.CLERK)
    mine, night = (
        shift(clerk, hall, on=MONDAY + DAY),
        shift(guard, hall, on=MONDAY + 2 * DAY, post=make.post(Kind.GUARD)),
    )
    floater = make.person(hall, Kind.FLOATER)

    with make.refusal(Invalid, f"{floater.name} does not have the post counter-clerk here"):
        rosters.ask_swap(mine, to=floater, by=clerk, at=AT)
    with make.refusal(Invalid, f"{clerk.name} does not have the post security-guard here"):
        rosters.ask_swap(mine, other=night, by=clerk, at=AT)
    assert not Swap.objects.exists()


def test_refuses_a_swap_with_somebody_who_works_then_or_of_another_hall():
    hall, other = make.hall(), make.hall()
    clerk, busy, stranger = make.person(hall), make.person(hall), make.person(other)
    mine = shift(clerk, hall, on=MONDAY + DAY)
    shift(busy, hall, "16:00", "20:00", on=MONDAY + DAY)
    theirs = shift(stranger, other, on=MONDAY + 2 * DAY)

    with make.refusal(Overlaps):
        rosters.ask_swap(mine, to=busy, by=clerk, at=AT)
    with make.refusal(Invalid, "does not belong"):
        rosters.ask_swap(mine, to=stranger, by=clerk, at=AT)
    with make.refusal(WrongState):
        rosters.ask_swap(mine, other=theirs, by=clerk, at=AT)
    with make.refusal(Invalid, "choose a colleague"):
        rosters.ask_swap(mine, to=clerk, by=clerk, at=AT)
    with make.refusal(Invalid, "choose a colleague"):
        rosters.ask_swap(mine, by=clerk, at=AT)


def test_a_shift_that_runs_cannot_be_swapped_and_one_is_asked_for_once():
    hall = make.hall()
    clerk, other = clerks(hall, 2)
    running, later = shift(clerk, hall), shift(clerk, hall, on=MONDAY + DAY)
    rosters.ask_swap(later, to=other, by=clerk, at=AT)

    with make.refusal(WrongState, "has begun"):
        rosters.ask_swap(running, to=other, by=clerk, at=AT)
    with make.refusal(WrongState, "waits for an answer already"):
        rosters.ask_swap(later, to=other, by=clerk, at=AT)


def test_looks_again_when_the_swap_is_agreed():
    hall = make.hall()
    clerk, other = clerks(hall, 2)
    mine = shift(clerk, hall, on=MONDAY + DAY)
    asked = rosters.ask_swap(mine, to=other, by=clerk, at=AT)
    shift(other, hall, "12:00", "20:00", on=MONDAY + DAY)

    with make.refusal(Overlaps):
        rosters.agree_swap(asked, by=None, at=AT)

    mine.refresh_from_db()
    asked.refresh_from_db()
    assert (mine.person, asked.state) == (clerk, Swap.State.ASKED)


def test_a_refused_swap_changes_nothing_and_is_answered_once():
    hall = make.hall()
    clerk, other, manager = make.person(hall), make.person(hall), make.person(hall, Kind.HALL_MANAGER)
    mine = shift(clerk, hall, on=MONDAY + DAY)
    asked = rosters.ask_swap(mine, to=other, by=clerk, at=AT)

    refused = rosters.refuse_swap(asked, reason="too few", by=manager, at=AT)

    mine.refresh_from_db()
    assert (mine.person, refused.state, refused.answer) == (clerk, Swap.State.REFUSED, "too few")
    with make.refusal(WrongState, "answered already: refused"):
        rosters.agree_swap(asked, by=manager, at=AT)


def test_cancelling_or_giving_away_a_shift_ends_the_swaps_asked_for_it():
    hall = make.hall()
    clerk, other, third = clerks(hall, 3)
    one, two = shift(clerk, hall, on=MONDAY + DAY), shift(clerk, hall, on=MONDAY + 2 * DAY)
    for row in (one, two):
        rosters.ask_swap(row, to=other, by=clerk, at=AT)

    rosters.cancel(one, by=None, at=AT)
    rosters.change(two, plan(third, hall, on=MONDAY + 2 * DAY), by=None, at=AT)

    assert rosters.open_swaps(hall) == []
    assert set(Swap.objects.values_list("state", flat=True)) == {Swap.State.REFUSED}


# Meals


def shares(shifts: list[Shift]) -> float:
    """The smallest share of those on shift who are not at their meal, minute by minute over a day, in percent."""
    least = 100.0
    for minute in range(24 * 60):
        at = AT - 10 * HOUR + minute * MINUTE
        there = [row for row in shifts if row.starts <= at < row.ends]
        away = [row for row in there if row.meal_from and row.meal_from <= at < row.meal_until]
        if there:
            least = min(least, 100 * (len(there) - len(away)) / len(there))
    return least


@pytest.mark.covers("R-Q11", "O-03")
def test_proposes_meals_so_that_half_the_counters_stay_staffed():
    hall = make.hall()
    for number, person in enumerate(clerks(hall, 5), start=1):
        shift(person, hall, "09:00", "17:00", counter=Counter.objects.create(hall=hall, number=number))

    proposal = meals.propose(hall, rosters.planned_on(hall, MONDAY))
    count = rosters.accept_meals(hall, MONDAY, shown=proposal.text(), by=None, at=AT)

    shifts = rosters.planned_on(hall, MONDAY)
    assert (count, proposal.unplaced, proposal.share) == (5, [], 50.0)
    assert [f"{hall.local(row.meal_from):%H:%M}" for row in shifts] == ["11:00", "11:00", "11:45", "11:45", "12:30"]
    assert shares(shifts) == 60.0


def test_a_hall_that_wants_more_open_counters_gets_fewer_meals_at_a_time():
    hall = make.hall()
    make.limit(hall, "R-Q11", "counters_open", "70")
    for person in clerks(hall, 4):
        shift(person, hall)

    proposal = meals.propose(hall, rosters.planned_on(hall, MONDAY))

    assert [f"{hall.local(meal.starts):%H:%M}" for meal in proposal.placed] == ["11:00", "11:45", "12:30"]
    assert len(proposal.unplaced) == 1


def test_whoever_is_alone_in_his_post_needs_relief_and_short_shifts_have_no_meal():
    hall = make.hall()
    alone = shift(make.person(hall, Kind.GUIDE), hall)
    for person in clerks(hall, 2):
        shift(person, hall, "09:00", "13:00")

    proposal = meals.propose(hall, rosters.planned_on(hall, MONDAY))

    assert (proposal.placed, proposal.unplaced) == ([], [alone])


@pytest.mark.covers("R-Q11")
@pytest.mark.parametrize("seed", range(6))
def test_the_share_holds_at_every_minute_whatever_the_shifts(seed: int):
    hall = make.hall()
    chance = random.Random(seed)
    for person in clerks(hall, chance.randint(2, 12)):
        start = chance.randint(7, 13)
        shift(person, hall, f"{start:02d}:{chance.choice('03')}0", f"{start + chance.randint(4, 9):02d}:00")

    for meal in meals.propose(hall, rosters.planned_on(hall, MONDAY)).placed:
        Shift.objects.filter(pk=meal.shift.pk).update(meal_from=meal.starts, meal_until=meal.ends)

    assert shares(rosters.planned_on(hall, MONDAY)) >= 50.0


def test_a_shift_that_begins_at_noon_has_its_meal_in_the_evening_or_none():
    hall = make.hall()
    for person in clerks(hall, 2):
        shift(person, hall, "12:00", "18:00")
    late = [shift(person, hall, "12:00", "20:00") for person in clerks(hall, 2)]

    proposal = meals.propose(hall, rosters.planned_on(hall, MONDAY))

    assert [(meal.shift, f"{hall.local(meal.starts):%H:%M}") for meal in proposal.placed] == [
        (late[0], "17:00"),
        (late[1], "17:00"),
    ]
    assert proposal.unplaced == []


def test_meals_planned_by_hand_stay_and_count():
    hall = make.hall()
    one, two = clerks(hall, 2)
    shift(one, hall, meal="11:00-12:00")
    second = shift(two, hall)

    (meal,) = meals.propose(hall, rosters.planned_on(hall, MONDAY)).placed

    assert (meal.shift, f"{hall.local(meal.starts):%H:%M}") == (second, "12:00")


def test_accepts_only_the_meals_that_were_shown():
    hall = make.hall()
    one, two, three = clerks(hall, 3)
    shift(one, hall)
    shift(two, hall)
    shown = meals.propose(hall, rosters.planned_on(hall, MONDAY)).text()
    shift(three, hall, "08:00", "16:00")

    with make.refusal(WrongState, "changed meanwhile"):
        rosters.accept_meals(hall, MONDAY, shown=shown, by=None, at=AT)

    assert not Shift.objects.filter(meal_from__isnull=False).exists()
