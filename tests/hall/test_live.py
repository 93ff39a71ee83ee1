"""Announcing: after commit, once for a burst, and never waited for."""

import asyncio
import contextlib
import os

import pytest
from django.db import transaction

from hall import live


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, set[str]]]:
    """What a fresh sender hands to the layer, burst by burst."""
    bursts: list[dict[int, set[str]]] = []

    async def keep(layer: object, waiting: dict[int, set[str]]) -> None:
        bursts.append(waiting)
        await asyncio.sleep(0.05)

    monkeypatch.setattr(live, "_send_all", keep)
    monkeypatch.setattr(live, "_sender", live.Sender())
    return bursts


@pytest.mark.django_db(transaction=True)
def test_says_it_after_commit_and_not_before(sent: list) -> None:
    with transaction.atomic():
        live.announce(3, "queue", "counter:12")
        assert live.finish(0.2)
        assert sent == []

    assert live.finish(5)
    assert sent == [{3: {"queue", "counter:12"}}]


@pytest.mark.django_db(transaction=True)
def test_says_nothing_of_what_was_rolled_back(sent: list) -> None:
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        live.announce(3, "queue")
        raise ZeroDivisionError

    assert live.finish(5)
    assert sent == []


def test_a_burst_becomes_one_message_for_each_hall(sent: list) -> None:
    sender = live.Sender()
    for number in range(1000):
        sender.put(3, ["queue", f"counter:{number % 4}"])
        sender.put(4, ["queue"])

    assert sender.finish(5)
    assert len(sent) <= 20
    assert sent[-1].keys() <= {3, 4}
    assert {topic for burst in sent for topic in burst.get(3, ())} == {
        "queue",
        "counter:0",
        "counter:1",
        "counter:2",
        "counter:3",
    }


def test_a_failure_is_given_up_and_the_next_is_sent(sent: list, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, failed = live._send_all, []

    async def fail_once(layer: object, waiting: dict[int, set[str]]) -> None:
        if not failed:
            failed.append(waiting)
            raise ConnectionError
        await keep(layer, waiting)  # type: ignore[arg-type]

    monkeypatch.setattr(live, "_send_all", fail_once)
    monkeypatch.setattr(live, "PAUSE_SECONDS", 0.01)
    sender = live.Sender()

    sender.put(3, ["queue"])
    assert sender.finish(5)
    sender.put(4, ["alarms"])
    assert sender.finish(5)

    assert (failed, sent, sender.failures) == ([{3: {"queue"}}], [{4: {"alarms"}}], 0)


def test_a_forked_child_has_a_sender_of_its_own(sent: list) -> None:
    live._sender.put(3, ["queue"])
    assert live.finish(5)
    parent = live._sender

    child = os.fork()
    if child == 0:
        live._sender.put(4, ["queue"])
        os._exit(0 if live.finish(5) and live._sender is not parent and sent[-1] == {4: {"queue"}} else 1)

    assert os.waitpid(child, 0)[1] == 0
