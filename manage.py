#!/usr/bin/env python
"""Hall's command line. A command that needs the embedded servers has them for as long as it runs."""

import contextlib
import os
import sys

from hall import embedded

# `run` starts them itself; the others read and write files only.
WITHOUT_SERVERS = {
    "run",
    "help",
    "version",
    "compile_catalogues",
    "makemessages",
    "collectstatic",
    "findstatic",
    "diffsettings",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hall.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        with contextlib.ExitStack() as stack:
            if embedded.wanted(os.environ) and needs_servers(sys.argv[1:]):
                stack.enter_context(embedded.use(embedded.data_dir(os.environ)))
            execute_from_command_line(sys.argv)
    except (embedded.EmbeddedError, ImproperlyConfigured) as error:
        sys.exit(str(error))


def needs_servers(arguments: list[str]) -> bool:
    return bool(arguments) and not arguments[0].startswith("-") and arguments[0] not in WITHOUT_SERVERS


if __name__ == "__main__":
    main()
