"""The live board: its page, its fragments, answers to alarms, closing a counter and the day."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from hall import alarms, board, clock, counters
from hall.board import Screen
from hall.models import Alarm, Counter, DayClose, Hall, Kind
from queueing import tickets
from queueing.models import CareAct, CustomerClass, State, Ticket
from tests import make
from tests.make import AT, MINUTE, SECOND

pytestmark = pytest.mark.django_db


def shown(hall: Hall, *, at: dt.datetime, language: str = "en") -> dict[str, str]:
    return board.render(Screen(hall.pk, "board", 0, language), at)


def words(html: str) -> str:
    """What is read, tags left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def heads(html: str) -> list[str]:
    """The class of each figure of the strip: its level."""
    return re.findall(r'<div class="(figure(?: is-\w+)?)"', html)


def raised(hall: Hall, ticket: Ticket, *, at: dt.datetime) -> Alarm:
    alarm = alarms.raise_alarm(
        hall_id=hall.pk, rule="R-Q02", subject=f"ticket:{ticket.pk}", due_at=ticket.issued_at + 15 * MINUTE,
        act_by=at + 5 * MINUTE, data={"number": ticket.number, "minutes": 15}, at=at,
    )  # fmt: skip
    assert alarm is not None
    return alarm


# The page


def test_shows_the_duty_manager_his_hall() -> None:
    hall = make.hall(name_en="Renmin Road hall")
    manager = make.person(hall, Kind.DUTY_MANAGER)

    answer = make.client(manager).get(f"/h/{hall.code}/board/")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "<h1" in page and "Renmin Road hall" in page
    assert re.findall(r'<[a-z]+ id="(board-[a-z]+)"', page) == [
        "board-busy",
        "board-strip",
        "board-queue",
        "board-zones",
        "board-counters",
        "board-needs",
    ]


def test_opens_to_who_may_see_it_and_to_nobody_else() -> None:
    hall = make.hall()
    address = f"/h/{hall.code}/board/"

    assert make.client(make.person(hall, Kind.DUTY_MANAGER)).get(address).status_code == 200
    assert make.client(make.person(hall, Kind.CLERK)).get(address).status_code == 403
    assert make.client(make.person(make.hall(), Kind.DUTY_MANAGER)).get(address).status_code == 404
    assert make.client().get(address)["Location"].startswith("/login/")


def test_needs_no_inline_script_or_style() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    make.ticket(service, at=clock.now() - 16 * MINUTE)

    page = make.client(make.person(hall, Kind.DUTY_MANAGER)).get(f"/h/{hall.code}/board/").content.decode()

    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\sstyle=|\son[a-z]+=|<style|hx-on", page) == []


def test_says_that_a_played_day_is_recorded() -> None:
    played = dt.datetime(2026, 3, 3, 4, 0, tzinfo=dt.UTC)
    hall = make.hall(clock="played", played_at=played)

    page = make.client(make.person(hall, Kind.DUTY_MANAGER)).get(f"/h/{hall.code}/board/").content.decode()

    assert "Recorded day" in page
    assert 'data-now="2026-03-03T04:00:00.000Z"' in page
    assert "<live-screen" not in page


def test_gives_the_menu_by_right() -> None:
    hall = make.hall()
    client = make.client(make.person(hall, Kind.HEADQUARTERS))

    page = client.get(f"/h/{hall.code}/board/").content.decode()

    assert f"/h/{hall.code}/today/" in page
    assert f"/h/{hall.code}/close-day/" not in page
    assert "may-close-counter" not in page


# The strip


@pytest.mark.covers("Q-04", "K-10", "R-Q01")
def test_shows_the_average_and_turns_it_over_only_above_its_limit() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    for _number in range(3):
        make.ticket(service)

    at_limit = shown(hall, at=AT + 15 * MINUTE)["board-strip"]
    beyond = shown(hall, at=AT + 15 * MINUTE + SECOND)["board-strip"]

    assert (heads(at_limit)[0], "15<span" in at_limit) == ("figure is-warn", True)
    assert (heads(beyond)[0], "15<span" in beyond) == ("figure is-over", True)


def test_never_rounds_a_wait_up_to_its_limit() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    for _number in range(3):
        make.ticket(service)

    strip = shown(hall, at=AT + 15 * MINUTE - SECOND)["board-strip"]

    assert '<p class="figure-value">14<span' in strip
    assert heads(strip)[0] == "figure is-warn"


def test_shows_no_average_below_the_fewest_tickets() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    make.ticket(service)
    make.ticket(service)

    strip = shown(hall, at=AT + 20 * MINUTE)["board-strip"]

    assert "shown from 3 customers on" in strip
    assert heads(strip)[0] == "figure"


