"""Who may open a live screen's socket, and what the poll answers."""

import asyncio
import hashlib
import json

import pytest
from django.test import Client

from hall import board, devices, hub
from hall.models import Device, Hall, Kind
from tests import make
from tests.hall.screens import Screen, cookies_of, opened, running_hub

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every screen shows one line; nothing else runs."""
    monkeypatch.setattr(board, "load", lambda hall_id, at: None)
    monkeypatch.setattr(
        board, "render", lambda screen, at, state=None: {"one": f'<p id="one">{screen.kind} {screen.language}</p>'}
    )
    monkeypatch.setattr(hub.Hub, "start", lambda self: None)


@pytest.fixture
def hall() -> Hall:
    return make.hall(code="here")


def accepted(path: str, cookies: str = "", **more: object) -> bool:
    async def story() -> bool:
        async with running_hub():
            screen = Screen(path, cookies, **more)  # type: ignore[arg-type]
            try:
                return await screen.open()
            finally:
                await screen.close()

    return asyncio.run(story())


ALLOWED = {
    "board": {Kind.HEADQUARTERS, Kind.HALL_MANAGER, Kind.DUTY_MANAGER},
    "wall": {Kind.HEADQUARTERS, Kind.HALL_MANAGER, Kind.DUTY_MANAGER},
    "call": set(Kind),
    "kiosk": {Kind.HALL_MANAGER, Kind.DUTY_MANAGER, Kind.GUIDE, Kind.FLOATER, Kind.GUARD},
    "counter": {Kind.DUTY_MANAGER, Kind.CLERK, Kind.VIP_RECEPTION},
    "floor": {Kind.HALL_MANAGER, Kind.DUTY_MANAGER, Kind.GUIDE, Kind.FLOATER, Kind.GUARD, Kind.RECEPTIONIST},
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_each_screen_opens_for_those_who_may_see_it_and_for_nobody_else(hall: Hall, kind: str) -> None:
    subject = make.counter(hall).pk if kind == "counter" else 0
    cookies = {post: cookies_of(make.person(hall, post)) for post in Kind}
    stranger = cookies_of(make.person(make.hall(), Kind.DUTY_MANAGER))

    opens = {post for post in Kind if accepted(f"/ws/here/{kind}/{subject}", cookies[post])}

    assert opens == ALLOWED[kind]
    assert not accepted(f"/ws/here/{kind}/{subject}", stranger)
    assert not accepted(f"/ws/here/{kind}/{subject}")


@pytest.mark.parametrize(
    ("screen", "opens"), [("wall", {"wall"}), ("call", {"call"}), ("kiosk", {"kiosk"}), ("tablet", set())]
)
def test_a_device_opens_its_own_screen_only(hall: Hall, screen: str, opens: set[str]) -> None:
    token_hash = hashlib.sha256(b"token").hexdigest()
    Device.objects.create(hall=hall, screen=screen, name="one", token_hash=token_hash)
    cookies = f"{devices.COOKIE}=token"

    assert {kind for kind in board.LOOKING if accepted(f"/ws/here/{kind}/0", cookies)} == opens


def test_a_counter_of_another_hall_is_unknown(hall: Hall) -> None:
    cookies = cookies_of(make.person(hall, Kind.CLERK))

    assert not accepted(f"/ws/here/counter/{make.counter(make.hall()).pk}", cookies)


@pytest.mark.parametrize(
    "path",
    [
        "/ws/here/board/1",
        "/ws/here/stage/0",
        "/ws/nowhere/board/0",
        "/ws/here/board/",
        "/ws/here/board/0/",
        "/ws/here\x00/board/0",
        "/",
    ],
)
def test_what_is_no_screen_is_refused(hall: Hall, path: str) -> None:
    assert not accepted(path, cookies_of(make.person(hall, Kind.DUTY_MANAGER)))


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://elsewhere.test",
        "http://hall.test.elsewhere.test",
        "ftp://hall.test",
        "http://hall.test:81",
    ],
)
def test_another_site_cannot_open_it(hall: Hall, origin: str | None) -> None:
    assert not accepted("/ws/here/board/0", cookies_of(make.person(hall, Kind.DUTY_MANAGER)), origin=origin)


def test_the_public_address_is_our_own(hall: Hall, settings: object) -> None:
    settings.PUBLIC_URL = "https://hall.example"  # type: ignore[attr-defined]

    assert accepted("/ws/here/board/0", cookies_of(make.person(hall, Kind.DUTY_MANAGER)), origin="https://hall.example")


@pytest.mark.parametrize(
    ("query", "language"), [("lang=en", "en"), ("lang=zh-hans", "zh-hans"), ("lang=xx", "zh-hans"), ("", "zh-hans")]
)
def test_it_speaks_the_page_s_language(hall: Hall, query: str, language: str) -> None:
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub(), opened("/ws/here/board/0", cookies, query=query) as screen:
            assert (await screen.change())[1].endswith(f">board {language}</p>")

    asyncio.run(story())


def test_a_screen_that_talks_is_closed(hall: Hall) -> None:
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub(), opened("/ws/here/board/0", cookies) as screen:
            await screen.change()
            screen.to_server.put_nowait({"type": "websocket.receive", "text": "\x00"})
            assert await screen.event() == {"type": "websocket.close", "code": 1008}

    asyncio.run(story())


def test_three_hundred_at_once_are_all_accepted_and_rendered_for_once(hall: Hall) -> None:
    cookies = cookies_of(make.person(hall, Kind.DUTY_MANAGER))

    async def story() -> None:
        async with running_hub() as here:
            screens = [Screen("/ws/here/board/0", cookies) for _ in range(300)]
            assert await asyncio.gather(*(screen.open() for screen in screens)) == [True] * 300
            changes = await asyncio.gather(*(screen.change() for screen in screens))
            assert [facts for facts, _html in changes] == [{"full": True}] * 300
            assert here.renders <= 3
            await asyncio.gather(*(screen.close() for screen in screens))

    asyncio.run(story())


def test_the_poll_answers_like_the_first_message(hall: Hall) -> None:
    client = Client()
    client.force_login(make.person(hall, Kind.DUTY_MANAGER, language="en"))

    answer = client.get("/h/here/state/board/0/")

    facts, _, html = answer.content.decode().partition("\n")
    assert (answer.status_code, set(json.loads(facts))) == (200, {"full", "now"})
    assert html == '<p hx-swap-oob="outerHTML:#one" id="one">board en</p>'


def test_the_poll_is_only_for_those_who_may_look(hall: Hall) -> None:
    clerk, stranger = Client(), Client()
    clerk.force_login(make.person(hall, Kind.CLERK))
    stranger.force_login(make.person(make.hall(), Kind.DUTY_MANAGER))

    assert clerk.get("/h/here/state/board/0/").status_code == 403
    assert stranger.get("/h/here/state/board/0/").status_code == 404
    assert clerk.get("/h/here/state/stage/0/").status_code == 404
    assert clerk.post("/h/here/state/board/0/").status_code == 405
