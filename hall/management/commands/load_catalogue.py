"""`manage.py load_catalogue`: the posts, duties and conduct cards that Hall brings along. Done again, it updates what nobody changed."""

import dataclasses
import json

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hall import clock
from hall.refusals import Refused
from roles import catalogue, records
from roles.catalogue import Part


class Command(BaseCommand):
    help = "Load the catalogue of posts, duties and conduct cards; what people have changed stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
        parser.add_argument("--json", action="store_true", help="the report as JSON")

    def handle(self, *arguments: object, dry_run: bool, json: bool, **options: object) -> None:
        try:
            report = catalogue.load(by=None, at=clock.now(), dry_run=dry_run)
            if not dry_run:
                records.load_forms(by=None, at=clock.now())
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(as_json(report) if json else as_text(report, dry_run=dry_run))


def as_json(report: catalogue.Report) -> str:
    return json.dumps(dataclasses.asdict(report), ensure_ascii=False, indent=2)


def as_text(report: catalogue.Report, *, dry_run: bool) -> str:
    """A line per table with the numbers, then a line per kind of row that somebody may want to look at, by id."""
    lines = ["This would change:" if dry_run else "Loaded:"]
    parts = {"posts": report.posts, "duties": report.duties, "conduct cards": report.conduct}
    for name, part in parts.items():
        lines.append(
            f"  {name}: {len(part.added)} added, {len(part.updated)} updated, {len(part.kept)} kept because changed here"
        )
        lines += [f"    {what}: {', '.join(ids)}" for what, ids in _named(part).items() if ids]
    return "\n".join(lines)


def _named(part: Part) -> dict[str, list[str]]:
    return {
        "updated": part.updated,
        "kept": [f"{row} ({', '.join(fields)})" for row, fields in part.kept.items()],
        "deleted here": part.deleted_here,
        "gone from the catalogue": part.gone,
    }
