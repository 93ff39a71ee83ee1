"""The roster's page: who sees and who edits it, the week as it is planned and as it is so, and every form on it."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from hall import clock
from hall.models import Hall, Kind, Membership, Person, Posting
from roles import roster_week, rosters
from roles.models import Shift, Swap
from tests import make
from tests.make import AT, MINUTE
from tests.roles.roster_rows import HOUR, LONG_AGO, MONDAY, plan, shift

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)
WEEK = "?week=2026-W48"


@pytest.fixture(autouse=True)
def on_monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Monday, 10:00 in the hall."""
    monkeypatch.setattr(clock, "now", lambda: AT)


def manager_of(hall: Hall) -> Client:
    return make.client(make.person(hall, Kind.HALL_MANAGER))


def page(client: Client, hall: Hall, query: str = WEEK) -> str:
    answer = client.get(f"/h/{hall.code}/roster/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def form(somebody: Person, **fields: object) -> dict[str, object]:
    """What the form of a cell sends for a clerk."""
    given = {
        "person": somebody.pk,
        "on": "2026-11-23",
        "from": "12:00",
        "until": "18:00",
        "post": make.post(Kind.CLERK).pk,
    }
    return given | {"week": "2026-W48", "day": "2026-11-23"} | fields


# Rights


def test_everybody_of_the_hall_looks_and_only_planners_edit():
    hall = make.hall()
    clerk = make.person(hall, Kind.CLERK)
    for person, status in [
        (make.person(hall, Kind.HALL_MANAGER), 200),
        (make.person(hall, Kind.DUTY_MANAGER), 200),
        (clerk, 403),
        (make.person(make.hall(), Kind.HALL_MANAGER), 404),
    ]:
        client = make.client(person)
        assert client.get(f"/h/{hall.code}/roster/").status_code == (404 if status == 404 else 200)
        Shift.objects.all().delete()
        assert make.tap(client, f"/h/{hall.code}/roster/plan/", form(clerk)).status_code == status
        assert Shift.objects.count() == (status == 200)
    assert make.client().get(f"/h/{hall.code}/roster/").status_code == 302


@pytest.mark.parametrize("rest", ["copy/", "meals/2026-11-23/"])
def test_a_clerk_sees_no_planners_folds(rest: str):
    hall = make.hall()

    assert make.client(make.person(hall)).get(f"/h/{hall.code}/roster/{rest}").status_code == 403


@pytest.mark.parametrize("rest", ["copy/now/", "meals/2026-11-23/accept/", "check/", "import/"])
def test_a_clerk_does_not_plan(rest: str):
    hall = make.hall()

    assert make.tap(make.client(make.person(hall)), f"/h/{hall.code}/roster/{rest}").status_code == 403


def test_a_duty_manager_without_his_post_does_not_plan():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER, holds=False))

    make.tap(client, f"/h/{hall.code}/roster/plan/", form(make.person(hall)))

    assert not Shift.objects.exists()


def test_another_halls_shifts_people_and_swaps_are_not_found():
    hall, other = make.hall(), make.hall()
    stranger, colleague = make.person(other), make.person(other)
    theirs = shift(stranger, other, on=MONDAY + DAY)
    asked = rosters.ask_swap(theirs, to=colleague, by=stranger, at=AT)
    client = manager_of(hall)

    answers = [
        make.tap(client, f"/h/{hall.code}/roster/shifts/{theirs.pk}/{verb}/", form(stranger))
        for verb in ("change", "cancel", "swap")
    ] + [make.tap(client, f"/h/{hall.code}/roster/swaps/{asked.pk}/{verb}/") for verb in ("agree", "refuse")]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert client.get(f"/h/{hall.code}/roster/cell/{stranger.pk}/2026-11-23/").status_code == 404
    theirs.refresh_from_db()
    assert (theirs.person, theirs.cancelled) == (stranger, False)


