"""Notices: read with one tap, written and withdrawn by those who hold briefings."""

import datetime as dt

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, postings, taps
from hall.access import Action
from hall.models import Hall, Post
from hall.taps import Outcome
from roles import notice_page
from roles import notices as writing
from roles.models import Briefing, Notice
from roles.views import asked


@never_cache
@require_GET
def notices(request: HttpRequest, code: str) -> HttpResponse:
    """What one has to read, and what is in force."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    return render(request, "roles/notices.html", _shown(request, hall, clock.now()))


@require_POST
def notice_read(request: HttpRequest, code: str) -> HttpResponse:
    """The receipt for a notice, or for the record of a briefing that one missed."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def act() -> None:
        writing.read(_thing(request, hall), hall, by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def notice_tell(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody asked, and was told (R-B08)."""
    hall, at = access.hall(request, code, Action.BRIEF), clock.now()

    def act() -> None:
        person = asked.row(request, "person", asked.staff(hall))
        writing.tell(_thing(request, hall), person, hall, by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def notice_withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """A notice is no longer in force."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    _require_writer(request, hall)

    def act() -> None:
        writing.withdraw(asked.row(request, "notice", _notices(hall)), by=asked.person(request), at=at)

    return _answer(request, hall, taps.carry_out(request, act, at=at), at)


@never_cache
@require_GET
def notice_new(request: HttpRequest, code: str) -> HttpResponse:
    """A notice is written."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    _require_writer(request, hall)
    today = hall.business_date(clock.now_in(hall, clock.now()))
    shown = {"posts": postings.posts_of_hall(hall), "today": today, "for_all": _is_headquarters(request)}
    return render(request, "roles/notice_new.html", asked.seen(request, hall) | shown)


@require_POST
def notice_write(request: HttpRequest, code: str) -> HttpResponse:
    """A notice goes out, to this hall, or to all of them when headquarters say so."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    _require_writer(request, hall)
    outcome = taps.carry_out(request, lambda: {"notice": _write(request, hall, at).pk}, at=at)
    if outcome.refused:
        return asked.said(request, outcome, "#said")
    return HttpResponse(headers={"HX-Redirect": reverse("notices", args=[hall.code])})


AT = "h/<slug:code>/notices/"
urlpatterns = [
    path(AT, notices, name="notices"),
    path(AT + "read/", notice_read, name="notice-read"),
    path(AT + "tell/", notice_tell, name="notice-tell"),
    path(AT + "withdraw/", notice_withdraw, name="notice-withdraw"),
    path(AT + "new/", notice_new, name="notice-new"),
    path(AT + "write/", notice_write, name="notice-write"),
]


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, object]:
    seen = asked.seen(request, hall)
    headquarters = _is_headquarters(request)
    writes = Action.BRIEF in seen["may"] or headquarters  # type: ignore[operator]
    page = notice_page.load(hall, asked.person(request), clock.now_in(hall, at), all_posts=writes)
    return seen | {"page": page, "writes": writes, "headquarters": headquarters, "at": at}


def _answer(request: HttpRequest, hall: Hall, outcome: Outcome, at: dt.datetime) -> HttpResponse:
    """The lists as they are now; what was unfolded stays so."""
    thing = "briefing" if request.POST.get("briefing") else "notice"
    said = {"refusal": outcome.message, "unfolded": thing, "unfolded_pk": _pk(request.POST.get(thing, ""))}
    return render(request, "roles/_notices.html", _shown(request, hall, at) | said, status=outcome.status)


def _pk(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else 0


def _thing(request: HttpRequest, hall: Hall) -> Notice | Briefing:
    """The notice or briefing that the form names. 404 for another hall's."""
    if request.POST.get("briefing"):
        return asked.row(request, "briefing", Briefing.objects.filter(hall=hall))
    return asked.row(request, "notice", _notices(hall))


def _notices(hall: Hall) -> QuerySet[Notice]:
    return Notice.objects.filter(Q(hall=hall) | Q(hall=None))


def _write(request: HttpRequest, hall: Hall, at: dt.datetime) -> Notice:
    words = {name: request.POST.get(name, "") for name in ("title_zh", "title_en", "body_zh", "body_en")}
    return writing.write(
        None if request.POST.get("for_all") == "yes" else hall,
        **words,
        effective_from=asked.date(request.POST.get("effective_from", "")) or hall.business_date(at),
        ends_on=asked.date(request.POST.get("ends_on", "")),
        audience=asked.rows(request, "audience", Post.objects.filter(is_active=True)),
        must_be_read=request.POST.get("must_be_read") == "yes",
        changes_service=request.POST.get("changes_service") == "yes",
        by=asked.person(request),
        at=at,
    )


def _is_headquarters(request: HttpRequest) -> bool:
    return writing.is_headquarters(asked.person(request))


def _require_writer(request: HttpRequest, hall: Hall) -> None:
    """Those who hold briefings write for their hall, headquarters for all."""
    if not (access.may(asked.person(request), hall, Action.BRIEF) or _is_headquarters(request)):
        raise PermissionDenied(_("Your post does not include this."))
