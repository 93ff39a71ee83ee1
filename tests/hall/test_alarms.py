"""Alarms: raised once, taken by somebody or told further up, settled; and what they say."""

import pytest
from django.utils import translation

from hall import alarm_texts, alarms, live
from hall.models import Alarm, AlarmEvent, AlarmRung, Kind
from hall.refusals import WrongState
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def announced(monkeypatch):
    said = []
    monkeypatch.setattr(live, "announce", lambda hall_id, *topics: said.append((hall_id, *topics)))
    return said


@pytest.fixture
def hall():
    return make.hall(time_zone="Asia/Shanghai")


def raised(hall, *, rule="R-Q02", subject="ticket:7", at=AT, **data) -> Alarm | None:
    return alarms.raise_alarm(
        hall_id=hall.pk, rule=rule, subject=subject, due_at=at - SECOND, act_by=at + 5 * MINUTE, at=at,
        data=data or {"number": "A007", "minutes": 15},
    )  # fmt: skip


def events(alarm) -> list[tuple]:
    return list(alarm.events.values_list("verb", "at", "by", "rung"))


# Raising ----------------------------------------------------------------------------------------------------------------


@pytest.mark.covers("R-Q02")
def test_raises_an_alarm_on_the_first_rung_with_time_to_acknowledge(hall, announced):
    alarm = raised(hall)

    assert (alarm.hall, alarm.rule, alarm.subject, alarm.rung) == (hall, "R-Q02", "ticket:7", 0)
    assert (alarm.due_at, alarm.raised_at, alarm.act_by) == (AT - SECOND, AT, AT + 5 * MINUTE)
    assert alarm.next_rung_at == AT + 3 * MINUTE
    assert alarm.data["ladder"] == ["floater", "duty_manager", "hall_manager", "headquarters"]
    assert events(alarm) == [("raised", AT, None, 0)]
    assert announced == [(hall.pk, "alarms")]


def test_raising_it_again_while_open_changes_nothing(hall, announced):
    raised(hall)
    announced.clear()

    assert raised(hall, at=AT + MINUTE) is None
    assert Alarm.objects.get().raised_at == AT
    assert AlarmEvent.objects.count() == 1
    assert announced == []


def test_it_may_be_raised_anew_once_settled(hall):
    alarms.settle(raised(hall), by=None, at=AT + MINUTE)

    assert raised(hall, at=AT + 2 * MINUTE) is not None


def test_a_ladder_of_one_rung_never_climbs(hall):
    assert raised(hall, rule="R-Q22", subject="day:2026-11-22").next_rung_at is None


# A person answers -------------------------------------------------------------------------------------------------------


def test_who_acknowledges_has_it_and_it_climbs_no_further(hall, announced):
    wang = make.person(hall, Kind.FLOATER)
    alarm = raised(hall)
    announced.clear()

    alarm = alarms.acknowledge(alarm, by=wang, at=AT + MINUTE)

    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.acknowledged_at, alarm.next_rung_at) == (wang, AT + MINUTE, None)
    assert events(alarm)[1:] == [("acknowledged", AT + MINUTE, wang.pk, 0)]
    assert announced == [(hall.pk, "alarms")]
    assert alarms.climb(at=AT + 60 * MINUTE) == 0


def test_a_second_person_is_told_who_has_it(hall):
    wang, li = make.person(hall, Kind.FLOATER, name_en="Wang Min"), make.person(hall, Kind.DUTY_MANAGER)
    alarm = raised(hall)
    alarms.acknowledge(alarm, by=wang, at=AT + MINUTE)

    with make.refusal(WrongState, match=r"^Wang Min took this already, at 10:01\.$"):
        alarms.acknowledge(alarm, by=li, at=AT + 2 * MINUTE)
    with make.refusal(WrongState, match=r"^You took this already, at 10:01\.$"):
        alarms.acknowledge(alarm, by=wang, at=AT + 2 * MINUTE)

    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.acknowledged_at) == (wang, AT + MINUTE)
    assert len(events(alarm)) == 2


