"""A hall, when it is open, and its zones and rooms."""

import datetime as dt
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.names import pick

hall_code = RegexValidator(r"^[a-z0-9][a-z0-9-]*$", _("Small letters, digits and hyphens only."))


def known_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is not a time zone. Example: Asia/Shanghai."), params={"name": name})


class Clock(models.TextChoices):
    LIVE = "live", _("live")
    PLAYED = "played", _("recorded day")


class Hall(models.Model):
    """A service hall. Its row is the lock that every change of its queue passes through."""

    code = models.CharField(_("code"), max_length=30, unique=True, validators=[hall_code])
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=50, default="Asia/Shanghai", validators=[known_time_zone])
    last_ticket_before_close = models.DurationField(
        _("last ticket before closing"),
        default=dt.timedelta(0),
        help_text=_("How long before closing the last ticket is given. 00:10:00 is ten minutes."),
    )
    clock = models.CharField(_("clock"), max_length=10, choices=Clock, default=Clock.LIVE, editable=False)
    played_at = models.DateTimeField(_("last played instant"), null=True, editable=False)
    is_active = models.BooleanField(_("in use"), default=True)

    history = HistoricalRecords(excluded_fields=["played_at"])

    class Meta:
        verbose_name = _("hall")
        verbose_name_plural = _("halls")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_ticket_before_close__gte=dt.timedelta(0)),
                name="hall_last_ticket_not_after_close",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local(self, at: dt.datetime) -> dt.datetime:
        """The same instant as this hall's wall clock shows it."""
        return at.astimezone(self.zone_info)

    def business_date(self, at: dt.datetime) -> dt.date:
        """The local date, under which a ticket issued at this instant is counted."""
        return self.local(at).date()


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class OpeningInterval(models.Model):
    """From when to when a hall is open on one weekday; several a day are allowed. 00:00 as the end is midnight."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="opening_intervals", verbose_name=_("hall"))
    weekday = models.SmallIntegerField(_("weekday"), choices=Weekday)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"), help_text=_("00:00 is midnight at the end of the day."))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("opening interval")
        verbose_name_plural = _("opening intervals")
        ordering = ["hall", "weekday", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(closes__gt=models.F("opens")) | models.Q(closes=dt.time(0)),
                name="opening_closes_after_it_opens",
            ),
            models.UniqueConstraint(fields=["hall", "weekday", "opens"], name="opening_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"


class Holiday(models.Model):
    """A date on which a hall is shut whatever the weekday."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="holidays", verbose_name=_("hall"))
    on = models.DateField(_("date"))
    name_zh = models.CharField(_("Chinese name"), max_length=40, blank=True)
    name_en = models.CharField(_("English name"), max_length=40, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["hall", "on"]
        constraints = [models.UniqueConstraint(fields=["hall", "on"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.on} {pick(self.name_zh, self.name_en)}".strip()


class DayClose(models.Model):
    """One business date of a hall, closed: no ticket of it waits any more, and no more are given."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="day_closes")
    business_date = models.DateField()
    closed_at = models.DateTimeField()
    by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hall", "business_date"], name="day_closed_once")]

    def __str__(self) -> str:
        return f"{self.hall} {self.business_date}"


class Zone(models.Model):
    """A part of the hall for which somebody answers. The slugs are those of the duty catalogue."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="zones", verbose_name=_("hall"))
    slug = models.SlugField(_("short name"), max_length=30)
    name_zh = models.CharField(_("Chinese name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    needs_somebody = models.BooleanField(
        _("somebody must be here"),
        default=False,
        help_text=_("While the hall is open; nobody here is a service vacuum, and an alarm (R-Q25)."),
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")
        ordering = ["hall", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["hall", "slug"], name="zone_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


class Room(models.Model):
    """A closed room of the hall: member room, reception room."""

    class Use(models.TextChoices):
        RECEPTION = "reception", _("reception room")
        MEMBER = "member", _("member room")
        BACK_OFFICE = "back_office", _("back office")
        STORE = "store", _("store room")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="rooms", verbose_name=_("hall"))
    use = models.CharField(_("use"), max_length=20, choices=Use)
    name_zh = models.CharField(_("Chinese name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40, blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["hall", "use", "id"]

    def __str__(self) -> str:
        return pick(self.name_zh, self.name_en)


class Heartbeat(models.Model):
    """When a watch last finished its round: one row per name."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
