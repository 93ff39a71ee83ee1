"""`manage.py prepare`: everything between an empty machine and a hall that can open. Done again, it does nothing."""

import fcntl
import hashlib
import json
from argparse import BooleanOptionalAction
from pathlib import Path

import psycopg
import redis
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hall import clock
from hall.management import demo
from hall.management.commands.compile_catalogues import compile_all
from hall.models import Hall
from hall.models.halls import Clock
from roles import catalogue


class Command(BaseCommand):
    """In order: 1 check both addresses, 2 migrate, 3 load posts and duties, 4 compile translations, 5 collect static files,
    6 make the demo hall.
    """

    help = "Check database and Valkey, migrate, compile translations, collect static files, make the demo hall if there is no hall."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action=BooleanOptionalAction, default=True, help="make the demo hall if there is no hall"
        )
        parser.add_argument(
            "--files-only", action="store_true", help="only translations and static files (image build)"
        )
        parser.add_argument("--outcome", type=Path, help="write down here what was found, for the supervisor")

    def handle(self, *arguments: object, demo: bool, files_only: bool, outcome: Path | None, **options: object) -> None:
        if not files_only:
            check_database(settings.DATABASE_URL)
            check_redis(settings.REDIS_URL)
            call_command("migrate", verbosity=0, interactive=False)
            catalogue.load(by=None, at=clock.now())
        for folder in settings.LOCALE_PATHS:
            compile_all(Path(folder))
        collect_static(Path(settings.STATIC_ROOT))
        if not files_only:
            found = make_demo_if_empty(demo)
            if outcome is not None:
                outcome.write_text(json.dumps(found))


def check_database(url: str) -> None:
    """Raises CommandError with the reason in one line; the password is never shown."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            if connection.info.server_version < 140000:
                raise CommandError(
                    f"DATABASE_URL: PostgreSQL 14 or newer is needed, this is {connection.info.server_version // 10000}."
                )
    except psycopg.Error as error:
        raise CommandError(f"DATABASE_URL cannot be used: {_one_line(error)}") from None


def check_redis(url: str) -> None:
    """Raises CommandError with the reason in one line."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise CommandError(f"REDIS_URL cannot be used: {_one_line(error)}") from None


def collect_static(root: Path) -> None:
    """Collect and compress the static files if any changed since the last time. One process at a time."""
    stamp, digest = root / ".collected", _digest_of_sources()
    if stamp.exists() and stamp.read_text() == digest:
        return  # before the lock: an image's files cannot be written
    root.mkdir(parents=True, exist_ok=True)
    with open(root / ".lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call_command("collectstatic", verbosity=0, interactive=False)
        stamp.write_text(digest)


def make_demo_if_empty(wanted: bool) -> dict[str, object]:
    """Make the demo hall if no live hall exists. Says whether there is one, and how to log in."""
    if wanted and not Hall.objects.filter(clock=Clock.LIVE).exists():
        demo.make_demo_hall(at=clock.now())
    present = Hall.objects.filter(code=demo.CODE, clock=Clock.LIVE, is_active=True).exists()
    return {"demo": present, "welcome": demo.WELCOME if present else ""}


def _digest_of_sources() -> str:
    found = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            found.update(f"{name} {status.st_size} {int(status.st_mtime)}\n".encode())
    return found.hexdigest()


def _one_line(error: Exception) -> str:
    """The gist of a driver's message: several lines, the last of which often is advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
