"""The admin site in Hall's own name, and what every table of it keeps to: halls of one's own, history with a way back, live screens."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, SimpleListFilter, TabularInline
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.admin import SimpleHistoryAdmin

from hall import access, live, text
from hall.models import Hall, Person
from hall.refusals import Refused

PARTS_SHOWN = 100


class HallAdminSite(AdminSite):
    """Only for those who may edit a hall's definitions, signed in by password: four digits never open it."""

    site_header = gettext_lazy("Hall · administration")
    site_title = gettext_lazy("Hall")
    index_title = gettext_lazy("Halls, people and rules")
    empty_value_display = "–"

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # rows are deleted one by one, each refusal in words

    def has_permission(self, request: HttpRequest) -> bool:
        if not super().has_permission(request) or request.session.get("signed_in_by") == "pin":
            return False
        return is_editor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The one login page of Hall, where wrong passwords are counted."""
        return redirect("admin:index") if self.has_permission(request) else _sign_in(reverse("admin:index"))

    def logout(  # type: ignore[override]  # a redirect, not a page
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        logout(request)
        return redirect("login")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inner(request, *arguments, **named)
            if not request.user.is_authenticated or request.session.get("signed_in_by") == "pin":
                return _sign_in(request.get_full_path())
            raise PermissionDenied(_("Your post does not include this."))

        guarded.csrf_exempt = getattr(inner, "csrf_exempt", False)  # type: ignore[attr-defined]
        return guarded


def _sign_in(back: str) -> HttpResponse:
    """To the login page: a paired tablet's PIN page would lead nowhere here."""
    return redirect(f"{reverse('login')}?{urlencode({'next': back}, safe='/')}")


def edited_halls(request: HttpRequest) -> set[int]:
    """The ids of the halls that this request's person may edit; read once per request."""
    if not hasattr(request, "edited_halls"):
        request.edited_halls = access.halls_edited_by(request.user)  # type: ignore[attr-defined, arg-type]
    return request.edited_halls  # type: ignore[attr-defined]


def person_of(request: HttpRequest) -> Person:
    """Who is at work: the admin site lets nobody else in."""
    assert isinstance(request.user, Person)
    return request.user


def is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)


def is_editor(request: HttpRequest) -> bool:
    return is_superuser(request) or bool(edited_halls(request))


class FloorForm(forms.ModelForm):
    """Text is cleaned as everywhere; what a row refers to belongs to the row's hall."""

    of_the_same_hall: Sequence[str] = ("zone", "counters")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        record = getattr(self.instance, "_history", None)
        for field in (
            record._history_m2m_fields if record is not None else ()
        ):  # a former version: its lists are part of it
            chosen = getattr(record, field.name).values_list(f"{field.m2m_reverse_field_name()}_id", flat=True)
            self.initial[field.name] = list(chosen)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in list(cleaned.items()):
            if isinstance(value, str) and value:
                try:
                    cleaned[name] = text.clean(value, most=getattr(self.fields[name], "max_length", None) or 1000)
                except Refused as refusal:
                    self.add_error(name, str(refusal))
        hall_id = self.instance.hall_id if hasattr(self.instance, "hall_id") else None
        hall_id = cleaned["hall"].pk if cleaned.get("hall") else hall_id
        for name in self.of_the_same_hall:
            if hall_id is not None and _foreign(cleaned.get(name), hall_id):
                self.add_error(name, _("Please choose from the same hall."))
        return cleaned


def _foreign(chosen: Any, hall_id: int) -> bool:
    if chosen is None:
        return False
    rows: Iterable[Any] = [chosen] if isinstance(chosen, models.Model) else chosen
    return any(row.hall_id != hall_id for row in rows)


