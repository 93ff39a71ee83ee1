"""What the benches of real screens share: a database of their own with one busy hall, and one web process of the application."""

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import django
from django.db import connections

from hall import embedded
from tests.stack import BASE_DIR, free_port

DATA_DIR = BASE_DIR / ".test-data" / f"screens-{secrets.token_hex(3)}"


@dataclass
class WatchedHall:
    """A hall with 60 waiting, somebody signed in who may see its board, and the web process that serves it."""

    hall_id: int
    service_id: int
    cookie: str
    path: str
    port: int
    pid: int

    def renders(self) -> int:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/renders", timeout=10) as answer:
            return int(answer.read())


@contextlib.contextmanager
def watched_hall(waiting: int = 60) -> Iterator[WatchedHall]:
    """Everything of it, in this project's own folder; ended afterwards. Sets Django up in this process."""
    os.environ["HALL_DATA"] = str(DATA_DIR)
    os.environ["DJANGO_SETTINGS_MODULE"] = "hall.settings"
    os.environ.setdefault("SECRET_KEY", "b" * 50)
    with embedded.use(DATA_DIR, durable=False):
        django.setup()
        hall_id, service_id, cookie, code = _rows(waiting)
        port = free_port()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.hall_server", str(port)],
            cwd=BASE_DIR,
            env={**os.environ, "HALL_POOL_SIZE": "8"},
        )
        try:
            watched = WatchedHall(hall_id, service_id, cookie, f"/ws/{code}/board/0?lang=en", port, server.pid)
            _wait(watched)
            yield watched
        finally:
            server.kill()
            server.wait()
            connections.close_all()
    embedded.wait_until_stopped(DATA_DIR)
    shutil.rmtree(DATA_DIR, ignore_errors=True)


def _rows(waiting: int) -> tuple[int, int, str, str]:
    from django.core.management import call_command

    from hall import clock
    from hall.models import Kind
    from queueing import tickets
    from tests import make
    from tests.hall.screens import cookies_of

    call_command("migrate", verbosity=0)
    hall = make.hall(code=f"bench-{time.time_ns()}")
    service = make.service(hall, counters=[make.counter(hall) for _ in range(20)])
    at = clock.now()
    for _ in range(waiting):
        tickets.issue(service, by=None, at=at)
    return hall.pk, service.pk, cookies_of(make.person(hall, Kind.DUTY_MANAGER)), hall.code


def _wait(watched: WatchedHall) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            watched.renders()
            return
        time.sleep(0.05)
    raise AssertionError("the web process did not start")


def resident(pid: int) -> int:
    """The memory that is this process's own, in bytes (Linux: proc_pid_smaps_rollup, private pages)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))
