"""Every write that makes a hall: its row, zones, opening, counters, and who belongs to it. Later edits are the admin site's."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from hall.models import Counter, Hall, Kind, Membership, OpeningInterval, Person, Zone
from hall.models.halls import Clock, Weekday
from hall.refusals import Invalid

CATALOGUE = Path(__file__).resolve().parent / "catalogue"
MOST_COUNTERS = 200
# Where somebody must be while a hall is open; counters show for themselves. A hall edits it in the admin site.
ALWAYS_HELD = {"entrance", "selfservice", "waiting"}

# What a new hall starts with until its own hours are entered.
MONDAY_TO_SATURDAY = [(day, dt.time(9), dt.time(18)) for day in Weekday if day != Weekday.SUNDAY]
ROUND_THE_CLOCK = [(day, dt.time(0), dt.time(0)) for day in Weekday]

Row = TypeVar("Row", bound=models.Model)
Opening = tuple[int, dt.time, dt.time]  # weekday (0 is Monday), opens, closes (00:00 is midnight at the end of the day)


def make_hall(
    *, code: str, name_zh: str, name_en: str = "", time_zone: str = "Asia/Shanghai", opening: Sequence[Opening] | None = None,
    counters: int = 0, clock: Clock = Clock.LIVE, by: Person | None, at: dt.datetime,
) -> Hall:  # fmt: skip
    """A hall comes into being, with the catalogue's zones, its opening hours and fixed counters 1 to `counters`.

    Raises Invalid, in words, for a taken or malformed code, an unknown time zone, a missing name, hours that end before they
    begin, or a number of counters that no hall has.
    """
    if not 0 <= counters <= MOST_COUNTERS:
        raise Invalid(_("A hall has 0 to %(most)s counters.") % {"most": MOST_COUNTERS})
    with transaction.atomic():  # a hall without its zones is never seen
        hall = Hall(code=code, name_zh=name_zh.strip(), name_en=name_en.strip(), time_zone=time_zone, clock=clock)
        keep(hall, by=by, at=at)
        by_slug = {}
        for position, zone in enumerate(zone_list()):
            row = Zone(hall=hall, position=position, needs_somebody=zone["slug"] in ALWAYS_HELD, **zone)
            by_slug[zone["slug"]] = keep(row, by=by, at=at)
        for weekday, opens, closes in MONDAY_TO_SATURDAY if opening is None else opening:
            keep(OpeningInterval(hall=hall, weekday=weekday, opens=opens, closes=closes), by=by, at=at)
        for number in range(1, counters + 1):
            keep(Counter(hall=hall, number=number, zone=by_slug["counter"]), by=by, at=at)
    return hall


def belong(hall: Hall, person: Person, kinds: list[Kind], *, by: Person | None, at: dt.datetime) -> None:
    """A person belongs to the hall as these kinds from now on; what he already is stays."""
    for kind in kinds:
        if not Membership.objects.filter(hall=hall, person=person, kind=kind).exists():
            keep(Membership(hall=hall, person=person, kind=kind), by=by, at=at)


def zone_list() -> list[dict[str, str]]:
    """The catalogue's zones in its order: slug, name_zh, name_en."""
    found = yaml.safe_load((CATALOGUE / "zones.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, list)
    return found


def keep(row: Row, *, by: Person | None, at: dt.datetime) -> Row:
    """Check a row as a form would, and save it; its history says who and when."""
    row._history_user, row._history_date = by, at  # type: ignore[attr-defined]  # read by simple_history when it saves
    try:
        row.full_clean()
    except ValidationError as error:
        raise Invalid(_in_words(row, error)) from error
    row.save()
    return row


def _in_words(row: models.Model, error: ValidationError) -> str:
    """One line: each field by its name, and what is wrong with it."""
    said = []
    for name, messages in error.message_dict.items():
        label = "" if name == NON_FIELD_ERRORS else f"{getattr(row._meta.get_field(name), 'verbose_name', name)}: "
        said.append(label + " ".join(messages))
    return " ".join(said)
