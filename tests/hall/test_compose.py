"""docker-compose.yml and Dockerfile as data: the same processes as `make run`, and nothing that the settings refuse."""

from pathlib import Path

import pytest
import yaml
from django.conf import settings

from hall import supervise

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LISTENING = ["--host", "0.0.0.0", "--port", "8000", "--workers", "2"]


@pytest.fixture(scope="module")
def compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())


@pytest.fixture(scope="module")
def supervised() -> dict[str, supervise.Process]:
    found = supervise.processes({}, Path("/data"), listening=LISTENING, demo=False)
    return {process.name: process for process in found}


@pytest.mark.parametrize(("service", "process"), [("web", "web-1"), ("worker", "worker"), ("beat", "beat")])
def test_each_service_runs_the_supervisor_s_command(
    compose: dict[str, dict[str, dict[str, object]]],
    supervised: dict[str, supervise.Process],
    service: str,
    process: str,
) -> None:
    assert compose["services"][service]["command"] == ["python", *supervised[process].command[1:]]


def test_there_is_a_service_for_every_process(
    compose: dict[str, dict[str, dict[str, object]]], supervised: dict[str, supervise.Process]
) -> None:
    ours = {name for name, service in compose["services"].items() if service.get("image") == "hall"}

    assert ours == {name.partition("-")[0] for name in supervised} | {"prepare"}
    assert len([name for name in supervised if name.startswith("web-")]) == int(LISTENING[-1])


def test_the_web_processes_have_the_supervisor_s_pool(
    compose: dict[str, dict[str, dict[str, object]]], supervised: dict[str, supervise.Process]
) -> None:
    environment = compose["services"]["web"]["environment"]

    assert environment["HALL_POOL_SIZE"] == supervised["web-1"].environment["HALL_POOL_SIZE"]


def test_hall_s_variables_are_those_that_the_settings_know(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    names = {
        name
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith("HALL_")
    }

    assert names <= settings.KNOWN


def test_everything_waits_for_what_it_needs(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    services = compose["services"]

    assert set(services["prepare"]["depends_on"]) == {"postgres", "valkey"}
    assert {name: set(services[name]["depends_on"]) for name in ("web", "worker", "beat")} == {
        "web": {"prepare"},
        "worker": {"prepare"},
        "beat": {"prepare"},
    }


def test_only_the_web_is_reached_from_outside(compose: dict[str, dict[str, dict[str, object]]]) -> None:
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["web"]


def test_the_engines_are_the_official_images_of_the_embedded_versions(
    compose: dict[str, dict[str, dict[str, object]]],
) -> None:
    assert (compose["services"]["postgres"]["image"], compose["services"]["valkey"]["image"]) == (
        "postgres:18",
        "valkey/valkey:9",
    )


def test_the_image_copies_only_what_is_not_ignored_and_runs_as_nobody_special() -> None:
    lines = [line.strip() for line in (BASE_DIR / "Dockerfile").read_text().splitlines()]
    ignored = (BASE_DIR / ".dockerignore").read_text().split()

    copied = [name for line in lines if line.startswith("COPY requirements") for name in line.split()[1:-1]]
    assert [name for name in copied if not (BASE_DIR / name).exists()] == []
    assert [line for line in lines if line.startswith("USER ")] == ["USER hall"]
    assert {".venv", "data", ".test-data", ".git", "tests"} <= set(ignored)
