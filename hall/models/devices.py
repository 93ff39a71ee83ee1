"""Devices of a hall: unattended screens and shared tablets, each paired once."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.halls import Hall


class Device(models.Model):
    """A screen or tablet. Paired by six digits; afterwards it holds a token for one hall and one screen."""

    class Screen(models.TextChoices):
        WALL = "wall", _("wall view")
        CALL = "call", _("call screen")
        KIOSK = "kiosk", _("ticket kiosk")
        TABLET = "tablet", _("shared tablet (switch person by PIN)")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="devices", verbose_name=_("hall"))
    screen = models.CharField(_("screen"), max_length=10, choices=Screen)
    name = models.CharField(_("name"), max_length=60)
    pairing_code = models.CharField(max_length=6, blank=True, editable=False)
    pairing_expires_at = models.DateTimeField(null=True, editable=False)
    token_hash = models.CharField(max_length=64, blank=True, editable=False)
    paired_at = models.DateTimeField(_("paired at"), null=True, editable=False)
    is_active = models.BooleanField(_("in use"), default=True)

    history = HistoricalRecords(excluded_fields=["pairing_code", "pairing_expires_at", "token_hash"])

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["hall", "screen", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["pairing_code"], condition=~models.Q(pairing_code=""), name="pairing_code_once"
            ),
            models.UniqueConstraint(
                fields=["token_hash"], condition=~models.Q(token_hash=""), name="device_token_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
