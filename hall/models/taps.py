"""The keys of taps: the same tap sent twice has one outcome."""

from django.db import models


class Tap(models.Model):
    """One tap that was carried out: its key, what was asked (as a digest) and what came of it."""

    key = models.CharField(max_length=80)
    actor = models.CharField(max_length=40)  # "person:3" or "device:7": keys of two people never meet
    digest = models.CharField(max_length=64)
    outcome = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["actor", "key"], name="tap_key_once")]
        indexes = [models.Index(fields=["at"], name="tap_by_age")]  # hall.tasks.forget_old_taps

    def __str__(self) -> str:
        return self.key
