"""The rounds' pages: who may, a round walked by taps, scores with errors, on the floor and in the office, evidence."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hall.models import Alarm, Hall, Kind
from roles import rounds
from roles.models import Finding, FloorTime, Round
from tests import make
from tests.roles.round_rows import clerks

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def address(hall: Hall, *parts: object) -> str:
    return "".join(f"{part}/" for part in (f"/h/{hall.code}/rounds", *parts))


@pytest.mark.parametrize("kind", [Kind.CLERK, Kind.FLOATER, Kind.GUARD, Kind.HEADQUARTERS])
def test_only_managers_walk_rounds(kind: str):
    hall = make.hall()
    colleague, stranger = make.person(hall, kind), make.person(make.hall(), Kind.DUTY_MANAGER)

    answers = [
        make.tap(make.client(who), address(hall, "start"), {"kind": "first"}).status_code
        for who in (colleague, stranger, None)
    ]

    assert answers == [403, 404, 401]
    assert [make.client(who).get(address(hall)).status_code for who in (colleague, stranger, None)] == [403, 404, 302]
    assert not Round.objects.exists()


def test_who_does_not_hold_the_post_now_is_led_to_it():
    hall = make.hall()
    person = make.person(hall, Kind.DUTY_MANAGER, holds=False)

    answer = make.client(person).get(address(hall))

    assert (answer.status_code, answer["Location"].split("?")[0]) == (302, f"/h/{hall.code}/shift/")


def test_a_round_is_begun_once_whatever_is_tapped():
    hall = make.hall()
    clerks(hall, 3)
    browser = make.client(make.person(hall, Kind.DUTY_MANAGER))

    first = make.tap(browser, address(hall, "start"), {"kind": "peak"}, key="round-0001")
    again = make.tap(browser, address(hall, "start"), {"kind": "peak"}, key="round-0001")
    other = make.tap(browser, address(hall, "start"), {"kind": "peak"})

    assert [answer.status_code for answer in (first, again, other)] == [200, 200, 409]
    assert Round.objects.count() == 1
    assert "is on a round. End it first." in other.content.decode()


def going(hall: Hall) -> Round:
    """A round with a sample, walked by the hall manager."""
    return rounds.start(hall, "first", seed=1, by=make.person(hall, Kind.HALL_MANAGER), at=make.AT)


def walkable() -> Hall:
    """A hall in which the first round can begin at make.AT, whatever the clock of the test's machine says."""
    hall = make.hall()
    make.person(hall, Kind.DUTY_MANAGER)
    hall.opening_intervals.update(opens="00:30", closes="23:30")
    return hall


def test_a_sampled_person_is_scored_on_a_page_of_his_own():
    hall = walkable()
    clerks(hall, 1)
    made = going(hall)
    sample = made.samples.get()
    browser = make.client(made.by)
    assert browser.get(address(hall, "sample", sample.pk)).status_code == 200

    answer = make.tap(browser, address(hall, "sample", sample.pk), {"score-smile": "5", "score-speed": "4"})

    sample.refresh_from_db()
    assert (answer.status_code, answer["HX-Redirect"]) == (200, address(hall))
    assert (str(sample.mean), sample.by) == ("4.50", made.by)
    assert "Scored by" in browser.get(address(hall, "sample", sample.pk)).content.decode()


def test_a_fault_without_a_time_is_told_and_what_was_chosen_stays():
    hall = walkable()
    clerks(hall, 1)
    made = going(hall)
    sample = made.samples.get()

    answer = make.tap(make.client(made.by), address(hall, "sample", sample.pk), {"score-smile": "1", "note": "grim"})

    said = answer.content.decode()
    assert answer.status_code == 422
    assert "Say that it was corrected on the spot, or by when it will be." in said
    assert 'name="score-smile" value="1" checked' in said
    assert ">\ngrim</textarea>" in said
    sample.refresh_from_db()
    assert sample.scored_at is None


