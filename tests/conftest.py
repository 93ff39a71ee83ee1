"""What every test run needs before Django's settings load: the two servers, in a data folder of the tests' own.

Several runs in one tree share the servers; each has databases of its own, named for its process.
"""

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import psycopg
import pytest
from pytest_django.plugin import blocking_manager_key

from hall import embedded
from hall.management.commands.compile_catalogues import compile_all

BASE_DIR = Path(__file__).resolve().parent.parent
TEST_DATA = BASE_DIR / ".test-data"
TEST_DATA.mkdir(mode=0o711, exist_ok=True)

if "DATABASE_URL" not in os.environ:
    os.environ["HALL_DATA"] = str(TEST_DATA)
    servers = embedded.use(TEST_DATA, durable=False)  # held until this process ends
else:
    os.environ.setdefault("HALL_DATA", tempfile.mkdtemp(prefix="hall-tests-"))
# Not in pyproject.toml: pytest-django would load it before this file.
os.environ["DJANGO_SETTINGS_MODULE"] = "hall.settings"
django.setup()  # the conftest of a folder that is named on the command line is loaded before pytest-django does it

from tests import make  # noqa: E402 (it needs the models)


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    worker = getattr(config, "workerinput", {}).get("workerid", "")  # of `pytest -n`; the run is its parent's
    run = os.getppid() if worker else os.getpid()
    if not worker:
        _drop_left_over_databases(settings.DATABASE_URL)
    settings.DATABASES["default"].setdefault("TEST", {}).update(
        NAME=f"test_hall_{run}",  # pytest-django adds the worker's name
        TEMPLATE=_migrated_template(settings.DATABASE_URL),
    )
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"test-{run}{worker}"
    # Static files need not be collected for a test of a page; the stack suites see the real thing.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.WHITENOISE_AUTOREFRESH = True  # or it lists every static file anew for every test client
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    compile_all(BASE_DIR / "locale")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A transactional test empties every table at its end: the limits, which a migration wrote, are there again for the next."""
    yield
    mark = item.get_closest_marker("django_db")
    if nextitem is not None and mark is not None and mark.kwargs.get("transaction"):
        with item.config.stash[blocking_manager_key].unblock():
            make.limits()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which a test was skipped, or was let fail, has not shown what it should: it fails."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # a worker of `pytest -n` has none
    not_shown = [kind for kind in ("skipped", "xfailed", "xpassed") if reporter and reporter.stats.get(kind)]
    if not_shown and session.exitstatus == pytest.ExitCode.OK:
        reporter.ensure_newline()
        reporter.write_line(f"No test may be {' or '.join(not_shown)} here.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _drop_left_over_databases(url: str) -> None:
    """Drop the databases of runs that were killed: theirs is the process id in the name, and no such process lives."""
    with psycopg.connect(url, autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'test_hall_%'"
        ).fetchall():
            found = re.match(r"test_hall_(\d+)", name)
            if found and not embedded.process_command(int(found[1])):
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _migrated_template(url: str) -> str:
    """The name of an empty, migrated database to copy: seconds sooner than migrating each one. Made anew when a migration changes."""
    digest = hashlib.sha256(django.__version__.encode())
    for path in sorted([*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("hall/*.yaml")]):
        digest.update(path.read_bytes())
    name = f"template_hall_{digest.hexdigest()[:16]}"
    with open(TEST_DATA / "template.lock", "a") as lock, psycopg.connect(url, autocommit=True) as connection:
        fcntl.flock(lock, fcntl.LOCK_EX)
        existing = {
            row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'template_hall_%'")
        }
        if name in existing:
            return name
        fresh = f"fresh_{name}"
        connection.execute(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{fresh}"')
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"],
            cwd=BASE_DIR,
            env=os.environ | {"DATABASE_URL": url.rpartition("/")[0] + "/" + fresh},
            check=True,
        )
        connection.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
        for old in existing:
            connection.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
    return name
