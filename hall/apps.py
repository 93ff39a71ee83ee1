"""How Django finds Hall and its admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class HallConfig(AppConfig):
    name = "hall"
    verbose_name = _("Hall")


class HallAdminConfig(AdminConfig):
    default_site = "hall.admin_site.HallAdminSite"
