"""Meetings after the shift and of the month, and what came of them (REC-02, REC-11)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hall.models import Hall, Person


class Meeting(models.Model):
    """What a meeting said, as handed in; or why the day's meeting was skipped. Never changed."""

    class Kind(models.TextChoices):
        AFTER_SHIFT = "after_shift", _("meeting after the shift")
        MONTHLY = "monthly", _("monthly meeting")
        SPECIAL = "special", _("special meeting")

    class Trigger(models.TextChoices):
        """Why a meeting after the shift is held."""

        DAILY = "daily", _("the day in review")
        SERVICE = "service", _("new or changed service")
        MAJOR = "major", _("major matter")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="meetings", verbose_name=_("hall"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    on = models.DateField(_("date"))
    trigger = models.CharField(_("occasion"), max_length=8, choices=Trigger, blank=True)  # of a meeting after the shift
    due_on = models.DateField(_("due"), null=True)  # of a monthly meeting, as the limit said then (R-R06)
    skipped_because = models.CharField(_("why it was skipped"), max_length=200, blank=True)
    # After the shift: problems, persons, cases. Of the month: review, problems, plan, proposals.
    review = models.CharField(_("review"), max_length=2000, blank=True)
    problems = models.CharField(_("problems"), max_length=2000, blank=True)
    persons = models.CharField(_("persons"), max_length=600, blank=True)
    cases = models.CharField(_("cases"), max_length=2000, blank=True)
    plan = models.CharField(_("next plan"), max_length=2000, blank=True)
    proposals = models.CharField(_("proposals"), max_length=2000, blank=True)
    attendees = models.ManyToManyField(Person, blank=True, related_name="meetings", verbose_name=_("present"))
    notices = models.ManyToManyField(
        "roles.Notice", blank=True, related_name="meetings", verbose_name=_("notices explained")
    )
    by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("held by"))
    at = models.DateTimeField(_("recorded at"))

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["-on", "-id"]
        indexes = [models.Index(fields=["hall", "on"], name="meeting_by_day")]
        constraints = [
            models.CheckConstraint(
                condition=Q(skipped_because="") | Q(kind="after_shift"), name="only_the_daily_meeting_is_skipped"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hall} {self.on} {self.get_kind_display()}"


class FollowUp(models.Model):
    """What somebody does about it, by when. Done by his own tap."""

    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="follow_ups")
    text = models.CharField(max_length=300)
    owner = models.ForeignKey(Person, models.PROTECT, related_name="follow_ups")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["due_on", "id"]
        indexes = [
            # the meetings' page: what is still to do
            models.Index(fields=["owner", "due_on"], condition=Q(done_at=None), name="follow_up_open"),
        ]

    def __str__(self) -> str:
        return self.text
