"""Counters: signing in, opening, pausing, resuming, closing."""

import datetime as dt

import pytest

from hall import counters, live
from hall.models import Counter, CounterEvent
from hall.refusals import CounterBusy, CounterNotOpen, CounterTaken, Invalid
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def closed(**fields):
    """A closed counter 3 and a clerk of its hall, Chen."""
    hall = make.hall()
    counter = make.counter(
        hall, 3, **{"state": Counter.State.CLOSED, "state_since": None, "free_since": None, **fields}
    )
    return counter, make.person(hall, name_en="Chen")


def opened():
    """Counter 3, open, with Chen signed in since AT."""
    counter, chen = closed()
    counters.sign_in(counter, by=chen, at=AT)
    return counters.open_counter(counter, by=chen, at=AT), chen


def stored(counter):
    return Counter.objects.select_related("clerk").get(pk=counter.pk)


def verbs(counter):
    return list(CounterEvent.objects.filter(counter=counter).values_list("verb", "at", "by"))


def rows():
    return list(Counter.objects.order_by("pk").values()), CounterEvent.objects.count()


def test_signing_in_takes_the_counter_and_leaves_it_closed():
    counter, chen = closed()

    counters.sign_in(counter, by=chen, at=AT)

    now = stored(counter)
    assert (now.clerk, now.clerk_since, now.state) == (chen, AT, Counter.State.CLOSED)
    assert verbs(counter) == [("signed_in", AT, chen.pk)]


def test_signing_in_twice_changes_nothing():
    counter, chen = closed()
    counters.sign_in(counter, by=chen, at=AT)

    counters.sign_in(counter, by=chen, at=AT + MINUTE)

    assert stored(counter).clerk_since == AT
    assert len(verbs(counter)) == 1


def test_a_taken_counter_says_who_is_there():
    counter, chen = opened()
    li = make.person(counter.hall)
    before = rows()

    with make.refusal(CounterTaken, match=chen.name):
        counters.sign_in(counter, by=li, at=AT)

    assert rows() == before


def test_nobody_sits_at_two_counters():
    counter, chen = opened()
    other = make.counter(counter.hall, 4)
    before = rows()

    with make.refusal(CounterTaken, match="3"):
        counters.sign_in(other, by=chen, at=AT)

    assert rows() == before


@pytest.mark.covers("Q-10")
def test_opening_makes_the_counter_free():
    counter, chen = closed()

    counters.open_counter(counter, by=chen, at=AT)

    now = stored(counter)
    assert (now.state, now.state_since, now.free_since) == (Counter.State.OPEN, AT, AT)
    assert verbs(counter) == [("opened", AT, chen.pk)]


def test_opening_an_open_counter_changes_nothing():
    counter, chen = opened()
    before = rows()

    counters.open_counter(counter, by=chen, at=AT + MINUTE)

    assert rows() == before


def test_a_recorded_day_opens_a_counter_without_a_clerk():
    counter, _chen = closed()

    counters.open_counter(counter, by=None, at=AT)

    assert (stored(counter).state, stored(counter).clerk) == (Counter.State.OPEN, None)


@pytest.mark.covers("R-B13", "Q-10")
def test_a_pause_keeps_reason_note_and_expected_return():
    counter, chen = opened()

    counters.pause(
        counter, reason="lunch", note="canteen", expected_return_at=AT + 31 * MINUTE, by=chen, at=AT + MINUTE
    )

    now = stored(counter)
    assert (now.state, now.state_since, now.free_since) == (Counter.State.PAUSED, AT + MINUTE, None)
    assert (now.pause_reason, now.pause_note, now.expected_return_at) == ("lunch", "canteen", AT + 31 * MINUTE)
    event = CounterEvent.objects.last()
    assert (event.verb, event.reason, event.data) == (
        "paused",
        "lunch",
        {"expected_return_at": (AT + 31 * MINUTE).isoformat()},
    )


@pytest.mark.covers("R-B13")
def test_resuming_clears_the_pause():
    counter, chen = opened()
    counters.pause(counter, reason="break", expected_return_at=None, by=chen, at=AT)

    counters.resume(counter, by=chen, at=AT + 5 * MINUTE)

    now = stored(counter)
    assert (now.state, now.pause_reason, now.pause_note, now.expected_return_at) == (Counter.State.OPEN, "", "", None)
    assert [verb for verb, _at, _by in verbs(counter)] == ["signed_in", "opened", "paused", "resumed"]


