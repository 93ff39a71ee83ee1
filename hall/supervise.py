"""`make run`: one small process that starts a hall's processes, starts again the one that dies, and stops them all.

Imports no Django: it lives as long as the hall does. What it starts is listed once, in `processes`; docker-compose.yml has
the same commands (tests/hall/test_compose.py).
"""

import argparse
import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from hall import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
FIRST_PORT = 8000
MOST_PORTS = 100
BACKLOG = 2048
MOST_WEB_PROCESSES = 16
POLL_SECONDS = 0.1
READY_SECONDS = 120.0
STOP_SECONDS = 8.0
STEADY_SECONDS = 10.0  # lived this long: the next death is a new story
LONGEST_PAUSE_SECONDS = 10.0


class CannotRun(Exception):
    """Hall does not start; the message says why in one line."""


@dataclass
class Process:
    """One supervised process: its command, and how it fares."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    listens: bool = False  # gets the hall's socket
    child: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    quick_deaths: int = 0
    start_again: float = 0.0


def processes(environment: Mapping[str, str], data_dir: Path, *, listening: list[str], demo: bool) -> list[Process]:
    """Everything a hall needs besides PostgreSQL and Valkey, in the order of starting. `listening`: uvicorn's words for where."""
    python = sys.executable
    deflate = environment.get("HALL_WS_COMPRESSION", "").lower() in ("1", "true", "yes", "on")
    web = [
        python, "-m", "uvicorn", "hall.asgi:application", *listening, "--backlog", str(BACKLOG),
        "--loop", "uvloop", "--http", "httptools", "--ws", "websockets-sansio", "--lifespan", "on",
        "--ws-per-message-deflate", "true" if deflate else "false", "--timeout-graceful-shutdown", "3",
        "--no-access-log", "--no-proxy-headers", "--no-server-header", "--log-level", "warning",
    ]  # fmt: skip
    worker = [
        python, "-m", "celery", "-A", "hall.celery", "worker", "--pool", "solo",
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning",
    ]  # fmt: skip
    beat = [
        python, "-m", "celery", "-A", "hall.celery", "beat",
        "--schedule", str(data_dir / "beat-schedule"), "--pidfile", "", "--loglevel", "warning",
    ]  # fmt: skip
    pool = {"HALL_POOL_SIZE": environment.get("HALL_POOL_SIZE", "16")}
    numbers = range(1, _web_processes(environment) + 1)
    found = [Process(f"web-{number}", web, pool, listens=True) for number in numbers]
    found += [Process("worker", worker), Process("beat", beat)]
    if demo and (BASE_DIR / "hall" / "management" / "commands" / "simulate.py").exists():
        found.append(Process("simulate", [python, "manage.py", "simulate", "--hall", "demo"]))
    return found


def run(host: str, port: int | None, *, make_demo: bool) -> None:
    """Run a hall until told to stop. Raises CannotRun or EmbeddedError when it cannot begin."""
    data_dir = embedded.data_dir(os.environ)
    embedded.make_folder(data_dir)
    _web_processes(os.environ)
    asked_to_stop = _on_stop_signals()
    with contextlib.ExitStack() as stack:
        mine = stack.enter_context(open(data_dir / "run.lock", "a"))
        _only_one(mine, data_dir)
        _stop_orphans(data_dir)
        listener = stack.enter_context(_listen(host, port))
        if os.geteuid() == 0 and embedded.wanted(os.environ):
            _say(
                f"Running as root: PostgreSQL runs as the user {embedded.SYSTEM_USER}, who may pass through the folders above {data_dir}."
            )
        if embedded.wanted(os.environ):
            servers = embedded.use(data_dir)
            stack.callback(embedded.wait_until_stopped, data_dir)
            stack.enter_context(servers)
        prepared = _prepare(data_dir, make_demo, asked_to_stop)
        if asked_to_stop:
            return
        listening = ["--fd", str(listener.fileno())]
        crew = processes(os.environ, data_dir, listening=listening, demo=bool(prepared.get("demo")))
        stack.callback((data_dir / "run.json").unlink, missing_ok=True)
        stack.callback(_stop, crew)
        url = address(listener)
        for process in crew:
            _start(process, data_dir, listener)
        _note(data_dir, url, crew)
        _wait_until_ready(crew, data_dir, url, asked_to_stop)
        if not asked_to_stop:
            _say(_welcome(listener, str(prepared.get("welcome", ""))))
        while not asked_to_stop:
            if [process for process in crew if _tend(process, data_dir, listener)]:
                _note(data_dir, url, crew)
            time.sleep(POLL_SECONDS)


