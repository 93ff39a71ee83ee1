"""The roster: who is planned for which post, where and from when to when; and who asked to swap. What is so is a Posting."""

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.utils.translation import gettext_lazy as _

from hall.models import Counter, Hall, Kind, Person, Post, Zone

LONGEST_SHIFT = dt.timedelta(hours=16)


class Shift(models.Model):
    """One person's planned shift in one post. Over midnight it belongs to the date on which it starts."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="shifts", verbose_name=_("hall"))
    on = models.DateField(_("date"))  # the hall's local date of `starts`
    post = models.ForeignKey(Post, models.PROTECT, related_name="shifts", verbose_name=_("post"))
    zone = models.ForeignKey(Zone, models.SET_NULL, null=True, related_name="shifts", verbose_name=_("zone"))
    counter = models.ForeignKey(Counter, models.SET_NULL, null=True, related_name="shifts", verbose_name=_("counter"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="shifts", verbose_name=_("person"))
    starts = models.DateTimeField(_("starts"))
    ends = models.DateTimeField(_("ends"))
    meal_from = models.DateTimeField(_("meal from"), null=True)
    meal_until = models.DateTimeField(_("meal until"), null=True)
    # Who stands in for the duty manager when he is not there (O-02).
    delegate = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="shifts_stood_in_for", verbose_name=_("deputy")
    )
    note = models.CharField(_("note"), max_length=100, blank=True)
    cancelled = models.BooleanField(_("cancelled"), default=False)

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ["starts", "id"]
        indexes = [models.Index(fields=["hall", "on"], name="shift_by_day")]  # the roster's week, planned_on
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="shift_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(ends__lte=F("starts") + LONGEST_SHIFT), name="shift_of_16_hours_at_most"
            ),
            models.CheckConstraint(
                condition=Q(meal_from=None, meal_until=None)
                | Q(meal_from__gte=F("starts"), meal_until__gt=F("meal_from"), meal_until__lte=F("ends")),
                name="shift_holds_its_meal",
            ),
            ExclusionConstraint(  # checked at the end of a statement, so that two people can exchange shifts in one
                name="person_has_one_shift_at_a_time",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        Func("starts", "ends", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(cancelled=False),
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.on} {self.person} · {self.post}"

    @property
    def is_duty_manager(self) -> bool:
        """Whether this is the shift of who answers for the hall (O-02, X-08)."""
        return self.post.kind == Kind.DUTY_MANAGER


class ShiftEvent(models.Model):
    """What was done to a shift: planned, copied, imported, changed, meal, swapped, cancelled. Never changed."""

    shift = models.ForeignKey(Shift, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    data = models.JSONField(default=dict, blank=True)  # what stood there before

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.shift_id} {self.verb}"


class Swap(models.Model):
    """Somebody asks to give a shift to a colleague, or to exchange it for a colleague's. Whoever plans the roster answers."""

    class State(models.TextChoices):
        ASKED = "asked", _("asked")
        AGREED = "agreed", _("agreed")
        REFUSED = "refused", _("refused")

    shift = models.ForeignKey(Shift, models.CASCADE, related_name="swaps", verbose_name=_("shift"))
    # The colleague; `other` is his shift where the two are exchanged. Kept here: afterwards the shifts say something else.
    giver = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("who gives it"))
    to = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("who takes it"))
    other = models.ForeignKey(Shift, models.CASCADE, null=True, related_name="swaps_for", verbose_name=_("in exchange"))
    asked_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("answered by"))
    at = models.DateTimeField(_("answered at"), null=True)
    reason = models.CharField(_("reason"), max_length=100, blank=True)  # why it is asked for
    answer = models.CharField(_("answer"), max_length=100, blank=True)  # why it is refused

    class Meta:
        verbose_name = _("swap")
        verbose_name_plural = _("swaps")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["shift"], condition=Q(state="asked"), name="shift_has_one_open_swap"),
            models.CheckConstraint(condition=~Q(giver=F("to")), name="swap_with_somebody_else"),
            models.CheckConstraint(condition=Q(state="asked") | Q(at__isnull=False), name="answered_swap_has_a_time"),
        ]

    def __str__(self) -> str:
        return f"{self.shift} → {self.to}"
