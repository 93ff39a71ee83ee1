"""Notices, and who has read them or the record of a briefing that he missed (REC-54)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from hall.models import Hall, Person, Post
from hall.models.names import pick


class Notice(models.Model):
    """Something that the staff must know. Its words never change, since people have read them: withdraw it and write another."""

    hall = models.ForeignKey(
        Hall, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name=_("hall")
    )
    title_zh = models.CharField(_("Chinese title"), max_length=80, blank=True)
    title_en = models.CharField(_("English title"), max_length=120, blank=True)
    body_zh = models.TextField(_("Chinese text"), max_length=4000, blank=True)
    body_en = models.TextField(_("English text"), max_length=6000, blank=True)
    effective_from = models.DateField(_("applies from"))
    ends_on = models.DateField(_("applies until"), null=True, blank=True)  # the last day; null: until withdrawn
    audience = models.ManyToManyField(
        Post, blank=True, related_name="notices", verbose_name=_("for")
    )  # empty: everybody
    must_be_read = models.BooleanField(_("must be read"), default=False)
    changes_service = models.BooleanField(_("new or changed service"), default=False)  # R-B11
    written_by = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("written by"))
    written_at = models.DateTimeField(_("written at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)
    withdrawn_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-written_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(title_zh="") | ~Q(title_en=""), name="notice_has_a_title"),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("effective_from")),
                name="notice_ends_not_before_it_applies",
            ),
        ]
        indexes = [
            # roles.notices.standing: what a hall's staff have to know
            models.Index(fields=["hall", "ends_on"], condition=Q(withdrawn_at=None), name="notice_standing"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        return pick(self.title_zh, self.title_en)

    @property
    def body(self) -> str:
        return pick(self.body_zh, self.body_en)


class Reading(models.Model):
    """Somebody has read a notice or the record of a briefing; or was told it, by whom."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="readings")
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, related_name="readings")
    briefing = models.ForeignKey("roles.Briefing", models.CASCADE, null=True, related_name="readings")
    at = models.DateTimeField()
    told_by = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="+"
    )  # "or ask the duty manager" (R-B08)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(notice=None, briefing__isnull=False) | Q(notice__isnull=False, briefing=None),
                name="reading_of_one_thing",
            ),
            models.UniqueConstraint(fields=["notice", "person"], name="notice_read_once"),
            models.UniqueConstraint(fields=["briefing", "person"], name="briefing_read_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.notice_id or self.briefing_id}"