def test_shows_who_has_waited_longest() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)], name_en="Bill query")
    make.ticket(service)
    make.ticket(service, at=AT + 5 * MINUTE)

    strip = shown(hall, at=AT + 18 * MINUTE)["board-strip"]

    assert heads(strip)[1] == "figure is-over"
    assert "<b>A001</b> Bill query · 1 over" in strip
    assert strip.count('since="2026-11-23T02:00:00.000Z" before="0" warn="600" over="900"') == 2


def test_counts_who_waits_and_who_was_served() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    make.done(service, counter)
    make.serving(service, counter)
    make.ticket(service)
    make.ticket(service)

    strip = words(shown(hall, at=AT + MINUTE)["board-strip"])

    assert "Waiting 2 people 1 in service Served today 1 person" in strip


# The queue


@pytest.mark.covers("Q-02")
def test_lists_the_waiting_oldest_first_on_one_scale() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    make.ticket(service, at=AT)
    make.ticket(service, CustomerClass.SPECIAL, at=AT + MINUTE)

    queue = shown(hall, at=AT + 12 * MINUTE)["board-queue"]

    assert re.findall(r'<b class="number">(\w+)</b>', queue) == ["A001", "A002"]
    assert re.findall(r'data-warn="(\d+)" data-over="(\d+)" data-scale="(\d+)"', queue) == [("600", "900", "1200")]
    assert re.findall(r'class="limit(?:-hard)?" x1="([\d.]+)%"', queue) == ["50.0", "75.0"]


@pytest.mark.covers("R-Q02")
def test_marks_a_wait_as_warned_and_as_over_at_its_instants() -> None:
    hall = make.hall()
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    levels = [
        re.findall(r'<li class="queue-row is-plain ?([a-z-]*)"', shown(hall, at=AT + wait)["board-queue"])
        for wait in (10 * MINUTE - SECOND, 10 * MINUTE, 15 * MINUTE, 15 * MINUTE + SECOND)
    ]

    assert levels == [[""], ["is-warn"], ["is-warn"], ["is-over"]]


def test_follows_the_halls_own_limits_at_once() -> None:
    hall = make.hall()
    make.limit(hall, "R-Q02", "threshold", 12)
    make.limit(hall, "R-Q02", "warning", 6)
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    queue = shown(hall, at=AT + 13 * MINUTE)["board-queue"]

    assert 'data-warn="360" data-over="720"' in queue
    assert re.findall(r"<text[^>]*>(\d+)</text>", queue) == ["6", "12"]
    assert "is-over" in queue


def test_ticks_the_wait_that_was_told() -> None:
    hall = make.hall()
    ticket = make.ticket(make.service(hall, counters=[make.counter(hall)]))
    Ticket.objects.filter(pk=ticket.pk).update(told_wait=10 * MINUTE)

    queue = shown(hall, at=AT)["board-queue"]

    assert re.findall(r'class="told" x1="([\d.]+)"', queue) == ["50.0"]


def test_gives_every_service_a_tab_with_its_count() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    bills = make.service(hall, "A", counters=[counter], name_en="Bills", position=1)
    make.service(hall, "B", counters=[counter], name_en="Plans", position=2)
    make.ticket(bills)

    queue = shown(hall, at=AT)["board-queue"]

    tabs = re.findall(
        r'aria-pressed="\w+">(?:<span class="one-line">)?(\w+)(?:</span>)?<span class="count">(\d+)', queue
    )
    assert tabs == [("All", "1"), ("Bills", "1"), ("Plans", "0")]


def test_shows_class_and_care_of_who_waits() -> None:
    hall = make.hall()
    ticket = make.ticket(make.service(hall, counters=[make.counter(hall)]), CustomerClass.SPECIAL)
    CareAct.objects.create(ticket=ticket, kind=CareAct.Kind.WATER, at=AT)
    CareAct.objects.create(ticket=ticket, kind=CareAct.Kind.GIFT, at=AT, undone_at=AT)

    queue = shown(hall, at=AT)["board-queue"]

    assert "Priority" in queue
    assert re.findall(r'visually-hidden">(\w+)', queue) == ["water"]


def test_says_that_nobody_waits_and_whom_it_called_last() -> None:
    hall = make.hall()
    counter = make.counter(hall, 4)
    make.done(make.service(hall, counters=[counter]), counter)

    parts = shown(hall, at=AT + 5 * MINUTE)

    assert "Nobody is waiting. Last called: A001 at 10:00, to counter 4." in parts["board-queue"]
    assert "Idle" in parts["board-busy"]