def test_another_halls_person_is_refused_without_his_name():
    hall = make.hall()
    stranger = make.person(make.hall(), Kind.CLERK, name_en="Secret Agent", name_zh="特工")

    answer = make.tap(manager_of(hall), f"/h/{hall.code}/roster/plan/", form(stranger))

    assert answer.status_code == 422
    assert "Please choose a person of this hall." in answer.content.decode()
    assert "Secret Agent" not in answer.content.decode()
    assert not Shift.objects.exists()


# What is shown


@pytest.mark.covers("O-03", "O-14")
def test_shows_each_shift_in_its_row_and_day_with_the_company_of_third_party_staff():
    hall = make.hall()
    zone = make.zone(hall, "entrance", name_en="Entrance")
    guard = make.person(hall, Kind.GUARD, name_en="Gao")
    Membership.objects.filter(person=guard).update(company="Anbao Ltd")
    shift(guard, hall, "08:00", "16:00", on=MONDAY + 2 * DAY, zone=zone, meal="11:30-12:15", note="keys")

    html = page(manager_of(hall), hall)

    row = re.search(r'<span class="roster-name">Gao</span>.*?</tr>', html, re.DOTALL)
    assert row is not None
    assert "Anbao Ltd" in row[0]
    cells = row[0].split("<td")[1:]
    assert [("08:00–16:00" in cell) for cell in cells] == [False, False, True, False, False, False, False]
    for words in ("Entrance", "meal 11:30–12:15", "keys"):
        assert words in cells[2]


def test_a_cancelled_shift_and_another_halls_are_not_shown():
    hall, other = make.hall(), make.hall()
    person = make.person(hall)
    make.membership(person, other)
    rosters.cancel(shift(person, hall, "06:11", "12:00"), by=None, at=AT)
    shift(person, other, "13:11", "18:00")

    html = page(manager_of(hall), hall)

    assert "06:11" not in html
    assert "13:11" not in html


@pytest.mark.covers("O-02", "X-08")
def test_marks_the_days_and_hours_without_a_duty_manager():
    hall = make.hall(opens=dt.time(9), closes=dt.time(18))
    manager, deputy = make.person(hall, Kind.DUTY_MANAGER), make.person(hall, name_en="Deng")
    shift(manager, hall, "09:00", "18:00", delegate=deputy)
    shift(manager, hall, "09:00", "15:00", on=MONDAY + DAY)

    with translation.override("en"):
        week = roster_week.load(hall, MONDAY, chosen=MONDAY, me=None, at=AT)
    html = page(manager_of(hall), hall)

    assert [day.lacks_manager for day in week.days] == [False, False, True, True, True, True, True]
    assert [day.without_manager for day in week.days[:2]] == [[], ["15:00–18:00"]]
    assert html.count("No duty manager</span></p>") == 5
    assert "deputy Deng" in html


def test_a_closed_day_needs_no_duty_manager():
    hall = make.hall()
    hall.holidays.create(on=MONDAY)

    week = roster_week.load(hall, MONDAY, chosen=MONDAY, me=None, at=AT)

    assert (week.days[0].lacks_manager, week.days[1].lacks_manager) == (False, True)


def test_counts_the_zones_where_somebody_must_be_and_the_counters_planned():
    hall = make.hall()
    zone = make.zone(hall, name_en="Counters", needs_somebody=True)
    other = make.zone(hall, "entrance", name_en="Entrance", needs_somebody=True)
    make.zone(hall, "warehouse")
    make.counter(hall, 1, zone=zone)
    shift(make.person(hall), hall, counter=make.counter(hall, 2, zone=zone))
    shift(make.person(hall, Kind.FLOATER), hall, on=MONDAY + DAY)

    with translation.override("en"):
        first, second = roster_week.load(hall, MONDAY, chosen=MONDAY, me=None, at=AT).days[:2]

    assert (first.counters, first.zones, first.zones_missing) == ([2], 1, [other.name_en])
    assert (second.counters, second.zones, second.zones_missing) == ([], 2, [])  # a floater holds whatever is left


def hold(person: Person, hall: Hall, kind: Kind, since: dt.datetime, until: dt.datetime | None = None) -> Posting:
    return Posting.objects.create(hall=hall, person=person, post=make.post(kind), since=since, until=until)


