"""Reading limits: one function for board, alarm, tablet and report alike."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from hall.models import Limit, LimitOverride
from hall.models.limits import from_text


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


def in_force(hall_id: int, rules: Iterable[str] | None = None) -> Limits:
    """The limits of one hall: its own values where it has them, else the defaults. Two queries."""
    rows = Limit.objects.filter(rule__in=list(rules)) if rules is not None else Limit.objects.all()
    own = LimitOverride.objects.filter(hall_id=hall_id)
    if rules is not None:
        own = own.filter(limit__rule__in=list(rules))
    values = {(row.rule, row.name): from_text(row, row.default) for row in rows}
    for row in own.select_related("limit"):
        values[row.limit.rule, row.limit.name] = from_text(row.limit, row.value)
    return Limits(values)