def test_calls_the_hall_busy_when_anybody_waits_over_ten_minutes() -> None:
    hall = make.hall()
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    said = [words(shown(hall, at=AT + wait)["board-busy"]) for wait in (10 * MINUTE, 10 * MINUTE + SECOND)]

    assert said == ["", "Busy"]


# The counters


@pytest.mark.covers("Q-10", "R-B13")
def test_shows_each_counters_state_in_a_word() -> None:
    hall = make.hall()
    one, two, three, four, five = (make.counter(hall) for _number in range(5))
    service = make.service(hall, counters=[one, two], name_en="Bill query")
    make.serving(service, one)
    make.called(service, two)
    clerk = make.person(hall, name_en="Zhao Lei")
    counters.sign_in(three, by=clerk, at=AT)
    counters.pause(three, reason="lunch", expected_return_at=AT + 33 * MINUTE, by=clerk, at=AT)
    counters.close(four, by=None, at=AT)

    html = shown(hall, at=AT + MINUTE)["board-counters"]

    assert re.findall(r'class="counter is-(\w+)"', html) == ["serving", "called", "paused", "closed", "free"]
    assert "Lunch, back 10:33 · Zhao Lei" in html
    assert "3 open · 1 paused · 1 closed" in html
    assert five.number == 5


def test_shows_who_is_on_hold() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    held = make.serving(service, counter)
    tickets.hold(held, by=None, at=AT)

    html = shown(hall, at=AT)["board-counters"]

    assert "On hold" in html
    assert re.findall(r'class="ticket">(\w+)<', html) == ["A001"]


# What needs somebody


@pytest.mark.covers("R-Q02")
def test_shows_an_alarm_with_what_who_by_when_and_both_answers() -> None:
    hall = make.hall()
    ticket = make.ticket(make.service(hall, counters=[make.counter(hall)]))
    alarm = raised(hall, ticket, at=AT + 15 * MINUTE)

    html = shown(hall, at=AT + 16 * MINUTE)["board-needs"]

    assert "A001 has waited over 15 min" in html
    assert "<b>Floater</b> (nobody holds this post now): Water, a small gift, say how long, by <b>10:20</b>" in html
    assert re.findall(r'hx-post="([^"]+)"', html) == [
        f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/", f"/h/{hall.code}/alarms/{alarm.pk}/done/",
    ]  # fmt: skip


def test_shows_many_alike_as_one_until_the_second_rung() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    rows = [raised(hall, make.ticket(service), at=AT + 15 * MINUTE) for _number in range(3)]
    Alarm.objects.filter(pk=rows[0].pk).update(rung=1)

    html = shown(hall, at=AT + 16 * MINUTE)["board-needs"]

    assert re.findall(r"<h3>(.*?)</h3>", html) == ["A001 has waited over 15 min", "2 people over 15 min"]
    assert f'name="alarms" value="{rows[1].pk},{rows[2].pk}"' in html


@pytest.mark.covers("R-Q01")
def test_shows_the_alarm_of_the_average() -> None:
    hall = make.hall()
    make.person(hall, Kind.DUTY_MANAGER, name_en="Zhou Ming")
    alarms.raise_alarm(
        hall_id=hall.pk, rule="R-Q01", subject="hall", due_at=AT, act_by=AT + 5 * MINUTE, data={"minutes": 15}, at=AT
    )

    html = shown(hall, at=AT + MINUTE)["board-needs"]

    assert "Average wait over 15 min" in html
    assert "<b>Duty manager</b> (Zhou Ming): Open a mobile counter, call staff to the counters, by" in html


def test_says_that_nothing_needs_anybody() -> None:
    assert "Nothing needs you now." in shown(make.hall(), at=AT)["board-needs"]


# Answers to alarms


def test_acknowledges_an_alarm_and_says_who_took_it() -> None:
    hall = make.hall()
    manager = make.person(hall, Kind.DUTY_MANAGER, name_en="Zhou Ming")
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())

    answer = make.tap(make.client(manager), f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/")

    alarm.refresh_from_db()
    assert answer.status_code == 200
    assert answer.content.decode().startswith('<section id="board-needs"')
    assert "Zhou Ming took it" in answer.content.decode()
    assert (alarm.acknowledged_by, alarm.settled_at) == (manager, None)


def test_settles_an_alarm_that_is_done() -> None:
    hall = make.hall()
    manager = make.person(hall, Kind.DUTY_MANAGER)
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())

    answer = make.tap(make.client(manager), f"/h/{hall.code}/alarms/{alarm.pk}/done/")

    alarm.refresh_from_db()
    assert (answer.status_code, alarm.settled_by, alarm.settled_because) == (200, manager, "done")
    assert "Nothing needs you now." in answer.content.decode()