def _web_processes(environment: Mapping[str, str]) -> int:
    asked = environment.get("HALL_WEB_PROCESSES", "2")
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= MOST_WEB_PROCESSES:
        raise CannotRun(f"HALL_WEB_PROCESSES must be a number from 1 to {MOST_WEB_PROCESSES}, not {asked}.")
    return int(asked)


def address(listener: socket.socket) -> str:
    """The address by which this machine itself reaches the hall."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _on_stop_signals() -> list[int]:
    """A list that is empty until somebody asks to stop: Ctrl-C, `kill`, or the terminal's end."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, note)
    return asked


def _only_one(mine: IO[str], data_dir: Path) -> None:
    try:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        noted = _noted(data_dir)
        where = f" at {noted['url']} (process {noted['pid']})" if noted else ""
        raise CannotRun(f"Hall is already running{where}. Stop it there first, with Ctrl-C.") from None


def _stop_orphans(data_dir: Path) -> None:
    """A run that was killed leaves children where the kernel does not stop them. Only those very processes are stopped."""
    left = [
        int(process["pid"])
        for process in _noted(data_dir).get("processes", {}).values()
        if process["identity"] and embedded.process_identity(int(process["pid"])) == process["identity"]
    ]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while left and time.monotonic() < deadline:
        left = [pid for pid in left if embedded.process_command(pid)]
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _listen(host: str, port: int | None) -> socket.socket:
    """The socket that all web processes share. Without a port, the first free one from 8000 on. Raises CannotRun."""
    candidates = [port] if port is not None else list(range(FIRST_PORT, FIRST_PORT + MOST_PORTS))
    try:
        family = socket.getaddrinfo(host, candidates[0], type=socket.SOCK_STREAM)[0][0]
    except OSError as error:
        raise CannotRun(f"HOST={host} is not an address of this machine: {error.strerror}.") from None
    for candidate in candidates:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit it. uvicorn takes a socket given by number for a Unix one and leaves it off; answers sent
        # in two pieces then wait 40 ms for the browser's delayed acknowledgement (measured: 52 ms a page, 3 ms with it).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((host, candidate))
            # Another program may be bound, but listen later than now: listening is what claims the port (tcp(7)).
            listener.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            listener.close()
            if port is None and isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                continue
            raise CannotRun(
                f"Cannot listen on {host} port {candidate}: {getattr(error, 'strerror', None) or error}."
            ) from None
        else:
            return listener
    raise CannotRun(f"No free port from {FIRST_PORT} to {FIRST_PORT + MOST_PORTS - 1}; give one as PORT.")


def _prepare(data_dir: Path, make_demo: bool, asked_to_stop: list[int]) -> dict[str, object]:
    """Run `manage.py prepare`: check the addresses, migrate, compile, collect, make the demo hall. Returns what it wrote down."""
    outcome = data_dir / "prepared.json"
    outcome.unlink(missing_ok=True)
    step = subprocess.Popen(
        [sys.executable, "manage.py", "prepare", "--outcome", str(outcome), *([] if make_demo else ["--no-demo"])],
        cwd=BASE_DIR, process_group=0, preexec_fn=_die_with_parent,
    )  # fmt: skip
    while step.poll() is None:
        if asked_to_stop:
            step.terminate()
            step.wait()
            return {}
        time.sleep(0.02)
    if step.returncode != 0:
        raise CannotRun("")  # it has said why
    found = json.loads(outcome.read_text())
    assert isinstance(found, dict)
    return found


def _start(process: Process, data_dir: Path, listener: socket.socket) -> None:
    with embedded.log_file(data_dir, process.name) as log:
        process.child = subprocess.Popen(
            process.command,
            cwd=BASE_DIR,
            env=os.environ | process.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()] if process.listens else [],
            process_group=0,  # a Ctrl-C at the terminal reaches the supervisor only, which then stops them in order
            preexec_fn=_die_with_parent,
        )
    process.started = time.monotonic()


