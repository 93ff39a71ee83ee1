"""Rounds: when they are due and late, whom they draw, what is scored and found."""

import datetime as dt

import pytest

from hall.models import Alarm, Kind, Posting
from hall.refusals import Invalid, WrongState
from roles import records, rounds
from roles.models import ConductItem, Finding, Round, Sample
from roles.records import NotFilledIn
from tests import make
from tests.roles.record_rows import entry, field, form
from tests.roles.round_rows import begun, clerks, local, manager, open_hall, walked

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

MONDAY = dt.date(2026, 11, 23)


def state(hall: object, kind: str, at: dt.datetime) -> str:
    return next(one.state for one in rounds.plan(hall, MONDAY, at=at) if one.kind == kind)  # type: ignore[arg-type]


@pytest.mark.covers("H-07", "R-B03", "R-B04", "R-B12")
def test_a_day_has_a_first_a_noon_a_peak_and_an_afternoon_round():
    planned = rounds.plan(open_hall(), MONDAY, at=make.AT)

    assert [(one.kind, one.due_from, one.due_by) for one in planned] == [
        ("first", local(9), local(10)),
        ("noon", local(11, 30), local(13)),
        ("peak", None, None),
        ("afternoon", local(14), local(17)),
    ]


def test_a_round_ends_with_the_opening_and_one_outside_it_is_not_planned():
    hall = make.hall(opens=dt.time(9), closes=dt.time(12, 30))

    planned = {one.kind: (one.due_from, one.due_by) for one in rounds.plan(hall, MONDAY, at=make.AT)}

    assert planned["noon"] == (local(11, 30), local(12, 30))
    assert "afternoon" not in planned


def test_a_closed_day_has_no_rounds():
    hall = open_hall()
    hall.opening_intervals.filter(weekday=0).delete()

    assert rounds.plan(hall, MONDAY, at=make.AT) == []


def test_a_hall_that_never_closes_begins_with_its_first_duty_manager():
    hall = make.hall()
    assert "first" not in {one.kind for one in rounds.plan(hall, MONDAY, at=make.AT)}

    manager(hall, since=local(8, 20))

    first = rounds.plan(hall, MONDAY, at=make.AT)[0]
    assert (first.kind, first.due_from, first.due_by) == ("first", local(8, 20), local(9, 20))


@pytest.mark.covers("R-B03", "K-16", "F-16")
def test_the_first_round_is_due_in_the_first_hour_then_late_and_at_last_missed():
    hall = open_hall()

    states = [state(hall, "first", at) for at in (local(8, 59), local(9), local(10), local(10, 1), local(17, 30))]

    assert states == ["later", "due", "due", "late", "missed"]


@pytest.mark.covers("K-16")
@pytest.mark.parametrize(("ended", "expected"), [(local(10), "done"), (local(10, 1), "done_late")])
def test_a_round_that_ends_after_its_time_is_late(ended: dt.datetime, expected: str):
    hall = open_hall()
    made = begun(hall, manager(hall), at=local(9, 30))
    assert state(hall, "first", local(9, 40)) == "running"

    rounds.end(made, by=made.by, at=ended)

    assert state(hall, "first", local(12)) == expected


@pytest.mark.covers("K-16")
def test_the_share_of_first_rounds_in_time_counts_only_days_on_which_it_was_due():
    hall, by = open_hall(), None
    by = manager(hall)
    for day, minute in ((20, 50), (21, 70)):
        made = begun(hall, by, at=local(9, 10, day))
        rounds.end(made, by=by, at=local(9, 0, day) + minute * make.MINUTE)

    counted = rounds.first_in_time(hall, dt.date(2026, 11, 20), MONDAY, at=local(9, 30))

    assert counted == (1, 3)  # in time on Friday, late on Saturday, none on Sunday, not yet due on Monday


