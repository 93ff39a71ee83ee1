"""When a duty is owed: from cadence and moment, the hall's opening and its limits. Pure reckoning, no rows.

A day's times come from its opening interval (several intervals count from the first opening to the last closing).
"""

import calendar
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hall.limits import Limits
from roles.models import Cadence, Moment, Task

Part = Task.Part
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
PREPARES = 90 * MINUTE  # before opening: from then on the hall is made ready
SHUTS = 90 * MINUTE  # after closing: by then it is secured
ENDS = 60 * MINUTE  # before closing: from then on a day is brought to its end
NOON = 30 * MINUTE, 60 * MINUTE  # before and after the weak period's time (R-B04)
SETTLES_IN = 15 * MINUTE  # after taking a post: what every shift begins with is not late before

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
RULES = ("R-B01", "R-B03", "R-B04", "R-B07", "R-B09", "R-C01", "R-C02", "R-R05", "R-R06", "R-R07")
OWED = frozenset(
    {
        Cadence.DAILY_OPEN, Cadence.DAILY, Cadence.DAILY_CLOSE, Cadence.TWICE_DAILY, Cadence.EVERY_2H,
        Cadence.WEEKLY, Cadence.WEEKLY_MON, Cadence.WEEKLY_SAT, Cadence.MONTHLY, Cadence.MONTHLY_BY_3, Cadence.MONTHLY_BY_30,
    }
)  # fmt: skip
OF_A_WEEK = frozenset({Cadence.WEEKLY, Cadence.WEEKLY_MON, Cadence.WEEKLY_SAT})
OF_A_MONTH = frozenset({Cadence.MONTHLY, Cadence.MONTHLY_BY_3, Cadence.MONTHLY_BY_30})


@dataclass(frozen=True)
class Day:
    """An open day of a hall: first opening, last closing, the limits in force, and which other days are open."""

    on: dt.date
    opens_at: dt.datetime
    closes_at: dt.datetime
    noon_at: dt.datetime  # R-B04, of this date
    limits: Limits
    is_open: Callable[[dt.date], bool]
    times: Callable[[dt.date], tuple[dt.datetime, dt.datetime]]  # of an open day: its opening and closing

    @property
    def is_round_the_clock(self) -> bool:
        """Never shut: nothing happens before opening or after closing."""
        return self.closes_at - self.opens_at >= 23 * HOUR  # the day on which clocks go forward


@dataclass(frozen=True)
class Due:
    """One time that a duty is owed: on which business date it counts, which time of the day, from when to when."""

    on: dt.date
    time: int  # 1 for the first of the day
    due_from: dt.datetime
    due_by: dt.datetime


def part_of(cadence: str, moment: str) -> str:
    """Which checklist a task stands on. What each person readies for himself is no item of the hall's opening."""
    if cadence == Cadence.PER_SHIFT:
        return Part.DAY
    if cadence == Cadence.DAILY_CLOSE or moment in (Moment.CLOSING, Moment.AFTER_CLOSING):
        return Part.CLOSING
    if cadence == Cadence.DAILY_OPEN or moment in (Moment.BEFORE_OPENING, Moment.BRIEFING):
        return Part.OPENING
    return Part.DAY


def dues(cadence: str, moment: str, day: Day) -> list[Due]:
    """The times that a duty is owed and that this day must know of: its own, and its week's and month's.

    Empty for duties that are no tasks (for every customer, as the need arises, all the time), for those of a shift
    (of_shift), and for a week or month whose time is over.
    """
    if cadence == Cadence.TWICE_DAILY:
        return [Due(day.on, number, *span) for number, span in enumerate(_cleans(day), 1)]
    if cadence == Cadence.EVERY_2H:
        return [Due(day.on, number, *span) for number, span in enumerate(_rounds(day), 1)]
    if cadence in OF_A_WEEK:
        return _in_week(cadence, moment, day)
    if cadence in OF_A_MONTH:
        return _in_month(cadence, day)
    return [Due(day.on, 1, *span(moment, day, early=cadence == Cadence.DAILY_OPEN))] if cadence in OWED else []