@pytest.mark.parametrize(
    ("minutes", "held", "state"),
    [
        (-1, None, ""),
        (0, None, "due"),
        (9, None, "due"),
        (10, None, "late"),
        (10, (-5, None), "here"),
        (10, (-90, None), "here"),
        (10, (-90, -30), "late"),
        (30, (0, 20), "left"),
        (185, None, "meal"),
        (480, (0, 470), "was_here"),
        (480, None, "absent"),
    ],
)
def test_tells_who_is_there_from_who_is_planned(minutes: int, held: tuple[int, int | None] | None, state: str):
    hall = make.hall()
    guide = make.person(hall, Kind.GUIDE, holds=False)
    made = shift(guide, hall, "09:00", "17:00", meal="12:00-12:45")
    if held is not None:
        since, until = held
        hold(
            guide,
            hall,
            Kind.GUIDE,
            made.starts + since * MINUTE,
            made.starts + until * MINUTE if until is not None else None,
        )

    postings = list(Posting.objects.filter(person=guide))

    assert roster_week.state_of(made, postings, made.starts + minutes * MINUTE)[0] == state


def test_who_holds_another_post_is_elsewhere_and_not_late():
    hall = make.hall()
    guide = make.person(hall, Kind.GUIDE, holds=False)
    make.membership(guide, hall, Kind.FLOATER, holds=False)
    made = shift(guide, hall, post=make.post(Kind.GUIDE))
    hold(guide, hall, Kind.FLOATER, made.starts)

    assert roster_week.state_of(made, list(Posting.objects.all()), AT)[0] == "elsewhere"


def test_todays_column_says_who_is_late_and_tomorrows_says_nothing():
    hall = make.hall()
    guide = make.person(hall, Kind.GUIDE, holds=False, name_en="Guo")
    shift(guide, hall, "09:00", "17:00")
    shift(guide, hall, "09:00", "17:00", on=MONDAY + DAY)

    html = page(manager_of(hall), hall)

    assert html.count("Guo is late") == 1
    assert len(re.findall(r'level-warn">\s*<svg[^>]*>.*?</svg>late</span>', html)) == 1


@pytest.mark.parametrize("people", [2, 40])
def test_asks_the_database_as_often_for_forty_people_as_for_two(people: int):
    hall = make.hall()
    make.zone(hall)
    counter = make.counter(hall)
    post = make.post(Kind.GUIDE)
    guides = [make.person(hall, Kind.GUIDE) for _number in range(people)]
    days = [MONDAY + day * DAY for day in range(5)]
    plans = [
        plan(guide, hall, on=on, post=post, counter=counter, meal="12:00-12:45") for guide in guides for on in days
    ]
    rosters.plan_all(hall, plans, verb="planned", by=None, at=LONG_AGO)
    client = manager_of(hall)
    page(client, hall)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        page(client, hall)

    assert len(asked) == 14


# The week and the day


def test_shows_the_week_that_is_asked_for_and_this_week_without_one():
    hall = make.hall()
    client = manager_of(hall)

    assert "Week 48" in page(client, hall, "")
    assert "Week 53" in page(client, hall, "?week=2026-W53")
    assert re.findall(r'<th scope="col" class="is-chosen">([^<]*)</th>', page(client, hall, "?day=2026-11-25")) == [
        "Wed 25 Nov"
    ]
    assert "Week 40" in page(client, hall, "?day=2026-10-01")


@pytest.mark.parametrize(
    "query",
    [
        "?week=2026-W54",
        "?week=2025-W53",
        "?week=1999-W01",
        "?week=2100-W01",
        "?week=48",
        "?week=٢٠٢٦-W01",
        "?day=2026-02-30",
        "?week=x" + "9" * 500,
    ],
)
def test_a_week_out_of_range_is_refused_in_words(query: str):
    hall = make.hall()

    answer = manager_of(hall).get(f"/h/{hall.code}/roster/{query}")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert "Week 48" in answer.content.decode()


# Forms


