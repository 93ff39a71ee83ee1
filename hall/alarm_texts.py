"""What an alarm says: what is wrong, what to do, who is told. One place for board, wall, floor and report."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hall.models import Alarm, Kind


@dataclass(frozen=True)
class Said:
    """An alarm in the language in force: `title` is what is wrong, `action` what to do, `who` the post of its rung ("" if none).

    By when is the alarm's own `act_by`.
    """

    title: str
    action: str
    who: str


def said(alarms: Sequence[Alarm]) -> Said:
    """The words of one alarm, or of many alike (one rule). From the alarms' own data: no query."""
    first = alarms[0]
    title, action = _RULES.get(first.rule, _other)(first, len(alarms))
    return Said(title=title, action=action, who=who(first))


def who(alarm: Alarm) -> str:
    """The post that the alarm's rung tells; "" where the rule has no ladder."""
    ladder = alarm.data.get("ladder", [])
    if alarm.rung >= len(ladder) or ladder[alarm.rung] not in Kind.values:
        return ""
    return str(Kind(ladder[alarm.rung]).label)


def _average(alarm: Alarm, count: int) -> tuple[str, str]:
    title = _("Average wait is over %(minutes)s min") % {"minutes": _minutes(alarm)}
    return title, _("Open a mobile counter, ask the back office to help")


def _one_wait(alarm: Alarm, count: int) -> tuple[str, str]:
    action = _("Water, a small gift, say how long")
    if count > 1:
        title = ngettext("%(count)d person over %(minutes)s min", "%(count)d people over %(minutes)s min", count)
        return title % {"count": count, "minutes": _minutes(alarm)}, action
    number = alarm.data.get("number", "")
    return _("%(number)s has waited over %(minutes)s min") % {"number": number, "minutes": _minutes(alarm)}, action


def _day_left_open(alarm: Alarm, count: int) -> tuple[str, str]:
    left = int(alarm.data.get("count", 0))
    title = ngettext(
        "%(date)s was not closed: %(count)d ticket was left",
        "%(date)s was not closed: %(count)d tickets were left",
        left,
    )
    return title % {"date": alarm.data.get("date", ""), "count": left}, _("Find out what became of these customers")


def _other(alarm: Alarm, count: int) -> tuple[str, str]:
    return alarm.rule, _("See to it")


def _minutes(alarm: Alarm) -> str:
    return f"{alarm.data.get('minutes', 0):g}"


_RULES = {"R-Q01": _average, "R-Q02": _one_wait, "R-Q22": _day_left_open}