def span(moment: str, day: Day, *, early: bool = False) -> tuple[dt.datetime, dt.datetime]:
    """From when to when a duty of this moment is done. `early`: before opening, whatever its moment says (but the briefing).

    A hall that never shuts does it in the course of the day.
    """
    opens, closes = day.opens_at, day.closes_at
    if day.is_round_the_clock:
        return opens, closes
    if moment == Moment.BRIEFING:
        return opens - day.limits.duration("R-B01", "earliest"), opens
    if early or moment == Moment.BEFORE_OPENING:
        return opens - PREPARES, opens
    if moment == Moment.OPENING:
        return opens, min(opens + day.limits.duration("R-B03", "within"), closes)
    if moment == Moment.LUNCH and opens <= day.noon_at - NOON[0] and day.noon_at + NOON[1] <= closes:
        return day.noon_at - NOON[0], day.noon_at + NOON[1]
    if moment == Moment.CLOSING:
        return max(closes - ENDS, opens), closes + SHUTS / 3
    if moment == Moment.AFTER_CLOSING:
        return closes, closes + SHUTS
    return opens, closes


def of_shift(moment: str, day: Day, taken_at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """From when to when somebody does what every shift asks, who took his post then. Ready 5 min before duty (R-B09)."""
    due_by = span(moment, day)[1]
    if moment == Moment.BEFORE_OPENING and not day.is_round_the_clock:
        due_by = day.opens_at - day.limits.duration("R-B09", "ready_before")
    return taken_at, max(due_by, taken_at + SETTLES_IN)


def _cleans(day: Day) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """R-C01: the first full clean before opening, the others spread over the day."""
    yield span(Moment.BEFORE_OPENING, day)
    more = day.limits.count("R-C01", "times") - 1
    length = (day.closes_at - day.opens_at) / max(more, 1)
    for number in range(more):
        yield day.opens_at + number * length, day.opens_at + (number + 1) * length


def _rounds(day: Day) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """R-C02: one in each stretch of two hours; the last stretch may be shorter."""
    every = max(day.limits.duration("R-C02", "every"), HOUR / 2)
    begins = day.opens_at
    while begins < day.closes_at:
        ends = min(begins + every, day.closes_at)
        yield begins, ends
        begins = ends


def _in_week(cadence: str, moment: str, day: Day) -> list[Due]:
    monday = day.on - dt.timedelta(days=day.on.weekday())
    opened = [on for on in (monday + dt.timedelta(days=number) for number in range(7)) if day.is_open(on)]
    if cadence == Cadence.WEEKLY:
        return _due_in(day, opened[0], opened[-1])
    if cadence == Cadence.WEEKLY_MON:
        named = monday + dt.timedelta(days=_weekday(day, "R-B07"))
        on = next((on for on in opened if on >= named), opened[-1])
    else:  # closed that day, the working day before
        named = monday + dt.timedelta(days=_weekday(day, "R-R07"))
        on = next((on for on in reversed(opened) if on <= named), opened[0])
    return [Due(on, 1, *span(moment, day))] if on == day.on else []


def _in_month(cadence: str, day: Day) -> list[Due]:
    """X-16: where the day named is shut or not in this month, the last open day before it; the first open one if there is none."""
    last = calendar.monthrange(day.on.year, day.on.month)[1]
    named = last
    if cadence == Cadence.MONTHLY_BY_3:
        named = min(day.limits.count("R-R05", "day"), last)
    elif cadence == Cadence.MONTHLY_BY_30:
        named = min(day.limits.count("R-R06", "day"), last)
    opened = [on for on in (day.on.replace(day=number) for number in range(1, last + 1)) if day.is_open(on)]
    until = next((on for on in reversed(opened) if on.day <= named), opened[0])
    return _due_in(day, opened[0], until)


def _due_in(day: Day, first: dt.date, until: dt.date) -> list[Due]:
    """Owed once from the first day's opening to the last day's closing; nothing once that is over."""
    if until < day.on:
        return []
    return [Due(first, 1, day.times(first)[0], day.times(until)[1])]


def _weekday(day: Day, rule: str) -> int:
    return WEEKDAYS.index(str(day.limits.values[rule, "weekday"]))