def test_a_tap_plans_a_shift_once_however_often_it_is_sent():
    hall = make.hall()
    person = make.person(hall, name_en="Wang")
    client = manager_of(hall)

    answers = [make.tap(client, f"/h/{hall.code}/roster/plan/", form(person), key="one-key-1") for _time in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Planned: Wang 11-23 12:00–18:00." in answers[1].content.decode()
    assert 'id="roster-week"' in answers[0].content.decode()
    assert Shift.objects.get().starts == AT + 2 * HOUR


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"from": "25:00"}, "no time of day"),
        ({"from": ""}, "no time of day"),
        ({"on": "yesterday"}, "no date"),
        ({"on": "2026-02-30"}, "no date"),
        ({"meal_from": "12:30"}, "no time of day"),
        ({"meal_from": "18:30", "meal_until": "19:00"}, "within the shift"),
        ({"post": "0"}, "choose a post"),
        ({"post": "9" * 30}, "choose a post"),
        ({"zone": "999999"}, "zone or counter of this hall"),
        ({"counter": "x"}, "zone or counter of this hall"),
        ({"person": ""}, "person of this hall"),
        ({"note": "a\x00b"}, "cannot be stored"),
        ({"note": "x" * 101}, "too long"),
        ({"until": "11:00"}, "at most 16 hours"),
    ],
)
def test_a_form_that_makes_no_sense_is_answered_in_words(fields: dict[str, str], words: str):
    hall = make.hall()

    answer = make.tap(manager_of(hall), f"/h/{hall.code}/roster/plan/", form(make.person(hall), **fields))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Shift.objects.exists()


def test_an_overlap_is_answered_in_words():
    hall = make.hall()
    person = make.person(hall)
    shift(person, hall)

    answer = make.tap(manager_of(hall), f"/h/{hall.code}/roster/plan/", form(person))

    assert answer.status_code == 409
    assert "already has a shift from 11-23 09:00 to 17:00" in answer.content.decode()
    assert Shift.objects.count() == 1


def test_changes_and_cancels_by_tap():
    hall = make.hall()
    person = make.person(hall)
    made = shift(person, hall)
    client = manager_of(hall)

    changed = make.tap(client, f"/h/{hall.code}/roster/shifts/{made.pk}/change/", form(person, until="20:00"))
    made.refresh_from_db()
    assert (changed.status_code, made.ends) == (200, AT + 10 * HOUR)
    cancelled = make.tap(client, f"/h/{hall.code}/roster/shifts/{made.pk}/cancel/")
    again = make.tap(client, f"/h/{hall.code}/roster/shifts/{made.pk}/cancel/")

    made.refresh_from_db()
    assert made.cancelled
    assert (cancelled.status_code, again.status_code) == (200, 409)


def test_the_fold_of_a_cell_offers_only_the_persons_own_posts():
    hall = make.hall()
    person = make.person(hall)
    make.post(Kind.GUARD)

    html = manager_of(hall).get(f"/h/{hall.code}/roster/cell/{person.pk}/2026-11-24/").content.decode()

    chosen = re.search(r'<select name="post".*?</select>', html, re.DOTALL)
    assert chosen is not None
    assert re.findall(r">([^<>]+)</option>", chosen[0]) == ["counter-clerk"]
    assert 'name="delegate"' not in html


def test_the_fold_of_a_shift_that_is_over_offers_no_change():
    hall = make.hall()
    person = make.person(hall)
    over, running = shift(person, hall, "06:00", "09:00"), shift(person, hall, "09:00", "17:00")

    html = manager_of(hall).get(f"/h/{hall.code}/roster/cell/{person.pk}/2026-11-23/").content.decode()

    assert f"shifts/{over.pk}/" not in html
    assert f"shifts/{running.pk}/change/" in html
    assert f"shifts/{running.pk}/swap/" not in html  # it runs already


