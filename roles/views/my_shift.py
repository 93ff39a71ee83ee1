"""My shift: what one holds and takes, what one owes today, what others ask of one."""

import datetime as dt
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, postings, taps, text
from hall.access import Action
from hall.models import Hall, Kind, Person, Post, Posting, Zone
from hall.models.halls import Clock
from hall.refusals import Invalid, WrongState
from hall.taps import Outcome
from roles import day_tasks, delegates, leaves, work
from roles import my_shift as page
from roles.models import LeaveRequest

MOST = 999_999_999  # the greatest id that a form may name


@never_cache
@require_GET
def my_shift(request: HttpRequest, code: str) -> HttpResponse:
    """One's own page; `?next=` is where one wanted to go and a post was missing."""
    hall = access.hall(request, code, Action.MY_SHIFT)
    return render(request, "roles/shift.html", _shown(request, hall, clock.now()))


@require_POST
def shift_take(request: HttpRequest, code: str) -> HttpResponse:
    """A post is taken, in the zone chosen; then on to where one wanted to go."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    outcome = taps.carry_out(request, lambda: _take(request, hall, at), at=at)
    onward = _next(request)
    if onward and not outcome.refused:
        return HttpResponse(headers={"HX-Redirect": onward})
    return answer(request, hall, outcome, at)


@require_POST
def shift_leave(request: HttpRequest, code: str) -> HttpResponse:
    """A post is given up; a guard asks (R-B15); a duty manager ends his delegate's."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()
    return answer(request, hall, taps.carry_out(request, lambda: _leave(request, hall, at), at=at), at)


@require_POST
def shift_withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """One stays after all."""
    hall, at = access.hall(request, code, Action.MY_SHIFT), clock.now()

    def act() -> None:
        posting = get_object_or_404(Posting, pk=number(request, "posting"), hall=hall, person=request.user)
        asked = LeaveRequest.objects.filter(posting=posting).last()
        if asked is None:
            raise Http404
        leaves.withdraw(asked, by=person_of(request), at=at)

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


@require_POST
def shift_consent(request: HttpRequest, code: str) -> HttpResponse:
    """A guard may leave his post."""
    return _answer_leave(request, code, leaves.consent)


@require_POST
def shift_refuse(request: HttpRequest, code: str) -> HttpResponse:
    """A guard stays at his post, and is told why."""
    return _answer_leave(request, code, leaves.refuse, reason=request.POST.get("reason", ""))


@require_POST
def shift_delegate(request: HttpRequest, code: str) -> HttpResponse:
    """A colleague stands in for the duty manager."""
    hall, at = access.hall(request, code, Action.ASSIGN), clock.now()

    def act() -> None:
        people = Person.objects.filter(memberships__hall=hall).distinct()
        colleague = get_object_or_404(people, pk=number(request, "person"))
        delegates.name(colleague, hall, by=person_of(request), at=at)

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


AT = "h/<slug:code>/shift/"
urlpatterns = [
    path(AT, my_shift, name="my-shift"),
    path(AT + "take/", shift_take, name="shift-take"),
    path(AT + "leave/", shift_leave, name="shift-leave"),
    path(AT + "withdraw/", shift_withdraw, name="shift-withdraw"),
    path(AT + "consent/", shift_consent, name="shift-consent"),
    path(AT + "refuse/", shift_refuse, name="shift-refuse"),
    path(AT + "delegate/", shift_delegate, name="shift-delegate"),
]


def _shown(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, object]:
    seen = page.load(hall, person_of(request), clock.now_in(hall, at))
    owed = work.load(seen)
    if not owed.is_begun and hall.clock == Clock.LIVE:  # the first look at a day that the worker has not reached
        day_tasks.make_tasks([hall.pk], at=at)
        day_tasks.make_shift_tasks(hall, at=at)
        owed = work.load(seen)
    return {"hall": hall, "shift": seen, "work": owed, "may": seen.may, "next": _next(request), "at": seen.at}


def answer(request: HttpRequest, hall: Hall, outcome: Outcome, at: dt.datetime) -> HttpResponse:
    """The page's body as it is now, with the words of a refusal or of what was done; in a fold that stays open, the words only."""
    if outcome.status == Invalid.status and request.POST.get("fold"):
        refused = render(request, "roles/_said.html", {"refusal": outcome.message}, status=outcome.status)
        refused["HX-Retarget"], refused["HX-Reswap"] = "#fold-said", "innerHTML"
        return refused
    said = {"refusal": outcome.message, "notice": outcome.value.get("said", "")}
    return render(request, "roles/_shift.html", _shown(request, hall, at) | said, status=outcome.status)


def _answer_leave(request: HttpRequest, code: str, verb: Callable[..., None], **more: str) -> HttpResponse:
    hall, at = access.hall(request, code, Action.ASSIGN), clock.now()

    def act() -> None:
        asked = get_object_or_404(LeaveRequest, pk=number(request, "request"), hall=hall)
        verb(asked, by=person_of(request), at=at, **more)

    return answer(request, hall, taps.carry_out(request, act, at=at), at)


def _take(request: HttpRequest, hall: Hall, at: dt.datetime) -> None:
    post = get_object_or_404(Post, pk=number(request, "post"))
    if post.kind in page.AT_COUNTERS:
        raise WrongState(_("This post is taken at a counter. Sign in there."))
    zone = None
    if request.POST.get("zone"):
        zone = get_object_or_404(Zone, pk=number(request, "zone"), hall=hall)
        if zone.slug not in post.zone_slugs:
            raise Invalid(_("This post has nothing to do in that zone."))
    person = person_of(request)
    postings.take(person, hall, post, zone=zone, by=person, at=at)
    day_tasks.make_shift_tasks(hall, at=at)


def _leave(request: HttpRequest, hall: Hall, at: dt.datetime) -> dict[str, object]:
    """The posting of the form: one's own, or a delegate's. 404 for anybody else's."""
    person = person_of(request)
    posting = get_object_or_404(Posting, pk=number(request, "posting"), hall=hall)
    if posting.person_id == person.pk:
        asked = leaves.leave(posting, by=person, at=at)
        return {"said": _("The duty manager was asked. Please stay until he consents.")} if asked else {}
    if not posting.is_delegate or posting.post.kind != Kind.DUTY_MANAGER:
        get_object_or_404(Posting, pk=posting.pk, person=person)
    access.hall(request, hall.code, Action.ASSIGN)
    delegates.end(posting, by=person, at=at)
    return {}


def number(request: HttpRequest, name: str) -> int:
    return text.whole_number(request.POST.get(name, ""), least=1, most=MOST)


def person_of(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # no device has Action.MY_SHIFT
    return request.user


def _next(request: HttpRequest) -> str:
    """The page to go to afterwards, of this site only; empty when none is asked for."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    same_site = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if same_site and wanted.startswith("/") and "\x00" not in wanted and len(wanted) <= 500 else ""
