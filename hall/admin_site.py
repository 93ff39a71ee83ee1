"""The admin site in Hall's own name and colours."""

from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class HallAdminSite(AdminSite):
    site_header = _("Hall · administration")
    site_title = _("Hall")
    index_title = _("Halls, people and rules")
