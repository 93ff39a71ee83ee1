"""The roster: the week by people and days, its cells to edit, copying, meals, swaps, and the way through a spreadsheet."""

import datetime as dt
from collections.abc import Mapping
from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path, re_path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, taps, text
from hall.access import Action
from hall.models import Counter, Hall, Kind, Person, Post, Zone
from hall.refusals import Invalid
from hall.taps import Outcome
from roles import meals, roster_files, roster_week, rosters
from roles.models import Shift, Swap
from roles.rosters import Member, Plan

Row = TypeVar("Row", bound=Model)

LONGEST_FILE = 900_000  # bytes; a body over 1 MB never gets here


@never_cache
@require_GET
def roster(request: HttpRequest, code: str) -> HttpResponse:
    """The week of `?week=2026-W48`, on a phone the day of `?day=`; this week without them."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    at = clock.now_in(hall, clock.now())
    try:
        shown = _shown(request, hall, at, request.GET)
    except Invalid as refusal:
        shown = _shown(request, hall, at, {}) | {"refusal": str(refusal)}
    return render(request, "roles/roster.html", shown, status=422 if "refusal" in shown else 200)


@never_cache
@require_GET
def roster_cell(request: HttpRequest, code: str, pk: int, on: str) -> HttpResponse:
    """One person on one date, to look at, to change, or to ask for a swap."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    member = _member(hall, pk)
    try:
        date = roster_files.date_of(on)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=refusal.status)
    at = clock.now_in(hall, clock.now())
    return render(request, "roles/_roster_cell.html", _cell(request, hall, member, date, at))


@require_POST
def roster_plan(request: HttpRequest, code: str) -> HttpResponse:
    """A shift is added."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()

    def act() -> dict[str, object]:
        return _said(rosters.plan(hall, _plan_of(request, hall), by=_person(request), at=at), _("Planned: %(shift)s."))

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def roster_change(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """A shift becomes another one."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()
    shift = _shift(hall, pk)

    def act() -> dict[str, object]:
        new = _plan_of(request, hall)
        return _said(rosters.change(shift, new, by=_person(request), at=at), _("Changed: %(shift)s."))

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def roster_cancel(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """A shift is not worked."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()
    shift = _shift(hall, pk)

    def act() -> dict[str, object]:
        return _said(rosters.cancel(shift, by=_person(request), at=at), _("Cancelled: %(shift)s."))

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@never_cache
@require_GET
def roster_copy(request: HttpRequest, code: str) -> HttpResponse:
    """What copying last week would do, before it is done."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()
    try:
        monday = roster_week.monday_of(request.GET.get("week", ""), hall.business_date(at))
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=refusal.status)
    found = rosters.copy_preview(hall, monday, at=at)
    left_out = ",".join(str(shift.pk) for shift, _why in found.conflicts)
    shown = {"hall": hall, "found": found, "left_out": left_out, "week": roster_week.week_name(monday)}
    return render(request, "roles/_roster_copy.html", shown)


@require_POST
def roster_copy_now(request: HttpRequest, code: str) -> HttpResponse:
    """Last week is copied, but for what the person has seen cannot be."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()

    def act() -> dict[str, object]:
        monday = roster_week.monday_of(request.POST.get("week", ""), hall.business_date(at))
        left_out = [_number(part) for part in request.POST.get("left_out", "").split(",") if part]
        return {"count": len(rosters.copy_week(hall, monday, leave_out=left_out, by=_person(request), at=at))}

    outcome = taps.carry_out(request, act, at=at)
    count = outcome.value.get("count", 0)
    said = ngettext("%(count)d shift was copied.", "%(count)d shifts were copied.", count) % {"count": count}
    return _answer(request, hall, outcome, at, said=said)


@never_cache
@require_GET
def roster_meals(request: HttpRequest, code: str, on: str) -> HttpResponse:
    """The meals proposed for a date (R-Q11)."""
    hall = access.hall(request, code, Action.ROSTER)
    try:
        date = roster_files.date_of(on)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=refusal.status)
    proposal = meals.propose(hall, rosters.planned_on(hall, date))
    return render(request, "roles/_roster_meals.html", {"hall": hall, "on": date, "proposal": proposal})


@require_POST
def roster_meals_accept(request: HttpRequest, code: str, on: str) -> HttpResponse:
    """The meals that were shown are planned."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()

    def act() -> dict[str, object]:
        shown, date = request.POST.get("shown", ""), roster_files.date_of(on)
        return {"count": rosters.accept_meals(hall, date, shown=shown, by=_person(request), at=at)}

    outcome = taps.carry_out(request, act, at=at)
    count = outcome.value.get("count", 0)
    said = ngettext("%(count)d meal was planned.", "%(count)d meals were planned.", count) % {"count": count}
    return _answer(request, hall, outcome, at, said=said)


