"""Many websockets on one thread, for benches: no library in the way, only frames are counted and their times kept."""

import asyncio
import base64
import os
import resource
import struct
import time

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{cookie}\r\n"
)


def allow_many_files() -> None:
    """As many open files as the system lets us have: a thousand sockets at both ends need more than the usual 1,024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Crowd:
    """All sockets of a bench. `arrivals[n]`: when each socket had its n-th message since `start_counting`, by time.monotonic."""

    def __init__(self) -> None:
        self.sockets: list[Reader] = []
        self.open = 0
        self.refused = 0
        self.quiet_since = time.monotonic()
        self.arrivals: list[list[float]] = []
        self.bytes = 0  # taken by all since `start_counting`

    async def connect(self, count: int, host: str, port: int, path: str, cookie: str = "") -> None:
        """Open so many sockets at once and wait until each is accepted or refused."""
        before = len(self.sockets)
        loop = asyncio.get_running_loop()

        async def one() -> None:
            _transport, reader = await loop.create_connection(lambda: Reader(self), host, port)
            self.sockets.append(reader)
            key = base64.b64encode(os.urandom(16)).decode()
            header = f"Cookie: {cookie}\r\n" if cookie else ""
            reader.transport.write(HANDSHAKE.format(path=path, host=f"{host}:{port}", key=key, cookie=header).encode())

        await asyncio.gather(*(one() for _ in range(count)))
        while self.open + self.refused < before + count:
            await asyncio.sleep(0.01)

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing has come for so long."""
        while time.monotonic() - self.quiet_since < seconds:
            await asyncio.sleep(0.05)

    def start_counting(self) -> None:
        self.arrivals, self.bytes = [], 0
        for socket in self.sockets:
            socket.count = 0

    def arrived(self, number: int) -> None:
        while len(self.arrivals) <= number:
            self.arrivals.append([])
        self.arrivals[number].append(time.monotonic())

    def close(self) -> None:
        for socket in self.sockets:
            socket.transport.abort()


class Reader(asyncio.Protocol):
    """One socket: shakes hands, then counts the text frames that are whole."""

    transport: asyncio.Transport

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.buffer = b""
        self.is_open = False
        self.count = 0
        self.stalled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.crowd.quiet_since = time.monotonic()
        self.crowd.bytes += len(data)
        self.buffer += data
        if not self.is_open and not self._shake_hands():
            return
        while (end := self._frame_end()) is not None:
            if self.buffer[0] & 0x0F == 1:
                self.crowd.arrived(self.count)
                self.count += 1
            self.buffer = self.buffer[end:]

    def stall(self) -> None:
        """Take nothing any more."""
        self.stalled = True
        self.transport.pause_reading()

    def _shake_hands(self) -> bool:
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self.crowd.refused += 1
            self.transport.abort()
            return False
        self.is_open, self.buffer = True, rest
        self.crowd.open += 1
        return True

    def _frame_end(self) -> int | None:
        """Where the first frame ends, None while it is not whole (RFC 6455, 5.2; a server does not mask)."""
        if len(self.buffer) < 2:
            return None
        length, start = self.buffer[1], 2
        if length == 126:
            if len(self.buffer) < 4:
                return None
            (length,), start = struct.unpack("!H", self.buffer[2:4]), 4
        elif length == 127:
            if len(self.buffer) < 10:
                return None
            (length,), start = struct.unpack("!Q", self.buffer[2:10]), 10
        return start + length if len(self.buffer) >= start + length else None
