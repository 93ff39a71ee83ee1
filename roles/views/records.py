"""Records: the forms of a hall, filled in, listed, searched, corrected, printed and exported."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from hall import access, clock, postings, taps
from hall.access import Action
from hall.models import Hall, Person
from hall.models.names import pick
from hall.refusals import Invalid
from roles import record_files, records
from roles.models import Entry, FieldKind, Form
from roles.records import FIRST, LAST, YESNO, Field, NotFilledIn

PER_PAGE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN_CELLS = 3  # of an entry, in the list


@dataclass(frozen=True)
class Input:
    """One field to be filled in: what stands in it, and why it was not taken."""

    name: str
    label: str
    kind: str
    unit: str
    required: bool
    value: str
    error: str
    options: list[tuple[str, str]]
    least: float | None
    most: float | None


@dataclass(frozen=True)
class Filter:
    """What the list is asked for; `error`: a date that is none."""

    words: str
    since: str
    until: str
    error: str = ""


@never_cache
@require_GET
def records_page(request: HttpRequest, code: str) -> HttpResponse:
    """All forms; those of one's own posts stand first."""
    hall = access.hall(request, code, Action.RECORD)
    person = _person(request)
    mine = {held.post.slug for held in postings.held_by(person, hall)} | {
        post.slug for post in postings.posts_of(person, hall)
    }
    forms = records.forms()
    shown = {
        "mine": [form for form in forms if mine & set(form.filled_by)],
        "others": [form for form in forms if not mine & set(form.filled_by)],
    }
    return render(request, "roles/records.html", _hall(request, hall) | shown)


