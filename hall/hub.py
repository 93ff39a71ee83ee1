"""The hub: one per web process, in its event loop. It hears what changed, renders each screen once, and hands it to every socket.

Nothing here waits for a socket or for Valkey, and nothing that touches the database runs in the event loop.

A message to a screen is one text frame: a line of JSON, then the fragments as out-of-band swaps.
    {"full": true}\\n<section id="board-strip" hx-swap-oob=…>     everything: the first message after a (re)connect
    {}\\n<section …>                                             only the fragments whose bytes changed
    {"now": "2026-11-22T02:42:07.120000+00:00", "watch": "live", "pushes": true}\\n      the heartbeat, after each look round
"""

import asyncio
import contextlib
import datetime as dt
import functools
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from django.db import close_old_connections, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from hall import access, board, clock, live
from hall.board import Screen
from hall.models import Device, Heartbeat, Kind
from queueing import waits

THREADS = 4  # for the database: two renders at a time leave room for people who connect
TICK_SECONDS = 0.1  # a hall's screens are rendered at most so often
ROUND_SECONDS = 10.0  # every screen anew, every right checked, a heartbeat
PEEK_SECONDS = 2.5  # without pushes: look into the database so often
PING_SECONDS = 5.0
PONG_SECONDS = 2.0
JOIN_SECONDS = 2.0
REJOIN_SECONDS = 1.0
WATCH_SECONDS = 1.0
WATCH_LATE = dt.timedelta(seconds=10)  # the sweep's heartbeat is older: the hub stands in
STALLED_SECONDS = 30.0
NO_RIGHT = 4403  # close code: may not see this screen (any more)

log = logging.getLogger(__name__)

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Viewer:
    """Who looks: a person by his session, or a paired device. Checked again with every look round."""

    session_key: str = ""
    person_id: int = 0
    password: str = ""  # the stored hash: a changed password ends every session
    device_id: int = 0
    token_hash: str = ""


class Picture:
    """What a screen shows at one instant, ready to be sent. Sockets compare pictures, never text."""

    __slots__ = ("_changes", "fragments")

    def __init__(self, fragments: dict[str, str]) -> None:
        self.fragments = fragments
        self._changes: dict[Picture | None, str] = {}

    def message_after(self, last: "Picture | None") -> str:
        """The frame for somebody who last got that picture; empty if nothing changed. Made once for all of them."""
        if last is self:
            return ""
        known = self._changes.get(last)
        if known is None:
            changed = {
                name: html for name, html in self.fragments.items() if last is None or last.fragments.get(name) != html
            }
            known = ""
            if last is None or changed:
                known = f"{json.dumps({'full': True} if last is None else {})}\n{board.out_of_band(changed)}"
            self._changes[last] = known
        return known

    def forget(self) -> None:
        """It is no longer the newest: nobody asks for it any more, and older pictures may go."""
        self._changes.clear()


