"""Counters: one staffed service position each, and what happened there."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.halls import Hall, Zone


class Counter(models.Model):
    """One service position. State and clerk are written by hall.counters only, the rest in the admin site."""

    class Kind(models.TextChoices):
        FIXED = "fixed", _("fixed counter")
        MOBILE = "mobile", _("mobile counter")
        VIP = "vip", _("VIP seat")
        HANDHELD = "handheld", _("handheld")
        GREEN = "green", _("green channel")

    class State(models.TextChoices):
        CLOSED = "closed", _("closed")
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")

    class PauseReason(models.TextChoices):
        LUNCH = "lunch", _("lunch")
        BREAK = "break", _("short break")
        FAILURE = "failure", _("temporarily out of service")
        HELPING = "helping", _("helping a colleague")
        OTHER = "other", _("other")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="counters", verbose_name=_("hall"))
    number = models.PositiveSmallIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.FIXED)
    zone = models.ForeignKey(
        Zone,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="counters",
        verbose_name=_("zone"),
    )

    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CLOSED, editable=False)
    state_since = models.DateTimeField(null=True, editable=False)
    clerk = models.ForeignKey(
        "hall.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="counters",
        editable=False,
        verbose_name=_("clerk"),
    )
    clerk_since = models.DateTimeField(null=True, editable=False)
    pause_reason = models.CharField(max_length=10, choices=PauseReason, blank=True, editable=False)
    pause_note = models.CharField(max_length=100, blank=True, editable=False)
    expected_return_at = models.DateTimeField(null=True, editable=False)
    # Of the customer who is called or served here.
    ticket_number = models.CharField(max_length=8, blank=True, editable=False)
    free_since = models.DateTimeField(null=True, editable=False)  # open and nobody there since
    # Favoured customers called in a row.
    favoured_run = models.PositiveSmallIntegerField(default=0, editable=False)

    history = HistoricalRecords(
        excluded_fields=[
            "state",
            "state_since",
            "clerk",
            "clerk_since",
            "pause_reason",
            "pause_note",
            "expected_return_at",
            "ticket_number",
            "free_since",
            "favoured_run",
        ],
    )

    class Meta:
        verbose_name = _("counter")
        verbose_name_plural = _("counters")
        ordering = ["hall", "number"]
        constraints = [
            models.UniqueConstraint(fields=["hall", "number"], name="counter_number_once"),
            models.UniqueConstraint(
                fields=["clerk"], condition=models.Q(clerk__isnull=False), name="clerk_at_one_counter"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open") | models.Q(ticket_number=""), name="only_open_counter_has_a_customer"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="paused") | ~models.Q(pause_reason=""), name="pause_has_a_reason"
            ),
        ]

    def __str__(self) -> str:
        return _("counter %(number)s") % {"number": self.number}


class CounterEvent(models.Model):
    """What happened at a counter: signed_in, opened, paused, resumed, closed (which signs out). Never changed."""

    counter = models.ForeignKey(Counter, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=100, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["counter", "at"], name="counter_event_by_time")]  # K-12, hall.reports

    def __str__(self) -> str:
        return f"{self.counter_id} {self.verb}"
