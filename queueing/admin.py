"""The queue's tables in the admin site: services. Tickets are changed by the hall's work only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall.admin_site import FloorAdmin, HallFilter, edited_halls
from queueing.models import Service, Ticket


@admin.register(Service)
class ServiceAdmin(FloorAdmin):
    topics = ("queue", "counters")
    list_display = ["letter", "name_zh", "name_en", "hall", "at_counters", "is_green", "is_active"]
    list_display_links = ["letter", "name_zh"]
    list_filter = [HallFilter, "is_active", "is_green", "letter"]
    search_fields = ["code", "letter", "name_zh", "name_en"]
    list_select_related = ["hall"]
    fields = [
        "hall",
        "code",
        "letter",
        "name_zh",
        "name_en",
        "is_green",
        "position",
        "counters",
        "masters",
        "is_active",
    ]
    filter_horizontal = ["counters", "masters"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("counters")

    @admin.display(description=gettext_lazy("counters"))
    def at_counters(self, row: Service) -> str:
        return ", ".join(str(number) for number in sorted(counter.number for counter in row.counters.all())) or "–"

    def _choices(self, db_field: Any, request: HttpRequest) -> QuerySet:
        rows = super()._choices(db_field, request)
        if db_field.name != "masters":
            return rows
        hall_id = getattr(getattr(request, "edited_row", None), "hall_id", None)
        halls = [hall_id] if hall_id else edited_halls(request)
        return rows.filter(memberships__hall__in=halls).distinct()

    def why_not_delete(self, row: Service) -> str:
        if Ticket.objects.filter(service=row).exists():
            return _("Tickets were given for this service, and it stays. Clear “offered” instead.")
        return ""
