"""The whole stack for the suites that need it: browser, kill and bench. It is the same supervisor as `make run`."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from hall import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0  # a machine busy with other tests is slow to start seven processes
STOP_SECONDS = 30.0


class Stack:
    """A running stack: its address, its environment (for `manage.py` beside it) and its processes."""

    def __init__(self, data_dir: Path, base_url: str, supervisor: "subprocess.Popen[str]", env: dict[str, str]) -> None:
        self.data_dir = data_dir
        self.base_url = base_url
        self.supervisor = supervisor
        self.env = env
        self.database_url = embedded.database_url(data_dir)
        self.redis_url = embedded.redis_url(data_dir)

    def pids(self) -> dict[str, int]:
        """The process ids of now: supervisor, keeper, postgres, valkey, web-1, web-2, worker, beat and, with the demo, simulate."""
        noted = json.loads((self.data_dir / "run.json").read_text())
        servers = {name: pid for name, pid in embedded.state(self.data_dir).items() if name != "ready"}
        return {"supervisor": noted["pid"], **servers} | {
            name: process["pid"] for name, process in noted["processes"].items()
        }

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one process by its name. Returns the id it had."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def wait_for_new(self, name: str, old: int, seconds: float = 20.0) -> int:
        """Wait until the named process lives under another id than the old one. Returns the new id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid = self.pids().get(name, old)
            if pid != old and embedded.process_command(pid):
                return pid
            time.sleep(0.05)
        raise AssertionError(f"{name} did not come back within {seconds} s")

    @contextlib.contextmanager
    def valkey_frozen(self) -> Iterator[None]:
        """Valkey is there and accepts connections, but answers nothing."""
        pid = self.kill("valkey", signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    @contextlib.contextmanager
    def valkey_dead(self) -> Iterator[None]:
        """Valkey is killed and stays away; afterwards its keeper starts a new one."""
        keeper = self.kill("keeper", signal.SIGSTOP)  # or it would come back at once
        old = self.kill("valkey")
        try:
            yield
        finally:
            os.kill(keeper, signal.SIGCONT)
            self.wait_for_new("valkey", old)

    def manage(self, *arguments: str, timeout: float = 120.0) -> str:
        """Run a management command beside the stack. Returns what it printed; fails if it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=BASE_DIR, env=self.env, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path: str, timeout: float = 10.0) -> str:
        with _direct().open(self.base_url + path, timeout=timeout) as answer:
            return str(answer.read().decode())

    def log(self, name: str) -> str:
        """What one process has said so far."""
        return (self.data_dir / "log" / f"{name}.log").read_text(errors="replace")


@contextlib.contextmanager
def running_stack(data_dir: Path, *, demo: bool = False, environment: dict[str, str] | None = None) -> Iterator[Stack]:
    """Start the supervisor with a data folder and a port of its own; stop it, and everything it started, at the end."""
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT", "PUBLIC_URL")
    }
    env |= {"HALL_DATA": str(data_dir), "HOST": "127.0.0.1", "PORT": str(free_port())} | (environment or {})
    data_dir.mkdir(parents=True, exist_ok=True)
    with open(data_dir / "supervisor.out", "w") as said:
        supervisor = subprocess.Popen(
            [sys.executable, "manage.py", "run", *([] if demo else ["--no-demo"])],
            cwd=BASE_DIR, env=env, stdout=said, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_open(data_dir, supervisor)
        stack = Stack(data_dir, f"http://127.0.0.1:{env['PORT']}", supervisor, env)
        for name in ("web-1", "web-2"):
            _wait_until_accepting(stack, name)
        yield stack
    finally:
        if supervisor.poll() is None:
            supervisor.send_signal(signal.SIGINT)
        try:
            supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            raise


def free_port() -> int:
    """A port that nobody listens on, below 32768, where no outgoing connection takes it meanwhile (ip_local_port_range)."""
    while True:
        port = random.randint(20000, 32767)
        with contextlib.closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def _direct() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _wait_until_open(data_dir: Path, supervisor: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while "Hall is open" not in (said := (data_dir / "supervisor.out").read_text()):
        assert supervisor.poll() is None, said
        assert time.monotonic() < deadline, f"not open within {START_SECONDS} s: {said}"
        time.sleep(0.05)


def _wait_until_accepting(stack: Stack, name: str) -> None:
    """Wait until a web process watches the listening socket: then it has loaded everything (Linux: proc_pid_fdinfo(5))."""
    deadline = time.monotonic() + START_SECONDS
    pid = stack.pids()[name]
    while time.monotonic() < deadline:
        listening = _listening_inode(int(stack.base_url.rpartition(":")[2]))
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            with contextlib.suppress(OSError):
                watched = [line.split()[1] for line in info.read_text().splitlines() if line.startswith("tfd:")]
                if any(os.readlink(f"/proc/{pid}/fd/{number}") == f"socket:[{listening}]" for number in watched):
                    return
        time.sleep(0.05)
    raise AssertionError(f"{name} does not accept: {stack.log(name)}")


def _listening_inode(port: int) -> str:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        part = line.split()
        if part[3] == "0A" and int(part[1].rpartition(":")[2], 16) == port:
            return part[9]
    return ""
