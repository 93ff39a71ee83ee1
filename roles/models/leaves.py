"""Asking for leave from a post that must never be left unasked (R-B15)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hall.models import Hall, Person, Posting


class LeaveRequest(models.Model):
    """A guard asks to leave his post; somebody who assigns posts consents, or refuses with a reason (REC-43)."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        GRANTED = "granted", _("granted")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="leave_requests")
    posting = models.ForeignKey(Posting, models.CASCADE, related_name="leave_requests")
    person = models.ForeignKey(Person, models.PROTECT, related_name="leave_requests")
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)  # why it was refused

    class Meta:
        verbose_name = _("request for leave")
        verbose_name_plural = _("requests for leave")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["posting"], condition=Q(state="asked"), name="leave_asked_once"),
        ]
        indexes = [
            # my shift: what the duty manager is asked
            models.Index(fields=["hall"], condition=Q(state="asked"), name="leave_asked_in_hall"),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_state_display()}"
