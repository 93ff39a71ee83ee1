"""Posts, duties and conduct cards in the admin site: edited by headquarters for all halls, switched on and off by each hall."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.db.models import Count, Q, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import translation
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hall import clock
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
from hall.models import Hall, HallPost, Kind, Membership, Post
from hall.refusals import Refused
from roles import catalogue, duties, duty_files, posts
from roles.models import Cadence, ConductItem, Duty, Moment

MOST_HALLS_AT_ONCE = 20  # that one tick in the list of posts switches
SALT = "roles.duties.import"
DRY_RUN_LASTS = dt.timedelta(hours=2)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# Who may.


def may_define(request: HttpRequest) -> bool:
    """What is the same for all halls is edited by headquarters and superusers; read once per request."""
    if not hasattr(request, "may_define"):
        request.may_define = is_superuser(request) or (  # type: ignore[attr-defined]
            is_editor(request) and Membership.objects.filter(person=person_of(request), kind=Kind.HEADQUARTERS).exists()
        )
    return request.may_define  # type: ignore[attr-defined]


class DefinitionAdmin(FloorAdmin):
    """A table that is the same for all halls: every editor reads it, headquarters and superusers change it."""

    hall_lookup = ""
    change_list_template = "admin/catalogue_change_list.html"
    actions = ["take_back"]

    class Media:
        css = {"all": ["css/admin-catalogue.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super(FloorAdmin, self).get_queryset(request)

    def halls_of(self, row: Any) -> set[int]:
        return set()

    def is_own(self, request: HttpRequest, row: Any) -> bool:
        return is_editor(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_define(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_define(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_define(request)

    def own_records(self, request: HttpRequest, records: QuerySet) -> QuerySet:
        return records

    def may_see(self, request: HttpRequest, record: Any) -> bool:
        return True

    def why_not_delete(self, row: Any) -> str:
        """Nothing is deleted that something else stands on."""
        stands = any(
            relation.related_model._base_manager.filter(**{relation.field.name: row}).exists()
            for relation in row._meta.get_fields(include_hidden=True)
            if isinstance(relation, models.ManyToOneRel) and relation.on_delete is models.PROTECT
        )
        return _("Something else refers to this, and it stays. Clear “in use” instead.") if stands else ""

    @admin.action(description=gettext_lazy("Take the catalogue's words again"), permissions=["change"])
    def take_back(self, request: HttpRequest, queryset: QuerySet) -> None:
        count = catalogue.take_back(queryset, by=person_of(request), at=clock.now())
        said = ngettext(
            "%(count)d row has the catalogue's words again.", "%(count)d rows have the catalogue's words again.", count
        )
        messages.success(request, said % {"count": count})

    @admin.display(description=gettext_lazy("origin"))
    def origin(self, row: Any) -> str:
        if row.loaded is None:
            return _("own")
        return _("changed here") if catalogue.changed_here(row) else _("catalogue")

    @admin.display(description=gettext_lazy("The catalogue says"))
    def catalogue_says(self, row: Any) -> str:
        """The catalogue's words where people have changed them."""
        changed = catalogue.changed_here(row) if row is not None and row.pk else []
        lines = [(row._meta.get_field(name).verbose_name, _shown(row.loaded[name])) for name in changed]
        return format_html_join("", "<p>{}: {}</p>", lines) if lines else _("the same")


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value) or "–"


# Filters: small lists to choose from above the rows, all sent together.


class Choice(admin.SimpleListFilter):
    """Rows with one value of a column. An empty or unknown value filters nothing."""

    column = ""

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(name)) for value, name in self.values(model_admin)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value in dict(self.lookup_choices) else queryset


class PostFilter(Choice):
    title, parameter_name, column = gettext_lazy("post"), "post", "post__slug"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(post.slug, post.name) for post in Post.objects.all()]


class CadenceFilter(Choice):
    title, parameter_name, column = gettext_lazy("cadence"), "cadence", "cadence"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return Cadence.choices


class MomentFilter(Choice):
    title, parameter_name, column = gettext_lazy("moment"), "moment", "moment"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return Moment.choices


