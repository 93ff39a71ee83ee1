"""Handing a shift over: counted items, the system's state, open matters, both signatures (F-30, REC-24)."""

import datetime as dt

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from hall.models import Counter, Hall, Person, Post


class ShiftHandover(models.Model):
    """What one person leaves to the next. Offering signs it for the giver, accepting for the receiver."""

    class State(models.TextChoices):
        OFFERED = "offered", pgettext_lazy("shift handover", "offered")
        ACCEPTED = "accepted", pgettext_lazy("shift handover", "accepted")
        REFUSED = "refused", pgettext_lazy("shift handover", "refused")
        WITHDRAWN = "withdrawn", pgettext_lazy("shift handover", "withdrawn")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="shift_handovers", verbose_name=_("hall"))
    giver = models.ForeignKey(Person, models.PROTECT, related_name="handovers_given", verbose_name=_("from"))
    receiver = models.ForeignKey(Person, models.PROTECT, related_name="handovers_received", verbose_name=_("to"))
    post = models.ForeignKey(Post, models.PROTECT, related_name="+", verbose_name=_("post"))
    counter = models.ForeignKey(Counter, models.SET_NULL, null=True, related_name="+", verbose_name=_("counter"))
    place = models.CharField(_("post and counter of that day"), max_length=160)  # in the giver's language
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OFFERED)
    system_state = models.CharField(_("state of the systems"), max_length=300)
    open_matters = models.CharField(_("open matters"), max_length=1000, blank=True)
    smile_done = models.BooleanField(_("smile practice"), default=False)  # R-G08: alone on the mid shift
    offered_at = models.DateTimeField(_("handed over at"))
    answered_at = models.DateTimeField(_("answered at"), null=True)
    refused_because = models.CharField(_("why it was refused"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("shift handover")
        verbose_name_plural = _("shift handovers")
        ordering = ["-offered_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["giver", "post", "counter"], condition=Q(state="offered"), nulls_distinct=False,
                name="shift_handover_offered_once",
            ),
            models.CheckConstraint(condition=~Q(giver=F("receiver")), name="shift_handover_to_somebody_else"),
            models.CheckConstraint(
                condition=Q(state="offered", answered_at=None) | ~Q(state="offered") & Q(answered_at__gte=F("offered_at")),
                name="answered_shift_handover_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(refused_because=""), name="refused_shift_handover_says_why"
            ),
        ]  # fmt: skip
        indexes = [
            # the page: what the hall handed over lately
            models.Index(fields=["hall", "offered_at"], name="shift_handover_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.giver} → {self.receiver}"

    @property
    def offered_on(self) -> dt.date:
        return self.hall.business_date(self.offered_at)

    @property
    def answered_on(self) -> dt.date | None:
        return self.hall.business_date(self.answered_at) if self.answered_at else None


class CountedItem(models.Model):
    """One thing counted at a handover."""

    handover = models.ForeignKey(ShiftHandover, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=60)
    count = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["handover", "position"], name="counted_item_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.count}"
