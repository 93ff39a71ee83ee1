"""People, and as what they belong to which hall."""

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.names import pick


class Kind(models.TextChoices):
    """What a person is in a hall; rights and the rungs of the alarm ladder follow it."""

    HEADQUARTERS = "headquarters", _("headquarters")
    HALL_MANAGER = "hall_manager", _("hall manager")
    DUTY_MANAGER = "duty_manager", _("duty manager")
    CLERK = "clerk", _("counter clerk")
    VIP_RECEPTION = "vip_reception", _("VIP receptionist")
    GUIDE = "guide", _("guide")
    FLOATER = "floater", _("floater")
    GUARD = "guard", _("security guard")
    RECEPTIONIST = "receptionist", _("customer receptionist")
    STAFF = "staff", _("other staff")


# Who is this at all hours; everybody else holds a post by taking it (Posting).
STANDING = frozenset({Kind.HEADQUARTERS, Kind.HALL_MANAGER})


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, login: str, password: str | None = None, **fields: object) -> "Person":
        person = self.model(login=login, **fields)
        person.set_password(password)
        person.save()
        return person

    def create_superuser(self, login: str, password: str | None = None, **fields: object) -> "Person":
        return self.create_user(login, password, is_staff=True, is_superuser=True, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who works in halls. Logs in by name, or by PIN on a paired tablet."""

    last_login = None  # nobody reads it, and writing it at each PIN switch would fill the history

    login = models.CharField(_("login name"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40, blank=True)
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=[("zh-hans", "中文"), ("en", "English")],
        help_text=_("Empty: as the browser asks."),
    )
    pin_hash = models.CharField(max_length=128, blank=True, editable=False)
    pin_failures = models.PositiveSmallIntegerField(default=0, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the admin site"), default=False)

    objects = PersonManager()
    history = HistoricalRecords(excluded_fields=["password", "pin_hash", "pin_failures"])

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = ["name_zh"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["login"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


class Membership(models.Model):
    """Where a person belongs, and which posts he may take there. One person may have several."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="memberships", verbose_name=_("person"))
    hall = models.ForeignKey("hall.Hall", models.CASCADE, related_name="memberships", verbose_name=_("hall"))
    kind = models.CharField(_("as"), max_length=20, choices=Kind)
    post = models.ForeignKey(
        "hall.Post",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        verbose_name=_("post"),
        help_text=_("Empty: the usual post of this kind."),
    )
    company = models.CharField(_("company of third-party staff"), max_length=60, blank=True)  # O-14: guards, cleaners

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["person", "hall", "kind", "post"], nulls_distinct=False, name="membership_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.get_kind_display()}"