class Socket:
    """One open connection: a slot for its newest unsent state, and its own writer."""

    __slots__ = ("beat", "close_code", "got", "picture", "screen", "send", "sending_since", "task", "viewer", "wake")

    def __init__(self, screen: Screen, viewer: Viewer, send: Send) -> None:
        self.screen = screen
        self.viewer = viewer
        self.send = send
        self.picture: Picture | None = None  # the slot: what it should show
        self.beat = ""  # the slot of heartbeats
        self.got: Picture | None = None  # what it was last sent
        self.close_code = 0
        self.sending_since = 0.0  # the loop's time; 0: not sending
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def offer(self, picture: Picture | None, beat: str = "") -> None:
        if picture is not None:
            self.picture = picture
        if beat:
            self.beat = beat
        self.wake.set()

    def close(self, code: int) -> None:
        self.close_code = code
        self.wake.set()

    async def write(self, now: Callable[[], float]) -> None:
        """Send whatever is newest, until told to close. Only this socket waits when its line is slow."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            if self.close_code:
                await self.send({"type": "websocket.close", "code": self.close_code})
                return
            picture, beat, self.beat = self.picture, self.beat, ""
            if picture is not None and picture is not self.got:
                message = picture.message_after(self.got)
                self.got = picture
                if message:
                    self.sending_since = now()
                    await self.send({"type": "websocket.send", "text": message})
                    self.sending_since = 0.0
            if beat:
                self.sending_since = now()
                await self.send({"type": "websocket.send", "text": beat})
                self.sending_since = 0.0


@dataclass(eq=False)
class Shown:
    """A screen that somebody looks at."""

    screen: Screen
    sockets: set[Socket] = field(default_factory=set)
    picture: Picture | None = None


@dataclass(eq=False)
class Place:
    """A hall that is watched here: its screens, which of them must be rendered, and its renderer."""

    hall_id: int
    shown: dict[Screen, Shown] = field(default_factory=dict)
    dirty: set[Screen] = field(default_factory=set)
    beat_due: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def mark(self, screens: Iterable[Screen], *, beat: bool = False) -> None:
        self.dirty.update(screens)
        self.beat_due = self.beat_due or beat
        if self.dirty:
            self.wake.set()


class Hub:
    """See the module. Everything but the jobs of `in_database` runs in the event loop that made it."""

    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self.pushes = False  # whether announcements reach this process
        self.stand_in = False  # whether the sweep's heartbeat is too old
        self.renders = 0
        self._loop = asyncio.get_running_loop()
        self._database = Database()
        self._clock: tuple[dt.datetime, float] | None = None  # the database's instant, and the loop's at that moment
        self._ear = Ear(self._heard, self._pushes_changed)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen and to make the rounds."""
        self._tasks = [
            self._loop.create_task(self._ear.listen(), name="hub: listen"),
            self._loop.create_task(self._every(ROUND_SECONDS, self.look_round), name="hub: look round"),
            self._loop.create_task(self._every(PEEK_SECONDS, self.peek), name="hub: peek"),
            self._loop.create_task(self._every(WATCH_SECONDS, self.watch_the_watch), name="hub: watch the watch"),
        ]

    async def stop(self) -> None:
        """End every task and close the threads' connections; for tests and for a process that ends."""
        tasks = [*self._tasks, *(place.task for place in self.places.values() if place.task)]
        tasks += [socket.task for socket in self.sockets() if socket.task]
        # Again and again: asyncio.wait_for can swallow a cancellation (Python 3.11, issue 86296; redis-py uses it).
        while tasks:
            for task in tasks:
                task.cancel()
            _done, left = await asyncio.wait(tasks, timeout=0.5)
            tasks = list(left)
        self._ear.close()
        await asyncio.to_thread(self._database.close)

    async def in_database(self, job: Callable[[], Answer]) -> Answer:
        """Run a job that reads the database in a thread that may wait for it."""
        return await self._database.run(job)

    # Sockets come and go.

    def enter(self, screen: Screen, viewer: Viewer, send: Send) -> Socket:
        """A socket was accepted: it gets the screen as it is, then every change."""
        socket = Socket(screen, viewer, send)
        socket.task = self._loop.create_task(self._write(socket))
        place = self.places.get(screen.hall_id)
        if place is None:
            place = self.places[screen.hall_id] = Place(screen.hall_id)
            place.task = self._loop.create_task(self._keep_rendering(place), name=f"hub: hall {screen.hall_id}")
            self._ear.want(self.places)
        shown = place.shown.setdefault(screen, Shown(screen))
        shown.sockets.add(socket)
        if shown.picture is not None:
            socket.offer(shown.picture, self._beat())
        else:
            place.mark([screen], beat=True)
        return socket

    def leave(self, socket: Socket) -> None:
        """The connection is gone. Leaving twice changes nothing."""
        if socket.task is not None:
            socket.task.cancel()
        place = self.places.get(socket.screen.hall_id)
        shown = place.shown.get(socket.screen) if place else None
        if place is None or shown is None:
            return
        shown.sockets.discard(socket)
        if not shown.sockets:
            del place.shown[socket.screen]
            place.dirty.discard(socket.screen)
        if not place.shown:
            del self.places[place.hall_id]
            if place.task is not None:
                place.task.cancel()
            self._ear.want(self.places)

    async def _write(self, socket: Socket) -> None:
        try:
            await socket.write(self._loop.time)
        except OSError:  # the line broke (uvicorn's ClientDisconnected is one); its consumer hears of it and leaves
            return

    def sockets(self) -> list[Socket]:
        return [socket for place in self.places.values() for shown in place.shown.values() for socket in shown.sockets]

    # What changed, and rendering it.

    def _heard(self, message: dict[str, Any]) -> None:
        place = self.places.get(message["hall"])
        if place is not None:
            place.mark(screen for screen in place.shown if board.shows(screen, message["topics"]))

    async def _keep_rendering(self, place: Place) -> None:
        """The first mark renders at once, further ones at most every tick: what is marked meanwhile is in the next render."""
        while True:
            await place.wake.wait()
            place.wake.clear()
            began = self._loop.time()
            screens, place.dirty = list(place.dirty), set()
            beat, place.beat_due = place.beat_due, False
            await self._render(place, screens, beat=beat)
            await asyncio.sleep(max(0.0, began + TICK_SECONDS - self._loop.time()))

    async def _render(self, place: Place, screens: list[Screen], *, beat: bool) -> None:
        try:
            drawn = await self.in_database(functools.partial(_draw, place.hall_id, screens))
        except Exception:  # the database may be away: no heartbeat goes out, and the next look round tries again
            log.warning("hall %s could not be rendered", place.hall_id, exc_info=True)
            return
        for screen, fragments in drawn.items():
            shown = place.shown.get(screen)
            if shown is not None:
                self.show(shown, fragments, beat=beat)

    def show(self, shown: Shown, fragments: dict[str, str], *, beat: bool = False) -> None:
        """Hand what a screen shows to each of its sockets."""
        self.renders += 1
        if shown.picture is None or shown.picture.fragments != fragments:
            if shown.picture is not None:
                shown.picture.forget()
            shown.picture = Picture(fragments)
        text = self._beat() if beat else ""
        for socket in shown.sockets:
            socket.offer(shown.picture, text)

    # Every ten seconds, and without pushes every two or three.

    async def look_round(self) -> None:
        """Render every watched screen, check the rights of all sockets, let go of stalled ones."""
        self.drop_stalled()
        sockets = self.sockets()
        if not sockets:
            return
        allowed = await self.in_database(functools.partial(still_allowed, {(s.viewer, s.screen) for s in sockets}))
        for socket in sockets:
            if (socket.viewer, socket.screen) not in allowed:
                socket.close(NO_RIGHT)
        self._mark_all(beat=True)

    async def peek(self) -> None:
        if not self.pushes:
            self._mark_all()

    def _pushes_changed(self, pushes: bool) -> None:
        """Announcements reach us again, or no more: whatever was missed is rendered now, and the screens say which it is."""
        if pushes != self.pushes:
            log.log(
                logging.INFO if pushes else logging.WARNING,
                "pushes %s",
                "work" if pushes else "are gone, the hub looks by itself",
            )
        changed, self.pushes = pushes != self.pushes, pushes
        self._mark_all(beat=changed)

    def _mark_all(self, *, beat: bool = False) -> None:
        for place in self.places.values():
            place.mark(place.shown, beat=beat)

    def drop_stalled(self) -> None:
        for socket in self.sockets():
            if socket.sending_since and self._loop.time() - socket.sending_since > STALLED_SECONDS:
                log.info("a %s screen takes nothing any more; dropped", socket.screen.kind)
                self.leave(socket)
                _abort(socket.send)

    async def watch_the_watch(self) -> None:
        """If the sweep has not finished a round for ten seconds, sweep here, and say so on every screen."""
        at, late = await self.in_database(_look_at_the_watch)
        self._clock = (at, self._loop.time())
        if late != self.stand_in:
            self.stand_in = late
            log.warning("the watch is %s", "on stand-in" if late else "back")
            self._mark_all(beat=True)
        if late:
            await self.in_database(functools.partial(waits.stand_in_sweep, at=at))

    def _beat(self) -> str:
        """The heartbeat, or nothing while the database has not told us the time."""
        if self._clock is None:
            return ""
        at, then = self._clock
        now = at + dt.timedelta(seconds=self._loop.time() - then)
        facts = {"now": now.isoformat(), "watch": "stand_in" if self.stand_in else "live", "pushes": self.pushes}
        return json.dumps(facts) + "\n"

    async def _every(self, seconds: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a round again and again, whatever happens in one of them."""
        failures = 0
        while True:
            began = self._loop.time()
            try:
                await act()
                failures = 0
            except Exception:
                failures += 1
                if failures == 1:
                    log.warning("%s failed", act.__name__, exc_info=True)
            await asyncio.sleep(max(0.0, began + seconds - self._loop.time()))


class Ear:
    """The process's one channel of the layer, joined to the groups of the halls watched here.

    Every few seconds it sends itself a ping through the layer. One that does not come back means that messages may be lost:
    it lets go of everything and joins again with a new connection.
    """

    def __init__(self, heard: Callable[[dict[str, Any]], None], changed: Callable[[bool], None]) -> None:
        self._heard = heard
        self._changed = changed
        self._wanted: set[str] = set()
        self._joined: set[str] = set()
        self._news = asyncio.Event()  # the wanted groups are others, or a pong came
        self._pong = 0
        self._farewells: set[asyncio.Task[None]] = set()

    def want(self, hall_ids: Iterable[int]) -> None:
        self._wanted = {live.group(hall_id) for hall_id in hall_ids}
        self._news.set()

    def close(self) -> None:
        for task in self._farewells:
            task.cancel()

    async def listen(self) -> None:
        """Join, hear, and join again, as long as the process lives."""
        while True:
            layer = _own_layer()
            channel, hearing = "", None
            try:
                async with asyncio.timeout(JOIN_SECONDS):
                    channel = await layer.new_channel()
                hearing = asyncio.create_task(self._hear(layer, channel))
                self._joined = set()
                await self._stay(layer, channel)
            except Exception as error:  # whatever a layer can raise: the answer is a new one
                log.debug("the hub lost its layer: %r", error)
                self._changed(False)
            finally:
                # Without its channel the layer does not try to leave cleanly, which could wait for a frozen Valkey.
                layer.channels.pop(channel, None)
                if hearing is not None:
                    hearing.cancel()
                self._part(layer)
            await asyncio.sleep(REJOIN_SECONDS)

    async def _stay(self, layer: RedisPubSubLoopLayer, channel: str) -> None:
        """Keep the groups as they are wanted, and ping. Raises TimeoutError when something does not come through."""
        ping, next_ping = 0, 0.0
        loop = asyncio.get_running_loop()
        while True:
            async with asyncio.timeout(JOIN_SECONDS):
                joined_more = await self._join(layer, channel)
            if joined_more or loop.time() >= next_ping:
                # The first ping also proves that the groups are joined: Valkey answers in order.
                ping += 1
                async with asyncio.timeout(JOIN_SECONDS):
                    await layer.send(channel, {"type": "hub.ping", "ping": ping})
                async with asyncio.timeout(PONG_SECONDS):
                    while self._pong != ping:
                        self._news.clear()
                        await self._news.wait()
                next_ping = loop.time() + PING_SECONDS
                if joined_more or ping == 1:
                    self._changed(True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, next_ping - loop.time())):
                    await self._news.wait()
            self._news.clear()

    async def _join(self, layer: RedisPubSubLoopLayer, channel: str) -> bool:
        """Whether a group was joined: what was announced just before is not heard."""
        wanted = set(self._wanted)
        joining, leaving = wanted - self._joined, self._joined - wanted
        for group in joining:
            await layer.group_add(group, channel)
        for group in leaving:
            await layer.group_discard(group, channel)
        self._joined = wanted
        return bool(joining)

    async def _hear(self, layer: RedisPubSubLoopLayer, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            if message.get("type") == "floor.changed":
                self._heard(message)
            elif message.get("type") == "hub.ping":
                self._pong = message["ping"]
                self._news.set()

    def _part(self, layer: RedisPubSubLoopLayer) -> None:
        task = asyncio.create_task(_farewell(layer))
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)


def _own_layer() -> RedisPubSubLoopLayer:
    """A new connection to the layer. Not through RedisPubSubChannelLayer, which keeps one per loop for ever and wraps the loop's
    close() for each (channels_redis 4.3, utils._wrap_close)."""
    options = live.layer_settings(socket_timeout=30)
    return RedisPubSubLoopLayer(**options, channel_layer=RedisPubSubChannelLayer(**options))


async def _farewell(layer: RedisPubSubLoopLayer) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(JOIN_SECONDS):
            await layer.flush()


def _abort(send: Send) -> None:
    """Cut a line that takes nothing: a polite close would wait for it for ever. uvicorn's `send` is its protocol's method."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


# Below: what runs in the threads.


class Database:
    """A few threads that read the database for the event loop, each with its own connection (or one of the pool)."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="hub")
        self._lock = threading.Lock()
        self._connections: dict[int, BaseDatabaseWrapper] = {}

    async def run(self, job: Callable[[], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, job)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for used in self._connections.values():
            used.inc_thread_sharing()  # its thread has ended
            used.close()

    def _run(self, job: Callable[[], Answer]) -> Answer:
        close_old_connections()  # a broken one is noticed and replaced
        with self._lock:
            self._connections[threading.get_ident()] = connection._connections[connection._alias]  # type: ignore[attr-defined]
        try:
            return job()
        finally:
            close_old_connections()  # with a pool: gives the connection back


def _draw(hall_id: int, screens: list[Screen]) -> dict[Screen, dict[str, str]]:
    """Render these screens of one hall from one set of queries. One that fails is left out, the others are right."""
    at = clock.now()
    state = board.load(hall_id, at)
    drawn = {}
    for screen in screens:
        try:
            drawn[screen] = board.render(screen, at, state)
        except Exception:
            log.exception("%s could not be rendered", screen)
    return drawn


RIGHTS = f"""
    SELECT 'person', viewer.session_key, person.id, person.password, member.hall_id, member.kind, member.held
    FROM unnest(%s::text[], %s::bigint[]) AS viewer (session_key, person_id)
    JOIN django_session session ON session.session_key = viewer.session_key AND session.expire_date > clock_timestamp()
    JOIN hall_person person ON person.id = viewer.person_id AND person.is_active
    JOIN ({access.RIGHTS}) member ON member.person_id = person.id
    JOIN hall_hall hall ON hall.id = member.hall_id AND hall.is_active
    UNION ALL
    SELECT 'device', '', device.id, device.token_hash, device.hall_id, device.screen, true
    FROM hall_device device JOIN hall_hall hall ON hall.id = device.hall_id AND hall.is_active
    WHERE device.is_active AND device.id = ANY(%s::bigint[])
"""


def still_allowed(looking: set[tuple[Viewer, Screen]]) -> set[tuple[Viewer, Screen]]:
    """Those who may still see what they look at: signed in, active, a member as a kind that may; a device still paired. One query."""
    viewers = {viewer for viewer, _screen in looking}
    people = [viewer for viewer in viewers if viewer.person_id]
    devices = [viewer.device_id for viewer in viewers if viewer.device_id]
    with connection.cursor() as cursor:
        cursor.execute(
            RIGHTS, [[viewer.session_key for viewer in people], [viewer.person_id for viewer in people], devices]
        )
        rows = cursor.fetchall()
    rights: dict[tuple[Viewer, int], set[access.Action]] = {}
    for who, session_key, pk, secret, hall_id, kind, held in rows:
        if who == "person":
            viewer = Viewer(session_key=session_key, person_id=pk, password=secret)
            actions = access.rights([(Kind(kind), held)]).now
        else:
            viewer, actions = Viewer(device_id=pk, token_hash=secret), access.DEVICE_TABLE[Device.Screen(kind)]
        rights.setdefault((viewer, hall_id), set()).update(actions)
    return {
        (viewer, screen)
        for viewer, screen in looking
        if board.LOOKING[screen.kind] in rights.get((viewer, screen.hall_id), set())
    }


def _look_at_the_watch() -> tuple[dt.datetime, bool]:
    """The database's instant, and whether the sweep's heartbeat is too old."""
    at = clock.now()
    last = Heartbeat.objects.filter(name="watch").values_list("at", flat=True).first()
    return at, last is None or at - last > WATCH_LATE


_hub: Hub | None = None


def of_this_process() -> Hub:
    """The hub of this process, started when it is first asked for. Call it in the event loop."""
    global _hub
    if _hub is None or _hub._loop is not asyncio.get_running_loop():
        _hub = Hub()
        _hub.start()
    return _hub