class OwnHallChoices:
    """Lists to choose from hold rows of the halls that the person edits, and of the row's own hall once it has one.

    Days and times are typed with the browser's own input: the stock one offers the server's "now", which no hall's is.
    """

    formfield_overrides: ClassVar[dict[Any, Any]] = {
        models.TimeField: {"widget": forms.TimeInput(format="%H:%M", attrs={"type": "time"})},
        models.DateField: {"widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})},
    }

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **named: Any) -> Any:
        named.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_foreignkey(db_field, request, **named)  # type: ignore[misc]

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **named: Any) -> Any:
        named.setdefault("queryset", self._choices(db_field, request))
        return super().formfield_for_manytomany(db_field, request, **named)  # type: ignore[misc]

    def _choices(self, db_field: Any, request: HttpRequest) -> QuerySet:
        model = db_field.remote_field.model
        rows = model._default_manager.all()
        if model is Hall:
            return rows if is_superuser(request) else rows.filter(pk__in=edited_halls(request))
        if any(field.name == "hall" for field in model._meta.fields):
            row = getattr(request, "edited_row", None)
            hall_id = getattr(row, "hall_id", None)
            rows = rows.select_related("hall")
            return rows.filter(hall=hall_id) if hall_id else rows.filter(hall__in=edited_halls(request))
        return rows


class HallFilter(SimpleListFilter):
    """Rows of one hall, of those that the person edits."""

    title = gettext_lazy("hall")
    parameter_name = "in_hall"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(hall.pk), hall.name) for hall in Hall.objects.filter(pk__in=edited_halls(request))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = self.value() or ""
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= 18):
            return queryset
        return queryset.filter(**{self.parameter_lookup(queryset): wanted}).distinct()

    def parameter_lookup(self, queryset: QuerySet) -> str:
        return "memberships__hall" if queryset.model is Person else "hall"