def test_a_peak_round_is_due_while_it_is_crowded_and_again_with_the_next_crowd():
    hall = open_hall()
    by = manager(hall)
    assert state(hall, "peak", local(10)) == "open"
    first = Alarm.objects.create(hall=hall, rule="R-Q01", subject="hall", due_at=local(10, 5), raised_at=local(10, 5))
    assert [state(hall, "peak", at) for at in (local(10, 6), local(10, 36))] == ["due", "late"]

    made = begun(hall, by, "peak", at=local(10, 20))
    rounds.end(made, by=by, at=local(10, 30))
    assert state(hall, "peak", local(10, 31)) == "done"
    assert not made.samples.exists()

    Alarm.objects.filter(pk=first.pk).update(settled_at=local(10, 40))
    Alarm.objects.create(hall=hall, rule="R-Q01", subject="hall", due_at=local(11), raised_at=local(11))
    assert state(hall, "peak", local(11, 1)) == "due"


@pytest.mark.covers("R-B05", "H-08", "K-13")
def test_a_round_samples_who_is_on_duty_but_not_who_walks_nor_who_has_gone():
    hall = open_hall()
    by, there = manager(hall), clerks(hall, 4)
    gone = make.person(hall, Kind.GUARD)
    Posting.objects.filter(person=gone).update(until=make.AT)
    make.person(hall, Kind.GUARD, holds=False)
    make.person(make.hall())

    made = begun(hall, by)

    assert {sample.person for sample in made.samples.all()} == set(there)
    assert (made.size, made.on_duty) == (4, sorted(person.pk for person in there))


@pytest.mark.covers("H-08", "F-16")
def test_the_sample_can_be_drawn_again_from_what_the_round_has_recorded():
    hall = open_hall()
    by = manager(hall)
    clerks(hall, 9)

    made = begun(hall, by, seed=4711)

    made.refresh_from_db()
    assert made.seed == 4711
    assert rounds.draw_again(made).first == [sample.person_id for sample in made.samples.all()]
    assert len(made.samples.all()) == 5


def test_a_round_without_a_given_seed_records_one():
    hall = open_hall()
    clerks(hall, 9)

    made = rounds.start(hall, "first", by=manager(hall), at=make.AT)

    made.refresh_from_db()
    assert rounds.draw_again(made).first == [sample.person_id for sample in made.samples.all()]


@pytest.mark.covers("H-08")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_sampled_twice_before_all_were_seen(seed: int):
    hall = open_hall()
    by, there = manager(hall), {person.pk for person in clerks(hall, 10)}

    first = walked(hall, by, "first", seed=seed, at=local(9, 30))
    second = walked(hall, by, "noon", seed=seed + 1, at=local(12))
    third = walked(hall, by, "afternoon", seed=seed + 2, at=local(15))

    assert (len(first), len(second), len(third)) == (5, 5, 5)
    assert {*first, *second} == there


def test_a_turn_that_ends_within_a_round_goes_on_with_the_others():
    hall = open_hall()
    by, there = manager(hall), {person.pk for person in clerks(hall, 7)}

    first = walked(hall, by, "first", seed=1, at=local(9, 30))  # 4 of 7
    second = walked(hall, by, "noon", seed=2, at=local(12))  # the other 3, and one more
    third = walked(hall, by, "afternoon", seed=3, at=local(15))  # 4 of the 6 whom the second turn has not seen

    assert {*first, *second} == there
    again = second[3]
    assert again in first
    assert again not in third


def test_who_was_drawn_but_not_seen_is_drawn_again_before_the_others():
    hall = open_hall()
    by, there = manager(hall), clerks(hall, 6)
    made = begun(hall, by, at=local(9, 30))
    skipped, *seen = made.samples.all()
    for sample in seen:
        rounds.score(sample, {"smile": "4"}, by=by, at=local(9, 40))
    rounds.end(made, by=by, at=local(9, 50))

    noon = begun(hall, by, "noon", at=local(12))

    assert skipped.person_id in noon.unseen
    assert len(noon.unseen) == len(there) - 2


def test_one_round_at_a_time_and_each_but_the_peak_once_a_day():
    hall = open_hall()
    by = manager(hall)
    made = begun(hall, by)
    with make.refusal(WrongState, match="is on a round"):
        begun(hall, by, "noon")
    rounds.end(made, by=by, at=make.AT)
    with make.refusal(WrongState, match="was done today"):
        begun(hall, by)
    with make.refusal(WrongState, match="is over"):
        rounds.end(made, by=by, at=make.AT)
    with make.refusal(Invalid):
        begun(hall, by, "midnight")

    assert Round.objects.count() == 1


