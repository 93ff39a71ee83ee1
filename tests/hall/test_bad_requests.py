"""What no page ever sees: bodies too large, NULs where no form is."""

import asyncio

import pytest
from django.conf import settings
from django.test import Client

from hall import asgi
from hall.models import Kind
from tests import make

pytestmark = pytest.mark.django_db

NUL_KEY = f'{settings.SESSION_COOKIE_NAME}="\\000aaaaaaaaaaaaaaa"'


async def answered(chunk: bytes, count: int, headers: list[tuple[bytes, bytes]]) -> tuple[int, int]:
    """A POST in so many chunks to the web process: status, and how many chunks were read."""
    read, said = 0, []

    async def receive() -> dict:
        nonlocal read
        if read == count:
            await asyncio.sleep(60)  # the body is over, and the browser waits
        read += 1
        return {"type": "http.request", "body": chunk, "more_body": read < count}

    async def send(message: dict) -> None:
        said.append(message)

    scope = {"type": "http", "method": "POST", "path": "/robots.txt", "query_string": b"", "headers": headers}
    await asgi.limited(scope, receive, send)
    return said[0]["status"], read


def test_a_chunked_body_over_1_mb_is_refused() -> None:
    assert asyncio.run(answered(b"x" * 65536, 160, [])) == (413, 160)


def test_a_body_without_end_is_cut_off() -> None:
    assert asyncio.run(answered(b"x" * 1024 * 1024, 1_000_000, [])) == (413, 33)


def test_a_body_of_1_mb_is_read() -> None:
    assert asyncio.run(answered(b"x" * 65536, 16, [])) == (403, 16)  # the page was reached, without a token


@pytest.mark.parametrize("length", ["1048577", "10485760", "9" * 40, "-1", "many"])
def test_a_length_over_1_mb_is_refused(length) -> None:
    assert make.client().post("/login/", {}, CONTENT_LENGTH=length).status_code == 413


def test_a_nul_in_a_cookie_is_refused() -> None:
    assert Client(headers={"cookie": NUL_KEY}).get("/login/").status_code == 400


@pytest.mark.parametrize(
    "address", ["/t/%00/", "/admin/hall/counter/?state__exact=%00", "/admin/hall/membership/?kind__exact=a%00"]
)
def test_a_nul_in_an_address_is_refused(address) -> None:
    editor = make.person(make.hall(), Kind.HALL_MANAGER, is_staff=True, is_superuser=True)

    assert make.client(editor).get(address).status_code == 400


def test_a_day_with_very_many_who_wait_can_be_closed() -> None:
    hall = make.hall()
    manager = make.person(hall, Kind.DUTY_MANAGER)
    reasons = {f"reason-{number}": "went home" for number in range(1_500)}

    answer = make.tap(make.client(manager), f"/h/{hall.code}/day/close/", reasons)

    assert answer.status_code == 200