def test_copies_last_week_after_showing_what_cannot_be():
    hall = make.hall()
    one, two = make.person(hall, name_en="Alpha"), make.person(hall, name_en="Beta")
    clash = shift(one, hall)
    shift(two, hall)
    shift(one, hall, on=MONDAY + 7 * DAY)
    client = manager_of(hall)

    seen = client.get(f"/h/{hall.code}/roster/copy/?week=2026-W49").content.decode()
    unseen = make.tap(client, f"/h/{hall.code}/roster/copy/now/", {"week": "2026-W49"})
    done = make.tap(client, f"/h/{hall.code}/roster/copy/now/", {"week": "2026-W49", "left_out": str(clash.pk)})

    assert "<b>Alpha</b>" in seen
    assert f'name="left_out" value="{clash.pk}"' in seen
    assert (unseen.status_code, done.status_code) == (409, 200)
    assert "1 shift was copied." in done.content.decode()
    assert [row.person for row in rosters.planned_on(hall, MONDAY + 7 * DAY)] == [one, two]


def test_proposes_meals_and_plans_them_with_one_tap():
    hall = make.hall()
    for _number in range(2):
        shift(make.person(hall), hall)
    client = manager_of(hall)

    seen = client.get(f"/h/{hall.code}/roster/meals/2026-11-23/").content.decode()
    shown = re.search(r'name="shown" value="([^"]+)"', seen)
    assert shown is not None
    done = make.tap(client, f"/h/{hall.code}/roster/meals/2026-11-23/accept/", {"shown": shown[1]})
    stale = make.tap(client, f"/h/{hall.code}/roster/meals/2026-11-23/accept/", {"shown": shown[1]})

    assert (done.status_code, stale.status_code) == (200, 409)
    assert "2 meals were planned." in done.content.decode()
    assert Shift.objects.filter(meal_from__isnull=False).count() == 2


def test_a_clerk_asks_for_a_swap_of_his_own_shift_only_and_a_planner_agrees():
    hall = make.hall()
    clerk, other = make.person(hall), make.person(hall, name_en="Beta")
    mine, theirs = shift(clerk, hall, on=MONDAY + DAY), shift(other, hall, on=MONDAY + 2 * DAY)
    client = make.client(clerk)

    not_his = make.tap(client, f"/h/{hall.code}/roster/shifts/{theirs.pk}/swap/", {"with": f"p{clerk.pk}"})
    asked = make.tap(
        client, f"/h/{hall.code}/roster/shifts/{mine.pk}/swap/", {"with": f"s{theirs.pk}", "reason": "exam"}
    )
    swap = Swap.objects.get()
    agreed_himself = make.tap(client, f"/h/{hall.code}/roster/swaps/{swap.pk}/agree/")
    assert (not_his.status_code, asked.status_code, agreed_himself.status_code) == (403, 200, 403)
    agreed = make.tap(manager_of(hall), f"/h/{hall.code}/roster/swaps/{swap.pk}/agree/")

    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (agreed.status_code, mine.person, theirs.person) == (200, other, clerk)


def test_a_swap_with_somebody_who_lacks_the_post_is_refused_in_words():
    hall = make.hall()
    clerk, guard = make.person(hall), make.person(hall, Kind.GUARD, name_en="Gao")
    mine = shift(clerk, hall, on=MONDAY + DAY)

    answer = make.tap(make.client(clerk), f"/h/{hall.code}/roster/shifts/{mine.pk}/swap/", {"with": f"p{guard.pk}"})

    assert answer.status_code == 422
    assert "Gao does not have the post counter-clerk here." in answer.content.decode()
    assert not Swap.objects.exists()


def test_the_colleague_declines_and_a_third_person_cannot():
    hall = make.hall()
    clerk, other, third = (make.person(hall) for _number in range(3))
    asked = rosters.ask_swap(shift(clerk, hall, on=MONDAY + DAY), to=other, by=clerk, at=AT)

    assert make.tap(make.client(third), f"/h/{hall.code}/roster/swaps/{asked.pk}/refuse/").status_code == 403
    assert make.tap(make.client(other), f"/h/{hall.code}/roster/swaps/{asked.pk}/refuse/").status_code == 200

    asked.refresh_from_db()
    assert (asked.state, asked.by) == (Swap.State.REFUSED, other)


def test_nothing_is_planned_in_a_recorded_day():
    hall = make.hall(clock="played", played_at=AT)

    answer = make.tap(manager_of(hall), f"/h/{hall.code}/roster/plan/", form(make.person(hall)))

    assert answer.status_code == 409
    assert not Shift.objects.exists()
