"""What must hold when processes die under way: no acknowledged tap is lost, boards are right again, no alarm is silent."""

import datetime as dt
import os
import secrets
import signal
import threading
import time

import pytest
from websockets.sync.client import connect

from hall import clock
from hall.models import Alarm, Hall, Heartbeat, Kind, Tap
from queueing import tickets
from queueing.models import Service, State, Ticket, TicketEvent
from tests import make
from tests.bench.side_by_side import Client
from tests.kill.conftest import cookies_of
from tests.stack import Stack

pytestmark = pytest.mark.timeout(180)


def _waiting(hall: Hall, count: int) -> Service:
    service = make.service(hall)
    at = clock.now()
    for _ in range(count):
        tickets.issue(service, by=None, at=at)
    return service


def _board(stack: Stack, hall: Hall, cookies: dict[str, str]):  # type: ignore[no-untyped-def]
    return connect(
        stack.base_url.replace("http", "ws") + f"/ws/{hall.code}/board/0?lang=en",
        origin=stack.base_url,  # type: ignore[arg-type]
        additional_headers={"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
        open_timeout=5,
    )


def _wait_until_it_answers(stack: Stack) -> None:
    """A process is back when it answers a page again."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        client = Client(stack.base_url)
        try:
            if client.get("/robots.txt") == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            client.connection.close()
    raise AssertionError("no web process answered within 30 s")


class Caller(threading.Thread):
    """One tablet that calls at one counter after another, and sends the same key again after a cut answer."""

    def __init__(self, stack: Stack, hall: Hall, cookies: dict[str, str], numbers: list[int]) -> None:
        super().__init__()
        self.stack, self.hall, self.cookies, self.numbers = stack, hall, cookies, numbers
        self.acknowledged: dict[str, int] = {}  # key → counter number

    def run(self) -> None:
        client = Client(self.stack.base_url, self.cookies)
        for number in self.numbers:
            key = secrets.token_hex(16)
            for _ in range(40):
                try:
                    status = client.post(f"/h/{self.hall.code}/counter/{number}/call-next/", key, {})
                except OSError:
                    status = 0
                except Exception:  # an answer cut in its middle
                    status = 0
                if status == 200:
                    self.acknowledged[key] = number
                    break
                client = Client(self.stack.base_url, self.cookies)
                time.sleep(0.1)


def test_every_acknowledged_call_is_in_the_database_after_a_web_process_is_killed(stack: Stack, rows: None) -> None:
    hall = make.hall()
    service = _waiting(hall, 120)
    for number in range(1, 97):
        make.counter(hall, number, services=[service])
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))
    callers = [Caller(stack, hall, cookies, list(range(1 + index, 97, 8))) for index in range(8)]
    for caller in callers:
        caller.start()
    time.sleep(0.15)

    killed = stack.kill("web-1")
    still_to_call = 96 - sum(len(caller.acknowledged) for caller in callers)

    for caller in callers:
        caller.join(60)
    assert still_to_call > 0  # the kill struck while calls were under way
    stack.wait_for_new("web-1", killed)
    acknowledged = {key: number for caller in callers for key, number in caller.acknowledged.items()}
    assert len(acknowledged) == 96
    assert Tap.objects.filter(key__in=acknowledged).count() == 96
    called = Ticket.objects.filter(hall=hall, state=State.CALLED).order_by("counter__number")
    assert [ticket.counter.number for ticket in called] == list(range(1, 97))
    assert TicketEvent.objects.filter(ticket__hall=hall, verb="called").count() == 96


def test_the_board_is_right_again_within_five_seconds_of_the_killed_process_coming_back(
    stack: Stack, rows: None
) -> None:
    hall = make.hall()
    service = _waiting(hall, 3)
    counter = make.counter(hall, 1, services=[service])
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))
    old = {name: stack.kill(name) for name in ("web-1", "web-2")}
    called = tickets.call_next(counter, by=None, at=clock.now())
    assert called is not None
    for name, pid in old.items():
        stack.wait_for_new(name, pid)
    _wait_until_it_answers(stack)
    back = time.monotonic()

    shown = ""
    while time.monotonic() < back + 5 and "board-counters" not in shown:
        try:
            with _board(stack, hall, cookies) as socket:
                shown = str(socket.recv(timeout=3))
        except OSError:
            time.sleep(0.1)

    assert time.monotonic() < back + 5
    assert called.number in shown


@pytest.mark.covers("R-Q02")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_a_worker_that_is_gone_at_the_limit_delays_the_alarm_at_most_fifteen_seconds(
    stack: Stack, rows: None, how: signal.Signals
) -> None:
    hall = make.hall()
    service = make.service(hall)
    make.counter(hall, 1, services=[service])
    ticket = tickets.issue(service, by=None, at=clock.now() - dt.timedelta(minutes=15) + dt.timedelta(seconds=3))

    worker = stack.kill("worker", how)

    try:
        deadline = time.monotonic() + 3 + 15 + 5
        while time.monotonic() < deadline and not Alarm.objects.filter(hall=hall, rule="R-Q02").exists():
            time.sleep(0.2)
    finally:
        if how == signal.SIGSTOP:
            os.kill(worker, signal.SIGCONT)
    time.sleep(3)  # whoever came back has swept again
    (alarm,) = Alarm.objects.filter(hall=hall, rule="R-Q02")
    assert alarm.subject == f"ticket:{ticket.pk}"
    assert alarm.due_at == ticket.alarm_due_at
    assert alarm.raised_at - alarm.due_at <= dt.timedelta(seconds=15)


@pytest.mark.covers("R-Q02")
def test_the_watch_goes_on_without_valkey_and_taps_answer_at_once(stack: Stack, rows: None) -> None:
    hall = make.hall()
    service = _waiting(hall, 2)
    counter = make.counter(hall, 1, services=[service])
    elsewhere = make.service(hall, "B")  # the counter does not serve it, so the tap does not end this wait
    late = tickets.issue(elsewhere, by=None, at=clock.now() - dt.timedelta(minutes=15) + dt.timedelta(seconds=3))
    client = Client(stack.base_url, cookies_of(make.person(hall, Kind.DUTY_MANAGER)))

    with stack.valkey_frozen():
        started = time.monotonic()
        status = client.post(f"/h/{hall.code}/counter/{counter.number}/call-next/", secrets.token_hex(16), {})
        answered = time.monotonic() - started
        deadline = time.monotonic() + 3 + 15 + 5
        while time.monotonic() < deadline and not Alarm.objects.filter(hall=hall, subject=f"ticket:{late.pk}").exists():
            time.sleep(0.2)

    assert status == 200
    assert answered < 1
    alarm = Alarm.objects.get(hall=hall, subject=f"ticket:{late.pk}")
    assert alarm.raised_at - alarm.due_at <= dt.timedelta(seconds=15)


def test_the_board_polls_and_taps_answer_while_valkey_is_dead(stack: Stack, rows: None) -> None:
    hall = make.hall()
    service = _waiting(hall, 2)
    counter = make.counter(hall, 1, services=[service])
    client = Client(stack.base_url, cookies_of(make.person(hall, Kind.DUTY_MANAGER)))

    with stack.valkey_dead():
        started = time.monotonic()
        status = client.post(f"/h/{hall.code}/counter/{counter.number}/call-next/", secrets.token_hex(16), {})
        answered = time.monotonic() - started
        polled = client.get(f"/h/{hall.code}/state/board/0/")
        shown = client.body.decode()

    assert status == 200
    assert answered < 1
    assert polled == 200
    assert Ticket.objects.get(hall=hall, state=State.CALLED).number in shown


def test_the_watch_is_at_work_again_after_everything_else(stack: Stack, rows: None) -> None:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        beat = Heartbeat.objects.filter(name="watch").first()
        if beat is not None and clock.now() - beat.at < dt.timedelta(seconds=3):
            break
        time.sleep(0.3)

    beat = Heartbeat.objects.get(name="watch")
    assert clock.now() - beat.at < dt.timedelta(seconds=3)