class FloorInline(OwnHallChoices, TabularInline):  # type: ignore[misc]  # django-stubs knows only its own widgets here
    """Rows of a table below the row they belong to."""

    form = FloorForm
    extra = 0
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        if is_superuser(request) or not any(field.name == "hall" for field in self.model._meta.fields):
            return rows
        return rows.filter(hall__in=edited_halls(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_editor(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class FloorAdmin(OwnHallChoices, SimpleHistoryAdmin):
    """A table of definitions. A superuser edits all rows, a hall manager or headquarters those of their own halls.

    Nothing is deleted that tickets need; every version stays, and any of them can be brought back. Screens are told.
    """

    form = FloorForm
    hall_lookup = "hall"  # from a row to its hall
    topics: tuple[str, ...] = ()  # what a change here may change on screens
    history_parts: tuple[
        tuple[type[models.Model], str], ...
    ] = ()  # rows shown in this row's history: (model, field to this row)
    list_per_page = 50
    change_list_template = "admin/floor_change_list.html"
    object_history_template = "admin/floor_history.html"

    # Whose rows.

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if is_superuser(request) else rows.filter(**{f"{self.hall_lookup}__in": edited_halls(request)})

    def halls_of(self, row: Any) -> set[int]:
        """The ids of the halls that a row, or a former version of it, belongs to."""
        return {row.pk} if isinstance(row, Hall) else {row.hall_id}

    def is_own(self, request: HttpRequest, row: Any) -> bool:
        return is_superuser(request) or bool(self.halls_of(row) and self.halls_of(row) <= edited_halls(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_editor(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_editor(request) and (obj is None or self.is_own(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_editor(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        """A row stays in its hall: its tickets and its history do too."""
        given = tuple(super().get_readonly_fields(request, obj))
        return (*given, "hall") if obj is not None and self.hall_lookup == "hall" else given

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **named: Any) -> Any:
        request.edited_row = obj  # type: ignore[attr-defined]  # for OwnHallChoices
        return super().get_form(request, obj, change=change, **named)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Nobody searches for secrets character by character in the address."""
        if lookup.split("__")[0] in ("password", "pin_hash", "token_hash", "pairing_code"):
            return False
        return super().lookup_allowed(lookup, value, request)

    # What a change does.

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write what the form shows and nothing else: a tap at the same instant is never overwritten."""
        obj._history_user = request.user
        current = type(obj)._default_manager.filter(pk=obj.pk).first() if change else None
        if current is None:
            obj.save()
            return
        shown = [field.name for field in obj._meta.concrete_fields if field.name in form.fields]
        for field in obj._meta.concrete_fields:
            if field.name not in shown:
                setattr(obj, field.attname, getattr(current, field.attname))
        obj.save(update_fields=shown)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.tell(request, form.instance)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        halls = self.halls_of(obj)
        super().delete_model(request, obj)
        self.tell(request, obj, halls)

    def tell(self, request: HttpRequest, row: Any, halls: Iterable[int] | None = None) -> None:
        """After a row and all that hangs on it are written, in the same transaction: screens render anew."""
        for hall_id in self.halls_of(row) if halls is None else halls:
            if self.topics:
                live.announce(hall_id, *self.topics)

    def why_not_delete(self, row: Any) -> str:
        """Why a row stays, in words, with what to do instead; empty when it may go."""
        return ""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponseBase:
        row = self.get_object(request, object_id)
        reason = self.why_not_delete(row) if row is not None and self.has_delete_permission(request, row) else ""
        if reason:
            messages.error(request, reason)
            return redirect(self._address("change"), row.pk)
        return super().delete_view(request, object_id, extra_context)

    # History, and the way back.

    def get_urls(self) -> list:
        deleted = path(
            "deleted/", self.admin_site.admin_view(self.deleted_view), name=self._address("deleted").split(":")[1]
        )
        return [deleted, *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponseBase:
        self._require_own(request, object_id)
        parts = [
            record
            for model, field in self.history_parts
            for record in model.history.filter(**{field: object_id}).select_related("history_user")[:PARTS_SHOWN]  # type: ignore[attr-defined]
            if self.may_see(request, record)
        ]
        parts.sort(key=lambda record: record.history_date, reverse=True)
        shown = [
            (record, record.instance_type._meta.verbose_name, _name(record), _version_address(record, record.id))
            for record in parts[:PARTS_SHOWN]
        ]
        return super().history_view(request, object_id, {"parts": shown, **(extra_context or {})})

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict | None = None
    ) -> HttpResponseBase:
        """A former version, and the button that brings it back: row, lists and screens in one transaction."""
        self._require_own(request, object_id)
        if not version_id.isdigit():
            raise Http404
        with transaction.atomic():  # a version is brought back whole, or not
            response = super().history_form_view(request, object_id, version_id, extra_context)
            row = self.model._default_manager.filter(pk=object_id).first()
            if request.method == "POST" and response.status_code == 302 and row is not None:
                self.tell(request, row)
        return response

    def has_change_history_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A deleted row comes back only into a hall that still is."""
        halls = self.halls_of(obj) if obj is not None and self.hall_lookup == "hall" else set()
        return self.has_change_permission(request, obj) and (not halls or Hall.objects.filter(pk__in=halls).exists())

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """What was deleted here, newest first, each with its last version to bring back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        records = self.model.history.filter(history_type="-").select_related("history_user").order_by("-history_date")
        records = records.filter(~Exists(self.model._default_manager.filter(pk=OuterRef(self.opts.pk.name))))
        page = Paginator(self.own_records(request, records), self.list_per_page).get_page(request.GET.get("p"))
        rows = [(record, _name(record), _version_address(self._last_version(record), record.id)) for record in page]
        context = self.admin_site.each_context(request) | {
            "title": _("Deleted: %(name)s") % {"name": self.opts.verbose_name_plural}, "opts": self.opts, "rows": rows, "page": page,
        }  # fmt: skip
        return render(request, "admin/deleted.html", context)

    def own_records(self, request: HttpRequest, records: QuerySet) -> QuerySet:
        """Of former versions, those of halls that the person edits."""
        if is_superuser(request):
            return records
        own = {"hall": "hall_id__in", "pk": "id__in"}.get(self.hall_lookup)
        return records.filter(**{own: edited_halls(request)}) if own else records.none()

    def may_see(self, request: HttpRequest, record: Any) -> bool:
        """Whether a former version of a row that hangs on one of this table is shown in its history."""
        return is_superuser(request) or getattr(record, "hall_id", None) in edited_halls(request)

    def _last_version(self, record: Any) -> Any:
        return (
            self.model.history.filter(id=record.id)
            .exclude(history_type="-")
            .order_by("-history_date", "-history_id")
            .first()
            or record
        )

    def _require_own(self, request: HttpRequest, object_id: str) -> None:
        """404 for what is no id, and for a row of another hall whatever its former versions say."""
        if not (object_id.isascii() and object_id.isdigit() and len(object_id) <= 18):
            raise Http404
        if (
            self.model._default_manager.filter(pk=object_id).exists()
            and not self.get_queryset(request).filter(pk=object_id).exists()
        ):
            raise Http404

    def _address(self, page: str) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"


def _name(record: Any) -> str:
    return str(record.history_object)


def _version_address(record: Any, row_id: int) -> str:
    opts = record.instance_type._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_simple_history", args=[row_id, record.pk])
