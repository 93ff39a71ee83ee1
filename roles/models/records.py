"""Records (REC-01 …): forms whose fields are data, and what was entered in them, kept as it was handed in."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from hall.models import Hall, Person
from hall.models.names import pick


class FieldKind(models.TextChoices):
    """What can be entered in a field of a form."""

    TEXT = "text", _("one line of text")
    LONG = "long", _("several lines of text")
    NUMBER = "number", _("number")
    CHOICE = "choice", _("one of several")
    YESNO = "yesno", _("yes or no")
    DATE = "date", _("date")
    TIME = "time", _("time of day")
    PERSON = "person", _("person of the hall")


class Form(models.Model):
    """One version of a form. A version is never changed: an edit makes the next one, entries keep theirs.

    `fields` is a list of {name, label_zh, label_en, kind, unit, required, choices: [{value, zh, en}], least, most}.
    """

    code = models.CharField(
        _("code"), max_length=12, help_text=_("Such as REC-36; it stays."),
        validators=[RegexValidator(r"^[A-Z]+-[0-9A-Z]+$", _("Please give a code such as REC-36."))],
    )  # fmt: skip
    version = models.PositiveSmallIntegerField(_("version"))
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    purpose_zh = models.CharField(_("purpose in Chinese"), max_length=200, blank=True)
    purpose_en = models.CharField(_("purpose in English"), max_length=300, blank=True)
    fields = models.JSONField(_("fields"), default=list)
    filled_by = ArrayField(models.CharField(max_length=40), verbose_name=_("filled in by"), default=list, blank=True)
    is_current = models.BooleanField(_("current version"), default=True)
    is_active = models.BooleanField(_("in use"), default=True)
    is_shipped = models.BooleanField(_("as shipped"), default=False)  # nobody has changed it: loading may renew it
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("made by"))

    class Meta:
        verbose_name = _("form")
        verbose_name_plural = _("forms")
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="form_version_once"),
            models.UniqueConstraint(fields=["code"], condition=Q(is_current=True), name="form_has_one_current_version"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)

    @property
    def purpose(self) -> str:
        return pick(self.purpose_zh, self.purpose_en)


class Entry(models.Model):
    """A form that was filled in. Never changed: a correction is another entry that replaces it, with a reason.

    `data` is a list of {name, label_zh, label_en, kind, unit, value, shown_zh, shown_en}: it keeps the wording of its day.
    """

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="record_entries", verbose_name=_("hall"))
    form = models.ForeignKey(Form, models.PROTECT, related_name="entries", verbose_name=_("form"))
    code = models.CharField(_("code"), max_length=12)  # the form's, whatever its version
    business_date = models.DateField(_("date"))
    at = models.DateTimeField(_("handed in at"))
    by = models.ForeignKey(Person, models.PROTECT, related_name="record_entries", verbose_name=_("handed in by"))
    data = models.JSONField(_("answers"), default=list)
    words = models.TextField(blank=True)  # all that can be searched for
    people = ArrayField(models.BigIntegerField(), default=list, blank=True)  # whom the entry is about
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="replaced_by", verbose_name=_("replaces")
    )
    reason = models.CharField(_("reason for the correction"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["-business_date", "-id"]
        indexes = [
            models.Index(fields=["hall", "code", "business_date"], name="entry_by_form_and_day")
        ]  # a form's list
        constraints = [
            models.CheckConstraint(condition=Q(replaces=None) | ~Q(reason=""), name="correction_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.business_date}"