def test_a_finding_is_noted_and_put_right():
    hall = walkable()
    made = going(hall)
    browser, zone = make.client(made.by), make.zone(hall)

    bad = make.tap(browser, address(hall, made.pk, "find"), {"text": "wet floor"})
    good = make.tap(
        browser,
        address(hall, made.pk, "find"),
        {"text": "wet floor", "zone": zone.pk, "owner": made.by.pk, "due_in": "0"},
    )
    found = Finding.objects.get()
    done = make.tap(browser, address(hall, "finding", found.pk, "done"))

    assert [answer.status_code for answer in (bad, good, done)] == [422, 200, 200]
    assert 'value="wet floor"' in bad.content.decode()
    found.refresh_from_db()
    assert (found.zone, found.owner, found.done_by) == (zone, made.by, made.by)


def test_rows_of_another_hall_are_not_found():
    hall, other = walkable(), walkable()
    clerks(other, 1)
    foreign = going(other)
    found = rounds.note_finding(foreign, "x", owner=foreign.by, due_in="7", by=foreign.by, at=make.AT)
    browser = make.client(make.person(hall, Kind.DUTY_MANAGER))
    zone = make.zone(other)
    mine = going(hall)

    assert [
        make.tap(browser, address(hall, *parts), data).status_code
        for parts, data in [
            ((foreign.pk, "end"), {}),
            ((foreign.pk, "find"), {"text": "x", "corrected": "yes"}),
            (("finding", found.pk, "done"), {}),
            (("sample", foreign.samples.get().pk), {"score-smile": "5"}),
            ((mine.pk, "find"), {"text": "x", "zone": zone.pk, "corrected": "yes"}),
        ]
    ] == [404, 404, 404, 404, 404]
    assert browser.get(address(hall, "person", foreign.by.pk)).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.ended_at, Finding.objects.count()) == (None, 1)


def test_an_owner_of_another_hall_is_refused():
    hall = walkable()
    made = going(hall)
    stranger = make.person(make.hall())

    answer = make.tap(
        make.client(made.by), address(hall, made.pk, "find"), {"text": "x", "owner": stranger.pk, "due_in": "0"}
    )

    assert (answer.status_code, Finding.objects.count()) == (422, 0)


@pytest.mark.covers("R-Q10", "O-05")
def test_one_tap_says_where_the_duty_manager_is_and_a_busy_floor_is_not_left_without_a_word():
    hall = make.hall()
    browser = make.client(make.person(hall, Kind.DUTY_MANAGER))
    make.tap(browser, address(hall, "place"), {"place": "floor"})
    Alarm.objects.create(hall=hall, rule="R-Q01", subject="hall", due_at=make.AT, raised_at=make.AT)

    warned = make.tap(browser, address(hall, "place"), {"place": "office"})
    gone = make.tap(browser, address(hall, "place"), {"place": "office", "reason": "police"})

    assert (warned.status_code, gone.status_code) == (409, 200)
    assert "the duty manager stays on the floor. If you must go, say why." in warned.content.decode()
    assert 'name="reason"' in warned.content.decode()
    assert 'name="reason"' not in gone.content.decode()
    assert list(FloorTime.objects.values_list("place", "reason")) == [("floor", ""), ("office", "police")]


def test_the_hall_manager_is_not_asked_where_he_is():
    hall = make.hall()
    browser = make.client(make.person(hall, Kind.HALL_MANAGER))

    assert "On the floor" not in browser.get(address(hall)).content.decode()
    assert make.tap(browser, address(hall, "place"), {"place": "floor"}).status_code == 409


def test_evidence_is_for_those_who_see_records():
    hall = walkable()
    person = make.person(hall)
    guard, headquarters = make.person(hall, Kind.GUARD), make.person(hall, Kind.HEADQUARTERS)

    assert [make.client(who).get(address(hall, "person", person.pk)).status_code for who in (headquarters, guard, person, None)] == [
        200, 403, 403, 302,
    ]  # fmt: skip


def test_the_page_asks_as_often_for_30_open_findings_as_for_one():
    hall = walkable()
    made = going(hall)
    browser = make.client(made.by)
    counts = []
    for more in (1, 29):
        for _ in range(more):
            rounds.note_finding(made, "x", owner=made.by, due_in="7", by=made.by, at=make.AT)
        with CaptureQueriesContext(connection) as asked:
            browser.get(address(hall))
        counts.append(len(asked))

    assert counts[0] == counts[1]
