"""The wall view: the board without names and without anything to press."""

import re

import pytest

from hall import alarms, board, counters, devices
from hall.board import Screen
from hall.models import Device, Hall, Kind
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def shown(hall: Hall, *, minutes: int = 0) -> dict[str, str]:
    return board.render(Screen(hall.pk, "wall", 0, "en"), AT + minutes * MINUTE)


def test_shows_the_hall_to_who_may_see_it_and_to_nobody_else() -> None:
    hall = make.hall()
    address = f"/h/{hall.code}/wall/"

    answer = make.client(make.person(hall, Kind.DUTY_MANAGER)).get(address)

    assert re.findall(r'<[a-z]+ id="(wall-[a-z]+)"', answer.content.decode()) == [
        "wall-busy", "wall-strip", "wall-queue", "wall-counters", "wall-needs",
    ]  # fmt: skip
    assert make.client(make.person(hall, Kind.CLERK)).get(address).status_code == 403
    assert make.client(make.person(make.hall(), Kind.DUTY_MANAGER)).get(address).status_code == 404
    assert make.client().get(address).status_code == 302


def test_has_no_name_of_a_person_and_nothing_of_a_customer() -> None:
    hall = make.hall()
    counter = make.counter(hall)
    clerk = make.person(hall, name_en="Li Na", name_zh="李娜")
    counters.sign_in(counter, by=clerk, at=AT)
    service = make.service(hall, counters=[counter])
    make.serving(service, counter)
    ticket = make.ticket(service, person="13812345678", need_note="has a new phone")
    alarm = alarms.raise_alarm(
        hall_id=hall.pk,
        rule="R-Q02",
        subject=f"ticket:{ticket.pk}",
        due_at=AT,
        act_by=AT,
        data={"number": ticket.number, "minutes": 15},
        at=AT,
    )
    alarms.acknowledge(alarm, by=clerk, at=AT)

    page = (
        make.client(make.person(hall, Kind.DUTY_MANAGER, name_en="Zhou Ming"))
        .get(f"/h/{hall.code}/wall/")
        .content.decode()
    )

    parts = "".join(shown(hall, minutes=16).values())
    secrets = (
        "Li Na",
        "李娜",
        "Zhou Ming",
        "13812345678",
        "45678",
        "has a new phone",
        ticket.token,
        ticket.person_hash,
    )
    assert [secret for secret in secrets if secret in page + parts] == []


def test_has_nothing_to_press() -> None:
    hall = make.hall()
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    page = make.client(make.person(hall, Kind.DUTY_MANAGER)).get(f"/h/{hall.code}/wall/").content.decode()

    assert re.findall(r"<(?:button|form|input|select|a)\b", page) == []


def test_shows_the_rows_that_fit_and_counts_the_rest() -> None:
    hall = make.hall()
    service = make.service(hall, counters=[make.counter(hall)])
    for number in range(14):
        make.ticket(service, at=AT + number * MINUTE)

    queue = shown(hall, minutes=27)["wall-queue"]

    assert queue.count("<li class=") == 11
    assert "3 more, 1 of them over 15 min" in queue


def test_shows_counters_in_use_and_counts_the_closed() -> None:
    hall = make.hall()
    one = make.counter(hall)
    counters.close(make.counter(hall), by=None, at=AT)
    make.serving(make.service(hall, counters=[one]), one)

    html = shown(hall)["wall-counters"]

    assert re.findall(r'class="place is-(\w+)"', html) == ["serving"]
    assert "1 open · 1 closed" in html


def test_says_what_is_to_be_done_and_by_when() -> None:
    hall = make.hall()
    ticket = make.ticket(make.service(hall, counters=[make.counter(hall)]))
    alarms.raise_alarm(
        hall_id=hall.pk, rule="R-Q02", subject=f"ticket:{ticket.pk}", due_at=AT + 15 * MINUTE, act_by=AT + 20 * MINUTE,
        data={"number": ticket.number, "minutes": 15}, at=AT + 15 * MINUTE,
    )  # fmt: skip

    html = shown(hall, minutes=16)["wall-needs"]

    assert "A001 has waited over 15 min" in html
    assert "by 10:20" in html


def test_says_so_when_nobody_waits_and_nothing_is_to_be_done() -> None:
    parts = shown(make.hall())

    assert "Nobody is waiting." in parts["wall-queue"]
    assert "Nothing needs anybody now." in parts["wall-needs"]


def test_opens_on_a_paired_wall_screen_of_this_hall_only() -> None:
    hall, other = make.hall(), make.hall()
    device = make.device(hall, Device.Screen.WALL)
    _paired, token = devices.pair(devices.make_pairing_code(device, by=None, at=AT), address="here", by=None, at=AT)
    screen = make.client()
    screen.cookies[devices.COOKIE] = token

    assert screen.get(f"/h/{hall.code}/wall/").status_code == 200
    assert screen.get(f"/h/{other.code}/wall/").status_code == 302
    assert screen.get(f"/h/{hall.code}/board/").status_code == 302