def test_a_counter_that_was_closed_meanwhile_is_not_resumed():
    counter, chen = opened()
    counters.pause(counter, reason="break", expected_return_at=None, by=chen, at=AT)
    counters.close_for(counter, by=None, at=AT + MINUTE)
    before = rows()

    with make.refusal(CounterNotOpen):
        counters.resume(counter, by=chen, at=AT + 5 * MINUTE)

    assert rows() == before


@pytest.mark.parametrize("back", [-SECOND, dt.timedelta(hours=12, seconds=1)])
def test_a_return_in_the_past_or_over_12_hours_away_is_refused(back):
    counter, chen = opened()
    before = rows()

    with make.refusal(Invalid):
        counters.pause(counter, reason="lunch", expected_return_at=AT + back, by=chen, at=AT)

    assert rows() == before


@pytest.mark.parametrize("fields", [{"reason": "tired"}, {"reason": ""}, {"note": "x" * 101}, {"note": "a\x00b"}])
def test_a_pause_without_a_known_reason_or_with_bad_text_is_refused(fields):
    counter, chen = opened()
    before = rows()

    with make.refusal(Invalid):
        counters.pause(counter, **{"reason": "lunch", "expected_return_at": None, "by": chen, "at": AT, **fields})

    assert rows() == before


@pytest.mark.parametrize("state", [Counter.State.CLOSED, Counter.State.PAUSED])
def test_only_an_open_counter_is_paused(state):
    counter, _chen = closed(state=state, pause_reason="lunch" if state == Counter.State.PAUSED else "")
    before = rows()

    with make.refusal(CounterNotOpen):
        counters.pause(counter, reason="lunch", expected_return_at=None, by=None, at=AT)

    assert rows() == before


def test_nobody_walks_off_in_mid_service():
    counter, chen = opened()
    make.serving(make.service(counter.hall), counter)
    before = rows()

    with make.refusal(CounterBusy, match="A001"):
        counters.pause(counter, reason="lunch", expected_return_at=None, by=chen, at=AT)
    with make.refusal(CounterBusy, match="A001"):
        counters.close(counter, by=chen, at=AT)
    with make.refusal(CounterBusy, match="A001"):
        counters.close_for(counter, by=None, at=AT)

    assert rows() == before


def test_closing_signs_the_clerk_out():
    counter, chen = opened()
    Counter.objects.filter(pk=counter.pk).update(favoured_run=2)

    counters.close(counter, by=chen, at=AT + MINUTE)

    now = stored(counter)
    assert (now.state, now.state_since, now.clerk, now.clerk_since, now.free_since, now.favoured_run) == (
        Counter.State.CLOSED, AT + MINUTE, None, None, None, 0,
    )  # fmt: skip
    assert verbs(counter)[-1] == ("closed", AT + MINUTE, chen.pk)


def test_closing_a_closed_counter_changes_nothing():
    counter, chen = closed()
    before = rows()

    counters.close(counter, by=chen, at=AT)

    assert rows() == before


@pytest.mark.parametrize("verb", ["open_counter", "close", "pause"])
def test_a_colleagues_counter_is_left_alone(verb):
    counter, _chen = opened()
    li = make.person(counter.hall)
    more = {"reason": "lunch", "expected_return_at": None} if verb == "pause" else {}
    before = rows()

    with make.refusal(CounterTaken):
        getattr(counters, verb)(counter, by=li, at=AT, **more)

    assert rows() == before


def test_the_duty_manager_closes_a_colleagues_counter():
    counter, _chen = opened()
    manager = make.person(counter.hall, "duty_manager")

    counters.close_for(counter, by=manager, at=AT + MINUTE)

    assert (stored(counter).state, stored(counter).clerk) == (Counter.State.CLOSED, None)
    assert verbs(counter)[-1] == ("closed", AT + MINUTE, manager.pk)


def test_every_change_is_told_to_the_screens(monkeypatch, django_capture_on_commit_callbacks):
    counter, chen = closed()
    told = []
    monkeypatch.setattr(live, "_send", lambda hall_id, topics: told.append((hall_id, topics)))

    with django_capture_on_commit_callbacks(execute=True):
        counters.sign_in(counter, by=chen, at=AT)
        counters.open_counter(counter, by=chen, at=AT)
        counters.pause(counter, reason="lunch", expected_return_at=None, by=chen, at=AT)
        counters.close(counter, by=chen, at=AT)

    changes = [topics for _hall_id, topics in told if topics != ["postings"]]
    assert changes == [["counters", "queue", f"counter:{counter.pk}"]] * 4
    assert {hall_id for hall_id, _topics in told} == {counter.hall_id}


def test_a_change_of_state_writes_no_history_of_definitions():
    counter, chen = opened()

    counters.close(counter, by=chen, at=AT)

    assert counter.history.count() == 1
