"""The floor's tables in the admin site: halls and their places, people, devices, limits."""

import datetime as dt
import itertools
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from hall import clock, devices, live, people, text
from hall.admin_site import (
    FloorAdmin,
    FloorForm,
    FloorInline,
    HallFilter,
    edited_halls,
    is_editor,
    is_superuser,
    person_of,
)
from hall.models import (
    AlarmRung,
    Counter,
    Device,
    Hall,
    Holiday,
    Kind,
    Limit,
    LimitOverride,
    Membership,
    OpeningInterval,
    Person,
    Room,
    Zone,
)
from hall.refusals import Refused
from queueing import waits
from queueing.models import Ticket, TicketEvent

admin.site.unregister(Group)  # rights follow memberships (docs/rights.md)

# Halls, and what stands in them.


def overlap(intervals: list[tuple[int, dt.time, dt.time]]) -> bool:
    """Whether two of (weekday, opens, closes) overlap; 00:00 as the end is midnight. Touching ones do not."""
    in_order = sorted((day, opens, closes if closes != dt.time(0) else dt.time.max) for day, opens, closes in intervals)
    return any(one[0] == two[0] and two[1] < one[2] for one, two in itertools.pairwise(in_order))


class OpeningIntervalForm(FloorForm):
    """One stretch of opening by itself: it may not overlap the hall's others on that weekday."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        hall_id = cleaned["hall"].pk if cleaned.get("hall") else self.instance.hall_id
        if hall_id is None or not {"weekday", "opens", "closes"} <= {
            name for name, value in cleaned.items() if value is not None
        }:
            return cleaned
        others = OpeningInterval.objects.filter(hall_id=hall_id, weekday=cleaned["weekday"]).exclude(
            pk=self.instance.pk
        )
        rows = [
            *others.values_list("weekday", "opens", "closes"),
            (cleaned["weekday"], cleaned["opens"], cleaned["closes"]),
        ]
        if overlap(rows):
            raise forms.ValidationError(_("Two opening intervals of one weekday overlap."))
        return cleaned


class OpeningIntervals(BaseInlineFormSet):
    """The hall's whole week: no two stretches of a weekday overlap."""

    def clean(self) -> None:
        super().clean()
        rows = [
            (form.cleaned_data["weekday"], form.cleaned_data["opens"], form.cleaned_data["closes"])
            for form in self.forms
            if not form.errors and form.cleaned_data.get("opens") is not None and not form.cleaned_data.get("DELETE")
        ]
        if overlap(rows):
            raise forms.ValidationError(_("Two opening intervals of one weekday overlap."))


class OpeningIntervalInline(FloorInline):
    model = OpeningInterval
    formset = OpeningIntervals
    fields = ["weekday", "opens", "closes"]


class HolidayInline(FloorInline):
    model = Holiday
    fields = ["on", "name_zh", "name_en"]


class ZoneInline(FloorInline):
    model = Zone
    fields = ["slug", "name_zh", "name_en", "position"]


class RoomInline(FloorInline):
    model = Room
    fields = ["use", "name_zh", "name_en"]


class LimitOverrideInline(FloorInline):
    model = LimitOverride
    verbose_name = gettext_lazy("own limit")
    verbose_name_plural = gettext_lazy("own limits")
    fields = ["hall", "limit", "value"]


@admin.register(Hall)
class HallAdmin(FloorAdmin):
    hall_lookup = "pk"
    topics = ("queue", "counters", "limits")
    list_display = ["code", "name_zh", "name_en", "time_zone", "clock", "is_active"]
    list_filter = ["is_active", "clock"]
    search_fields = ["code", "name_zh", "name_en"]
    fields = ["code", "name_zh", "name_en", "time_zone", "last_ticket_before_close", "is_active"]
    inlines = [OpeningIntervalInline, HolidayInline, ZoneInline, RoomInline, LimitOverrideInline]
    history_parts = (
        (OpeningInterval, "hall_id"),
        (Holiday, "hall_id"),
        (Zone, "hall_id"),
        (Room, "hall_id"),
        (LimitOverride, "hall_id"),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Hall | None = None) -> bool:
        return is_superuser(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Hall | None = None) -> tuple[str, ...]:
        """The code stands in the address of every screen and device; only a superuser moves them all."""
        return () if is_superuser(request) else ("code",)

    def why_not_delete(self, row: Hall) -> str:
        if Ticket.objects.filter(hall=row).exists():
            return _("This hall has tickets and stays. Take it out of use instead: clear “in use”.")
        return ""

    def tell(self, request: HttpRequest, row: Hall, halls: Any = None) -> None:
        if halls is None:
            waits.rewrite_due_times(hall_id=row.pk, at=clock.now())
        super().tell(request, row, halls)