@never_cache
@require_GET
def record_list(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """A form's entries, newest first: all for those who see records, one's own for everybody else."""
    hall = access.hall(request, code, Action.RECORD)
    current, context = _form(form), _hall(request, hall)
    asked, found = _found(request, hall, current, sees_all="see_records" in context["may"])
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = {"form": current, "page": page, "asked": asked, "lines": [(entry, _cells(entry)) for entry in page]}
    query = {"query": _query(request)}
    return render(request, "roles/record_list.html", context | shown | query, status=422 if asked.error else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def record_new(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """A form is filled in and handed in."""
    hall, current, at = access.hall(request, code, Action.RECORD), _form(form), clock.now()
    if request.method == "GET":
        return _filling(request, hall, current)
    person = _person(request)
    return _handed(
        request, hall, current, lambda answers: records.hand_in(current, hall, answers, by=person, at=at), at
    )


@never_cache
@require_GET
def record_entry(request: HttpRequest, code: str, form: str, pk: int) -> HttpResponse:
    """One entry with all its versions, the newest first. It is also what is printed."""
    hall = access.hall(request, code, Action.RECORD)
    context = _hall(request, hall)
    entry = _entry(request, hall, form, pk)
    kept = records.versions(entry)[::-1]
    shown = {"form": entry.form, "newest": kept[0], "versions": [(one, _rows(one)) for one in kept]}
    return render(request, "roles/record_entry.html", context | shown)


@never_cache
@require_http_methods(["GET", "POST"])
def record_correct(request: HttpRequest, code: str, form: str, pk: int) -> HttpResponse:
    """A handed-in entry is corrected by a new version, with a reason."""
    hall, at = access.hall(request, code, Action.RECORD), clock.now()
    entry, person = _entry(request, hall, form, pk), _person(request)
    if request.method == "GET":
        return _filling(request, hall, entry.form, _typed(entry), corrects=entry)
    reason = request.POST.get("reason", "")
    verb = lambda answers: records.correct(entry, answers, reason=reason, by=person, at=at)  # noqa: E731
    return _handed(request, hall, entry.form, verb, at, corrects=entry)


@never_cache
@require_GET
def record_csv(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """The entries that the list shows, as CSV."""
    return _file(request, code, form, record_files.as_csv, "csv", "text/csv; charset=utf-8")


@never_cache
@require_GET
def record_xlsx(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """The entries that the list shows, as a spreadsheet."""
    return _file(request, code, form, record_files.as_xlsx, "xlsx", XLSX)


AT = "h/<slug:code>/records/"
urlpatterns = [
    path(AT, records_page, name="records"),
    path(AT + "<slug:form>/", record_list, name="record-list"),
    path(AT + "<slug:form>/new/", record_new, name="record-new"),
    path(AT + "<slug:form>/csv/", record_csv, name="record-csv"),
    path(AT + "<slug:form>/xlsx/", record_xlsx, name="record-xlsx"),
    path(AT + "<slug:form>/<int:pk>/", record_entry, name="record-entry"),
    path(AT + "<slug:form>/<int:pk>/correct/", record_correct, name="record-correct"),
]


def _hall(request: HttpRequest, hall: Hall) -> dict[str, Any]:
    return {"hall": hall, "may": access.rights_of(_person(request), hall).now}


def _form(code: str) -> Form:
    return get_object_or_404(Form, code=code, is_current=True)


def _entry(request: HttpRequest, hall: Hall, form: str, pk: int) -> Entry:
    """An entry of this hall. 403 for a colleague's, unless one sees records: one's own are those of which one wrote a version."""
    if pk > 2**62:
        raise Http404
    entry = get_object_or_404(Entry.objects.select_related("form", "by", "replaces"), pk=pk, hall=hall, code=form)
    person = _person(request)
    if access.may(person, hall, Action.SEE_RECORDS):
        return entry
    if any(one.by_id == person.pk for one in records.versions(entry)):
        return entry
    raise PermissionDenied(_("Your post does not include this."))


def _found(request: HttpRequest, hall: Hall, form: Form, *, sees_all: bool) -> tuple[Filter, QuerySet[Entry]]:
    """What is asked for and what is found. An entry's date that cannot be read finds nothing, in words."""
    found = records.entries(hall, form.code, by=None if sees_all else _person(request))
    words, since, until = (request.GET.get(name, "").replace("\x00", "") for name in ("q", "since", "until"))
    asked = Filter(words[:200], since, until)
    try:
        return asked, records.search(found, asked.words, _day(since), _day(until))
    except Invalid as refusal:
        return Filter(asked.words, since, until, str(refusal)), found.none()


def _day(asked: str) -> dt.date | None:
    if not asked:
        return None
    try:
        on = dt.datetime.strptime(asked, "%Y-%m-%d").date()  # noqa: DTZ007 - a date of the hall's own calendar
    except ValueError:
        on = None
    if on is None or not FIRST <= on <= LAST:
        raise Invalid(_("Please give a date as 2026-11-24."))
    return on


def _query(request: HttpRequest) -> str:
    """The filter as it stands in the address, without the page."""
    kept = request.GET.copy()
    kept.pop("page", None)
    return kept.urlencode()


def _cells(entry: Entry) -> list[str]:
    """What the list shows of an entry: the first answers that say something."""
    said = [
        f"{records.label(row)}: {records.shown(row)}"
        if row["kind"] in (FieldKind.YESNO, FieldKind.NUMBER)
        else records.shown(row)
        for row in entry.data
        if row["shown_zh"] and not (row["kind"] == FieldKind.YESNO and row["value"])
    ]
    return said[:SHOWN_CELLS]


def _rows(entry: Entry) -> list[tuple[str, str]]:
    return [(records.label(row), records.shown(row)) for row in entry.data]


def _typed(entry: Entry) -> dict[str, str]:
    """An entry's answers as a form takes them."""
    typed = {}
    for row in entry.data:
        value = row["value"]
        typed[row["name"]] = (
            ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else str(value)
        )
    return typed


def _inputs(form: Form, hall: Hall, typed: dict[str, str], errors: dict[str, str]) -> list[Input]:
    people: list[tuple[str, str]] = []
    if any(one["kind"] == FieldKind.PERSON for one in form.fields):
        people = [(str(person.pk), person.name) for person in records.people_of(hall)]
    return [
        Input(
            one["name"], records.label(one), one["kind"], one["unit"], one["required"], typed.get(one["name"], ""),
            errors.get(one["name"], ""), _options(one, people), one["least"], one["most"],
        )
        for one in form.fields
    ]  # fmt: skip


def _options(one: Field, people: list[tuple[str, str]]) -> list[tuple[str, str]]:
    if one["kind"] == FieldKind.PERSON:
        return people
    if one["kind"] == FieldKind.YESNO:
        return [(value, pick(*words)) for value, words in YESNO.items()]
    return [(choice["value"], pick(choice["zh"], choice["en"])) for choice in one["choices"]]


def _filling(
    request: HttpRequest, hall: Hall, form: Form, typed: dict[str, str] | None = None, *, corrects: Entry | None = None,
    errors: dict[str, str] | None = None, refusal: str = "", status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The form to be filled in; after a refusal with what was typed and the reasons, as a part of the page."""
    known = errors or {}
    shown = {
        "form": form, "corrects": corrects, "inputs": _inputs(form, hall, typed or {}, known), "refusal": refusal,
        "reason": (typed or {}).get("reason", "") if known or refusal else "", "reason_error": known.get("reason", ""),
    }  # fmt: skip
    template = "roles/_record_form.html" if request.method == "POST" else "roles/record_new.html"
    return render(request, template, _hall(request, hall) | shown, status=status)


def _handed(
    request: HttpRequest, hall: Hall, form: Form, verb: Callable[[dict[str, str]], Entry], at: dt.datetime, *, corrects: Entry | None = None
) -> HttpResponse:  # fmt: skip
    """What was handed in, and then its page; or the form with the reasons beside the fields, and all that was typed."""
    answers = {name: request.POST.get(name, "") for name in [*(one["name"] for one in form.fields), "reason"]}
    errors: dict[str, str] = {}

    def act() -> dict[str, object]:
        try:
            return {"entry": verb(answers).pk}
        except NotFilledIn as refusal:
            errors.update(refusal.errors)
            raise

    outcome = taps.carry_out(request, act, at=at)
    if outcome.refused:
        return _filling(
            request,
            hall,
            form,
            answers,
            corrects=corrects,
            errors=errors,
            refusal=outcome.message,
            status=outcome.status,
        )
    return HttpResponse(
        headers={"HX-Redirect": reverse("record-entry", args=[hall.code, form.code, outcome.value["entry"]])}
    )


def _file(
    request: HttpRequest, code: str, form: str, write: Callable[[Form, Hall, list[Entry]], bytes], ending: str, content_type: str
) -> HttpResponse:  # fmt: skip
    hall, current = access.hall(request, code, Action.SEE_RECORDS), _form(form)
    asked, found = _found(request, hall, current, sees_all=True)
    if asked.error:
        return HttpResponse(asked.error, status=422, content_type="text/plain; charset=utf-8")
    body = write(current, hall, list(found[: record_files.MOST]))
    name = f"{hall.code}-{current.code}-{hall.business_date(clock.now()).isoformat()}.{ending}"
    return HttpResponse(
        body, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # no device has Action.RECORD
    return request.user
