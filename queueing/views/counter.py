"""The counter tablet: its pages, its fold-outs and every step a clerk takes."""

import datetime as dt
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hall import access, clock, counters, limits, taps, text
from hall.access import Action
from hall.models import Counter, Device
from hall.refusals import WrongState
from hall.taps import Outcome
from queueing import care, tickets
from queueing.fragments import counter as fragments
from queueing.models import Service, State, Ticket
from queueing.views import answers
from roles import notices, opening

PAUSE_MINUTES = [5, 10, 15, 30, 45]
LIST_MOST = 60  # so many of the waiting, held or gone can be chosen from


@require_GET
def choose_counter(request: HttpRequest, code: str) -> HttpResponse:
    """The counters of a hall, the person's own first, then the free ones."""
    hall = access.hall(request, code, Action.SERVE)
    rows = Counter.objects.filter(hall=hall).select_related("clerk").prefetch_related("services")
    order = sorted(rows, key=lambda row: (row.clerk_id != request.user.pk, row.clerk_id is not None, row.number))
    return render(
        request, "queueing/counters.html", {"hall": hall, "counters": order, "is_tablet": _is_tablet(request)}
    )


@require_GET
def counter_tablet(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """One counter's tablet."""
    counter = access.counter(request, code, number, Action.SERVE)
    served_at = clock.now()
    at = clock.now_in(counter.hall, served_at)
    shown = fragments.render_counter(fragments.of_counter(counter, at))
    context = {
        "hall": counter.hall,
        "counter": counter,
        "at": at,
        "served_at": served_at,
        "is_tablet": _is_tablet(request),
    }
    return render(
        request, "queueing/counter.html", context | {name.replace("-", "_"): html for name, html in shown.items()}
    )


@require_GET
def counter_fold(request: HttpRequest, code: str, number: int, step: str) -> HttpResponse:
    """What a step that needs a choice shows when it is opened; pushes leave it alone."""
    counter = access.counter(request, code, number, Action.SERVE)
    if step not in FOLDS:
        raise Http404
    at = clock.now_in(counter.hall, clock.now())
    context = {"hall": counter.hall, "counter": counter, "step": step} | FOLDS[step](counter, at)
    return render(request, f"queueing/_counter_fold_{step.replace('-', '_')}.html", context)


@require_POST
def open_counter(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Sign in here and open, in one tap: once the hall has opened (F-13) and the clerk has read what he missed (R-B08)."""
    counter, at = access.counter(request, code, number, Action.SERVE), clock.now()

    person = answers.person_of(request)
    assert person is not None  # no device serves

    def act() -> None:
        opening.require_open(counter.hall, at)
        notices.require_read(person, counter.hall, at)
        counters.sign_in(counter, by=person, at=at)
        counters.open_counter(counter, by=person, at=at)

    return answer(counter, taps.carry_out(request, act, at=at), at)


@require_POST
def pause(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """The sign is flipped to suspended (R-B13), with a reason and, if known, the minutes until the return."""
    counter, at = access.counter(request, code, number, Action.SERVE), clock.now()

    def act() -> None:
        minutes = request.POST.get("minutes", "")
        back = at + dt.timedelta(minutes=text.whole_number(minutes, least=1, most=720)) if minutes else None
        reason, note = request.POST.get("reason", ""), request.POST.get("note", "")
        counters.pause(counter, reason=reason, expected_return_at=back, note=note, by=answers.person_of(request), at=at)

    return answer(counter, taps.carry_out(request, act, at=at), at)


@require_POST
def resume(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _at_own(
        request, code, number, lambda counter, at: counters.resume(counter, by=answers.person_of(request), at=at)
    )


@require_POST
def close(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _at_own(
        request, code, number, lambda counter, at: counters.close(counter, by=answers.person_of(request), at=at)
    )


@require_POST
def call_next(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Call the next customer; where nobody waits, say so."""
    counter, at = access.counter(request, code, number, Action.SERVE), clock.now()

    def act() -> dict | None:
        called = tickets.call_next(counter, by=answers.person_of(request), at=at)
        return None if called is not None else {"nobody": True}

    outcome = taps.carry_out(request, act, at=at)
    return answer(counter, outcome, at, said=_("Nobody waits for this counter.") if outcome.value.get("nobody") else "")


@require_POST
def call_this(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Call one certain number out of turn, for a reason that was chosen or typed."""
    reason = request.POST.get("note", "").strip() or request.POST.get("reason", "")
    return _on_ticket(
        request, code, number,
        lambda ticket, counter, at: tickets.call_this(ticket, counter, reason=reason, by=answers.person_of(request), at=at),
    )  # fmt: skip


@require_POST
def recall(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.recall(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def start(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.start(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def finish(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.finish(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def reopen(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.reopen(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def hold(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.hold(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def take_back(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.take_back(ticket, counter, by=answers.person_of(request), at=at),
    )


@require_POST
def no_show(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.no_show(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def uncall(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: tickets.uncall(ticket, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def counter_restore(request: HttpRequest, code: str, number: int) -> HttpResponse:
    return _on_ticket(
        request, code, number, lambda ticket, counter, at: tickets.restore(ticket, by=answers.person_of(request), at=at)
    )


@require_POST
def transfer(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """To another service or another counter of this hall; an unknown one is refused."""

    def act(ticket: Ticket, counter: Counter, at: dt.datetime) -> None:
        service, to = _where_to(request, counter)
        tickets.transfer(
            ticket, service=service, to=to, reason=request.POST.get("note", ""), by=answers.person_of(request), at=at
        )

    return _on_ticket(request, code, number, act, here=True)


@require_POST
def counter_care(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Care before the business starts (R-Q03): an apology, the small gift."""
    kind = request.POST.get("kind", "")
    return _on_ticket(
        request,
        code,
        number,
        lambda ticket, counter, at: care.give(ticket, kind, by=answers.person_of(request), at=at),
        here=True,
    )


@require_POST
def counter_care_undo(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take back an act of care tapped by mistake."""

    return _at_own(
        request,
        code,
        number,
        lambda counter, at: care.undo(answers.act_of(request, counter.hall), by=answers.person_of(request), at=at),
    )


def answer(counter: Counter, outcome: Outcome, at: dt.datetime, *, said: str = "") -> HttpResponse:
    """The tablet as it is now, in the words of the outcome."""
    shown = fragments.render_counter(fragments.of_counter(counter, clock.now_in(counter.hall, at)))
    html = render_to_string("queueing/_said.html", {"notice": said}) if said else ""
    return answers.answer(outcome, shown, said=html)


def _at_own(
    request: HttpRequest, code: str, number: int, verb: Callable[[Counter, dt.datetime], object]
) -> HttpResponse:
    """One step at a counter where nobody else is signed in."""
    counter, at = access.counter(request, code, number, Action.SERVE), clock.now()

    def act() -> None:
        counters.require_own(counter, answers.person_of(request))
        verb(counter, at)

    return answer(counter, taps.carry_out(request, act, at=at), at)


def _on_ticket(
    request: HttpRequest, code: str, number: int, verb: Callable[[Ticket, Counter, dt.datetime], object], *, here: bool = False,
) -> HttpResponse:  # fmt: skip
    """One step with a ticket of this hall; with `here`, only one that belongs to this counter."""

    def act(counter: Counter, at: dt.datetime) -> None:
        ticket = answers.ticket_of(request, counter.hall)
        if here and ticket.counter is not None and ticket.counter_id != counter.pk:
            raise WrongState(
                _("%(number)s is at counter %(counter)s.") % {"number": ticket.number, "counter": ticket.counter.number}
            )
        verb(ticket, counter, at)

    return _at_own(request, code, number, act)


def _where_to(request: HttpRequest, counter: Counter) -> tuple[Service | None, Counter | None]:
    """The service and the counter chosen for a transfer; None where none was chosen. 404 for one of another hall."""
    chosen: list = []
    for name, rows in (("service", Service.objects), ("to", Counter.objects)):
        value = request.POST.get(name, "")
        row = None
        if value:
            pk = text.whole_number(value, least=1, most=999_999_999)
            row = rows.filter(pk=pk, hall=counter.hall).first()
            if row is None:
                raise Http404
        chosen.append(row)
    return chosen[0], chosen[1]


def _fold_call_this(counter: Counter, at: dt.datetime) -> dict[str, object]:
    rules = limits.in_force(counter.hall_id, ["R-Q02"])
    return {
        "waiting": Ticket.objects.filter(hall=counter.hall)
        .waiting()
        .select_related("service")
        .in_call_order()[:LIST_MOST],
        "warn": rules.duration("R-Q02", "warning"),
        "over": rules.duration("R-Q02", "threshold"),
    }


def _fold_take_back(counter: Counter, at: dt.datetime) -> dict[str, object]:
    held = (
        Ticket.objects.filter(hall=counter.hall, state=State.HELD)
        .select_related("service", "counter")
        .order_by("state_since", "id")
    )
    return {"held": sorted(held[:LIST_MOST], key=lambda ticket: ticket.counter_id != counter.pk)}


def _fold_undo(counter: Counter, at: dt.datetime) -> dict[str, object]:
    today = Ticket.objects.filter(hall=counter.hall, business_date=counter.hall.business_date(at)).select_related(
        "service"
    )
    since = at - limits.in_force(counter.hall_id, ["F-04"]).duration("F-04", "undo_finish")
    return {
        "finished": today.filter(state=State.DONE, counter=counter, finished_at__gte=since).order_by("-finished_at")[
            :3
        ],
        "absent": today.filter(state=State.NO_SHOW).order_by("-state_since")[:LIST_MOST],
    }


def _fold_transfer(counter: Counter, at: dt.datetime) -> dict[str, object]:
    current = (
        Ticket.objects.filter(counter=counter, state__in=[State.CALLED, State.SERVING])
        .select_related("service")
        .first()
    )
    return {
        "current": current,
        "services": Service.objects.filter(hall=counter.hall, is_active=True).order_by("position", "id"),
        "others": Counter.objects.filter(hall=counter.hall, state=Counter.State.OPEN)
        .exclude(pk=counter.pk)
        .select_related("clerk"),
    }


def _fold_pause(counter: Counter, at: dt.datetime) -> dict[str, object]:
    return {"reasons": Counter.PauseReason.choices, "minutes": PAUSE_MINUTES}


# What needs a choice first: step → the context of its fold-out.
FOLDS: dict[str, Callable[[Counter, dt.datetime], dict[str, object]]] = {
    "call-this": _fold_call_this,
    "take-back": _fold_take_back,
    "undo": _fold_undo,
    "transfer": _fold_transfer,
    "pause": _fold_pause,
}


def _is_tablet(request: HttpRequest) -> bool:
    """Whether this is a paired tablet, on which people switch by PIN."""
    device = request.device  # type: ignore[attr-defined]
    return device is not None and device.screen == Device.Screen.TABLET


AT = "h/<slug:code>/counter/<int:number>/"
urlpatterns = [
    path("h/<slug:code>/counter/", choose_counter, name="counters"),
    path(AT, counter_tablet, name="counter"),
    path(AT + "fold/<slug:step>/", counter_fold, name="counter-fold"),
    path(AT + "open/", open_counter, name="open-counter"),
    path(AT + "pause/", pause, name="pause"),
    path(AT + "resume/", resume, name="resume"),
    path(AT + "close/", close, name="close"),
    path(AT + "call-next/", call_next, name="call-next"),
    path(AT + "call-this/", call_this, name="call-this"),
    path(AT + "recall/", recall, name="recall"),
    path(AT + "start/", start, name="start"),
    path(AT + "finish/", finish, name="finish"),
    path(AT + "reopen/", reopen, name="reopen"),
    path(AT + "hold/", hold, name="hold"),
    path(AT + "take-back/", take_back, name="take-back"),
    path(AT + "transfer/", transfer, name="transfer"),
    path(AT + "no-show/", no_show, name="no-show"),
    path(AT + "uncall/", uncall, name="uncall"),
    path(AT + "restore/", counter_restore, name="counter-restore"),
    path(AT + "care/", counter_care, name="counter-care"),
    path(AT + "care/undo/", counter_care_undo, name="counter-care-undo"),
]