@admin.register(OpeningInterval)
class OpeningIntervalAdmin(FloorAdmin):
    form = OpeningIntervalForm
    topics = ("queue",)
    list_display = ["hall", "weekday", "opens", "closes"]
    list_filter = [HallFilter, "weekday"]
    search_fields = ["hall__code", "hall__name_zh", "hall__name_en"]
    list_select_related = ["hall"]


@admin.register(Holiday)
class HolidayAdmin(FloorAdmin):
    topics = ("queue",)
    list_display = ["hall", "on", "name_zh", "name_en"]
    list_filter = [HallFilter, "on"]
    search_fields = ["name_zh", "name_en"]
    list_select_related = ["hall"]


@admin.register(Zone)
class ZoneAdmin(FloorAdmin):
    topics = ("counters",)
    list_display = ["name_zh", "name_en", "slug", "hall", "position"]
    list_filter = [HallFilter]
    search_fields = ["slug", "name_zh", "name_en"]
    list_select_related = ["hall"]


@admin.register(Room)
class RoomAdmin(FloorAdmin):
    list_display = ["name_zh", "name_en", "use", "hall"]
    list_filter = [HallFilter, "use"]
    search_fields = ["name_zh", "name_en"]
    list_select_related = ["hall"]


@admin.register(Counter)
class CounterAdmin(FloorAdmin):
    topics = ("counters", "queue")
    list_display = ["number", "hall", "kind", "zone", "state", "serves"]
    list_filter = [HallFilter, "kind", "state"]
    search_fields = ["number", "zone__name_zh", "zone__name_en", "hall__name_zh", "hall__name_en"]
    list_select_related = ["hall", "zone"]
    fields = ["hall", "number", "kind", "zone"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("services")

    @admin.display(description=gettext_lazy("serves"))
    def serves(self, row: Counter) -> str:
        return ", ".join(sorted({service.letter for service in row.services.all()})) or "–"

    def why_not_delete(self, row: Counter) -> str:
        if Ticket.objects.filter(counter=row).exists() or TicketEvent.objects.filter(counter=row).exists():
            return _(
                "Customers were served at this counter, and it stays. Take its services away instead: then nobody is called there."
            )
        return ""

    def tell(self, request: HttpRequest, row: Counter, halls: Any = None) -> None:
        super().tell(request, row, halls)
        live.announce(row.hall_id, f"counter:{row.pk}")


# People.


def ranks_of(request: HttpRequest) -> dict[int, set[Kind]]:
    """Hall id → the kinds of membership that this request's person may give, change and take there."""
    if not hasattr(request, "given_kinds"):
        own = Membership.objects.filter(person=person_of(request), hall__in=edited_halls(request)).values_list(
            "hall_id", "kind"
        )
        ranks = {hall_id: set(Kind) - {Kind.HEADQUARTERS} for hall_id in edited_halls(request)}
        for hall_id, kind in own:
            if kind == Kind.HEADQUARTERS:
                ranks[hall_id] = set(Kind)
        request.given_kinds = ranks  # type: ignore[attr-defined]
    return request.given_kinds  # type: ignore[attr-defined]


def may_give(request: HttpRequest, hall_id: int, kind: str) -> bool:
    """Nobody gives, changes or takes a membership above his own."""
    return is_superuser(request) or kind in ranks_of(request).get(hall_id, set())


class MembershipForm(FloorForm):
    request: HttpRequest  # set on the class that the admin makes for each request

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        hall_id = cleaned["hall"].pk if cleaned.get("hall") else self.instance.hall_id
        if hall_id is not None and cleaned.get("kind") and not may_give(self.request, hall_id, cleaned["kind"]):
            self.add_error("kind", _("You cannot make somebody this in that hall."))
        return cleaned


class Memberships(BaseInlineFormSet):
    """Somebody entered by a hall manager belongs to one of that manager's halls, or nobody could find him again."""

    needs_one = False

    def clean(self) -> None:
        super().clean()
        kept = (
            [form for form in self.forms if form.cleaned_data.get("hall") and not form.cleaned_data.get("DELETE")]
            if not any(self.errors)
            else [1]
        )
        if self.needs_one and not kept:
            raise forms.ValidationError(_("Please give at least one membership in a hall of yours."))


def membership_rows(request: HttpRequest, rows: QuerySet) -> QuerySet:
    """The memberships that the person may change."""
    if is_superuser(request):
        return rows
    allowed = Q(pk__in=[])
    for hall_id, kinds in ranks_of(request).items():
        allowed |= Q(hall=hall_id, kind__in=kinds)
    return rows.filter(allowed)


class MembershipInline(FloorInline):
    model = Membership
    form = MembershipForm
    formset = Memberships
    fields = ["hall", "kind"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return membership_rows(request, super().get_queryset(request))

    def get_formset(self, request: HttpRequest, obj: Any = None, **named: Any) -> Any:
        request.edited_row = None  # type: ignore[attr-defined]
        formset = super().get_formset(request, obj, **named)
        formset.form.request = request  # type: ignore[attr-defined]
        formset.needs_one = not is_superuser(request)  # type: ignore[attr-defined]
        return formset


@admin.register(Membership)
class MembershipAdmin(FloorAdmin):
    form = MembershipForm
    list_display = ["person", "kind", "hall"]
    list_filter = [HallFilter, "kind"]
    search_fields = ["person__login", "person__name_zh", "person__name_en"]
    list_select_related = ["person", "hall"]

    def is_own(self, request: HttpRequest, row: Membership) -> bool:
        return super().is_own(request, row) and may_give(request, row.hall_id, row.kind)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return membership_rows(request, super().get_queryset(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("person", "hall") if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **named: Any) -> Any:
        form = super().get_form(request, obj, change=change, **named)
        form.request = request
        return form

    def _choices(self, db_field: Any, request: HttpRequest) -> QuerySet:
        if db_field.name == "person" and not is_superuser(request):
            return Person.objects.filter(memberships__hall__in=edited_halls(request)).distinct()
        return super()._choices(db_field, request)


class PersonForm(FloorForm):
    pass


class NewPersonForm(AdminUserCreationForm):
    class Meta:
        model = Person
        fields = ["login", "name_zh", "name_en", "language"]
        field_classes: dict = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("login", "name_zh", "name_en"):
            try:
                cleaned[name] = text.clean(cleaned.get(name) or "", most=40)
            except Refused as refusal:
                self.add_error(name, str(refusal))
        return cleaned


class PinForm(forms.Form):
    """The new PIN twice; both empty take it away."""

    pin = forms.CharField(
        label=gettext_lazy("PIN"), required=False, max_length=6, help_text=gettext_lazy("4 to 6 digits. Empty: no PIN."),
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    again = forms.CharField(
        label=gettext_lazy("PIN again"), required=False, max_length=6,
        widget=forms.PasswordInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("pin") != cleaned.get("again"):
            raise forms.ValidationError(_("The two PINs are not the same."))
        return cleaned


@admin.register(Person)
class PersonAdmin(FloorAdmin, UserAdmin):  # type: ignore[misc]  # django-stubs: FloorAdmin is one of any model
    hall_lookup = "memberships__hall"
    form = PersonForm
    add_form = NewPersonForm
    change_form_template = "admin/person_change_form.html"
    list_display = ["login", "name_zh", "name_en", "belongs", "has_pin", "is_active", "is_staff"]
    list_filter = [HallFilter, "memberships__kind", "is_active", "is_staff"]
    search_fields = ["login", "name_zh", "name_en"]
    ordering = ["login"]
    filter_horizontal = ()
    inlines = [MembershipInline]
    history_parts = ((Membership, "person_id"),)
    fieldsets = [
        (None, {"fields": ["login", "name_zh", "name_en", "language", "is_active"]}),
        (gettext_lazy("Admin site"), {"fields": ["is_staff", "is_superuser"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["login", "name_zh", "name_en", "language", "usable_password", "password1", "password2"]})
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Person | None = None) -> Any:
        """Only a superuser says who opens the admin site."""
        return self.add_fieldsets if obj is None else self.fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> tuple[str, ...]:
        return () if is_superuser(request) else ("is_staff", "is_superuser")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).distinct().prefetch_related("memberships__hall")

    @admin.display(description=gettext_lazy("belongs to"))
    def belongs(self, row: Person) -> str:
        return "; ".join(f"{one.hall} ({one.get_kind_display()})" for one in row.memberships.all()) or "–"

    @admin.display(description=gettext_lazy("PIN"), boolean=True)
    def has_pin(self, row: Person) -> bool:
        return bool(row.pin_hash)

    def halls_of(self, row: Person) -> set[int]:
        return set(Membership.objects.filter(person_id=row.pk).values_list("hall_id", flat=True)) if row.pk else set()

    def has_view_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        if obj is None or is_superuser(request):
            return is_editor(request)
        return bool(self.halls_of(obj) & edited_halls(request))

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        """His password opens all that he may do: so only for somebody who may do no more, and nowhere else, than oneself."""
        if obj is None or is_superuser(request):
            return is_editor(request)
        held = list(Membership.objects.filter(person_id=obj.pk).values_list("hall_id", "kind"))
        is_super = Person.objects.filter(pk=obj.pk, is_superuser=True).exists()
        return bool(held) and not is_super and all(may_give(request, hall_id, kind) for hall_id, kind in held)

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return self.has_change_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def why_not_delete(self, row: Person) -> str:
        written = any(
            relation.related_model._base_manager.filter(**{relation.field.name: row}).exists()
            for relation in row._meta.get_fields(include_hidden=True)
            if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.PROTECT
        )
        return (
            _("This person's name stands in records and stays. Clear “active” instead: then he cannot sign in.")
            if written
            else ""
        )

    def get_urls(self) -> list:
        pin = path("<int:pk>/pin/", self.admin_site.admin_view(self.pin_view), name="hall_person_pin")
        return [pin, *super().get_urls()]

    @method_decorator(sensitive_post_parameters("pin", "again"))
    def pin_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give somebody a PIN for paired tablets, or take it away."""
        person = self.get_object(request, str(pk))
        if person is None:
            raise Http404
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        form = PinForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                people.set_pin(person, form.cleaned_data["pin"], by=person_of(request), at=clock.now())
                self.log_change(request, person, [{"changed": {"fields": ["PIN"]}}])
                messages.success(
                    request, _("The PIN is set.") if form.cleaned_data["pin"] else _("The PIN is taken away.")
                )
                return redirect("admin:hall_person_change", pk)
            except Refused as refusal:
                form.add_error("pin", str(refusal))
        context = self.admin_site.each_context(request) | {
            "title": _("PIN of %(name)s") % {"name": person}, "form": form, "original": person, "opts": self.opts,
        }  # fmt: skip
        return render(request, "admin/pin.html", context)

    def tell(self, request: HttpRequest, row: Person, halls: Any = None) -> None:
        """A name, or who may see what, changed: counters show clerks by name."""
        for hall_id in self.halls_of(row) if halls is None else halls:
            live.announce(hall_id, "counters")


# Devices.


@admin.register(Device)
class DeviceAdmin(FloorAdmin):
    list_display = ["name", "screen", "hall", "paired_at", "is_active"]
    list_filter = [HallFilter, "screen", "is_active"]
    search_fields = ["name", "hall__name_zh", "hall__name_en"]
    list_select_related = ["hall"]
    fields = ["hall", "screen", "name", "is_active", "paired_at"]
    readonly_fields = ["paired_at"]
    change_form_template = "admin/device_change_form.html"
    actions = ["show_pairing_code"]

    @admin.action(description=gettext_lazy("Show pairing code"))
    def show_pairing_code(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        device = queryset.first()
        if queryset.count() != 1 or device is None:
            messages.error(request, _("Please choose one device."))
            return None
        return redirect("admin:hall_device_pairing", device.pk)

    def get_urls(self) -> list:
        pairing = path("<int:pk>/pairing/", self.admin_site.admin_view(self.pairing_view), name="hall_device_pairing")
        return [pairing, *super().get_urls()]

    def pairing_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The six digits that a device types, and the button that cuts it off."""
        device = self.get_object(request, str(pk))
        if device is None:
            raise Http404
        if not self.has_change_permission(request, device):
            raise PermissionDenied
        at = clock.now()
        if request.method == "POST":
            self._pair_or_cut(request, device, at)
            return redirect("admin:hall_device_pairing", pk)
        valid = bool(device.pairing_code) and device.pairing_expires_at > at
        context = self.admin_site.each_context(request) | {
            "title": _("Pair %(name)s") % {"name": device}, "original": device, "opts": self.opts, "valid": valid,
            "digits": f"{device.pairing_code[:3]} {device.pairing_code[3:]}", "until": device.hall.local(device.pairing_expires_at or at),
        }  # fmt: skip
        return render(request, "admin/pairing.html", context)

    def _pair_or_cut(self, request: HttpRequest, device: Device, at: dt.datetime) -> None:
        try:
            if "revoke" in request.POST:
                devices.revoke(device, by=person_of(request), at=at)
                messages.success(request, _("The device is cut off. Its open screen ends within ten seconds."))
            else:
                devices.make_pairing_code(device, by=person_of(request), at=at)
        except Refused as refusal:
            messages.error(request, str(refusal))


# Limits and ladders.


@admin.register(Limit)
class LimitAdmin(FloorAdmin):
    """The defaults are everybody's: a superuser edits them. A hall's own values hang below each."""

    hall_lookup = ""
    list_display = ["rule", "name", "title_zh", "title_en", "default", "unit", "kind", "source"]
    list_display_links = ["rule", "name"]
    list_filter = ["kind", "rule"]
    search_fields = ["rule", "name", "title_zh", "title_en", "source"]
    fields = ["rule", "name", "title_zh", "title_en", "kind", "unit", "choices", "source", "default"]
    inlines = [LimitOverrideInline]
    history_parts = ((LimitOverride, "limit_id"),)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return Limit.objects.all()

    def is_own(self, request: HttpRequest, row: Limit) -> bool:
        return is_editor(request)

    def halls_of(self, row: Limit) -> set[int]:
        return set(Hall.objects.values_list("pk", flat=True))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Limit | None = None) -> bool:
        return False

    def has_change_history_permission(self, request: HttpRequest, obj: Limit | None = None) -> bool:
        return is_superuser(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Limit | None = None) -> tuple[str, ...]:
        what_it_is = ("rule", "name", "kind", "unit", "choices", "source")
        return what_it_is if is_superuser(request) else (*what_it_is, "title_zh", "title_en", "default")

    def tell(self, request: HttpRequest, row: Limit, halls: Any = None) -> None:
        waits.rewrite_due_times(hall_id=None, at=clock.now())
        for hall_id in self.halls_of(row):
            live.announce(hall_id, "limits")


@admin.register(LimitOverride)
class LimitOverrideAdmin(FloorAdmin):
    topics = ("limits",)
    list_display = ["limit", "hall", "value"]
    list_filter = [HallFilter, "limit__kind"]
    search_fields = ["limit__rule", "limit__name", "limit__title_zh", "limit__title_en"]
    list_select_related = ["limit", "hall"]

    def get_readonly_fields(self, request: HttpRequest, obj: LimitOverride | None = None) -> tuple[str, ...]:
        return ("hall", "limit") if obj is not None else ()

    def tell(self, request: HttpRequest, row: LimitOverride, halls: Any = None) -> None:
        waits.rewrite_due_times(hall_id=row.hall_id, at=clock.now())
        super().tell(request, row, halls)


@admin.register(AlarmRung)
class AlarmRungAdmin(FloorAdmin):
    """Whom an alarm climbs to, the same in every hall: a superuser edits it, the others read it."""

    hall_lookup = ""
    list_display = ["rule", "position", "kind"]
    list_filter = ["rule", "kind"]
    search_fields = ["rule"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return AlarmRung.objects.all()

    def halls_of(self, row: AlarmRung) -> set[int]:
        return set()

    def has_view_permission(self, request: HttpRequest, obj: AlarmRung | None = None) -> bool:
        return is_editor(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: AlarmRung | None = None) -> bool:
        return is_superuser(request)
