"""`manage.py staff_day`: a whole day of staff and customers, played into a new played hall, and what came of it."""

import argparse
import datetime as dt
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import translation

from hall import clock
from hall.management import staffed_day
from hall.management.staffed_day import Result
from hall.models import Hall
from hall.refusals import Refused


class Command(BaseCommand):
    help = "Play a whole day of staff and customers into a new played hall, and say what came of it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--day", metavar="YYYY-MM-DD", help="a day that is over (default: yesterday)")
        parser.add_argument(
            "--seed", type=int, default=1, help="the same seed gives the same customers (default: %(default)s)"
        )
        parser.add_argument(
            "--hall", metavar="CODE", help="code of the new hall (default: staffed-<day>, with -2 if taken)"
        )
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def handle(self, *arguments: object, **options: Any) -> None:
        at = clock.now()
        with translation.override("en"):  # the terminal's language, whatever the halls' is
            try:
                result = staffed_day.play(_day(options["day"], at), code=options["hall"], seed=options["seed"], at=at)
            except Refused as refusal:
                raise CommandError(" ".join(str(refusal).split())) from refusal
            self.stdout.write(json.dumps(as_data(result), indent=1) if options["json"] else _as_table(result))


def _day(given: object, at: dt.datetime) -> dt.date:
    """The day asked for, which must be over everywhere; yesterday without one."""
    yesterday = at.date() - dt.timedelta(days=1)
    try:
        on = dt.date.fromisoformat(str(given)) if given else yesterday
    except ValueError as error:
        raise CommandError(f"{given!r} is not a day. Example: 2026-11-20.") from error
    if not dt.date(2000, 1, 1) <= on <= yesterday:
        raise CommandError(f"The day must be over: {yesterday} or before.")
    return on


def as_data(result: Result) -> dict:
    """The result with local times, ready for JSON."""
    hall = result.hall
    return {
        "hall": hall.code,
        "date": result.on.isoformat(),
        "time_zone": hall.time_zone,
        "opened_at": _clock(hall, result.opened_at),
        "opened_by_checklist": result.opened_at is not None and not result.open_reason,
        "briefing_at": _clock(hall, result.briefing_at),
        "briefing_in_time": result.briefing_in_time,
        "shifts_planned": result.shifts,
        "tasks": result.tasks,
        "vacuum_minutes": result.vacuum,
        "rounds": [
            {"kind": str(kind), "at": _clock(hall, at), "in_time": in_time} for kind, at, in_time in result.rounds
        ],
        "sampled": result.sampled,
        "to_sample": result.to_sample,
        "handovers": result.handovers,
        "manager_on_floor_percent": result.on_floor,
        "refused": [
            {"who": one.who, "what": one.what, "at": _clock(hall, one.at), "said": one.said} for one in result.refusals
        ],
        "tickets": result.tickets,
        "outcomes": result.outcomes,
        "mean_wait_minutes": _minutes(result.mean_wait),
        "longest_wait_minutes": _minutes(result.longest_wait),
        "alarms": result.alarms,
        "last_customer_at": _clock(hall, result.last_customer_at),
        "secured_at": _clock(hall, result.secured_at),
        "day_closed_at": _clock(hall, result.closed_at),
    }


def _as_table(result: Result) -> str:
    data = as_data(result)
    in_time = {True: "in time", False: "not in time"}
    rows = [
        (
            "opened",
            f"{data['opened_at']}, {'by its checklist' if data['opened_by_checklist'] else result.open_reason or 'not'}",
        ),
        ("briefing", f"{data['briefing_at']}, {in_time[result.briefing_in_time]}"),
        ("shifts", f"{result.shifts} planned for the day"),
        ("tasks", _counts(result.tasks)),
        ("vacuum minutes", _counts(result.vacuum)),
        ("rounds", ", ".join(f"{one['kind']} {one['at']} {in_time[one['in_time']]}" for one in data["rounds"])),
        ("sampled", f"{result.sampled} of {result.to_sample}"),
        ("handovers", _counts(result.handovers)),
        ("manager on floor", f"{result.on_floor} %"),
        ("refused", "; ".join(f"{one['at']} {one['who']}: {one['what']}" for one in data["refused"]) or "nothing"),
        ("tickets", f"{result.tickets}: {_counts(result.outcomes)}"),
        ("wait", f"mean {data['mean_wait_minutes']} min, longest {data['longest_wait_minutes']} min"),
        ("alarms", _counts(result.alarms)),
        (
            "closed",
            f"last customer {data['last_customer_at']}, secured {data['secured_at']}, day {data['day_closed_at']}",
        ),
    ]
    width = max(len(name) for name, _said in rows)
    head = f"{result.hall.name_en}: hall {result.hall.code}, open /h/{result.hall.code}/board/"
    return "\n".join([head, *(f"{name.ljust(width)}  {said}" for name, said in rows)])


def _counts(found: dict) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"


def _clock(hall: Hall, at: dt.datetime | None) -> str | None:
    return None if at is None else f"{hall.local(at):%H:%M}"


def _minutes(span: dt.timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds() / 60, 1)
