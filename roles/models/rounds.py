"""Rounds through the hall, whom they sampled, what they found, and when the duty manager was on the floor."""

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hall.models import Hall, Person, Post, Zone
from hall.models.names import pick


class RoundKind(models.TextChoices):
    """The rounds of a day (F-16)."""

    FIRST = "first", _("First round")
    NOON = "noon", _("Noon round")
    PEAK = "peak", _("Peak round")
    AFTERNOON = "afternoon", _("Afternoon round")


class Round(models.Model):
    """One round that somebody began, with the span in which it was due. What was due and not begun is no row.

    Whoever has `seed`, `unseen` and `on_duty` can draw the sample again (roles.sampling.draw).
    """

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="rounds")
    business_date = models.DateField()
    kind = models.CharField(max_length=10, choices=RoundKind)
    due_from = models.DateTimeField(null=True)  # null: a peak round without a crowd
    due_by = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    by = models.ForeignKey(Person, models.PROTECT, related_name="rounds")
    seed = models.BigIntegerField(default=0)
    on_duty = ArrayField(models.BigIntegerField(), default=list)  # person ids, in order
    unseen = ArrayField(models.BigIntegerField(), default=list)  # of these, who was not yet seen in the turn
    turn = models.PositiveIntegerField(default=1)  # a turn ends when everybody was seen
    size = models.PositiveSmallIntegerField(default=0)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")
        ordering = ["started_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["hall", "business_date", "kind"], condition=~Q(kind="peak"), name="round_once_a_day"
            ),
            models.UniqueConstraint(fields=["hall"], condition=Q(ended_at=None), name="one_round_at_a_time"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="round_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.get_kind_display()}"


class Sample(models.Model):
    """One person whom a round drew. `scores` is a list of {item, text_zh, text_en, scale, score} with the day's wording.

    Scale "five": 1 to 5. Scale "ok": true or false. What was not seen is left out.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="samples")
    person = models.ForeignKey(Person, models.PROTECT, related_name="samples")
    post = models.ForeignKey(Post, models.PROTECT, related_name="samples")
    turn = models.PositiveIntegerField(default=1)
    position = models.PositiveSmallIntegerField(default=0)
    scores = models.JSONField(default=list)
    mean = models.DecimalField(max_digits=3, decimal_places=2, null=True)  # of the 1 to 5, null: none of them seen
    corrected = models.BooleanField(default=False)  # on the spot
    note = models.CharField(max_length=500, blank=True)
    scored_at = models.DateTimeField(null=True)  # null: not seen
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["round", "person"], name="sampled_once_a_round")]

    def __str__(self) -> str:
        return f"{self.round} · {self.person}"

    @property
    def lines(self) -> list[dict[str, object]]:
        """What was scored, to be read in the language in force: text, score, is_mark (1 to 5; else kept or not)."""
        return [
            {"text": pick(row["text_zh"], row["text_en"]), "score": row["score"], "is_mark": row["scale"] == "five"}
            for row in self.scores
        ]


class Finding(models.Model):
    """Something that a round found: corrected on the spot, or somebody's by a time."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="findings")
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="findings")  # whom it is about
    zone = models.ForeignKey(Zone, models.SET_NULL, null=True, related_name="+")
    zone_zh = models.CharField(max_length=40, blank=True)  # its name on the day
    zone_en = models.CharField(max_length=40, blank=True)
    text = models.CharField(max_length=300)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    corrected_on_the_spot = models.BooleanField(default=False)
    owner = models.ForeignKey(Person, models.PROTECT, null=True, related_name="findings_owned")
    due_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(corrected_on_the_spot=True, done_at__isnull=False)
                | Q(corrected_on_the_spot=False, owner__isnull=False, due_at__isnull=False),
                name="finding_corrected_or_owned",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def zone_name(self) -> str:
        return pick(self.zone_zh, self.zone_en)

    @property
    def due_on(self) -> dt.date | None:
        """The hall's local date of `due_at`; needs round.hall. A time at midnight is the end of the day before."""
        if self.due_at is None:
            return None
        return self.round.hall.business_date(self.due_at - dt.timedelta(seconds=1))


class FloorTime(models.Model):
    """A duty manager said where he is from now on (R-B06). Counts only while the posting in which he said it lasts."""

    class Place(models.TextChoices):
        FLOOR = "floor", _("on the floor")
        OFFICE = "office", _("in the office")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="floor_times")
    person = models.ForeignKey(Person, models.PROTECT, related_name="floor_times")
    place = models.CharField(max_length=10, choices=Place)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)  # why the office, in a busy hall (R-Q10)

    class Meta:
        verbose_name = _("on-floor time")
        verbose_name_plural = _("on-floor times")
        ordering = ["since", "id"]
        indexes = [
            models.Index(fields=["hall", "person", "since"], name="floor_time_of_a_day")
        ]  # roles.floor_time.ratio
        constraints = [
            models.UniqueConstraint(
                fields=["hall", "person"], condition=Q(until=None), name="person_is_in_one_place_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="floor_time_ends_not_before_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.get_place_display()}"
