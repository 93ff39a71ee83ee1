"""What a post owes, and how its holder conducts himself: both the same for all halls."""

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from hall.models import Post
from hall.models.names import pick


class Cadence(models.TextChoices):
    """How often a duty falls due."""

    PER_CUSTOMER = "per_customer", pgettext_lazy("cadence", "For every customer")
    ON_EVENT = "on_event", pgettext_lazy("cadence", "As the need arises")
    CONTINUOUS = "continuous", pgettext_lazy("cadence", "All the time")
    PER_SHIFT = "per_shift", pgettext_lazy("cadence", "Every shift")
    DAILY_OPEN = "daily_open", pgettext_lazy("cadence", "Daily, before opening")
    DAILY = "daily", pgettext_lazy("cadence", "Daily")
    DAILY_CLOSE = "daily_close", pgettext_lazy("cadence", "Daily, at closing")
    TWICE_DAILY = "twice_daily", pgettext_lazy("cadence", "Twice a day")
    EVERY_2H = "every_2h", pgettext_lazy("cadence", "At least every 2 hours")
    WEEKLY = "weekly", pgettext_lazy("cadence", "Weekly")
    WEEKLY_MON = "weekly_mon", pgettext_lazy("cadence", "Every Monday")
    WEEKLY_SAT = "weekly_sat", pgettext_lazy("cadence", "Every Saturday")
    MONTHLY = "monthly", pgettext_lazy("cadence", "Monthly")
    MONTHLY_BY_3 = "monthly_by_3", pgettext_lazy("cadence", "Monthly, by the 3rd")
    MONTHLY_BY_30 = "monthly_by_30", pgettext_lazy("cadence", "Monthly, by the 30th")
    QUARTERLY = "quarterly", pgettext_lazy("cadence", "Quarterly")
    YEARLY = "yearly", pgettext_lazy("cadence", "Yearly")
    SCHEDULED = "scheduled", pgettext_lazy("cadence", "Regularly (interval not specified)")


class Moment(models.TextChoices):
    """When in the day a duty falls due, in the day's order."""

    BEFORE_OPENING = "before_opening", pgettext_lazy("moment", "Before opening")
    BRIEFING = "briefing", pgettext_lazy("moment", "Briefing")
    OPENING = "opening", pgettext_lazy("moment", "Opening")
    NORMAL = "normal", pgettext_lazy("moment", "Normal times")
    OFF_PEAK = "off_peak", pgettext_lazy("moment", "Off-peak")
    PEAK = "peak", pgettext_lazy("moment", "Peak")
    LUNCH = "lunch", pgettext_lazy("moment", "Midday")
    HANDOVER = "handover", pgettext_lazy("moment", "Handover")
    EVENT = "event", pgettext_lazy("moment", "When it happens")
    CLOSING = "closing", pgettext_lazy("moment", "Shortly before closing")
    AFTER_CLOSING = "after_closing", pgettext_lazy("moment", "After closing")
    PERIODIC = "periodic", pgettext_lazy("moment", "Periodic")


class Duty(models.Model):
    """One duty of a post (O-01). Its code is given once and never changes: tasks, records and files name it.

    A duty that a hall's tasks refer to may be renamed or deleted: they keep the wording of their day.
    """

    post = models.ForeignKey(Post, models.PROTECT, related_name="duties", verbose_name=_("post"))
    code = models.CharField(
        _("code"), max_length=16, unique=True, help_text=_("Such as D-HM-54; it stays."),
        validators=[RegexValidator(r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$", _("Please give a code such as D-HM-54."))],
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(_("position"), default=0)  # within the post
    text_zh = models.CharField(_("Chinese text"), max_length=200)
    text_en = models.CharField(_("English text"), max_length=400, blank=True)
    cadence = models.CharField(_("cadence"), max_length=16, choices=Cadence, default=Cadence.DAILY)
    moment = models.CharField(_("moment"), max_length=16, choices=Moment, default=Moment.NORMAL)
    zone_slug = models.CharField(_("zone"), max_length=30, blank=True)  # empty: the zones of its post
    record = models.CharField(_("record"), max_length=8, blank=True)  # REC-01: the evidence that it leaves
    is_active = models.BooleanField(_("in use"), default=True)
    loaded = models.JSONField(null=True, blank=True, editable=False)  # the catalogue's words when last loaded

    history = HistoricalRecords(excluded_fields=["loaded"])

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duties")
        ordering = ["post__position", "post__code", "position", "code"]
        indexes = [models.Index(fields=["post", "position"], name="duty_in_order")]  # a post's page and its admin form

    def __str__(self) -> str:
        return f"{self.code} {self.text}"

    @property
    def text(self) -> str:
        return pick(self.text_zh, self.text_en)


class ConductItem(models.Model):
    """One line of a post's conduct card (O-19): how somebody stands, greets, recommends. Rounds score it."""

    post = models.ForeignKey(Post, models.PROTECT, related_name="conduct_items", verbose_name=_("post"))
    rule = models.CharField(
        _("rule"), max_length=8, help_text=_("Such as R-G01."),
        validators=[RegexValidator(r"^[A-Z]+-[A-Z]*[0-9]+$", _("Please give a rule such as R-G01."))],
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    text_zh = models.CharField(_("Chinese text"), max_length=200)
    text_en = models.CharField(_("English text"), max_length=400, blank=True)
    is_scored = models.BooleanField(_("scored in rounds"), default=True)
    is_active = models.BooleanField(_("in use"), default=True)
    loaded = models.JSONField(null=True, blank=True, editable=False)

    history = HistoricalRecords(excluded_fields=["loaded"])

    class Meta:
        verbose_name = _("line of the conduct card")
        verbose_name_plural = _("conduct cards")
        ordering = ["post__position", "post__code", "position", "rule"]
        constraints = [models.UniqueConstraint(fields=["post", "rule"], name="conduct_rule_once_on_a_card")]

    def __str__(self) -> str:
        return f"{self.rule} {self.text}"

    @property
    def text(self) -> str:
        return pick(self.text_zh, self.text_en)
