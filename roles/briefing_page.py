"""What the briefing's page shows: who is expected and who is there, and earlier records. Reads only."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hall.models import Hall, Person
from hall.models.names import pick
from roles import briefings, staff
from roles.models import Attendance, Briefing, Reading

EARLIER_MOST = 14
K16_DAYS = 30


@dataclass(frozen=True)
class Told:
    """What a briefing tells, in the language in force: figures (as hall.views.briefing gives them, `on` a date), and notices."""

    figures: dict[str, Any] | None
    notices: list[dict[str, str]]  # title, body


def told(words: dict[str, Any]) -> Told:
    """The kept words of a briefing (Briefing.words), to be read."""
    figures = words.get("figures")
    return Told(
        figures={**figures, "on": dt.date.fromisoformat(figures["on"])} if figures and "on" in figures else None,
        notices=[
            {name: pick(row[f"{name}_zh"], row[f"{name}_en"]) for name in ("title", "body")}
            for row in words.get("notices", [])
        ],
    )


@dataclass(frozen=True)
class Row:
    """One of the staff at a briefing; `seen` is an Attendance.Appearance, "there" without a look, or "" when not there."""

    person: Person
    posts: str
    is_expected: bool
    is_host: bool
    seen: str


@dataclass(frozen=True)
class People:
    """Who is expected first, then everybody else; counts of those there."""

    rows: list[Row]
    there: int
    expected_missing: int  # expected and not there yet


def people(briefing: Briefing) -> People:
    """Who is at a briefing that goes on. Five queries."""
    expected = briefings.expected(briefing.hall, briefing.on)
    seen = {
        row.person_id: row.appearance or "there"
        for row in Attendance.objects.filter(briefing=briefing, is_present=True)
    }
    rows = [
        Row(
            one.person,
            one.post_names,
            one.person.pk in expected,
            one.person.pk == briefing.host_id,
            seen.get(one.person.pk, ""),
        )
        for one in staff.of_hall(briefing.hall)
    ]
    rows.sort(key=lambda row: not row.is_expected)
    missing = sum(row.is_expected and not row.seen for row in rows)
    return People(rows=rows, there=len(seen), expected_missing=missing)


@dataclass(frozen=True)
class Record:
    """A briefing that was held: who was there and how they looked, and which of those away have read it since."""

    briefing: Briefing
    told: Told
    there: list[Attendance]
    away: list[tuple[Person, dt.datetime | None]]  # who, and when he has read it

    @property
    def read_count(self) -> int:
        return sum(at is not None for _person, at in self.away)


def record(briefing: Briefing) -> Record:
    """One record whole. Two queries."""
    rows = list(briefing.attendances.select_related("person").order_by("id"))
    read = dict(Reading.objects.filter(briefing=briefing).values_list("person_id", "at"))
    return Record(
        briefing=briefing,
        told=told(briefing.words),
        there=[row for row in rows if row.is_present],
        away=[(row.person, read.get(row.person_id)) for row in rows if not row.is_present],
    )


def earlier(hall: Hall, on: dt.date) -> list[Briefing]:
    """The records before a date, newest first. One query."""
    held = Briefing.objects.filter(hall=hall, on__lt=on, ended_at__isnull=False)
    return list(held.select_related("host").order_by("-on")[:EARLIER_MOST])


def in_time(hall: Hall, on: dt.date) -> tuple[int, int]:
    """K-16 over the 30 days before a date, from the hall's first briefing on: (in time, due). Four queries."""
    first = (
        Briefing.objects.filter(hall=hall, ended_at__isnull=False).order_by("on").values_list("on", flat=True).first()
    )
    if first is None:
        return 0, 0
    return briefings.in_time(hall, max(first, on - dt.timedelta(days=K16_DAYS)), on - dt.timedelta(days=1))
