"""Wrong guesses of passwords and pairing codes, counted so that nobody guesses on."""

from django.db import models


class Guesses(models.Model):
    """How often one key (a login name at an address, an address) guessed wrong since a first wrong guess."""

    key = models.CharField(max_length=160, unique=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["since"], name="guesses_by_age")]  # hall.guesses.wrong forgets old ones

    def __str__(self) -> str:
        return f"{self.key} {self.count}"
