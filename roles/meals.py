"""Proposing when people eat, so that enough counters and posts stay staffed at every moment (R-Q11). Reads only."""

import datetime as dt
from dataclasses import dataclass

from hall import limits
from hall.models import Hall, Kind
from roles.models import Shift

MEAL = dt.timedelta(minutes=45)
STEP = dt.timedelta(minutes=15)
SHORTEST_SHIFT = dt.timedelta(hours=5)  # who works less has no meal
AFTER_START, BEFORE_END = (
    dt.timedelta(minutes=90),
    dt.timedelta(hours=1),
)  # nobody eats just after he came or before he goes
# When people eat, by the hall's wall clock. A shift without room for a meal in either has none.
NOON = (dt.time(11), dt.time(13, 30))
EVENING = (dt.time(17), dt.time(19))
SERVING = (Kind.CLERK, Kind.VIP_RECEPTION)

Eating = dict[int, tuple[dt.datetime, dt.datetime]]  # shift id → from when to when


@dataclass(frozen=True)
class Meal:
    """A meal proposed for a shift."""

    shift: Shift
    starts: dt.datetime
    ends: dt.datetime


@dataclass(frozen=True)
class Proposal:
    """The meals of one date in the order of their time, and who can eat only when somebody relieves him. `share` in percent."""

    placed: list[Meal]
    unplaced: list[Shift]
    share: float

    def text(self) -> str:
        """The proposal in one line, to tell whether it is still the same."""
        return ";".join(
            f"{meal.shift.pk}:{meal.starts.astimezone(dt.UTC):%d%H%M}"
            for meal in sorted(self.placed, key=lambda meal: meal.shift.pk)
        )


def propose(hall: Hall, shifts: list[Shift]) -> Proposal:
    """Meals for the shifts of one date that have none, as early as the share of R-Q11 allows; meals already planned stay.

    The share holds among all who work at counters, and within each other post: of those on shift at a moment, at least
    so many percent are not at their meal. Whoever works alone in his post is left over: he needs relief. One query.
    """
    share = limits.in_force(hall.pk, ["R-Q11"]).share("R-Q11", "counters_open")
    placed: list[Meal] = []
    unplaced: list[Shift] = []
    for group in _groups(shifts):
        eating = {row.pk: (row.meal_from, row.meal_until) for row in group if row.meal_from and row.meal_until}
        for row in group:
            possible = [] if row.pk in eating else _possible(hall, row)
            starts = next((at for at in possible if _holds(group, eating | {row.pk: (at, at + MEAL)}, at, share)), None)
            if starts is not None:
                eating[row.pk] = (starts, starts + MEAL)
                placed.append(Meal(row, starts, starts + MEAL))
            elif possible:
                unplaced.append(row)
    return Proposal(sorted(placed, key=lambda meal: (meal.starts, meal.shift.pk)), unplaced, share)


def staffed_share(group: list[Shift], eating: Eating, at: dt.datetime) -> float:
    """Of those on shift at a moment, how many percent are not at their meal; 100 when nobody is on shift."""
    there = [row for row in group if row.starts <= at < row.ends]
    away = [row for row in there if row.pk in eating and eating[row.pk][0] <= at < eating[row.pk][1]]
    return 100 * (len(there) - len(away)) / len(there) if there else 100.0


def group_of(shift: Shift) -> str:
    """Among whom the share holds: all who work at counters, else those of the same post."""
    return "counters" if shift.counter_id is not None or shift.post.kind in SERVING else f"post:{shift.post_id}"


def _groups(shifts: list[Shift]) -> list[list[Shift]]:
    found: dict[str, list[Shift]] = {}
    for row in sorted(shifts, key=lambda row: (row.starts, row.pk)):
        found.setdefault(group_of(row), []).append(row)
    return list(found.values())


def _possible(hall: Hall, row: Shift) -> list[dt.datetime]:
    """When a meal of this shift could begin, the earliest first."""
    if row.ends - row.starts < SHORTEST_SHIFT:
        return []
    on = hall.local(row.starts).date()
    found = []
    for opens, closes in (NOON, EVENING):
        start, last = (dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC) for time in (opens, closes))
        while start + MEAL <= last:
            if row.starts + AFTER_START <= start and start + MEAL <= row.ends - BEFORE_END:
                found.append(start)
            start += STEP
    return found


def _holds(group: list[Shift], eating: Eating, start: dt.datetime, share: float) -> bool:
    """Whether the share is kept at every moment of the meal that begins then."""
    return all(staffed_share(group, eating, at) >= share for at in _moments(group, eating, start))


def _moments(group: list[Shift], eating: Eating, start: dt.datetime) -> list[dt.datetime]:
    """The moments of a meal at which the number on shift or at a meal can change: between them it stays."""
    changes = {time for row in group for time in (row.starts, row.ends)} | {
        time for both in eating.values() for time in both
    }
    return [start, *(time for time in changes if start < time < start + MEAL)]
