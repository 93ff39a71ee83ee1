"""The embedded servers: shared while anybody uses them, gone afterwards, whole again after a kill."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from hall import embedded

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for this module: making one takes a second."""
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def servers(data_dir: Path) -> Iterator[Path]:
    with embedded.use(data_dir, durable=False):
        yield data_dir
    embedded.wait_until_stopped(data_dir)


def alive(pid: int) -> bool:
    return bool(embedded.process_command(pid))


def wait_until_gone(*pids: int, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, [embedded.process_command(pid) for pid in pids]
        time.sleep(0.05)


def user_process(data_dir: Path) -> "subprocess.Popen[str]":
    """Another process that uses the servers until it ends."""
    code = (
        "import sys, time; from pathlib import Path; from hall import embedded\n"
        f"embedded.use(Path({str(data_dir)!r}), durable=False)\n"
        "print('using', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "using\n"
    return process


def test_both_servers_answer_at_their_addresses(servers: Path) -> None:
    with psycopg.connect(embedded.database_url(servers)) as connection:
        (name, major, collation) = connection.execute(
            "SELECT current_database(), current_setting('server_version_num')::int / 10000, datlocale "
            "FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        extensions = connection.execute(
            "SELECT count(*) FROM pg_available_extensions WHERE name IN ('btree_gist', 'pg_trgm')"
        ).fetchone()
    assert (name, major, collation) == ("hall", 18, "C.UTF-8")
    assert extensions == (2,)
    with redis.Redis.from_url(embedded.redis_url(servers)) as client:
        assert client.ping() is True


def test_neither_listens_on_the_network(servers: Path) -> None:
    with psycopg.connect(embedded.database_url(servers)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    with redis.Redis.from_url(embedded.redis_url(servers)) as client:
        assert client.config_get("port") == {"port": "0"}


def test_what_was_written_is_there_after_a_stop(data_dir: Path) -> None:
    with embedded.use(data_dir, durable=False), psycopg.connect(embedded.database_url(data_dir)) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('人民路')")
    embedded.wait_until_stopped(data_dir)

    with embedded.use(data_dir, durable=False), psycopg.connect(embedded.database_url(data_dir)) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("人民路",)]
        connection.execute("DROP TABLE kept")
    embedded.wait_until_stopped(data_dir)


def test_they_run_until_the_last_user_ends(data_dir: Path) -> None:
    first, second = user_process(data_dir), user_process(data_dir)
    started = embedded.state(data_dir)

    first.kill()
    first.wait()
    time.sleep(3 * embedded.POLL_SECONDS)

    assert embedded.state(data_dir) == started
    assert alive(started["postgres"])
    second.kill()
    second.wait()
    wait_until_gone(started["keeper"], started["postgres"], started["valkey"])
    assert embedded.state(data_dir) == {}


def test_a_killed_server_comes_back_at_the_same_address(servers: Path) -> None:
    before = embedded.state(servers)

    for name in ("valkey", "postgres"):
        os.kill(before[name], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(embedded.state(servers)[name] == before[name] for name in ("valkey", "postgres")):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert answering(servers, seconds=20)
    assert embedded.state(servers)["keeper"] == before["keeper"]


def test_a_killed_keeper_takes_its_servers_along_and_the_next_use_recovers(data_dir: Path) -> None:
    process = user_process(data_dir)
    before = embedded.state(data_dir)

    os.kill(before["keeper"], signal.SIGKILL)
    wait_until_gone(before["keeper"], before["postgres"], before["valkey"])

    with embedded.use(data_dir, durable=False):
        assert answering(data_dir, seconds=5)
        assert embedded.state(data_dir)["postgres"] != before["postgres"]
        process.kill()
        process.wait()
    embedded.wait_until_stopped(data_dir)


def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(data_dir: Path) -> None:
    with embedded.use(data_dir, durable=False):
        pass
    embedded.wait_until_stopped(data_dir)
    stranger = subprocess.Popen(["sleep", "600"])
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{data_dir}\n0\n5432\n\n\n0 0\nready\n")

    with embedded.use(data_dir, durable=False):
        assert answering(data_dir, seconds=5)

    assert stranger.poll() is None  # and it was left alone
    stranger.kill()
    stranger.wait()
    embedded.wait_until_stopped(data_dir)


def test_a_cluster_left_half_made_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with embedded.use(tmp_path, durable=False):
        assert answering(tmp_path, seconds=5)

    embedded.wait_until_stopped(tmp_path)


def test_a_path_too_long_for_a_socket_works_too(tmp_path: Path) -> None:
    deep = tmp_path / ("long " * 20).strip() / "营业厅"

    with embedded.use(deep, durable=False):
        assert answering(deep, seconds=5)

    embedded.wait_until_stopped(deep)
    assert len(embedded.redis_url(deep)) < 108


def test_a_server_that_cannot_start_is_told_in_one_line(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(embedded.EmbeddedError) as told:
        embedded.use(tmp_path, durable=False)

    assert "The embedded servers did not start: postgres ended:" in str(told.value)
    assert "\n" not in str(told.value)
    assert embedded.state(tmp_path) == {}


def test_the_secret_key_is_made_once_and_its_owner_s_alone(tmp_path: Path) -> None:
    first = embedded.secret_key(tmp_path, make=lambda: "one")
    second = embedded.secret_key(tmp_path, make=lambda: "two")

    assert (first, second) == ("one", "one")
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_nothing_is_embedded_when_both_addresses_are_given() -> None:
    assert embedded.wanted({}) is True
    assert embedded.wanted({"DATABASE_URL": "postgresql://x/y"}) is True
    assert embedded.wanted({"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x"}) is False


def test_a_process_s_identity_is_its_own() -> None:
    first, second = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    try:
        assert embedded.process_identity(first.pid).endswith(" sleep 600")
        assert embedded.process_identity(first.pid) == embedded.process_identity(first.pid)
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    assert embedded.process_identity(first.pid) == ""


def answering(data_dir: Path, seconds: float) -> bool:
    """Whether both servers answer within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(psycopg.OperationalError, redis.ConnectionError),
            psycopg.connect(embedded.database_url(data_dir)),
            redis.Redis.from_url(embedded.redis_url(data_dir)) as client,
        ):
            client.ping()
            return True
        time.sleep(0.05)
    return False