class ZoneFilter(Choice):
    title, parameter_name, column = gettext_lazy("zone"), "zone", "zone_slug"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("none", _("no zone of its own")), *((slug, name) for slug, name in catalogue.zone_names().items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(zone_slug="") if self.value() == "none" else super().queryset(request, queryset)


class RecordFilter(Choice):
    title, parameter_name, column = gettext_lazy("record"), "record", "record"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        names = catalogue.record_names().items()
        return [("none", _("leaves no record")), *((number, f"{number} {name}") for number, name in names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(record="") if self.value() == "none" else super().queryset(request, queryset)


class GroupFilter(Choice):
    title, parameter_name, column = gettext_lazy("group"), "group", "group"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return Post.Group.choices


class UseFilter(Choice):
    title, parameter_name, column = gettext_lazy("in use"), "in_use", "is_active"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("True", _("in use")), ("False", _("out of use"))]


class ScoredFilter(Choice):
    title, parameter_name, column = gettext_lazy("scored in rounds"), "scored", "is_scored"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("True", _("scored")), ("False", _("not scored"))]


class OriginFilter(Choice):
    """Rows as the catalogue has them, rows that people changed, rows of their own."""

    title, parameter_name = gettext_lazy("origin"), "origin"

    def values(self, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("catalogue", _("catalogue")), ("changed", _("changed here")), ("own", _("own"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "own":
            return queryset.filter(loaded__isnull=True)
        if self.value() not in ("catalogue", "changed"):
            return queryset
        rows = queryset.model._default_manager.filter(loaded__isnull=False)
        rows = rows if queryset.model is Post else rows.select_related("post")
        changed = [row.pk for row in rows if catalogue.changed_here(row)]
        if self.value() == "changed":
            return queryset.filter(pk__in=changed)
        return queryset.filter(loaded__isnull=False).exclude(pk__in=changed)


# Forms.


def zone_choices() -> list[tuple[str, str]]:
    return [(slug, name.name) for slug, name in catalogue.zone_names().items()]


class CodeStays(FloorForm):
    """Tasks, records, files and addresses name these rows: their codes are given once."""

    given_once: ClassVar[Sequence[str]] = ("code",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for name in self.given_once:
            if name in self.fields and self.instance.pk:
                self.fields[name].disabled = True


class DutyForm(CodeStays):
    zone_slug = forms.ChoiceField(label=gettext_lazy("zone"), required=False)
    record = forms.ChoiceField(label=gettext_lazy("record"), required=False)

    class Meta:
        widgets = {"text_zh": forms.Textarea(attrs={"rows": 3}), "text_en": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        records = [(number, f"{number} {name}") for number, name in catalogue.record_names().items()]
        for name, choices in (("zone_slug", zone_choices()), ("record", records)):
            field = self.fields.get(name)
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", "–"), *choices]


class DutyRowForm(CodeStays):
    """A duty as a row below its post: small fields, the record by its number."""

    zone_slug = forms.ChoiceField(label=gettext_lazy("zone"), required=False)

    class Meta:
        widgets = {
            "position": forms.NumberInput(attrs={"class": "of-position"}),
            "code": forms.TextInput(attrs={"class": "of-code"}),
            "text_zh": forms.Textarea(attrs={"rows": 3}),
            "text_en": forms.Textarea(attrs={"rows": 3}),
            "record": forms.TextInput(attrs={"class": "of-code"}),
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields.get("zone_slug")
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "–"), *zone_choices()]

    def clean_record(self) -> str:
        record = (self.cleaned_data.get("record") or "").upper()
        if record and record not in catalogue.record_names():
            raise forms.ValidationError(_("There is no record called “%(name)s”."), params={"name": record})
        return record


class ConductForm(CodeStays):
    given_once = ("rule",)

    class Meta:
        widgets = {
            "position": forms.NumberInput(attrs={"class": "of-position"}),
            "rule": forms.TextInput(attrs={"class": "of-code"}),
            "text_zh": forms.Textarea(attrs={"rows": 3}),
            "text_en": forms.Textarea(attrs={"rows": 3}),
        }


class PostForm(CodeStays):
    given_once = ("code", "slug")
    zone_slugs = forms.MultipleChoiceField(
        label=gettext_lazy("zones"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        widgets = {
            name: forms.Textarea(attrs={"rows": 2})
            for name in ("mission_zh", "mission_en", "normal_zh", "normal_en", "peak_zh", "peak_en")
        }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields.get("zone_slugs")
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = zone_choices()

    def clean_zone_slugs(self) -> list[str]:
        """The zones in the order that they stood in, where they are the same."""
        chosen = self.cleaned_data["zone_slugs"]
        before = self.instance.zone_slugs or []
        return before if set(chosen) == set(before) else chosen


class DefinitionInline(FloorInline):
    """Rows that are the same for all halls, below the post they belong to, in order."""

    ordering = ["position", "pk"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_define(request)

    has_change_permission = has_delete_permission = has_add_permission


class DutyInline(DefinitionInline):
    model = Duty
    form = DutyRowForm
    fields = ["position", "code", "text_zh", "text_en", "cadence", "moment", "zone_slug", "record", "is_active"]


class ConductInline(DefinitionInline):
    model = ConductItem
    form = ConductForm
    fields = ["position", "rule", "text_zh", "text_en", "is_scored", "is_active"]


# Posts.


@admin.register(Post)
class PostAdmin(DefinitionAdmin):
    form = PostForm
    change_form_template = "admin/post_change_form.html"
    list_display = ["code", "name_zh", "name_en", "group", "kind", "duty_count", "used_in", "is_active", "origin"]
    list_display_links = ["code", "name_zh", "name_en"]
    list_filter = [GroupFilter, UseFilter, OriginFilter]
    search_fields = ["code", "slug", "name_zh", "name_en", "mission_zh", "mission_en"]
    readonly_fields = ["catalogue_says"]
    list_per_page = 100
    inlines = [DutyInline, ConductInline]
    history_parts = ((Duty, "post_id"), (ConductItem, "post_id"))
    actions = ["switch_on", "switch_off", "take_back"]
    fieldsets = [
        (None, {"fields": [("code", "slug", "position"), ("group", "kind", "is_active"), ("name_zh", "name_en")]}),
        (
            gettext_lazy("What it is for"),
            {
                "fields": [
                    ("mission_zh", "mission_en"),
                    ("normal_zh", "normal_en"),
                    ("peak_zh", "peak_en"),
                    "zone_slugs",
                ]
            },
        ),
        (gettext_lazy("Catalogue"), {"fields": ["catalogue_says"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With its duties counted, and in how many of one's halls it is switched on, switched off, and might be."""
        own = Q() if is_superuser(request) else Q(hall_posts__hall__in=edited_halls(request))
        return (
            super()
            .get_queryset(request)
            .annotate(
                counted=Count("duties", filter=Q(duties__is_active=True), distinct=True),
                on=Count("hall_posts", filter=own & Q(hall_posts__is_used=True), distinct=True),
                off=Count("hall_posts", filter=own & Q(hall_posts__is_used=False), distinct=True),
                halls=Value(len(edited_halls(request))),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Post | None = None) -> Sequence[str]:
        """What its holder may do everywhere is a superuser's to say."""
        given = tuple(super().get_readonly_fields(request, obj))
        return given if is_superuser(request) else (*given, "kind")

    @admin.display(description=gettext_lazy("duties"), ordering="counted")
    def duty_count(self, row: Any) -> int:
        return row.counted

    @admin.display(description=gettext_lazy("halls that have it"))
    def used_in(self, row: Any) -> str:
        """In how many of the halls that one edits: extended posts where they are switched on, others where not off."""
        if row.group == Post.Group.TASKS:
            return "–"
        used = row.on if row.group == Post.Group.EXTENDED else row.halls - row.off
        return _("%(used)d of %(halls)d") % {"used": used, "halls": row.halls}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        """Without the list of tables beside it: a duty's row is wide."""
        return super().changeform_view(
            request, object_id, form_url, {"is_nav_sidebar_enabled": False, **(extra_context or {})}
        )

    def get_urls(self) -> list:
        preview = path("<int:pk>/preview/", self.admin_site.admin_view(self.preview_view), name="hall_post_preview")
        return [preview, *super().get_urls()]

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The post's page as staff see it, in either language; also of a post that no hall has switched on."""
        post = self.get_object(request, str(pk))
        if post is None:
            raise Http404
        if not self.has_view_permission(request, post):
            raise PermissionDenied
        language = request.GET.get("language", "")
        with translation.override(language if language in ("en", "zh-hans") else translation.get_language()):
            return render(request, "roles/post_preview.html", {"page": posts.page(post, None), "post": post})

    @admin.action(description=gettext_lazy("Switch on in my halls"), permissions=["view"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._switch(request, queryset, is_used=True)

    @admin.action(description=gettext_lazy("Switch off in my halls"), permissions=["view"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._switch(request, queryset, is_used=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet, *, is_used: bool) -> None:
        halls = list(Hall.objects.filter(pk__in=edited_halls(request)))
        if len(halls) > MOST_HALLS_AT_ONCE:
            messages.error(request, _("You edit many halls. Please choose them in the table “posts of halls”."))
            return
        rows = queryset.exclude(group=Post.Group.TASKS)
        for hall in halls:
            for post in rows:
                HallPost.objects.update_or_create(hall=hall, post=post, defaults={"is_used": is_used})
        names = {"posts": ", ".join(post.name for post in rows), "halls": ", ".join(hall.name for hall in halls)}
        said = _("Switched on in %(halls)s: %(posts)s") if is_used else _("Switched off in %(halls)s: %(posts)s")
        messages.success(request, said % names)


class HallPostForm(FloorForm):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields.get("post")
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Post.objects.filter(is_active=True).exclude(group=Post.Group.TASKS)


@admin.register(HallPost)
class HallPostAdmin(FloorAdmin):
    """Where a hall differs from the rule: extended posts are off, all others on."""

    form = HallPostForm
    topics = ("postings",)
    list_display = ["post", "hall", "is_used"]
    list_filter = [HallFilter, PostFilter, "is_used"]
    search_fields = ["post__code", "post__name_zh", "post__name_en", "hall__code", "hall__name_zh", "hall__name_en"]
    list_select_related = ["hall", "post"]

    def get_readonly_fields(self, request: HttpRequest, obj: HallPost | None = None) -> tuple[str, ...]:
        return ("hall", "post") if obj is not None else ()


# Duties.


class DutyFileForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("Spreadsheet or YAML file"), max_length=200)


@admin.register(Duty)
class DutyAdmin(DefinitionAdmin):
    form = DutyForm
    change_list_template = "admin/duty_change_list.html"
    change_form_template = "admin/duty_change_form.html"
    list_display = [
        "code",
        "post",
        "text_zh",
        "text_en",
        "cadence",
        "moment",
        "zone",
        "record_name",
        "is_active",
        "origin",
    ]
    list_display_links = ["code", "text_zh", "text_en"]
    list_filter = [PostFilter, CadenceFilter, MomentFilter, ZoneFilter, RecordFilter, OriginFilter, UseFilter]
    search_fields = ["code", "text_zh", "text_en", "post__name_zh", "post__name_en"]
    list_select_related = ["post"]
    list_max_show_all = 2000
    readonly_fields = ["catalogue_says"]
    fieldsets = [
        (None, {"fields": [("post", "code"), ("position", "is_active")]}),
        (gettext_lazy("Wording"), {"fields": [("text_zh", "text_en")]}),
        (gettext_lazy("When and where"), {"fields": [("cadence", "moment"), ("zone_slug", "record")]}),
        (gettext_lazy("Catalogue"), {"fields": ["catalogue_says"]}),
    ]

    @admin.display(description=gettext_lazy("zone"), ordering="zone_slug")
    def zone(self, row: Duty) -> str:
        return str(catalogue.zone_names().get(row.zone_slug, row.zone_slug))

    @admin.display(description=gettext_lazy("record"), ordering="record")
    def record_name(self, row: Duty) -> str:
        name = catalogue.record_names().get(row.record)
        return f"{row.record} {name}" if name is not None else row.record

    def get_urls(self) -> list:
        own = [
            path("import/", self.admin_site.admin_view(self.import_view), name="roles_duty_import"),
            path("export.<str:kind>", self.admin_site.admin_view(self.export_view), name="roles_duty_export"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        query = request.GET.copy()
        for name in ("p", "all"):
            query.pop(name, None)
        return super().changelist_view(request, {"export_query": query.urlencode(), **(extra_context or {})})

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The duties that the list shows with these filters, as .xlsx or .yaml."""
        if kind not in ("xlsx", "yaml"):
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request).select_related("post")
        content = duty_files.as_workbook(rows, Post.objects.all()) if kind == "xlsx" else duty_files.as_yaml(rows)
        headers = {"Content-Disposition": f'attachment; filename="duties.{kind}"'}
        return HttpResponse(content, content_type=XLSX if kind == "xlsx" else "application/yaml", headers=headers)

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """A file is first shown as what it would change, row by row; then all of it is applied in one step."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": _("Import duties"), "opts": self.opts, "form": DutyFileForm(), "columns": list(duty_files.HEADS),
            "needed": duty_files.NEEDED,
        }  # fmt: skip
        status = 200
        if request.method == "POST":
            try:
                if "rows" in request.POST:
                    return self._apply(request)
                context |= self._dry_run(request.FILES.get("file"))
            except Refused as refusal:
                context["refusal"], status = str(refusal), refusal.status
        return render(request, "admin/import_duties.html", context, status=status)

    def _dry_run(self, file: UploadedFile | None) -> dict[str, Any]:
        if file is None:
            return {"refusal": _("Please choose a file.")}
        rows = duty_files.read(file.name or "", file.read())
        found = duties.plan(rows)
        labels = {name: Duty._meta.get_field(name).verbose_name for name in duties.FIELDS}  # type: ignore[union-attr]
        shown = [
            (
                line,
                [
                    (labels[one.field], *(duties.in_words(one.field, said) for said in (one.before, one.after)))
                    for one in line.changes
                ],
            )
            for line in [*found.wrong, *found.changed, *found.new]
        ]
        signed = signing.dumps(rows, salt=SALT, compress=True)
        return {"plan": found, "lines": shown, "rows": signed, "file_name": file.name}

    def _apply(self, request: HttpRequest) -> HttpResponse:
        try:
            rows = signing.loads(request.POST["rows"], salt=SALT, max_age=DRY_RUN_LASTS)
        except signing.BadSignature:
            raise Refused(_("This dry run is too old. Please choose the file again.")) from None
        rows = [(number, dict(cells)) for number, cells in rows]
        digest = request.POST.get("digest", "")
        done = duties.apply(rows, digest=digest, by=person_of(request), at=clock.now())
        counts = {"new": len(done.new), "changed": len(done.changed)}
        messages.success(request, _("Imported: %(new)d new, %(changed)d changed.") % counts)
        return redirect("admin:roles_duty_changelist")


@admin.register(ConductItem)
class ConductAdmin(DefinitionAdmin):
    form = ConductForm
    list_display = ["rule", "post", "text_zh", "text_en", "is_scored", "is_active", "origin"]
    list_display_links = ["rule", "text_zh", "text_en"]
    list_filter = [PostFilter, ScoredFilter, OriginFilter, UseFilter]
    search_fields = ["rule", "text_zh", "text_en", "post__name_zh", "post__name_en"]
    list_select_related = ["post"]
    readonly_fields = ["catalogue_says"]
    fieldsets = [
        (None, {"fields": [("post", "rule", "position"), ("is_scored", "is_active"), ("text_zh", "text_en")]}),
        (gettext_lazy("Catalogue"), {"fields": ["catalogue_says"]}),
    ]


from roles import records_admin  # noqa: E402, F401 (registers the forms; it needs may_define)