def sample_of(**more: object) -> Sample:
    hall = open_hall()
    by = manager(hall)
    make.person(hall, Kind.GUIDE, name_en="Guide Gao")
    ConductItem.objects.create(
        post=make.post(Kind.GUIDE), rule="R-G01", text_zh="站在门口", text_en="Stand by the door", **more
    )
    return begun(hall, by).samples.get()


@pytest.mark.covers("H-08", "R-B05", "F-16")
def test_scores_keep_the_items_in_the_words_of_their_day():
    sample = sample_of()
    answers = {
        "smile": "5",
        "initiative": "4",
        "norm": "4",
        "skill": "3",
        "speed": "5",
        "correctness": "4",
        "R-G01": "ok",
    }

    rounds.score(sample, answers, by=sample.round.by, at=make.AT)
    ConductItem.objects.update(text_en="Something else")

    sample.refresh_from_db()
    assert [(row["item"], row["score"]) for row in sample.scores] == [
        ("smile", 5), ("initiative", 4), ("norm", 4), ("skill", 3), ("speed", 5), ("correctness", 4), ("R-G01", True),
    ]  # fmt: skip
    assert sample.lines[-1] == {"text": "Stand by the door", "score": True, "is_mark": False}
    assert str(sample.mean) == "4.17"
    assert not Finding.objects.exists()


def test_a_line_that_is_not_scored_in_rounds_is_not_asked():
    sample = sample_of(is_scored=False)

    assert [item.key for item in rounds.items_of(sample.post)] == [
        "smile", "initiative", "norm", "skill", "speed", "correctness",
    ]  # fmt: skip


@pytest.mark.parametrize("answers", [{"smile": "2"}, {"smile": "5", "R-G01": "not"}])
def test_a_fault_is_corrected_on_the_spot_or_has_a_time(answers: dict[str, str]):
    sample = sample_of()

    with pytest.raises(NotFilledIn) as refused:
        rounds.score(sample, answers, by=sample.round.by, at=make.AT)

    assert list(refused.value.errors) == ["due_in"]
    sample.refresh_from_db()
    assert (sample.scored_at, Finding.objects.count()) == (None, 0)


@pytest.mark.covers("H-08", "F-16")
def test_a_fault_corrected_on_the_spot_is_kept_as_evidence():
    sample = sample_of()

    rounds.score(sample, {"R-G01": "not"}, corrected=True, by=sample.round.by, at=make.AT)

    found = Finding.objects.get()
    assert (found.person, found.text, found.corrected_on_the_spot, found.done_at, found.due_at) == (
        sample.person, "Stand by the door", True, make.AT, None,
    )  # fmt: skip
    sample.refresh_from_db()
    assert (sample.corrected, sample.mean) == (True, None)
    assert rounds.evidence(sample.round.hall, sample.person) == rounds.Evidence([sample], [found], [])


@pytest.mark.covers("F-16")
def test_a_fault_that_stays_is_due_at_closing_time_and_owned():
    sample = sample_of()

    rounds.score(sample, {"smile": "1"}, due_in="1", note="practises tomorrow", by=sample.round.by, at=make.AT)

    found = Finding.objects.get()
    assert (found.owner, found.due_at, found.text, found.done_at) == (
        sample.person, local(17, 30, 24), "practises tomorrow", None,
    )  # fmt: skip
    assert str(found.due_on) == "2026-11-24"


@pytest.mark.parametrize(
    ("answers", "more"),
    [({}, {}), ({"smile": "6"}, {}), ({"R-G01": "perhaps"}, {}), ({"smile": "2"}, {"due_in": "99"}), ({"smile": "5"}, {"note": "x" * 501})],
)  # fmt: skip
def test_scores_that_are_none_are_refused_and_nothing_changes(answers: dict[str, str], more: dict[str, str]):
    sample = sample_of()

    with make.refusal(Invalid):
        rounds.score(sample, answers, by=sample.round.by, at=make.AT, **more)

    sample.refresh_from_db()
    assert (sample.scored_at, sample.scores, Finding.objects.count()) == (None, [], 0)