@require_POST
def swap_ask(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Somebody asks to swap his own shift; who plans the roster may ask for anybody."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    shift = _shift(hall, pk)
    if shift.person_id != request.user.pk and not access.may(_person(request), hall, Action.ROSTER):
        raise PermissionDenied(_("Your post does not include this."))

    def act() -> None:
        to, other = _partner(request, hall)
        reason = request.POST.get("reason", "")
        rosters.ask_swap(shift, to=to, other=other, reason=reason, by=_person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at, said=_("The swap is asked for."))


@require_POST
def swap_agree(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Who plans the roster agrees: the shifts change hands."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()
    swap = get_object_or_404(Swap, pk=pk, shift__hall=hall)

    def act() -> None:
        rosters.agree_swap(swap, by=_person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at, said=_("The shifts are swapped."))


@require_POST
def swap_refuse(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Who plans the roster refuses, the colleague declines, or who asked takes it back."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    swap = get_object_or_404(Swap, pk=pk, shift__hall=hall)
    theirs = request.user.pk in (swap.giver_id, swap.to_id, swap.asked_by_id)
    if not theirs and not access.may(_person(request), hall, Action.ROSTER):
        raise PermissionDenied(_("Your post does not include this."))

    def act() -> None:
        rosters.refuse_swap(swap, reason=request.POST.get("reason", ""), by=_person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at, said=_("The shift stays as it was."))


@never_cache
@require_GET
def roster_file(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    """The week as .xlsx or .csv (REC-45); what it gives can be read in again."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    try:
        monday = roster_week.monday_of(request.GET.get("week", ""), hall.business_date(clock.now()))
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=refusal.status, content_type="text/plain; charset=utf-8")
    shifts = rosters.planned_between(hall, monday, monday + dt.timedelta(days=6))
    companies = {pk: member.company for pk, member in rosters.crew(hall).items()}
    rows, name = roster_files.table(hall, shifts, companies), roster_week.week_name(monday)
    content = roster_files.as_csv(rows) if kind == "csv" else roster_files.as_workbook(rows, name)
    headers = {"Content-Disposition": f'attachment; filename="{hall.code}-{name}.{kind}"'}
    return HttpResponse(content, content_type=FILE_KINDS[kind], headers=headers)


@never_cache
@require_POST
def roster_check(request: HttpRequest, code: str) -> HttpResponse:
    """A dry run of a spreadsheet: what it would plan, and an error per row that it cannot. Nothing is written."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()
    shown: dict[str, object] = {"hall": hall, "may": access.rights_of(_person(request), hall).now}
    file = request.FILES.get("file")
    try:
        if file is None or file.size is None or not 0 < file.size <= LONGEST_FILE:
            raise Invalid(_("Please choose an .xlsx or .csv file of at most 900 kB."))
        rows = roster_files.read(file.name or "", file.read())
        shown |= {"sheet": roster_files.check(hall, rows, at=at), "rows": roster_files.as_text(rows)}
    except Invalid as refusal:
        shown |= {"refusal": str(refusal)}
    return render(request, "roles/roster_import.html", shown, status=422 if "refusal" in shown else 200)


@require_POST
def roster_import(request: HttpRequest, code: str) -> HttpResponse:
    """What a dry run has shown is planned, all of it or nothing."""
    hall, at = access.hall(request, code, Action.ROSTER), clock.now()

    def act() -> dict[str, object]:
        rows = roster_files.read("rows.csv", request.POST.get("rows", "").encode())
        sheet = roster_files.check(hall, rows, at=at)
        if sheet.errors:
            raise Invalid(_("The roster has changed meanwhile. Please read the file in again."))
        made = rosters.plan_all(hall, sheet.plans, verb="imported", by=_person(request), at=at)
        return {"on": min(row.on for row in made).isoformat()}

    outcome = taps.carry_out(request, act, at=at)
    if outcome.refused:
        return render(request, "roles/_said.html", {"refusal": outcome.message}, status=outcome.status)
    week = roster_week.week_name(dt.date.fromisoformat(str(outcome.value["on"])))
    to = f"{reverse('roster', args=[hall.code])}?week={week}"
    return HttpResponse(headers={"HX-Redirect": to}) if request.headers.get("HX-Request") else redirect(to)


FILE_KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime, asked: Mapping[str, str]) -> dict[str, object]:
    """What the page shows: the week and what the person may. `asked` holds `week` and `day`. Raises Invalid for none such."""
    today = hall.business_date(at)
    day = roster_files.date_of(asked.get("day", "")) if asked.get("day") else None
    monday = roster_week.monday_of(asked.get("week") or (roster_week.week_name(day) if day else ""), today)
    person = _person(request)
    return {
        "hall": hall,
        "at": at,
        "today": today,
        "week": roster_week.load(hall, monday, chosen=day or today, me=person, at=at),
        "may": access.rights_of(person, hall).now,
    }


def _answer(request: HttpRequest, hall: Hall, outcome: Outcome, at: dt.datetime, *, said: str = "") -> HttpResponse:
    """The words for the form's target where it is refused, else for the page; and the week that was looked at, as it is now."""
    words = render_to_string("roles/_said.html", {"refusal": outcome.message}) if outcome.refused else ""
    notice = "" if outcome.refused else outcome.value.get("said", said)
    try:
        shown = _shown(request, hall, clock.now_in(hall, at), request.POST)
    except Invalid:
        shown = _shown(request, hall, clock.now_in(hall, at), {})
    shown |= {"oob": True, "notice": notice}
    return HttpResponse(words + render_to_string("roles/_roster_answer.html", shown, request), status=outcome.status)


def _said(shift: Shift, words: str) -> dict[str, object]:
    hall = shift.hall
    times = f"{shift.person.name} {shift.on:%m-%d} {roster_week.clock_span(hall, shift.starts, shift.ends)}"
    return {"said": words % {"shift": times}}


def _cell(request: HttpRequest, hall: Hall, member: Member, on: dt.date, at: dt.datetime) -> dict[str, object]:
    """A person's shifts of a date with everything to change them by."""
    person = _person(request)
    may = access.rights_of(person, hall).now
    shifts = [row for row in rosters.planned_on(hall, on) if row.person_id == member.person.pk]
    crew = rosters.crew(hall)
    posts = list({post.pk: post for post in [*member.posts, *(row.post for row in shifts)]}.values())
    swappable = [row for row in shifts if row.starts > at and ("roster" in may or row.person_id == person.pk)]
    asked = rosters.swaps_of(shifts)
    return {
        "hall": hall,
        "may": may,
        "member": member,
        "on": on,
        "at": at,
        "shifts": shifts,
        "posts": posts,
        "zones": list(Zone.objects.filter(hall=hall)),
        "counters": list(Counter.objects.filter(hall=hall)),
        "crew": list(crew.values()),
        "is_over": hall.business_date(at) > on and not any(row.ends > at for row in shifts),
        "has_manager": any(post.kind == Kind.DUTY_MANAGER for post in posts),
        "asked": [(row, asked[row.pk][0]) for row in shifts if row.pk in asked],
        "swaps": [(row, _partners(hall, row, crew)) for row in swappable],
    }


def _partners(hall: Hall, shift: Shift, crew: dict[int, Member]) -> tuple[list[Person], list[Shift]]:
    """Who may take a shift (he has its post), and the shifts of that week that it may be exchanged for."""
    able = [one.person for one in crew.values() if shift.post in one.posts and one.person.pk != shift.person_id]
    own = crew.get(shift.person_id)
    monday = shift.on - dt.timedelta(days=shift.on.weekday())
    week = rosters.planned_between(hall, max(monday, shift.on - dt.timedelta(days=6)), monday + dt.timedelta(days=6))
    ids = {person.pk for person in able}
    others = [row for row in week if row.person_id in ids and own is not None and row.post in own.posts]
    return able, others


def _plan_of(request: HttpRequest, hall: Hall) -> Plan:
    """The shift that a form describes. Raises Invalid for what cannot be understood or is of another hall."""
    given = request.POST.get
    on = roster_files.date_of(given("on", ""))
    starts, ends = rosters.span(
        hall, on, roster_files.time_of(given("from", "")), roster_files.time_of(given("until", ""))
    )
    meal: tuple[dt.datetime | None, dt.datetime | None] = (None, None)
    if given("meal_from", "") or given("meal_until", ""):
        times = [roster_files.time_of(given(name, "")) for name in ("meal_from", "meal_until")]
        meal = rosters.meal_span(hall, starts, *times)
    people = Person.objects.filter(memberships__hall=hall).distinct()
    nobody, nowhere = _("Please choose a person of this hall."), _("Please choose a zone or counter of this hall.")
    return Plan(
        person=_chosen(people, given("person", ""), nobody),
        post=_chosen(Post.objects.all(), given("post", ""), _("Please choose a post.")),
        starts=starts,
        ends=ends,
        zone=_if_chosen(Zone.objects.filter(hall=hall), given("zone", ""), nowhere),
        counter=_if_chosen(Counter.objects.filter(hall=hall).select_related("zone"), given("counter", ""), nowhere),
        meal_from=meal[0],
        meal_until=meal[1],
        delegate=_if_chosen(people, given("delegate", ""), nobody),
        note=given("note", ""),
    )


def _partner(request: HttpRequest, hall: Hall) -> tuple[Person | None, Shift | None]:
    """With whom a swap is asked for: `p12` is the person 12, `s45` the shift 45. Raises Invalid for neither."""
    given = request.POST.get("with", "")
    words = _("Please choose a colleague.")
    if given.startswith("s"):
        return None, _chosen(Shift.objects.filter(hall=hall).select_related("person", "post"), given[1:], words)
    people = Person.objects.filter(memberships__hall=hall).distinct()
    return _chosen(people, given.removeprefix("p"), words), None


def _chosen(rows: QuerySet[Row], given: str, words: str) -> Row:
    """The row that a form names by its id. Raises Invalid, in these words, for none of these rows."""
    pk = int(given) if given.isascii() and given.isdigit() and len(given) <= 9 else 0
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Invalid(words)
    return found


def _if_chosen(rows: QuerySet[Row], given: str, words: str) -> Row | None:
    return _chosen(rows, given, words) if given else None


def _shift(hall: Hall, pk: int) -> Shift:
    """A shift of this hall. 404 for any other."""
    return get_object_or_404(Shift.objects.select_related("hall", "person", "post"), pk=pk, hall=hall)


def _member(hall: Hall, pk: int) -> Member:
    """Somebody on this hall's roster, also who has left since. 404 for anybody else."""
    member = rosters.crew(hall).get(pk)
    if member is None:
        shift = Shift.objects.filter(hall=hall, person=pk).select_related("person").first()
        if shift is None:
            raise Http404
        member = Member(shift.person)
    return member


def _number(given: str) -> int:
    return text.whole_number(given, least=1, most=999_999_999)


def _person(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # no device may plan
    return request.user


urlpatterns = [
    path("h/<slug:code>/roster/", roster, name="roster"),
    path("h/<slug:code>/roster/cell/<int:pk>/<str:on>/", roster_cell, name="roster-cell"),
    path("h/<slug:code>/roster/plan/", roster_plan, name="roster-plan"),
    path("h/<slug:code>/roster/shifts/<int:pk>/change/", roster_change, name="roster-change"),
    path("h/<slug:code>/roster/shifts/<int:pk>/cancel/", roster_cancel, name="roster-cancel"),
    path("h/<slug:code>/roster/shifts/<int:pk>/swap/", swap_ask, name="swap-ask"),
    path("h/<slug:code>/roster/swaps/<int:pk>/agree/", swap_agree, name="swap-agree"),
    path("h/<slug:code>/roster/swaps/<int:pk>/refuse/", swap_refuse, name="swap-refuse"),
    path("h/<slug:code>/roster/copy/", roster_copy, name="roster-copy"),
    path("h/<slug:code>/roster/copy/now/", roster_copy_now, name="roster-copy-now"),
    path("h/<slug:code>/roster/meals/<str:on>/", roster_meals, name="roster-meals"),
    path("h/<slug:code>/roster/meals/<str:on>/accept/", roster_meals_accept, name="roster-meals-accept"),
    path("h/<slug:code>/roster/check/", roster_check, name="roster-check"),
    path("h/<slug:code>/roster/import/", roster_import, name="roster-import"),
    re_path(r"^h/(?P<code>[-a-zA-Z0-9_]+)/roster\.(?P<kind>csv|xlsx)$", roster_file, name="roster-file"),
]