def test_refuses_a_second_acknowledgement_in_words_and_changes_nothing() -> None:
    hall = make.hall()
    first, second = make.person(hall, Kind.FLOATER, name_en="Wang Min"), make.person(hall, Kind.DUTY_MANAGER)
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())
    make.tap(make.client(first), f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/")

    answer = make.tap(make.client(second), f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/")

    alarm.refresh_from_db()
    assert answer.status_code == 409
    assert re.search(r'role="alert">Wang Min took this already', answer.content.decode())
    assert alarm.acknowledged_by == first


def test_answers_the_same_tap_once() -> None:
    hall = make.hall()
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))
    address = f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/"

    statuses = [make.tap(client, address, key="the-same-tap").status_code for _time in range(2)]

    assert statuses == [200, 200]
    assert alarm.events.filter(verb="acknowledged").count() == 1


def test_takes_many_alike_at_once_and_passes_over_what_is_answered() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    rows = [raised(hall, make.ticket(service), at=clock.now()) for _number in range(3)]
    manager = make.person(hall, Kind.DUTY_MANAGER)
    alarms.acknowledge(rows[0], by=make.person(hall, Kind.FLOATER), at=clock.now())

    answer = make.tap(
        make.client(manager), f"/h/{hall.code}/alarms/acknowledge/", {"alarms": ",".join(str(row.pk) for row in rows)}
    )

    assert answer.status_code == 200
    assert list(Alarm.objects.filter(acknowledged_by=manager).order_by("pk")) == rows[1:]


def test_refuses_alarms_that_are_no_numbers() -> None:
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answers = [make.tap(client, f"/h/{hall.code}/alarms/done/", {"alarms": text}) for text in ("", "1,x", "9" * 30)]

    assert [answer.status_code for answer in answers] == [422, 422, 422]


def test_knows_no_alarm_of_another_hall() -> None:
    hall, other = make.hall(), make.hall()
    alarm = raised(other, make.ticket(make.service(other, counters=[make.counter(other)])), at=clock.now())
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answers = [
        make.tap(client, f"/h/{hall.code}/alarms/{alarm.pk}/acknowledge/"),
        make.tap(client, f"/h/{hall.code}/alarms/{alarm.pk}/done/"),
        make.tap(client, f"/h/{hall.code}/alarms/done/", {"alarms": str(alarm.pk)}),
    ]

    alarm.refresh_from_db()
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert (alarm.acknowledged_at, alarm.settled_at) == (None, None)


def test_lets_only_those_answer_who_may() -> None:
    hall = make.hall()
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())
    address = f"/h/{hall.code}/alarms/{alarm.pk}/done/"

    assert make.tap(make.client(make.person(hall, Kind.CLERK)), address).status_code == 403
    assert make.tap(make.client(make.person(make.hall(), Kind.DUTY_MANAGER)), address).status_code == 404
    assert make.tap(make.client(), address).status_code == 401
    assert make.client(make.person(hall, Kind.DUTY_MANAGER)).get(address).status_code == 405
    assert Alarm.objects.get().settled_at is None


def test_refuses_an_answer_without_a_key() -> None:
    hall = make.hall()
    alarm = raised(hall, make.ticket(make.service(hall, counters=[make.counter(hall)])), at=clock.now())

    answer = make.client(make.person(hall, Kind.DUTY_MANAGER)).post(f"/h/{hall.code}/alarms/{alarm.pk}/done/")

    assert answer.status_code == 422
    assert Alarm.objects.get().settled_at is None


# Closing a colleague's counter


def test_closes_a_colleagues_counter() -> None:
    hall = make.hall()
    counter = make.counter(hall, 3)
    counters.sign_in(counter, by=make.person(hall), at=AT)
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    asked = client.get(f"/h/{hall.code}/close-counter/3/")
    answer = make.tap(client, f"/h/{hall.code}/counters/3/close-for/")

    counter.refresh_from_db()
    assert asked.status_code == 200
    assert answer["HX-Redirect"] == f"/h/{hall.code}/board/"
    assert (counter.state, counter.clerk) == (Counter.State.CLOSED, None)


