"""What lives, for monitors and people. Asks each part itself, with a time limit, and never waits for a frozen one."""

import datetime as dt
import os
import time
import tomllib
from pathlib import Path

import redis
from django.conf import settings
from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET
from redis.backoff import NoBackoff
from redis.retry import Retry

from hall import clock
from hall.models import Heartbeat

REDIS_SECONDS = 0.5
WATCH_LATE = dt.timedelta(seconds=10)  # older, and the web processes keep the watch themselves (hall.hub)


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """200 while the database answers, else 503; the rest is told but costs nobody a tap. At most two queries.

    {"version": "0.1.0", "process": 4711, "database": {"alive": true, "ms": 0.4},
     "redis": {"alive": true, "ms": 0.2}, "watch": {"alive": true, "age_seconds": 0.7}}
    `watch` is worker and beat together: the age of the last sweep's heartbeat.
    """
    database, watch = _database_and_watch()
    answer = {"version": VERSION, "process": os.getpid(), "database": database, "redis": _redis(), "watch": watch}
    response = JsonResponse(answer, status=200 if database["alive"] else 503)
    response["Cache-Control"] = "no-store"
    return response


def _database_and_watch() -> tuple[dict[str, object], dict[str, object]]:
    started = time.perf_counter()
    try:
        at = clock.now()
        took = time.perf_counter() - started
        beat = Heartbeat.objects.filter(name="watch").first()
    except Error:
        return {"alive": False}, {"alive": False}
    if beat is None:
        return {"alive": True, "ms": _ms(took)}, {"alive": False}
    age = at - beat.at
    return {"alive": True, "ms": _ms(took)}, {"alive": age <= WATCH_LATE, "age_seconds": round(age.total_seconds(), 1)}


def _redis() -> dict[str, object]:
    started = time.perf_counter()
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 0),
        ) as client:  # fmt: skip
            client.ping()
    except (redis.RedisError, OSError):
        return {"alive": False}
    return {"alive": True, "ms": _ms(time.perf_counter() - started)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _version() -> str:
    """The version in pyproject.toml: Hall runs from its folder and is not installed as a package."""
    return str(tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]["version"])


VERSION = _version()
