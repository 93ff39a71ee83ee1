"""The queue's tables in the admin site: services. Tickets are changed by the hall's work only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall.admin_site import FloorAdmin, HallFilter
from queueing.models import Service, Ticket


@admin.register(Service)
class ServiceAdmin(FloorAdmin):
    topics = ("queue", "counters")
    list_display = ["letter", "name_zh", "name_en", "hall", "at_counters", "is_green", "is_active"]
    list_display_links = ["letter", "name_zh"]
    list_filter = [HallFilter, "is_active", "is_green", "letter"]
    search_fields = ["code", "letter", "name_zh", "name_en"]
    list_select_related = ["hall"]
    fields = ["hall", "code", "letter", "name_zh", "name_en", "is_green", "position", "counters", "is_active"]
    filter_horizontal = ["counters"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("counters")

    @admin.display(description=gettext_lazy("counters"))
    def at_counters(self, row: Service) -> str:
        return ", ".join(str(number) for number in sorted(counter.number for counter in row.counters.all())) or "–"

    def why_not_delete(self, row: Service) -> str:
        if Ticket.objects.filter(service=row).exists():
            return _("Tickets were given for this service, and it stays. Clear “offered” instead.")
        return ""
