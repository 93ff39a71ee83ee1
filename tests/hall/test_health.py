"""/health: what it says, and that it never waits."""

import datetime as dt
import socket
import threading
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

from hall import clock
from hall.models import Heartbeat


@pytest.mark.django_db
def test_says_what_lives(client: Client) -> None:
    Heartbeat.objects.create(name="watch", at=clock.now() - dt.timedelta(seconds=3))

    answer = client.get("/health")

    said = answer.json()
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert said["database"]["alive"] is True
    assert said["redis"]["alive"] is True
    assert said["watch"]["alive"] is True
    assert 3.0 <= said["watch"]["age_seconds"] < 8.0
    assert said["version"] == "0.1.0"


@pytest.mark.django_db
def test_says_that_the_watch_is_late(client: Client) -> None:
    Heartbeat.objects.create(name="watch", at=clock.now() - dt.timedelta(seconds=11))

    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["watch"]["alive"] is False


@pytest.mark.django_db
def test_a_hall_never_watched_yet_has_no_watch(client: Client) -> None:
    assert client.get("/health").json()["watch"] == {"alive": False}


@pytest.mark.django_db
def test_a_frozen_valkey_is_told_within_two_seconds(client: Client, settings: LazySettings, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as frozen:  # accepts, and never says a word
        frozen.bind(str(tmp_path / "frozen"))
        frozen.listen()
        settings.REDIS_URL = f"unix://{tmp_path / 'frozen'}"

        started = time.monotonic()
        answer = client.get("/health")
        took = time.monotonic() - started

    assert answer.status_code == 200
    assert answer.json()["redis"] == {"alive": False}
    assert took < 2


@pytest.mark.django_db
def test_a_dead_valkey_is_told(client: Client, settings: LazySettings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"unix://{tmp_path / 'nothing'}"

    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["redis"] == {"alive": False}


def test_without_a_database_it_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> dt.datetime:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(clock, "now", gone)

    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json()["database"] == {"alive": False}


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/health").status_code == 405


@pytest.mark.django_db
def test_many_at_once_do_not_wait_for_each_other(client: Client, settings: LazySettings, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as frozen:
        frozen.bind(str(tmp_path / "frozen"))
        frozen.listen()
        settings.REDIS_URL = f"unix://{tmp_path / 'frozen'}"
        from hall import health

        started = time.monotonic()
        threads = [threading.Thread(target=health._redis) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert time.monotonic() - started < 2