def test_does_not_close_a_counter_that_has_a_customer() -> None:
    hall = make.hall()
    counter = make.counter(hall, 3)
    make.serving(make.service(hall, counters=[counter]), counter)

    answer = make.tap(make.client(make.person(hall, Kind.DUTY_MANAGER)), f"/h/{hall.code}/counters/3/close-for/")

    counter.refresh_from_db()
    assert answer.status_code == 409
    assert "Counter 3 still has A001." in answer.content.decode()
    assert counter.state == Counter.State.OPEN


def test_lets_only_those_close_a_counter_who_may() -> None:
    hall = make.hall()
    make.counter(hall, 3)
    address = f"/h/{hall.code}/counters/3/close-for/"

    assert make.tap(make.client(make.person(hall, Kind.CLERK)), address).status_code == 403
    assert make.tap(make.client(make.person(make.hall(), Kind.DUTY_MANAGER)), address).status_code == 404
    assert make.tap(make.client(), address).status_code == 401
    assert Counter.objects.get().state == Counter.State.OPEN


# Closing the day


@pytest.mark.covers("R-Q22", "Q-18")
def test_closes_the_day_with_a_reason_per_ticket() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    first, second = make.ticket(service, at=clock.now()), make.ticket(service, at=clock.now())
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    asked = client.get(f"/h/{hall.code}/close-day/").content.decode()
    reasons = {f"reason-{first.pk}": "went home", f"reason-{second.pk}": "", "reason": "comes again tomorrow"}
    answer = make.tap(client, f"/h/{hall.code}/day/close/", reasons)

    assert f'name="reason-{first.pk}"' in asked and f'name="reason-{second.pk}"' in asked
    assert answer["HX-Redirect"] == f"/h/{hall.code}/board/"
    assert DayClose.objects.filter(hall=hall).count() == 1
    assert [ticket.events.last().reason for ticket in (first, second)] == ["went home", "comes again tomorrow"]


def test_asks_again_for_a_missing_reason_and_keeps_what_was_typed() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    first, second = make.ticket(service, at=clock.now()), make.ticket(service, at=clock.now())
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answer = make.tap(client, f"/h/{hall.code}/day/close/", {f"reason-{first.pk}": "went home"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert f"Please give a reason for {second.number}." in page
    assert 'value="went home"' in page
    assert Ticket.objects.filter(state=State.WAITING).count() == 2


def test_lets_only_those_close_the_day_who_may() -> None:
    hall = make.hall()
    address = f"/h/{hall.code}/day/close/"

    assert make.tap(make.client(make.person(hall, Kind.CLERK)), address).status_code == 403
    assert make.tap(make.client(make.person(make.hall(), Kind.DUTY_MANAGER)), address).status_code == 404
    assert make.tap(make.client(), address).status_code == 401
    assert DayClose.objects.count() == 0


# What a fragment may not hold, and what a board costs


def test_keeps_viewers_secrets_and_the_present_out_of_fragments() -> None:
    hall = make.hall()
    ticket = make.ticket(
        make.service(hall, counters=[make.counter(hall)]), person="13812345678", need_note="has a new phone"
    )
    raised(hall, ticket, at=AT + 15 * MINUTE)

    early, late = shown(hall, at=AT + 16 * MINUTE), shown(hall, at=AT + 16 * MINUTE + 30 * SECOND)

    assert early == late
    assert [
        secret
        for secret in (ticket.token, ticket.person_hash, "13812345678", "csrf", "has a new phone")
        if secret in "".join(early.values())
    ] == []


def test_asks_the_database_equally_often_whatever_waits() -> None:
    counts = []
    for waiting in (1, 30, 300):
        hall = make.hall()
        counter = make.counter(hall)
        service = make.service(hall, counters=[counter])
        sample = make.ticket(service)
        Ticket.objects.bulk_create(
            Ticket(
                hall=hall, service=service, business_date=sample.business_date, letter="A", serial=number, number=f"A{number:03d}",
                state_since=AT, issued_at=AT, last_event_at=AT, warn_due_at=AT + 10 * MINUTE, alarm_due_at=AT + 15 * MINUTE,
            )
            for number in range(2, waiting + 1)
        )  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            parts = shown(hall, at=AT + 16 * MINUTE)
        assert parts["board-queue"].count("<li class=") == waiting
        counts.append(len(queries))

    assert counts == [counts[0]] * 3
    assert counts[0] <= 12


def test_shows_the_board_in_chinese() -> None:
    hall = make.hall(name_zh="人民路营业厅")
    make.ticket(make.service(hall, counters=[make.counter(hall)], name_zh="账单查询"))

    with translation.override("en"):
        queue = shown(hall, at=AT, language="zh-hans")["board-queue"]

    assert "账单查询" in queue
