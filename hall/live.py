"""Announcing that something changed: ids only, after commit, never waited for."""

import asyncio
import atexit
import contextlib
import logging
import os
import threading
import time

from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.db import transaction

SEND_SECONDS = 0.5  # a message that takes longer is given up: screens look for themselves every 10 s
PAUSE_SECONDS = 1.0  # after a failure nothing is tried for so long
LAST_WORDS_SECONDS = 0.5  # how long a process that ends waits for its last message

log = logging.getLogger(__name__)


def announce(hall_id: int, *topics: str) -> None:
    """Tell every screen of the hall, after commit, that these topics changed: "queue", "counters", "counter:12", "alarms"."""
    transaction.on_commit(lambda: _send(hall_id, list(topics)))


def group(hall_id: int) -> str:
    """The group of the channel layer that carries a hall's announcements."""
    return f"hall.{hall_id}"


def message(hall_id: int, topics: list[str]) -> dict[str, object]:
    return {"type": "floor.changed", "hall": hall_id, "topics": topics}


def layer_settings(*, socket_timeout: float) -> dict[str, object]:
    """What a layer of one's own is made with: the one address, and how long to wait for it.

    The host is a dict: redis-py 8 takes its time limits only so; its asyncio pools stop at 100 connections, of which a layer uses two.
    """
    config = settings.CHANNEL_LAYERS["default"]["CONFIG"]
    hosts = [
        {**host, "socket_timeout": socket_timeout, "socket_connect_timeout": socket_timeout} for host in config["hosts"]
    ]
    return {"hosts": hosts, "prefix": config["prefix"]}


class Sender:
    """One thread per process that hands announcements to the layer.

    What waits is kept per hall as a set of topics, so it is bounded by the halls there are, and a burst becomes one message.
    A dead or frozen Valkey costs the caller nothing: the thread gives a message up after SEND_SECONDS and pauses. Whoever
    listened then joins again and renders everything, so nothing needs to be sent twice.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, set[str]] = {}
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._sending = False
        self.failures = 0

    def put(self, hall_id: int, topics: list[str]) -> None:
        """Take an announcement over. Returns at once, whatever Valkey does."""
        with self._changed:
            self._waiting.setdefault(hall_id, set()).update(topics)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="announcements", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def finish(self, seconds: float = LAST_WORDS_SECONDS) -> bool:
        """Wait until everything has been handed over or given up, at most so long. Whether it was."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._sending, seconds)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            layer: RedisPubSubChannelLayer | None = None
            while True:
                waiting = self._take()
                layer = layer or RedisPubSubChannelLayer(**layer_settings(socket_timeout=SEND_SECONDS))
                try:
                    runner.run(_send_all(layer, waiting))
                except Exception as error:  # whatever a layer can raise, the next announcement must be tried
                    self.failures += 1
                    if self.failures == 1:
                        log.warning(
                            "announcements do not get through (%s); screens look for themselves", _one_line(error)
                        )
                    runner.run(_give_up(layer))
                    self._done()
                    time.sleep(PAUSE_SECONDS)
                else:
                    if self.failures:
                        log.warning("announcements get through again after %d failures", self.failures)
                    self.failures = 0
                    self._done()

    def _take(self) -> dict[int, set[str]]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting))
            waiting, self._waiting = self._waiting, {}
            self._sending = True
            return waiting

    def _done(self) -> None:
        with self._changed:
            self._sending = False
            self._changed.notify_all()


async def _send_all(layer: RedisPubSubChannelLayer, waiting: dict[int, set[str]]) -> None:
    async with asyncio.timeout(SEND_SECONDS):
        for hall_id, topics in waiting.items():
            await layer.group_send(group(hall_id), message(hall_id, sorted(topics)))


async def _give_up(layer: RedisPubSubChannelLayer) -> None:
    """Close the layer's connections; it makes new ones when it is used again."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(SEND_SECONDS):
            await layer.flush()


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


_sender = Sender()


def _send(hall_id: int, topics: list[str]) -> None:
    _sender.put(hall_id, topics)


def finish(seconds: float = LAST_WORDS_SECONDS) -> bool:
    """Before a process ends: wait for its last announcements, at most so long. Whether they were handed over."""
    return _sender.finish(seconds)


def _start_afresh() -> None:
    """In a forked child: the parent's thread does not live here, and its connection is not ours."""
    global _sender
    _sender = Sender()


os.register_at_fork(after_in_child=_start_afresh)
atexit.register(finish)
