"""Limits: every number of the trade's rules as a row, and a hall's own value where it differs."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.halls import Hall
from hall.models.names import pick

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


class LimitKind(models.TextChoices):
    DURATION = "duration", _("duration")
    COUNT = "count", _("count")
    SHARE = "share", _("share in %")
    TIME = "time", _("time of day")
    DAYS = "days", _("days")
    CHOICE = "choice", _("choice")
    LENGTH = "length", _("length")


class Limit(models.Model):
    """One number of one rule, with its default and where it comes from."""

    rule = models.CharField(_("rule"), max_length=10)
    name = models.SlugField(_("name"), max_length=40)
    title_zh = models.CharField(_("Chinese title"), max_length=120)
    title_en = models.CharField(_("English title"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=LimitKind)
    unit = models.CharField(_("unit"), max_length=20, blank=True)  # seconds, minutes, hours, people, %, …
    default = models.CharField(_("default"), max_length=60)
    choices = models.CharField(
        _("choices"), max_length=200, blank=True, help_text=_("For a choice: the words allowed, separated by commas.")
    )
    source = models.CharField(_("source"), max_length=40, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering = ["rule", "name"]
        constraints = [models.UniqueConstraint(fields=["rule", "name"], name="limit_once")]

    def __str__(self) -> str:
        return f"{self.rule} {pick(self.title_zh, self.title_en)}"

    def clean(self) -> None:
        from_text(self, self.default)


class LimitOverride(models.Model):
    """A hall's own value of a limit."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="limit_overrides", verbose_name=_("hall"))
    limit = models.ForeignKey(Limit, models.CASCADE, related_name="overrides", verbose_name=_("limit"))
    value = models.CharField(_("value"), max_length=60)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("a hall's own limit")
        verbose_name_plural = _("halls' own limits")
        ordering = ["hall", "limit"]
        constraints = [models.UniqueConstraint(fields=["hall", "limit"], name="limit_override_once")]

    def __str__(self) -> str:
        return f"{self.hall} · {self.limit}"

    def clean(self) -> None:
        if self.limit_id:
            from_text(self.limit, self.value)


def from_text(limit: Limit, text: str) -> object:
    """What the text means for this limit: timedelta, int, float, time or str. Raises ValidationError in words."""
    text = text.strip()
    try:
        if limit.kind == LimitKind.DURATION:
            value = dt.timedelta(seconds=float(text) * SECONDS[limit.unit])
            if value < dt.timedelta(0) or value > dt.timedelta(days=3660):
                raise ValueError
            return value
        if limit.kind in (LimitKind.COUNT, LimitKind.DAYS):
            if not 0 <= int(text) <= 1_000_000:
                raise ValueError
            return int(text)
        if limit.kind in (LimitKind.SHARE, LimitKind.LENGTH):
            number = float(text)
            if not 0 <= number <= (100 if limit.kind == LimitKind.SHARE else 10_000):
                raise ValueError
            return number
        if limit.kind == LimitKind.TIME:
            return dt.time.fromisoformat(text)
        if text not in [word.strip() for word in limit.choices.split(",")]:
            raise ValueError
        return text
    except (ValueError, KeyError, OverflowError):
        raise ValidationError(
            _("“%(text)s” is not a value for %(kind)s in %(unit)s."),
            params={"text": text[:60], "kind": limit.get_kind_display(), "unit": limit.unit or "–"},
        ) from None
