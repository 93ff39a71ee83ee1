"""Alarms: something needs a person, by when, and who is told next if nobody answers."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.halls import Hall
from hall.models.people import Kind


class AlarmRung(models.Model):
    """One rung of a rule's ladder: who is told when the rung below did not answer in time."""

    rule = models.CharField(_("rule"), max_length=10)
    position = models.PositiveSmallIntegerField(_("rung"))
    kind = models.CharField(_("who is told"), max_length=20, choices=Kind)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("rung of an alarm's ladder")
        verbose_name_plural = _("rungs of the alarms' ladders")
        ordering = ["rule", "position"]
        constraints = [models.UniqueConstraint(fields=["rule", "position"], name="alarm_rung_once")]

    def __str__(self) -> str:
        return f"{self.rule} {self.position}: {self.get_kind_display()}"


class Alarm(models.Model):
    """Something needs a person. Open until settled; raising it again while open changes nothing."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="alarms")
    rule = models.CharField(max_length=10)
    subject = models.CharField(max_length=40)  # "ticket:17", "hall"
    rung = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()  # the instant the limit was crossed
    raised_at = models.DateTimeField()  # when it was seen
    next_rung_at = models.DateTimeField(null=True)  # null: acknowledged, or no rung above
    act_by = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    settled_because = models.CharField(max_length=20, blank=True)  # done, cause_gone
    data = models.JSONField(default=dict, blank=True)  # what the text needs: number, minutes

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ["id"]
        constraints = [
            # Raising is idempotent: one open alarm per hall, rule and subject.
            models.UniqueConstraint(
                fields=["hall", "rule", "subject"], condition=models.Q(settled_at__isnull=True), name="alarm_open_once"
            ),
        ]
        indexes = [
            # hall.alarms.climb
            models.Index(
                fields=["next_rung_at"],
                condition=models.Q(settled_at__isnull=True, next_rung_at__isnull=False),
                name="alarm_next_rung",
            ),
            # hall.reports: the alarms of a day
            models.Index(fields=["hall", "due_at"], name="alarm_by_hall_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject}"


class AlarmEvent(models.Model):
    """One step of an alarm: raised, climbed, acknowledged, settled. Never changed."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    rung = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.alarm_id} {self.verb}"
