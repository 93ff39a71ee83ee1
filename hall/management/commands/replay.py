"""`manage.py replay`: a recorded day, played through the same verbs as the tablets use, into a new played hall."""

import argparse
import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation
from tqdm import tqdm

from hall import clock
from hall.management import demo
from hall.models import Hall
from hall.models.halls import known_time_zone
from hall.refusals import Refused
from queueing import recorded_day, replays
from queueing.recorded_day import Day, NotPlayable, Roster
from queueing.replays import DayResult


class Command(BaseCommand):
    help = "Play a recorded day into a new played hall, and say what came of it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("log", metavar="DAY.csv[.gz]", type=Path, help="the event log; it may hold several dates")
        parser.add_argument(
            "--roster", metavar="ROSTER.json", type=Path, required=True, help="hours, services and counters of its hall"
        )
        parser.add_argument(
            "--time-zone",
            default="Asia/Shanghai",
            help="of the times in the log, which carry none (default: %(default)s)",
        )
        parser.add_argument(
            "--hall", metavar="CODE", help="code of the new hall (default: played-<first date>, with -2 if taken)"
        )
        parser.add_argument(
            "--people-of",
            metavar="CODE",
            help=f"whoever belongs to this hall may open the new one (default: {demo.CODE}, where it exists)",
        )
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def handle(self, *arguments: object, **options: object) -> None:
        with translation.override("en"):  # the terminal's language, whatever the halls' is
            try:
                self._replay(options)
            except (NotPlayable, Refused) as error:
                raise CommandError(" ".join(str(error).split())) from error

    def _replay(self, options: dict) -> None:
        zone = _zone(options["time_zone"])
        roster = recorded_day.read_roster(options["roster"])
        days = recorded_day.read(options["log"], roster=roster, zone=zone)
        results = []
        with tqdm(total=sum(len(day.events) for day in days), unit="event", disable=None, leave=False) as bar:
            with transaction.atomic():  # no hall without its first day
                hall = _hall(options, roster, days)
                player = replays.Player(hall)
                results.append(player.play(days[0], tell=bar.update))
            results.extend(player.play(day, tell=bar.update) for day in days[1:])
        if options["json"]:
            self.stdout.write(json.dumps(_as_data(hall, results), indent=1))
        else:
            self.stdout.write(_as_table(hall, results))


def _zone(name: str) -> ZoneInfo:
    try:
        known_time_zone(name)
    except Exception as error:
        raise NotPlayable(f"{name!r} is not a time zone. Example: Asia/Shanghai.") from error
    return ZoneInfo(name)


def _hall(options: dict, roster: Roster, days: list[Day]) -> Hall:
    on = days[0].on
    people_of = Hall.objects.filter(code=options["people_of"] or demo.CODE).first()
    if people_of is None and options["people_of"]:
        raise NotPlayable(f"there is no hall with the code {options['people_of']!r}.")
    return replays.make_hall(
        roster, code=options["hall"] or replays.free_code(on), on=on, time_zone=options["time_zone"], people_of=people_of,
        by=None, at=clock.now(),
    )  # fmt: skip


def _as_data(hall: Hall, results: list[DayResult]) -> dict:
    return {"hall": hall.code, "time_zone": hall.time_zone, "days": [_day_as_data(hall, day) for day in results]}


def _day_as_data(hall: Hall, day: DayResult) -> dict:
    return {
        "date": day.on.isoformat(),
        "first_event": _local(hall, day.first_at),
        "last_event": _local(hall, day.last_at),
        "tickets": len(day.tickets),
        "outcomes": day.outcomes,
        "called": day.called,
        "mean_wait_minutes": _minutes(day.mean_wait),
        "longest_wait_minutes": _minutes(day.longest_wait),
        "limit_minutes": _minutes(day.limit),
        "over_limit": day.over_limit,
        "share_over_limit": None if day.share_over is None else round(day.share_over, 4),
        "alarms": [
            {
                "rule": alarm.rule,
                "subject": alarm.subject,
                "ticket": alarm.number or None,
                "due_at": _local(hall, alarm.due_at),
                "raised_at": _local(hall, alarm.raised_at),
                "settled_at": _local(hall, alarm.settled_at),
                "rung": alarm.rung,
            }
            for alarm in day.alarms
        ],
        "waits": [
            {
                "ticket": row.number,
                "service": row.service,
                "class": row.customer_class,
                "issue": _local(hall, row.issued_at),
                "outcome": row.outcome,
                "wait_seconds": None if row.wait is None else row.wait.total_seconds(),
            }
            for row in day.tickets
        ],
    }


def _as_table(hall: Hall, results: list[DayResult]) -> str:
    heads = [
        "date",
        "events",
        "tickets",
        "served",
        "no-show",
        "left",
        "still here",
        "mean wait",
        "longest",
        "over limit",
        "alarms",
    ]
    rows = [[*_cells(hall, day)] for day in results]
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [heads, *rows]]
    return "\n".join([f"{hall.name_en}: hall {hall.code}, open /h/{hall.code}/board/", *lines])


def _cells(hall: Hall, day: DayResult) -> list[str]:
    named = ("served", "no_show", "abandoned")
    still_here = len(day.tickets) - sum(day.outcomes.get(name, 0) for name in named)
    by_rule: dict[str, int] = {}
    for alarm in day.alarms:
        by_rule[alarm.rule] = by_rule.get(alarm.rule, 0) + 1
    share = "" if day.share_over is None else f" ({day.share_over:.1%})"
    return [
        day.on.isoformat(),
        f"{hall.local(day.first_at):%H:%M:%S}-{hall.local(day.last_at):%H:%M:%S}",
        str(len(day.tickets)),
        *(str(day.outcomes.get(name, 0)) for name in named),
        str(still_here),
        _spoken(day.mean_wait),
        _spoken(day.longest_wait),
        f"{day.over_limit}{share}",
        " ".join(f"{rule} {count}" for rule, count in sorted(by_rule.items())) or "none",
    ]


def _spoken(span: dt.timedelta | None) -> str:
    return "-" if span is None else f"{span.total_seconds() / 60:.1f} min"


def _minutes(span: dt.timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 60, 3)


def _local(hall: Hall, at: dt.datetime | None) -> str | None:
    """ISO 8601 with the hall's offset, to the millisecond where it is not a whole second."""
    return None if at is None else hall.local(at.replace(microsecond=at.microsecond // 1000 * 1000)).isoformat()
