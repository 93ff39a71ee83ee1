"""The briefing before the shift, and who was there (REC-01)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hall.models import Hall, Person


class Briefing(models.Model):
    """One morning's briefing. While it goes on its words can be edited; ended, it stays as it was said."""

    class Timing(models.TextChoices):
        """When it began, against the window of R-B01. Empty: the hall opens at no hour, being open round the clock."""

        EARLY = "early", pgettext_lazy("briefing", "early")
        IN_TIME = "in_time", pgettext_lazy("briefing", "in time")
        LATE = "late", pgettext_lazy("briefing", "late")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="briefings", verbose_name=_("hall"))
    on = models.DateField(_("date"))
    host = models.ForeignKey(Person, models.PROTECT, related_name="briefings_held", verbose_name=_("held by"))
    started_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True)
    opens_at = models.DateTimeField(_("opening"), null=True)  # the opening that it precedes, as planned that day
    timing = models.CharField(_("timing"), max_length=8, choices=Timing, blank=True)
    learning = models.CharField(_("learning item"), max_length=600, blank=True)
    praise = models.CharField(_("praise"), max_length=600, blank=True)
    goals = models.CharField(_("goals of the day"), max_length=600, blank=True)
    smile_done = models.BooleanField(_("smile practice"), default=False)  # R-G08
    # As it was said that day: {"figures": {...} | None, "notices": [{"title_zh", "title_en", "body_zh", "body_en"}],
    # "host": name, "present": [names], "absent": [names]}
    words = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("briefing")
        verbose_name_plural = _("briefings")
        ordering = ["-on"]
        constraints = [
            models.UniqueConstraint(fields=["hall", "on"], name="briefing_once_a_day"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="briefing_ends_not_before_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hall} {self.on}"

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None


class Attendance(models.Model):
    """Somebody at a briefing: there and looked at, or away and so owing the reading."""

    class Appearance(models.TextChoices):
        OK = "ok", pgettext_lazy("appearance", "in order")
        CORRECTED = "corrected", pgettext_lazy("appearance", "corrected")
        NOT_OK = "not_ok", pgettext_lazy("appearance", "not in order")

    briefing = models.ForeignKey(Briefing, models.CASCADE, related_name="attendances")
    person = models.ForeignKey(Person, models.PROTECT, related_name="briefings_attended")
    is_present = models.BooleanField()
    appearance = models.CharField(max_length=10, choices=Appearance, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["briefing", "person"], name="attendance_once"),
            models.CheckConstraint(
                condition=Q(is_present=True) | Q(appearance=""), name="only_who_is_there_is_looked_at"
            ),
        ]
        indexes = [
            # roles.notices.owed: what somebody missed
            models.Index(fields=["person"], condition=Q(is_present=False), name="briefing_missed"),
        ]

    def __str__(self) -> str:
        return f"{self.briefing_id} {self.person_id}"
