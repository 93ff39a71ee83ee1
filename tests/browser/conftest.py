"""One running stack and one real Chromium for the browser tests; each test makes a hall of its own in the stack's database."""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.plugin import DjangoDbBlocker

from hall import clock, embedded
from hall.models import Counter, Hall, Kind, Person
from queueing import tickets
from queueing.models import Service, Ticket
from tests import chromium, make
from tests import stack as stacks
from tests.kill.conftest import _on_database, cookies_of

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
SIZES = {"tablet": (1280, 800), "board": (1440, 900), "wall": (1920, 1080), "phone": (390, 844), "floor": (820, 1180)}


@pytest.fixture(scope="session")
def stack() -> Iterator[stacks.Stack]:
    """The same supervisor as `make run`, in a data folder of its own under the project."""
    folder = Path(embedded.__file__).parent.parent / ".test-data" / f"browser-{secrets.token_hex(3)}"
    with stacks.running_stack(folder, environment={"SECRET_KEY": settings.SECRET_KEY}) as running:
        yield running
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if not path:
        pytest.fail("no Chromium: `python -m tests.chromium` finds or installs one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(autouse=True)
def rows(stack: stacks.Stack, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within a test the models speak to the running stack's database; nothing is rolled back."""
    monkeypatch.setitem(
        os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1"
    )  # Playwright's loop runs in this thread; nothing else is async here
    with django_db_blocker.unblock(), _on_database(stack.database_url):
        yield


@dataclass
class Place:
    """A hall with two open counters, two services, and people of every post that the tests need."""

    hall: Hall
    services: list[Service]
    counters: list[Counter]
    clerk: Person
    manager: Person
    floater: Person

    def path(self, rest: str) -> str:
        return f"/h/{self.hall.code}/{rest}"

    def ticket(self, *, minutes_ago: float = 0, service: int = 0, **options: object) -> Ticket:
        """Somebody who has waited for so long."""
        at = clock.now() - minutes_ago * make.MINUTE
        return tickets.issue(self.services[service], by=None, at=at, **options)


@pytest.fixture
def place(rows: None) -> Place:
    hall = make.hall()
    counters = [
        make.counter(hall, number, state=Counter.State.OPEN, state_since=clock.now(), free_since=clock.now())
        for number in (1, 2)
    ]
    services = [
        make.service(hall, "A", name_zh="账单查询", name_en="Bill query", counters=counters),
        make.service(hall, "B", name_zh="补换卡", name_en="SIM replacement", position=1, counters=counters),
    ]
    return Place(
        hall, services, counters, make.person(hall, Kind.CLERK), make.person(hall, Kind.DUTY_MANAGER), make.person(hall, Kind.FLOATER),
    )  # fmt: skip


class Desk:
    """Opens pages as somebody, and keeps what their consoles said."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser = browser
        self.base_url = base_url
        self.contexts: list[BrowserContext] = []
        self.said: list[str] = []
        self.expected: list[str] = []  # patterns of what may be said when a test cuts the line

    def open(
        self, path: str, person: Person | None = None, *, size: str = "board", language: str = "en",
        prepare: Callable[[Page], object] | None = None, context: BrowserContext | None = None,
    ) -> Page:  # fmt: skip
        """A page in a browser of its own, or in another tab of the same one, loaded and quiet."""
        context = context or self.context(person, size=size, language=language)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))
        if prepare is not None:
            prepare(page)
        page.goto(path)
        return page

    def context(self, person: Person | None, *, size: str, language: str) -> BrowserContext:
        width, height = SIZES[size]
        context = self.browser.new_context(
            base_url=self.base_url, viewport={"width": width, "height": height}, has_touch=size in ("tablet", "floor", "phone"),
            locale="zh-CN" if language == "zh" else "en-GB", reduced_motion="reduce", timezone_id="Asia/Shanghai",
        )  # fmt: skip
        context.set_default_timeout(15_000)
        if person is not None:
            cookies = cookies_of(person).items()
            context.add_cookies([{"name": name, "value": value, "url": self.base_url} for name, value in cookies])
        self.contexts.append(context)
        return context

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.location.get('url', '')}: {message.text}")

    def complaints(self) -> list[str]:
        return [line for line in self.said if not any(re.search(pattern, line) for pattern in self.expected)]


@pytest.fixture
def desk(browser: Browser, stack: stacks.Stack) -> Iterator[Desk]:
    """Every page of a test is opened here; at its end no console may have complained."""
    made = Desk(browser, stack.base_url)
    yield made
    for context in made.contexts:
        with contextlib.suppress(Exception):  # a page that the test closed
            context.close()
    assert made.complaints() == []