def _die_with_parent() -> None:
    embedded.die_with_parent(signal.SIGTERM)


def _wait_until_ready(crew: list[Process], data_dir: Path, url: str, asked_to_stop: list[int]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not asked_to_stop and not _answers(url):
        for process in crew:
            if process.listens and process.child is not None and process.child.poll() is not None:
                raise CannotRun(
                    f"{process.name} ended at once: {embedded.last_line(data_dir / 'log' / f'{process.name}.log')}"
                )
        if time.monotonic() > deadline:
            raise CannotRun(f"{url} did not answer within {READY_SECONDS:.0f} s; see {data_dir / 'log'}.")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/health", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # it speaks; what it says is for those who ask
    except OSError:
        return False


def _tend(process: Process, data_dir: Path, listener: socket.socket) -> bool:
    """Start a dead process again, later and later if it keeps dying. Returns whether its id changed."""
    assert process.child is not None
    now = time.monotonic()
    if process.child.poll() is None:
        return False
    if not process.start_again:
        process.quick_deaths = process.quick_deaths + 1 if now - process.started < STEADY_SECONDS else 0
        pause = min(0.2 * 2**process.quick_deaths, LONGEST_PAUSE_SECONDS)
        process.start_again = now + pause
        code = process.child.returncode
        how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with {code}"
        _say(
            f"{process.name} {how}; it starts again in {pause:.1f} s. Its log: {data_dir / 'log' / f'{process.name}.log'}"
        )
    if now < process.start_again:
        return False
    process.start_again = 0.0
    _start(process, data_dir, listener)
    return True


def _stop(crew: list[Process]) -> None:
    """Ask every process to end, the last started first; kill what is still there after eight seconds."""
    living = [process.child for process in reversed(crew) if process.child is not None and process.child.poll() is None]
    for child in living:
        child.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for child in living:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _note(data_dir: Path, url: str, crew: list[Process]) -> None:
    """Write down what runs, for a second `make run`, for the next one after a kill, and for whoever looks."""
    noted = {
        "pid": os.getpid(),
        "url": url,
        "processes": {
            process.name: {"pid": process.child.pid, "identity": embedded.process_identity(process.child.pid)}
            for process in crew
            if process.child is not None
        },
    }
    fresh = data_dir / "run.json.new"
    fresh.write_text(json.dumps(noted, indent=1))
    fresh.replace(data_dir / "run.json")


def _noted(data_dir: Path) -> dict[str, dict[str, dict[str, str]]]:
    with contextlib.suppress(FileNotFoundError, ValueError):
        found = json.loads((data_dir / "run.json").read_text())
        if isinstance(found, dict):
            return found
    return {}


def _welcome(listener: socket.socket, logins: str) -> str:
    url = address(listener)
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::") and (network := _network_address()):
        url = f"{url} and, on the network, http://{network}:{port}"
    if os.environ.get("PUBLIC_URL"):
        url = f"{url} ({os.environ['PUBLIC_URL']} in QR codes)"
    return f"Hall is open at {url}" + (f" · {logins}" if logins else "") + " · Ctrl-C closes it"


def _network_address() -> str:
    """This machine's address as its neighbours see it. Nothing is sent: connecting a datagram socket only picks a route."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address reserved for examples (RFC 5737)
        return str(probe.getsockname()[0])
    return ""


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="manage.py run", description="Run a hall on this machine until Ctrl-C.")
    add_arguments(parser)
    arguments = parser.parse_args()
    try:
        run(arguments.host, arguments.port, make_demo=arguments.demo)
    except (CannotRun, embedded.EmbeddedError) as error:
        sys.exit(str(error) or 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """HOST and PORT come from the environment, as `make run` passes them, or from the command line."""
    host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or None
    parser.add_argument("--host", default=host, help="where to listen (HOST); 0.0.0.0 is the whole network")
    parser.add_argument("--port", type=int, default=port, help="(PORT) default: the first free one from 8000 on")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="do not make the demo hall")


if __name__ == "__main__":
    main()