def test_what_is_done_is_settled_by_who_did_it(hall, announced):
    wang = make.person(hall, Kind.FLOATER)
    alarm = raised(hall)
    announced.clear()

    alarms.settle(alarm, by=wang, at=AT + 2 * MINUTE)

    alarm.refresh_from_db()
    assert (alarm.settled_by, alarm.settled_at, alarm.settled_because) == (wang, AT + 2 * MINUTE, "done")
    assert (alarm.acknowledged_by, alarm.acknowledged_at, alarm.next_rung_at) == (wang, AT + 2 * MINUTE, None)
    assert events(alarm)[1:] == [("settled", AT + 2 * MINUTE, wang.pk, 0)]
    assert announced == [(hall.pk, "alarms")]


def test_settling_keeps_who_had_taken_it(hall):
    wang, li = make.person(hall, Kind.FLOATER), make.person(hall, Kind.DUTY_MANAGER)
    alarm = raised(hall)
    alarms.acknowledge(alarm, by=wang, at=AT + MINUTE)

    alarms.settle(alarm, by=li, at=AT + 2 * MINUTE)

    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.acknowledged_at, alarm.settled_by) == (wang, AT + MINUTE, li)


def test_a_settled_alarm_is_refused_in_words(hall):
    wang = make.person(hall, Kind.FLOATER, name_en="Wang Min")
    done, gone = raised(hall), raised(hall, subject="ticket:8")
    alarms.settle(done, by=wang, at=AT + MINUTE)
    alarms.settle_cause_gone(hall.pk, "R-Q02", "ticket:8", at=AT + MINUTE)

    for verb in (alarms.acknowledge, alarms.settle):
        with make.refusal(WrongState, match=r"^Wang Min has settled this already, at 10:01\.$"):
            verb(done, by=wang, at=AT + 2 * MINUTE)
        with make.refusal(WrongState, match=r"^This is over: its cause was gone at 10:01\.$"):
            verb(gone, by=wang, at=AT + 2 * MINUTE)

    assert AlarmEvent.objects.count() == 4


def test_care_for_a_customer_acknowledges_his_alarm_once(hall, announced):
    wang, li = make.person(hall, Kind.FLOATER), make.person(hall, Kind.CLERK)
    alarm = raised(hall)
    announced.clear()

    alarms.acknowledge_subject(hall.pk, "R-Q02", "ticket:7", by=wang, at=AT + MINUTE)
    alarms.acknowledge_subject(hall.pk, "R-Q02", "ticket:7", by=li, at=AT + 2 * MINUTE)
    alarms.acknowledge_subject(hall.pk, "R-Q02", "ticket:9", by=li, at=AT + 2 * MINUTE)

    alarm.refresh_from_db()
    assert (alarm.acknowledged_by, alarm.acknowledged_at, alarm.next_rung_at) == (wang, AT + MINUTE, None)
    assert events(alarm)[1:] == [("acknowledged", AT + MINUTE, wang.pk, 0)]
    assert announced == [(hall.pk, "alarms")]


def test_a_cause_that_is_gone_settles_its_alarm_and_no_other(hall, announced):
    alarm, same_rule, elsewhere = raised(hall), raised(hall, subject="ticket:8"), raised(make.hall())
    announced.clear()

    alarms.settle_cause_gone(hall.pk, "R-Q02", "ticket:7", at=AT + MINUTE)
    alarms.settle_cause_gone(hall.pk, "R-Q02", "ticket:7", at=AT + 2 * MINUTE)

    alarm.refresh_from_db()
    assert (alarm.settled_at, alarm.settled_by, alarm.settled_because) == (AT + MINUTE, None, "cause_gone")
    assert set(Alarm.objects.filter(settled_at=None)) == {same_rule, elsewhere}
    assert announced == [(hall.pk, "alarms")]


