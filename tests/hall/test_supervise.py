"""What the supervisor decides before anything runs; tests/stack/ shows it at work."""

import socket
from pathlib import Path

import pytest

from hall import supervise

DATA = Path("/somewhere/data")
LISTENING = ["--fd", "3"]


def commands(**environment: str) -> dict[str, list[str]]:
    found = supervise.processes(environment, DATA, listening=LISTENING, demo=False)
    return {process.name: process.command[1:] for process in found}


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_two_web_processes_one_worker_one_beat() -> None:
    assert list(commands()) == ["web-1", "web-2", "worker", "beat"]


def test_the_demo_has_customers() -> None:
    found = supervise.processes({}, DATA, listening=LISTENING, demo=True)

    assert [process.command[1:] for process in found if process.name == "simulate"] == [
        ["manage.py", "simulate", "--hall", "demo"]
    ]


def test_the_web_processes_share_the_socket_and_hold_a_pool() -> None:
    found = supervise.processes({}, DATA, listening=LISTENING, demo=False)

    assert [(process.listens, process.environment) for process in found] == [
        (True, {"HALL_POOL_SIZE": "16"}),
        (True, {"HALL_POOL_SIZE": "16"}),
        (False, {}),
        (False, {}),
    ]
    assert option(found[0].command, "--fd") == "3"


@pytest.mark.parametrize(
    ("setting", "deflate"),
    [({}, "false"), ({"HALL_WS_COMPRESSION": "1"}, "true"), ({"HALL_WS_COMPRESSION": "off"}, "false")],
)
def test_frames_are_compressed_only_when_asked(setting: dict[str, str], deflate: str) -> None:
    assert option(commands(**setting)["web-1"], "--ws-per-message-deflate") == deflate


def test_the_number_of_web_processes_is_a_setting() -> None:
    assert list(commands(HALL_WEB_PROCESSES="3")) == ["web-1", "web-2", "web-3", "worker", "beat"]


@pytest.mark.parametrize("asked", ["0", "17", "two", "-1", "２"])
def test_an_absurd_number_of_web_processes_is_refused(asked: str) -> None:
    with pytest.raises(supervise.CannotRun, match=f"HALL_WEB_PROCESSES must be a number from 1 to 16, not {asked}"):
        commands(HALL_WEB_PROCESSES=asked)


def test_beat_keeps_its_schedule_in_the_data_folder() -> None:
    assert option(commands()["beat"], "--schedule") == "/somewhere/data/beat-schedule"


def test_a_taken_port_is_passed_over_when_none_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(supervise, "FIRST_PORT", port)

        with supervise._listen("127.0.0.1", None) as listener:
            assert port < listener.getsockname()[1] < port + supervise.MOST_PORTS


def test_a_taken_port_is_refused_when_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(
            supervise.CannotRun, match=f"Cannot listen on 127.0.0.1 port {port}: Address already in use"
        ):
            supervise._listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("nosuch.invalid", 8000, "HOST=nosuch.invalid is not an address of this machine"),
        ("192.0.2.200", 8000, "Cannot listen on 192.0.2.200 port 8000"),
        ("127.0.0.1", 99999, "Cannot listen on 127.0.0.1 port 99999"),
    ],
)
def test_an_impossible_place_is_refused_in_words(host: str, port: int, words: str) -> None:
    with pytest.raises(supervise.CannotRun, match=words):
        supervise._listen(host, port)


def test_the_whole_network_is_reached_at_home_by_the_loopback() -> None:
    with supervise._listen("0.0.0.0", 0) as listener:
        port = listener.getsockname()[1]

        assert supervise.address(listener) == f"http://127.0.0.1:{port}"
