"""`make run` at work: it opens, heals, refuses, closes, and comes back after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from hall import embedded
from tests.stack import BASE_DIR, Stack, free_port, running_stack

PARTS = ["beat", "keeper", "postgres", "supervisor", "valkey", "web-1", "web-2", "worker"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One run for all tests that leave it running."""
    with running_stack(tmp_path_factory.mktemp("run")) as running:
        yield running


@pytest.fixture(scope="module")
def own_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder for the tests that stop their run, migrated once."""
    return tmp_path_factory.mktemp("own")


def wait_until_gone(pids: list[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := [pid for pid in pids if embedded.process_command(pid)]:
        assert time.monotonic() < deadline, [embedded.process_command(pid) for pid in left]
        time.sleep(0.05)


def refused(data_dir: Path, *arguments: str, **environment: str) -> str:
    """What `manage.py run` says when it does not start."""
    env = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT")
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "run", "--no-demo", "--port", str(free_port()), *arguments],
        cwd=BASE_DIR, env=env | {"HALL_DATA": str(data_dir)} | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("Running as root")
    ]
    assert len(lines) == 1, lines
    return lines[0]


def test_opens_with_every_part_and_says_so_in_one_line(stack: Stack) -> None:
    assert sorted(stack.pids()) == PARTS
    assert all(embedded.process_command(pid) for pid in stack.pids().values())
    lines = (stack.data_dir / "supervisor.out").read_text().splitlines()
    said = [
        line for line in lines if "as root" not in line and "; it starts again" not in line
    ]  # killed by another test
    assert said == [f"Hall is open at {stack.base_url} · Ctrl-C closes it"]


def test_ctrl_c_stops_everything_it_started_within_ten_seconds_and_the_next_run_has_the_data(own_dir: Path) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    with running_stack(own_dir) as stack:
        pids = list(stack.pids().values())
        with psycopg.connect(stack.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT '人民路' AS word")

        started = time.monotonic()
        stack.supervisor.send_signal(signal.SIGINT)
        code = stack.supervisor.wait(15)
        took = time.monotonic() - started

    assert code == 0
    assert took < 10
    assert [pid for pid in pids if embedded.process_command(pid)] == []
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    with running_stack(own_dir) as stack, psycopg.connect(stack.database_url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("人民路",)]
        connection.execute("DROP TABLE kept")


def test_a_second_run_beside_the_first_is_refused_with_the_address(stack: Stack) -> None:
    said = refused(stack.data_dir)

    pid = stack.pids()["supervisor"]
    assert said == f"Hall is already running at {stack.base_url} (process {pid}). Stop it there first, with Ctrl-C."
    assert sorted(stack.pids()) == PARTS
    assert '"alive": true' in stack.get("/health")


@pytest.mark.parametrize("name", ["web-1", "web-2", "worker", "beat"])
def test_a_killed_process_is_started_again(stack: Stack, name: str) -> None:
    before = stack.pids()

    stack.wait_for_new(name, stack.kill(name))

    after = stack.pids()
    assert {part for part in PARTS if before[part] != after[part]} == {name}
    assert f"{name} was killed (SIGKILL); it starts again" in (stack.data_dir / "supervisor.out").read_text()


def test_no_page_is_refused_while_one_web_process_is_killed(stack: Stack) -> None:
    old = stack.kill("web-1")

    answered = [stack.get("/health", timeout=5) for _ in range(20)]

    assert len(answered) == 20
    stack.wait_for_new("web-1", old)


def test_after_a_kill_nothing_is_left_and_the_next_run_recovers(own_dir: Path) -> None:
    with running_stack(own_dir) as stack:
        pids = list(stack.pids().values())
        stack.kill("supervisor")
        wait_until_gone(pids, seconds=15)

    with running_stack(own_dir) as stack:
        assert sorted(stack.pids()) == PARTS
        assert '"alive": true' in stack.get("/health")
        pids, keeper = list(stack.pids().values()), stack.pids()["keeper"]
        stack.kill("supervisor")
        os.kill(keeper, signal.SIGKILL)
        wait_until_gone(pids, seconds=15)


def test_the_next_run_stops_a_child_that_outlived_a_kill(own_dir: Path) -> None:
    """Where the kernel does not end children with their parent (not Linux), the note of what ran does."""
    orphan, stranger = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    processes = {
        "web-1": {"pid": orphan.pid, "identity": embedded.process_identity(orphan.pid)},
        "web-2": {"pid": stranger.pid, "identity": "123 uvicorn"},  # its id has come again: it is somebody else
    }
    (own_dir / "run.json").write_text(json.dumps({"pid": 1, "url": "", "processes": processes}))

    with running_stack(own_dir):
        assert orphan.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None

    stranger.kill()
    stranger.wait()


def test_a_command_beside_the_run_finds_its_servers(stack: Stack) -> None:
    before = stack.pids()

    said = stack.manage("new_hall", *NEW_HALL)

    assert "beside" in said
    with psycopg.connect(stack.database_url) as connection:
        assert connection.execute("SELECT name_zh FROM hall_hall WHERE code = 'beside'").fetchall() == [("旁边的厅",)]
        connection.execute("TRUNCATE hall_hall, hall_person CASCADE")
    assert stack.pids() == before


def test_a_command_alone_has_servers_for_its_own_time(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=BASE_DIR, env=env | {"HALL_DATA": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "postgres" / "PG_VERSION").exists()
    embedded.wait_until_stopped(tmp_path)
    assert embedded.state(tmp_path) == {}


def test_a_setting_that_hall_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    assert refused(tmp_path, HALL_COLOUR="blue").startswith("Unknown setting HALL_COLOUR. Known: HALL_ALLOWED_HOSTS, ")


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("DATABASE_URL", "mysql://hall@127.0.0.1/hall", "DATABASE_URL must begin with postgresql:// or postgres://."),
        ("DATABASE_URL", "postgresql://hall@127.0.0.1:1/hall", "port 1 failed: Connection refused"),
        ("DATABASE_URL", "postgresql://hall@nosuch.invalid/hall", "failed to resolve host 'nosuch.invalid'"),
        ("REDIS_URL", "http://127.0.0.1/", "REDIS_URL must begin with redis:// or rediss:// or unix://."),
        ("REDIS_URL", "redis://127.0.0.1:1", "REDIS_URL cannot be used: Error 111 connecting to 127.0.0.1:1"),
    ],
)
def test_a_wrong_address_is_refused_in_one_clear_line(tmp_path: Path, name: str, url: str, words: str) -> None:
    good = {"DATABASE_URL": settings.DATABASE_URL, "REDIS_URL": settings.REDIS_URL}

    said = refused(tmp_path, **(good | {name: url}))

    assert words in said
    assert name in said


def test_a_wrong_password_a_wrong_name_and_a_missing_database_are_told_apart(tmp_path: Path) -> None:
    with embedded.use(tmp_path / "theirs", durable=False):
        theirs, redis_url = embedded.database_url(tmp_path / "theirs"), embedded.redis_url(tmp_path / "theirs")
        with psycopg.connect(theirs, autocommit=True) as connection:
            connection.execute("CREATE ROLE clerk LOGIN PASSWORD 'right'")
            rules = tmp_path / "theirs" / "postgres" / "pg_hba.conf"
            rules.write_text("local all clerk scram-sha-256\n" + rules.read_text())
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)

        wrong = theirs.replace("postgres@", "clerk:sesame@")
        said = [
            refused(tmp_path / "ours", DATABASE_URL=url, REDIS_URL=redis_url)
            for url in (wrong, theirs.replace("postgres@", "nobody@"), theirs.replace("/hall", "/nosuch"))
        ]

    assert all(line.startswith("CommandError: DATABASE_URL cannot be used: ") for line in said)
    assert 'password authentication failed for user "clerk"' in said[0]
    assert 'role "nobody" does not exist' in said[1]
    assert 'database "nosuch" does not exist' in said[2]
    assert "sesame" not in said[0]


NEW_HALL = [
    "--code", "beside", "--name-zh", "旁边的厅", "--name-en", "beside", "--counters", "1", "--service", "A:账单查询",
    "--admin", "sun", "--password", "a-long-word",
]  # fmt: skip
