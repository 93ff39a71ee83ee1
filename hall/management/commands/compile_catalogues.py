"""`manage.py compile_catalogues`: translations from .po to .mo, without GNU gettext."""

import os
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Compile the translations in locale/ (Babel does it; GNU gettext is not needed)."
    requires_system_checks = []

    def handle(self, *arguments: object, **options: object) -> None:
        compiled = [path for folder in settings.LOCALE_PATHS for path in compile_all(Path(folder))]
        if options["verbosity"]:
            self.stdout.write(f"{len(compiled)} compiled")


def compile_all(folder: Path) -> list[Path]:
    """Compile every catalogue under the folder that is newer than its compiled form. Returns those it compiled."""
    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with open(source, "rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name)
        content = BytesIO()
        write_mo(content, catalogue)  # leaves out fuzzy entries, as gettext does
        fresh = target.with_suffix(f".mo.{os.getpid()}")  # several processes may compile at once
        fresh.write_bytes(content.getvalue())
        fresh.replace(target)
        compiled.append(target)
    return compiled
