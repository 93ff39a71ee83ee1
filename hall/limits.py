"""Reading limits: one function for board, alarm, tablet and report alike."""

import contextlib
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.db import connection

from hall.models import Limit, LimitOverride
from hall.models.limits import SECONDS, from_text

MOST_SECONDS = 3660 * 86400  # the longest duration that from_text takes

IN_FORCE = """
    SELECT l.rule, l.name, l.kind, l.unit, l.choices, o.value, l."default"
    FROM hall_limit l LEFT JOIN hall_limitoverride o ON o.limit_id = l.id AND o.hall_id = %s
"""


@dataclass(frozen=True)
class Limits:
    """All limits in force in one hall, by (rule, name)."""

    values: dict[tuple[str, str], object]

    def duration(self, rule: str, name: str) -> dt.timedelta:
        value = self.values[rule, name]
        assert isinstance(value, dt.timedelta)
        return value

    def count(self, rule: str, name: str) -> int:
        value = self.values[rule, name]
        assert isinstance(value, int)
        return value

    def share(self, rule: str, name: str) -> float:
        """In percent, 0 to 100."""
        value = self.values[rule, name]
        assert isinstance(value, float)
        return value

    def time(self, rule: str, name: str) -> dt.time:
        value = self.values[rule, name]
        assert isinstance(value, dt.time)
        return value


def in_force(hall_id: int, rules: Iterable[str] | None = None) -> Limits:
    """The limits of one hall: its own values where it has them, else the defaults. One query.

    Plain SQL, since every tap asks: building the same statement from the models costs as much as five other queries.
    A hall's own text that means nothing (the forms let none through) counts as absent.
    """
    with connection.cursor() as cursor:
        if rules is None:
            cursor.execute(IN_FORCE, [hall_id])
        else:
            cursor.execute(f"{IN_FORCE} WHERE l.rule = ANY(%s)", [hall_id, list(rules)])
        rows = cursor.fetchall()
    return Limits(
        {
            (rule, name): _meaning(kind, unit, choices, own, default)
            for rule, name, kind, unit, choices, own, default in rows
        }
    )


@lru_cache(maxsize=4096)
def _meaning(kind: str, unit: str, choices: str, own: str | None, default: str) -> object:
    limit = Limit(kind=kind, unit=unit, choices=choices)
    if own is not None:
        with contextlib.suppress(ValidationError):
            return from_text(limit, own)
    return from_text(limit, default)


def time_across_halls(rule: str, name: str) -> tuple[dt.time, dict[int, dt.time]]:
    """A time of day in all halls: the default, and by hall id a hall's own (one that is no time counts as absent). Two queries."""
    limit = Limit.objects.get(rule=rule, name=name)
    default = from_text(limit, limit.default)
    assert isinstance(default, dt.time)
    own = {}
    for row in LimitOverride.objects.filter(limit=limit):
        with contextlib.suppress(ValidationError):
            own[row.hall_id] = from_text(limit, row.value)
    return default, own  # type: ignore[return-value]


def table(rule: str, *, durations: Iterable[str] = (), counts: Iterable[str] = ()) -> str:
    """SQL with one row per hall: `hall_id` and the named limits of one rule in force there, for sweeps over all halls.

    Durations are intervals, counts numbers. A hall's own text that is no number (the forms let none through) counts as
    absent, so that one hall cannot stop the watch of all. Needs PostgreSQL 16 (pg_input_is_valid). OFFSET 0 keeps the
    planner from reading each text once per name.
    """
    names = [*durations, *counts]
    assert all(name.isidentifier() for name in [*names, rule.replace("-", "_")])
    chosen = ", ".join(f"max(number) FILTER (WHERE name = '{name}') AS \"{name}\"" for name in names)
    spans = dict.fromkeys(durations, " * interval '1 second'")
    shown = ", ".join(f'coalesce(own."{name}", std."{name}"){spans.get(name, "")} AS "{name}"' for name in names)
    return f"""
        SELECT h.id AS hall_id, {shown}
        FROM hall_hall h
        CROSS JOIN (
            SELECT {chosen} FROM (SELECT l.name, {_seconds('l."default"')} AS number FROM hall_limit l WHERE l.rule = '{rule}' OFFSET 0) d
        ) std
        LEFT JOIN (
            SELECT hall_id, {chosen} FROM (
                SELECT o.hall_id, l.name, {_seconds("o.value")} AS number
                FROM hall_limitoverride o JOIN hall_limit l ON l.id = o.limit_id WHERE l.rule = '{rule}' OFFSET 0
            ) d GROUP BY hall_id
        ) own ON own.hall_id = h.id
    """


def as_interval(own: str, default: str) -> str:
    """SQL of a duration in force: the override's text column where it holds a number, else the default's; the limit is `l`."""
    return f"coalesce({_seconds(own)}, {_seconds(default)}) * interval '1 second'"


def _seconds(column: str) -> str:
    """SQL of a text as a number in seconds (a count as it is), NULL where it is none that from_text takes; the limit is `l`."""
    units = " ".join(f"WHEN '{unit}' THEN {count}" for unit, count in SECONDS.items())
    number = f"({column}::float8 * CASE l.unit {units} ELSE 1 END)"
    return f"CASE WHEN NOT pg_input_is_valid({column}, 'float8') THEN NULL WHEN {number} BETWEEN 0 AND {MOST_SECONDS} THEN {number} END"
