"""`manage.py run`: become the supervisor."""

import os
import sys

from django.core.management.base import BaseCommand, CommandParser

from hall import supervise


class Command(BaseCommand):
    help = "Run a hall on this machine: database, web, worker, beat and, for the demo, customers. Ctrl-C closes it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        supervise.add_arguments(parser)

    def handle(self, *arguments: object, **options: object) -> None:
        # The supervisor lives as long as the hall: it takes this process over without Django's 40 MB.
        os.execv(sys.executable, [sys.executable, "-m", "hall.supervise", *sys.argv[2:]])
