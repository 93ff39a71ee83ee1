"""The hub: each screen rendered once, each socket given its newest state, nobody waited for."""

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hall import board, hub, live
from hall.hub import NO_RIGHT
from hall.models import Device, Hall, Heartbeat, Kind, Membership, Person
from queueing import waits
from tests import make
from tests.hall.screens import Screen, cookies_of, elsewhere, opened, running_hub

pytestmark = pytest.mark.django_db(transaction=True)


class Floor:
    """What the screens of these tests show: two fragments that a test changes at will."""

    def __init__(self) -> None:
        self.fragments = {"one": "1", "two": "2"}
        self.renders: list[board.Screen] = []
        self.loads = 0
        self.broken: set[str] = set()

    def load(self, hall_id: int, at: dt.datetime) -> None:
        self.loads += 1

    def render(self, screen: board.Screen, at: dt.datetime, state: None = None) -> dict[str, str]:
        self.renders.append(screen)
        if screen.kind in self.broken:
            raise ValueError("broken")
        return {name: f'<p id="{name}">{text}</p>' for name, text in self.fragments.items()}


@pytest.fixture
def floor(monkeypatch: pytest.MonkeyPatch) -> Floor:
    made = Floor()
    monkeypatch.setattr(board, "load", made.load)
    monkeypatch.setattr(board, "render", made.render)
    monkeypatch.setattr(waits, "stand_in_sweep", lambda *, at: False, raising=False)
    return made


@pytest.fixture
def hall() -> Hall:
    return make.hall(code="here")


@pytest.fixture
def watch(hall: Hall) -> None:
    """The sweep has just finished a round."""
    Heartbeat.objects.update_or_create(name="watch", defaults={"at": timezone.now()})


def manager(hall: Hall) -> tuple[Person, str]:
    person = make.person(hall, Kind.DUTY_MANAGER)
    return person, cookies_of(person)


def in_loop(act: Callable[[hub.Hub], Coroutine[Any, Any, None]]) -> None:
    """Run one story with a hub whose pushes have begun to work."""

    async def story() -> None:
        async with running_hub() as here:
            await until(lambda: here.pushes)
            await act(here)

    asyncio.run(story())


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


async def settled(here: hub.Hub, *screens: Screen) -> None:
    """The screens have their first state and the renders that follow a joined group are over."""
    for screen in screens:
        await screen.change()
        await screen.heartbeat()
    await asyncio.sleep(0.3)
    for screen in screens:
        while not screen.from_server.empty():
            screen.from_server.get_nowait()


async def say(hall: Hall, *topics: str) -> None:
    await elsewhere(live.announce, hall.pk, *topics)


def test_a_new_socket_gets_everything_and_the_time(floor: Floor, hall: Hall, watch: None) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            assert await screen.change() == (
                {"full": True},
                '<p hx-swap-oob="outerHTML:#one" id="one">1</p>\n<p hx-swap-oob="outerHTML:#two" id="two">2</p>',
            )
            beat = await screen.heartbeat()
            assert (beat["watch"], beat["pushes"]) == ("live", True)
            assert abs(dt.datetime.fromisoformat(beat["now"]) - timezone.now()) < dt.timedelta(seconds=2)

    in_loop(story)


def test_only_the_fragments_that_changed_go_down(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)

            floor.fragments["two"] = "3"
            await say(hall, "queue")

            assert await screen.change() == ({}, '<p hx-swap-oob="outerHTML:#two" id="two">3</p>')

    in_loop(story)


def test_a_change_that_does_not_show_sends_nothing(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)
            renders = len(floor.renders)

            await say(hall, "queue")
            await until(lambda: len(floor.renders) > renders)

            assert await screen.nothing(0.2)

    in_loop(story)


