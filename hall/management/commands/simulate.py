"""`manage.py simulate`: seeded customers and staff make a hall live to look at."""

import argparse
import datetime as dt
import logging
import random
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, connection

from hall import clock
from hall.management import demo
from hall.models import Hall
from hall.models.halls import Clock
from queueing import simulation
from queueing.simulation import Simulation

STEP_SECONDS = 1.0
TRY_AGAIN_SECONDS = 2.0
ASLEEP = dt.timedelta(hours=1)  # after a sleep this long the hall begins afresh
FASTEST = 1_000_000.0

# In the demo hall these stay free for whoever tries Hall out; see docs/replay.md.
LEFT_COUNTERS = (1, 8)
LEFT_PEOPLE = ("li", "gao", "wang")

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Make a hall live with seeded customers and staff, until stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--hall", metavar="CODE", default=demo.CODE, help="code of the hall (default: %(default)s)")
        parser.add_argument(
            "--seed", type=int, help="the same seed gives the same customers (default: another one every time)"
        )
        parser.add_argument(
            "--minutes", type=float, help="stop after so many minutes of the hall's clock (default: never)"
        )
        parser.add_argument("--speed", type=float, default=1.0, help="times faster than life, in a played hall only")

    def handle(self, *arguments: object, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, lambda _number, _frame: stop.set())
        hall = _hall(options)
        minutes = _minutes(options["minutes"])
        seed = options["seed"] if options["seed"] is not None else random.randrange(1_000_000)  # noqa: S311 (no secret)
        self.stderr.write(f"simulating hall {hall.code} with seed {seed}")
        if hall.clock == Clock.PLAYED:
            _play(hall, seed, minutes, options["speed"], stop)
        else:
            _live(hall, seed, minutes, stop)


def _hall(options: dict) -> Hall:
    hall = Hall.objects.filter(code=options["hall"]).first()
    if hall is None:
        raise CommandError(f"There is no hall with the code {options['hall']!r}.")
    speed = options["speed"]
    if not 0 < speed <= FASTEST:
        raise CommandError(f"The speed must be over 0 and at most {FASTEST:.0f}.")
    if speed != 1 and hall.clock != Clock.PLAYED:
        raise CommandError("A live hall runs at speed 1; another speed needs a played hall.")
    return hall


def _minutes(minutes: float | None) -> dt.timedelta | None:
    if minutes is None:
        return None
    if not 0 < minutes <= 60 * 24 * 366:
        raise CommandError("The minutes must be over 0 and at most those of a year.")
    return dt.timedelta(minutes=minutes)


def _live(hall: Hall, seed: int, minutes: dt.timedelta | None, stop: threading.Event) -> None:
    """In step with the database's clock. A database that is away is waited for; a long sleep begins a new day's story."""
    people: Simulation | None = None
    until: dt.datetime | None = None
    while not stop.is_set():
        try:
            now = clock.now()
            until = until or (now + minutes if minutes is not None else None)
            if people is None or people.late(now) > ASLEEP:
                people = _begun(hall, seed, now, stop)
                now = clock.now()
            people.catch_up(now)
            people.run_until(min(now, until) if until is not None else now, stopped=stop.is_set)
            if until is not None and now >= until:
                return
        except simulation.Stopped:
            return
        except (DatabaseError, InterfaceError) as error:
            log.warning(
                "the simulation waits for the database: %s", str(error).splitlines()[0] if str(error) else error
            )
            connection.close()
            stop.wait(TRY_AGAIN_SECONDS)
        stop.wait(STEP_SECONDS)


def _begun(hall: Hall, seed: int, now: dt.datetime, stop: threading.Event) -> Simulation:
    """The hall's people at work: after two hours of the past where it has stood still, else where it was left."""
    is_demo = hall.code == demo.CODE
    people = Simulation(
        hall, seed=seed, leave_counters=LEFT_COUNTERS if is_demo else (), leave_people=LEFT_PEOPLE if is_demo else (), at=now,
    )  # fmt: skip
    if simulation.stood_still(hall, at=now):
        simulation.play_prelude(people, at=now, stopped=stop.is_set)
    else:
        people.begin(now)
    return people


def _play(hall: Hall, seed: int, minutes: dt.timedelta | None, speed: float, stop: threading.Event) -> None:
    """In a played hall, from its last played instant on, as much faster as asked."""
    start = hall.played_at or clock.now()
    until = start + minutes if minutes is not None else None
    people = Simulation(hall, seed=seed, at=start)
    people.begin(start, watch=True)
    began = time.monotonic()
    while not stop.is_set():
        at = start + dt.timedelta(seconds=(time.monotonic() - began) * speed)
        at = min(at, until) if until is not None else at
        people.run_until(at, stopped=stop.is_set)
        simulation.set_played_clock(hall, at=at)
        if until is not None and at >= until:
            return
        stop.wait(min(STEP_SECONDS, 1 / speed))
