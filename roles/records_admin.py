"""Forms in the admin site: edited field by field; each edit is a new version, and a former one can be taken again."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall import clock
from hall.admin_site import is_editor, person_of
from hall.models import Post
from hall.refusals import Refused
from roles import records
from roles.admin import may_define
from roles.models import FieldKind, Form
from roles.records import BadForm, Field

EMPTY_ROWS = 3  # offered below the fields


class HeadForm(forms.Form):
    """What a form is called, and whose it is."""

    code = forms.CharField(
        label=gettext_lazy("code"), max_length=12, help_text=gettext_lazy("Such as REC-36; it stays.")
    )
    name_zh = forms.CharField(label=gettext_lazy("Chinese name"), max_length=60)
    name_en = forms.CharField(label=gettext_lazy("English name"), max_length=80, required=False)
    purpose_zh = forms.CharField(label=gettext_lazy("purpose in Chinese"), max_length=200, required=False)
    purpose_en = forms.CharField(label=gettext_lazy("purpose in English"), max_length=300, required=False)
    filled_by = forms.MultipleChoiceField(label=gettext_lazy("filled in by"), required=False)
    is_active = forms.BooleanField(label=gettext_lazy("in use"), required=False, initial=True)
    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)  # which the person has read

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        posts = Post.objects.order_by("position", "code")
        known = [(post.slug, post.name) for post in posts]
        self.fields["filled_by"].choices = known  # type: ignore[attr-defined]


class FieldRow(forms.Form):
    """One field of a form. What is wrong in it is said by records.define_form, in one place for all ways to make a form."""

    name = forms.CharField(label=gettext_lazy("short name"), max_length=40, required=False)
    label_zh = forms.CharField(label=gettext_lazy("Chinese label"), max_length=80, required=False)
    label_en = forms.CharField(label=gettext_lazy("English label"), max_length=120, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("what is entered"), choices=FieldKind, initial=FieldKind.TEXT)
    required = forms.BooleanField(label=gettext_lazy("required"), required=False)
    unit = forms.CharField(label=gettext_lazy("unit"), max_length=20, required=False)
    least = forms.FloatField(label=gettext_lazy("at least"), required=False)
    most = forms.FloatField(label=gettext_lazy("at most"), required=False)
    choices = forms.CharField(
        label=gettext_lazy("choices"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One a line: short name | Chinese | English"),
    )  # fmt: skip


FieldRows = forms.formset_factory(FieldRow, extra=EMPTY_ROWS, can_order=True, can_delete=True)


@admin.register(Form)
class FormAdmin(admin.ModelAdmin):
    """The forms that are in force. Every editor reads them, headquarters and superusers change them."""

    list_display = ["code", "title", "version", "counted", "is_active", "is_shipped", "made_at", "made_by"]
    list_display_links = ["code", "title"]
    list_filter = ["is_active", "is_shipped"]
    search_fields = ["code", "name_zh", "name_en"]
    list_select_related = ["made_by"]
    ordering = ["code"]

    @admin.display(description=gettext_lazy("name"))
    def title(self, row: Form) -> str:
        return row.name

    @admin.display(description=gettext_lazy("fields"))
    def counted(self, row: Form) -> int:
        return len(row.fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(is_current=True)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_editor(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_editor(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_define(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_define(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # taken out of use instead: entries need it

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict | None = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied(_("Your post does not include this."))
        return self._edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_view_permission(request) or (
            request.method == "POST" and not self.has_change_permission(request)
        ):
            raise PermissionDenied(_("Your post does not include this."))
        return self._edit(request, row)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """The versions stand on the form's own page."""
        return redirect("admin:roles_form_change", object_id)

    def _edit(self, request: HttpRequest, row: Form | None) -> HttpResponse:
        """The form as it stands, or a former version to be taken again; after a refusal what was typed, with the reasons."""
        shown = self._version(request, row)
        head = HeadForm(request.POST or None, initial=_head(shown, row))
        rows = FieldRows(
            request.POST or None, initial=[_row(one) for one in shown.fields] if shown else [], prefix="field"
        )
        if row is not None:
            head.fields["code"].disabled = True
        if request.method == "POST" and head.is_valid() and rows.is_valid():
            made = _define(request, row, head, rows, clock.now())
            if made is not None:
                messages.success(
                    request, _("%(form)s: version %(version)d is in force.") % {"form": made, "version": made.version}
                )
                return redirect("admin:roles_form_changelist")
        versions = Form.objects.filter(code=row.code).select_related("made_by").order_by("-version") if row else []
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": row, "head": head, "rows": rows, "versions": versions,
            "shown": shown, "title": row or _("New form"), "may_change": self.has_change_permission(request),
        }  # fmt: skip
        return render(request, "admin/record_form.html", context, status=422 if request.method == "POST" else 200)

    def _version(self, request: HttpRequest, row: Form | None) -> Form | None:
        asked = request.GET.get("version", "")
        if row is None or not (asked.isascii() and asked.isdigit() and len(asked) <= 4):
            return row
        return Form.objects.filter(code=row.code, version=int(asked)).first() or row


def _head(shown: Form | None, row: Form | None) -> dict[str, Any]:
    if shown is None:
        return {}
    names = ("code", "name_zh", "name_en", "purpose_zh", "purpose_en", "filled_by", "is_active")
    return {name: getattr(shown, name) for name in names} | {"version": row.version if row else 0}


def _row(one: Field) -> dict[str, Any]:
    choices = "\n".join(" | ".join((choice["value"], choice["zh"], choice["en"])) for choice in one["choices"])
    return {name: one[name] for name in FieldRow.base_fields} | {"choices": choices}


def _define(request: HttpRequest, row: Form | None, head: HeadForm, rows: Any, at: dt.datetime) -> Form | None:
    """The next version, or None with the reasons beside the fields."""
    given = dict(head.cleaned_data)
    read = given.pop("version")
    code = row.code if row is not None else given["code"]
    del given["code"]
    known = Form.objects.filter(code=code, is_current=True).values_list("version", flat=True).first() or 0
    if row is None and known:
        head.add_error("code", _("There is a form with this code."))
        return None
    if known != read:
        head.add_error(None, _("Somebody else has changed this form meanwhile. Please load the page again."))
        return None
    kept = rows.ordered_forms
    try:
        return records.define_form(
            code, fields=[_field(one.cleaned_data) for one in kept], by=person_of(request), at=at, **given
        )
    except BadForm as refusal:
        for place, said in refusal.errors.items():
            number, _dot, name = place.partition(".")
            form = kept[int(number)] if name else head
            form.add_error((name or place) if (name or place) in form.fields else None, said)
    except Refused as refusal:
        head.add_error(None, str(refusal))
    return None


def _field(given: dict[str, Any]) -> Field:
    lines = [line for line in given["choices"].splitlines() if line.strip()]
    parts = [[part.strip() for part in line.split("|")] for line in lines]
    choices = [dict(zip(("value", "zh", "en"), [*part, "", ""][:3], strict=True)) for part in parts]
    taken = {name: given[name] for name in FieldRow.base_fields} | {
        "choices": choices if given["kind"] == "choice" else []
    }
    return taken | {name: _plain(given[name]) for name in ("least", "most")}


def _plain(number: float | None) -> int | float | None:
    return int(number) if number is not None and number == int(number) else number