def test_a_screen_is_rendered_once_however_many_look(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        screens = [Screen("/ws/here/board/0", cookies) for _ in range(20)]
        assert all(await asyncio.gather(*(screen.open() for screen in screens)))
        await settled(here, *screens)
        renders, loads = len(floor.renders), floor.loads

        floor.fragments["one"] = "4"
        await say(hall, "queue")
        answers = await asyncio.gather(*(screen.change() for screen in screens))

        assert answers == [({}, '<p hx-swap-oob="outerHTML:#one" id="one">4</p>')] * 20
        assert (len(floor.renders) - renders, floor.loads - loads) == (1, 1)
        await asyncio.gather(*(screen.close() for screen in screens))

    in_loop(story)


def test_the_screens_of_one_hall_share_one_load(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with (
            opened("/ws/here/board/0", cookies) as board_screen,
            opened("/ws/here/call/0", cookies) as call_screen,
        ):
            await settled(here, board_screen, call_screen)
            renders, loads = len(floor.renders), floor.loads

            floor.fragments["one"] = "5"
            await say(hall, "queue")
            await board_screen.change()
            await call_screen.change()

            assert (len(floor.renders) - renders, floor.loads - loads) == (2, 1)

    in_loop(story)


def test_a_burst_is_rendered_at_most_every_tick(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)
            renders, began = len(floor.renders), time.monotonic()

            for count in range(40):
                floor.fragments["one"] = f"burst {count}"
                await say(hall, "queue")
                await asyncio.sleep(0.01)
            while (await screen.change())[1] != '<p hx-swap-oob="outerHTML:#one" id="one">burst 39</p>':
                pass

            ticks = (time.monotonic() - began) / hub.TICK_SECONDS
            assert 2 <= len(floor.renders) - renders <= ticks + 1

    in_loop(story)


def test_a_change_at_one_counter_leaves_the_other_tablets_alone(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)
    mine, other = make.counter(hall), make.counter(hall)

    async def story(here: hub.Hub) -> None:
        async with opened(f"/ws/here/counter/{mine.pk}", cookies) as screen:
            await settled(here, screen)
            renders = len(floor.renders)

            await say(hall, f"counter:{other.pk}")
            await asyncio.sleep(0.3)
            assert len(floor.renders) == renders

            await say(hall, f"counter:{mine.pk}")
            await until(lambda: len(floor.renders) == renders + 1)

    in_loop(story)


def test_another_hall_is_not_rendered(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)
    elsewhere = make.hall()

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)
            renders = len(floor.renders)

            await say(elsewhere, "queue")
            await asyncio.sleep(0.3)

            assert len(floor.renders) == renders

    in_loop(story)


def test_a_stalled_socket_costs_the_others_nothing_and_later_gets_only_the_newest(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as brisk, opened("/ws/here/board/0", cookies) as slow:
            await settled(here, brisk, slow)
            taking = asyncio.Event()
            socket = next(socket for socket in here.sockets() if socket.send.__self__ is slow)  # type: ignore[attr-defined]
            send = socket.send

            async def send_when_taken(event: dict) -> None:
                await taking.wait()
                await send(event)

            socket.send = send_when_taken  # type: ignore[assignment]
            for count in range(3):
                floor.fragments["one"] = f"step {count}"
                await say(hall, "queue")
                assert await brisk.change() == ({}, f'<p hx-swap-oob="outerHTML:#one" id="one">step {count}</p>')
            assert slow.from_server.empty()

            taking.set()

            assert await slow.change() == ({}, '<p hx-swap-oob="outerHTML:#one" id="one">step 0</p>')
            assert await slow.change() == ({}, '<p hx-swap-oob="outerHTML:#one" id="one">step 2</p>')

    in_loop(story)


def test_a_socket_that_takes_nothing_for_long_is_dropped(
    floor: Floor, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    _person, cookies = manager(hall)
    monkeypatch.setattr(hub, "STALLED_SECONDS", 0.1)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as brisk, opened("/ws/here/board/0", cookies) as slow:
            await settled(here, brisk, slow)
            slow.stalled = True
            floor.fragments["one"] = "6"
            await say(hall, "queue")
            await brisk.change()
            await asyncio.sleep(0.2)

            here.drop_stalled()

            assert [socket.send.__self__ for socket in here.sockets()] == [brisk]  # type: ignore[attr-defined]

    in_loop(story)


def test_a_screen_that_cannot_be_rendered_spoils_no_other_and_gets_no_heartbeat(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as broken, opened("/ws/here/call/0", cookies) as sound:
            await settled(here, broken, sound)

            floor.broken = {"board"}
            floor.fragments["one"] = "7"
            await here.look_round()

            assert await sound.change() == ({}, '<p hx-swap-oob="outerHTML:#one" id="one">7</p>')
            await sound.heartbeat()
            assert await broken.nothing(0.2)

    in_loop(story)


def test_a_look_round_finds_a_change_that_nobody_announced(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)

            floor.fragments["one"] = "8"
            await here.look_round()

            assert await screen.change() == ({}, '<p hx-swap-oob="outerHTML:#one" id="one">8</p>')
            assert (await screen.heartbeat())["pushes"] is True

    in_loop(story)


def sign_out(person: Person) -> None:
    Session.objects.all().delete()


def deactivate(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)


def take_membership(person: Person) -> None:
    Membership.objects.filter(person=person).delete()


def make_clerk(person: Person) -> None:
    Membership.objects.filter(person=person).update(kind=Kind.CLERK)


def change_password(person: Person) -> None:
    person.set_password("another one")
    person.save()


def retire_hall(person: Person) -> None:
    Hall.objects.update(is_active=False)


@pytest.mark.parametrize("lose", [sign_out, deactivate, take_membership, make_clerk, change_password, retire_hall])
def test_a_lost_right_ends_the_socket(floor: Floor, hall: Hall, lose: Callable[[Person], None]) -> None:
    person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)

            await elsewhere(lose, person)
            await here.look_round()

            assert await screen.event() == {"type": "websocket.close", "code": NO_RIGHT}

    in_loop(story)


def test_a_colleague_keeps_his_socket(floor: Floor, hall: Hall) -> None:
    person, cookies = manager(hall)
    _colleague, other_cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as mine, opened("/ws/here/board/0", other_cookies) as his:
            await settled(here, mine, his)

            await elsewhere(deactivate, person)
            await here.look_round()

            assert await mine.event() == {"type": "websocket.close", "code": NO_RIGHT}
            assert "now" in await his.heartbeat()

    in_loop(story)


def test_the_rights_of_all_sockets_take_one_query(hall: Hall) -> None:
    screen = board.Screen(hall.pk, "board", 0, "en")
    looking = set()
    for _ in range(30):
        person = make.person(hall, Kind.DUTY_MANAGER)
        session = cookies_of(person).partition("=")[2]
        looking.add((hub.Viewer(session_key=session, person_id=person.pk, password=person.password), screen))
    device = Device.objects.create(hall=hall, screen=Device.Screen.WALL, name="wall", token_hash="t" * 64)
    wall = (hub.Viewer(device_id=device.pk, token_hash="t" * 64), board.Screen(hall.pk, "wall", 0, "en"))
    board_of_device = (hub.Viewer(device_id=device.pk, token_hash="t" * 64), screen)

    with CaptureQueriesContext(connection) as queries:
        allowed = hub.still_allowed(looking | {wall, board_of_device})

    assert allowed == looking | {wall}
    assert len(queries) == 1


@pytest.mark.parametrize("lost", [{"is_active": False}, {"token_hash": "u" * 64}, {"screen": Device.Screen.CALL}])
def test_a_revoked_device_may_look_no_more(hall: Hall, lost: dict) -> None:
    device = Device.objects.create(hall=hall, screen=Device.Screen.WALL, name="wall", token_hash="t" * 64)
    wall = (hub.Viewer(device_id=device.pk, token_hash="t" * 64), board.Screen(hall.pk, "wall", 0, "en"))
    Device.objects.filter(pk=device.pk).update(**lost)

    assert hub.still_allowed({wall}) == set()


def test_the_hub_stands_in_for_a_watch_that_is_late_and_says_so(
    floor: Floor, hall: Hall, watch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _person, cookies = manager(hall)
    swept: list[dt.datetime] = []
    monkeypatch.setattr(waits, "stand_in_sweep", lambda *, at: bool(swept.append(at)) or True)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)
            assert swept == []

            late = timezone.now() - dt.timedelta(seconds=11)
            await elsewhere(Heartbeat.objects.filter(name="watch").update, at=late)
            assert (await screen.heartbeat())["watch"] == "stand_in"
            await until(lambda: len(swept) >= 2)

            await elsewhere(Heartbeat.objects.filter(name="watch").update, at=timezone.now())
            assert (await screen.heartbeat())["watch"] == "live"

    in_loop(story)


def test_nothing_is_kept_of_a_hall_that_nobody_watches(floor: Floor, hall: Hall) -> None:
    _person, cookies = manager(hall)

    async def story(here: hub.Hub) -> None:
        async with opened("/ws/here/board/0", cookies) as screen:
            await settled(here, screen)
        renders = len(floor.renders)

        await say(hall, "queue")
        await asyncio.sleep(0.3)

        assert here.places == {}
        assert len(floor.renders) == renders

    in_loop(story)


def test_every_fragment_carries_its_own_swap() -> None:
    swaps = board.out_of_band({"a-b": '\n<section id="a-b" class="x"><p>1</p></section>\n'})

    assert re.sub(r"\s+$", "", swaps) == '<section hx-swap-oob="outerHTML:#a-b" id="a-b" class="x"><p>1</p></section>'


def test_a_fragment_without_an_element_is_refused() -> None:
    with pytest.raises(ValueError, match="a-b"):
        board.out_of_band({"a-b": "text"})