# Nobody answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.covers("R-Q02")
def test_unanswered_it_climbs_to_the_top_and_stays(hall, announced):
    alarm = raised(hall)
    announced.clear()
    rungs = []
    for minute in (2, 3, 7, 8, 13, 60):
        alarms.climb(at=AT + minute * MINUTE)
        alarm.refresh_from_db()
        rungs.append((minute, alarm.rung, alarm.next_rung_at))

    assert rungs == [
        (2, 0, AT + 3 * MINUTE),
        (3, 1, AT + 8 * MINUTE),
        (7, 1, AT + 8 * MINUTE),
        (8, 2, AT + 13 * MINUTE),
        (13, 3, None),
        (60, 3, None),
    ]
    assert [event[0] for event in events(alarm)] == ["raised", "climbed", "climbed", "climbed"]
    assert announced == [(hall.pk, "alarms")] * 3


@pytest.mark.covers("H-21")
def test_the_next_rung_comes_after_the_halls_own_time(hall):
    make.limit(hall, "R-Q02", "next_rung", 2)
    alarm = raised(hall)

    alarms.climb(at=AT + 3 * MINUTE)

    alarm.refresh_from_db()
    assert alarm.next_rung_at == AT + 5 * MINUTE


def test_a_late_sweep_climbs_one_rung_only(hall):
    alarm = raised(hall)

    assert alarms.climb(at=AT + 60 * MINUTE) == 1
    assert alarms.climb(at=AT + 60 * MINUTE) == 0
    alarm.refresh_from_db()
    assert (alarm.rung, alarm.next_rung_at) == (1, AT + 65 * MINUTE)


def test_only_live_halls_climb_unless_named():
    played = make.hall(clock="played")
    raised(played)

    assert alarms.climb(at=AT + 4 * MINUTE) == 0
    assert alarms.climb(at=AT + 4 * MINUTE, hall_ids=[played.pk]) == 1


def test_an_edited_ladder_changes_later_alarms_only(hall):
    alarm = raised(hall)
    AlarmRung.objects.filter(rule="R-Q02", position__gt=0).delete()

    later = raised(hall, subject="ticket:8")

    assert later.next_rung_at is None
    assert alarms.climb(at=AT + 4 * MINUTE) == 1
    alarm.refresh_from_db()
    assert alarm.rung == 1


# Lines and words --------------------------------------------------------------------------------------------------------


def test_many_alike_are_one_line_until_the_second_rung(hall):
    first, second, climbed = (raised(hall, subject=f"ticket:{n}", at=AT + n * SECOND) for n in (1, 2, 3))
    average = raised(hall, rule="R-Q01", subject="hall", at=AT + 9 * SECOND)
    taken = alarms.acknowledge(raised(hall, subject="ticket:5"), by=make.person(hall, Kind.FLOATER), at=AT)
    climbed.rung = 1

    lines = alarms.grouped([average, second, taken, first, climbed])

    assert [line.alarms for line in lines] == [(average,), (climbed,), (taken,), (first, second)]
    assert (lines[3].count, lines[3].longest, lines[3].rung, lines[3].act_by) == (2, first, 0, first.act_by)


def test_a_wait_says_its_number_what_to_do_and_who(hall):
    alarm = raised(hall, subject="ticket:7")

    said = alarm_texts.said([alarm])

    assert said == alarm_texts.Said("A007 has waited over 15 min", "Water, a small gift, say how long", "floater")
    alarm.rung = 1
    assert alarm_texts.who(alarm) == "duty manager"
    assert alarm_texts.who(alarm, rung=9) == ""


def test_many_waits_are_counted(hall):
    found = [raised(hall, subject=f"ticket:{n}") for n in range(7)]

    assert alarm_texts.said(found).title == "7 people over 15 min"


def test_the_average_and_a_day_left_open_say_what_to_do(hall):
    average = raised(hall, rule="R-Q01", subject="hall", minutes=7.5)
    day = raised(hall, rule="R-Q22", subject="day:2026-11-22", date="2026-11-22", count=2)

    assert alarm_texts.said([average]) == alarm_texts.Said(
        "Average wait over 7.5 min", "Open a mobile counter, call staff to the counters", "duty manager"
    )
    assert alarm_texts.said([day]) == alarm_texts.Said(
        "2 tickets of 2026-11-22 were left open", "Find out what happened, close each day yourself", "hall manager"
    )
