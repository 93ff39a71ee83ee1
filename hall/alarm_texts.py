"""What an alarm says: what is wrong, what to do, who is told. One place for board and wall."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from hall.models import Alarm, Kind
from hall.models.names import pick


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


def who(alarm: Alarm, *, rung: int | None = None) -> str:
    """The post that a rung tells, the alarm's present one unless named; "" where its own ladder has none."""
    kind = kind_of(alarm, rung=rung)
    return str(kind.label) if kind is not None else ""


def kind_of(alarm: Alarm, *, rung: int | None = None) -> Kind | None:
    """The post that a rung tells, the alarm's present one unless named; None where its own ladder has none."""
    ladder = alarm.data.get("ladder", [])
    place = alarm.rung if rung is None else rung
    return Kind(ladder[place]) if place < len(ladder) and ladder[place] in Kind.values else None


def _average(alarm: Alarm, count: int) -> tuple[str, str]:
    title = _("Average wait over %(limit)s min") % {"limit": _limit(alarm)}
    return title, _("Open a mobile counter, call staff to the counters")


def _one_wait(alarm: Alarm, count: int) -> tuple[str, str]:
    action = _("Water, a small gift, say how long")
    if count > 1:
        return _("%(count)d people over %(limit)s min") % {"count": count, "limit": _limit(alarm)}, action
    number = alarm.data.get("number", "")
    return _("%(number)s has waited over %(limit)s min") % {"number": number, "limit": _limit(alarm)}, action


def _day_left_open(alarm: Alarm, count: int) -> tuple[str, str]:
    left = int(alarm.data.get("count", 0))
    title = ngettext("%(count)d ticket of %(date)s was left open", "%(count)d tickets of %(date)s were left open", left)
    action = _("Find out what happened, close each day yourself")
    return title % {"date": alarm.data.get("date", ""), "count": left}, action


def _nobody_in_zone(alarm: Alarm, count: int) -> tuple[str, str]:
    data = alarm.data
    title = _("Nobody in zone %(zone)s") % {"zone": pick(data.get("zone_zh", ""), data.get("zone_en", ""))}
    neighbour = pick(data.get("neighbour_zh", ""), data.get("neighbour_en", ""))
    if not neighbour:
        return title, _("Send somebody there")
    return title, _("Ask %(name)s to cover it") % {"name": neighbour}


def _other(alarm: Alarm, count: int) -> tuple[str, str]:
    return alarm.rule, _("See to it")


def _limit(alarm: Alarm) -> str:
    """The minutes of the limit that was crossed, as it was then."""
    return f"{alarm.data.get('minutes', 0):g}"


_RULES = {"R-Q01": _average, "R-Q02": _one_wait, "R-Q22": _day_left_open, "R-Q25": _nobody_in_zone}