def test_nobody_is_scored_twice_or_after_the_round():
    sample = sample_of()
    by = sample.round.by
    rounds.score(sample, {"smile": "5"}, by=by, at=make.AT)
    with make.refusal(WrongState, match="scored already"):
        rounds.score(sample, {"smile": "1"}, corrected=True, by=by, at=make.AT)
    rounds.end(sample.round, by=by, at=make.AT)
    with make.refusal(WrongState, match="is over"):
        rounds.score(sample, {"smile": "1"}, corrected=True, by=by, at=make.AT)

    sample.refresh_from_db()
    assert sample.scores[0]["score"] == 5


def test_a_finding_needs_words_and_without_correction_an_owner_and_a_time():
    hall = open_hall()
    made = begun(hall, manager(hall))

    with pytest.raises(NotFilledIn) as refused:
        rounds.note_finding(made, " ", by=made.by, at=make.AT)
    assert set(refused.value.errors) == {"text", "owner", "due_in"}

    zone = make.zone(hall)
    rounds.note_finding(made, "wet floor", zone=zone, corrected=True, by=made.by, at=make.AT)
    zone.name_en = "Renamed"
    zone.save()
    found = Finding.objects.get()
    assert (found.zone_name, found.corrected_on_the_spot, found.owner) == ("Counter zone", True, None)


@pytest.mark.covers("F-16")
def test_the_next_briefing_gets_what_was_found_since_and_what_is_still_open():
    hall, other = open_hall(), open_hall()
    by = manager(hall)
    made = begun(hall, by)
    old = rounds.note_finding(made, "old and open", owner=by, due_in="0", by=by, at=local(9, 10))
    gone = rounds.note_finding(made, "old and done", owner=by, due_in="0", by=by, at=local(9, 11))
    rounds.settle(gone, by=by, at=local(9, 20))
    new = rounds.note_finding(made, "new and done", corrected=True, by=by, at=local(11))
    foreign = begun(other, manager(other))
    rounds.note_finding(foreign, "foreign", corrected=True, by=foreign.by, at=local(11))

    assert rounds.findings_since(hall, local(10)) == [old, new]


def test_a_finding_is_put_right_once():
    hall = open_hall()
    by = manager(hall)
    found = rounds.note_finding(begun(hall, by), "x", owner=by, due_in="0", by=by, at=make.AT)
    rounds.settle(found, by=by, at=local(11))

    with make.refusal(WrongState):
        rounds.settle(found, by=by, at=local(12))

    found.refresh_from_db()
    assert (found.done_at, found.done_by) == (local(11), by)


def test_evidence_holds_the_records_that_name_the_person():
    hall = open_hall()
    person, by = make.person(hall), manager(hall)
    made = entry(form(field("who", "person")), hall, by, who=str(person.pk))
    entry(form(field("who", "person")), hall, by, who=str(by.pk))

    assert rounds.evidence(hall, person).entries == [made]
    assert list(records.naming(make.hall(), person)) == []


@pytest.mark.covers("K-13")
def test_coverage_counts_who_was_seen_of_whom_the_rounds_should_see():
    hall = open_hall()
    by = manager(hall)
    clerks(hall, 6)
    walked(hall, by, "first", seed=1, at=local(9, 30))
    begun(hall, by, "noon", at=local(12))

    assert rounds.coverage(hall, MONDAY, MONDAY) == (3, 6)


@pytest.mark.parametrize("kind", ["first", "noon", "peak", "afternoon"])
def test_on_a_closed_day_no_round_begins(kind: str):
    hall = open_hall()
    by = manager(hall)
    hall.holidays.create(on=MONDAY)

    with make.refusal(WrongState, match="not due today"):
        begun(hall, by, kind)

    assert not Round.objects.exists()


def test_a_round_of_a_time_at_which_the_hall_is_shut_does_not_begin():
    hall = make.hall(opens=dt.time(9), closes=dt.time(12, 30))
    by = manager(hall)

    with make.refusal(WrongState, match="not due today"):
        begun(hall, by, "afternoon")

    assert not Round.objects.exists()


def test_nobody_scores_himself():
    sample = sample_of()

    with make.refusal(WrongState, match="Nobody scores himself"):
        rounds.score(sample, {"smile": "5"}, by=sample.person, at=make.AT)

    sample.refresh_from_db()
    assert (sample.scored_at, sample.scores) == (None, [])
