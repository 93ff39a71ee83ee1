"""Every write to a request for leave, and giving up a post from "my shift": a guard asks first (R-B15)."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from hall import live, postings, text
from hall.models import Kind, Person, Posting
from hall.refusals import Invalid, WrongState
from roles.models import LeaveRequest

State = LeaveRequest.State
REASON_MOST = 200  # characters
ASKS = frozenset({Kind.GUARD})  # the kinds of post that are never left without consent


def leave(posting: Posting, *, by: Person, at: dt.datetime) -> LeaveRequest | None:
    """Give up a post; from a post that must not be left unasked it is a request, which is returned. Asking twice is asking once.

    Raises WrongState if it was given up already, or is held at a counter: that one is closed on its tablet.
    """
    with transaction.atomic():  # a request and an end of the same posting wait for each other
        posting = (
            Posting.objects.select_for_update(of=("self",), no_key=True)
            .select_related("post", "counter")
            .get(pk=posting.pk)
        )
        _require_held(posting)
        if posting.counter is not None:
            raise WrongState(
                _("You are at counter %(number)s. Close it on its page: that gives it up.")
                % {"number": posting.counter.number}
            )
        if posting.post.kind not in ASKS:
            postings.leave(posting, by=by, at=at)
            return None
        asked, _is_new = LeaveRequest.objects.get_or_create(
            posting=posting, state=State.ASKED, defaults={"hall_id": posting.hall_id, "person_id": posting.person_id, "asked_at": at}
        )  # fmt: skip
        live.announce(posting.hall_id, "postings")
    return asked


def withdraw(request: LeaveRequest, *, by: Person, at: dt.datetime) -> None:
    """He stays after all. Raises WrongState if it was answered meanwhile."""
    _answer(request, State.WITHDRAWN, by=by, at=at)


def consent(request: LeaveRequest, *, by: Person, at: dt.datetime) -> None:
    """He may go: the posting ends now. Raises WrongState if it was answered already, or by his own hand."""
    with transaction.atomic():
        _require_another(request, by)
        _answer(request, State.GRANTED, by=by, at=at)
        postings.end(Posting.objects.filter(pk=request.posting_id), reason="consented", by=by, at=at)


def refuse(request: LeaveRequest, *, reason: str, by: Person, at: dt.datetime) -> None:
    """He stays, and is told why. Raises Invalid without a reason, WrongState if it was answered already."""
    reason = text.clean(reason, most=REASON_MOST)
    if not reason:
        raise Invalid(_("Please say why not: the guard reads it."))
    _require_another(request, by)
    _answer(request, State.REFUSED, reason=reason, by=by, at=at)


def _answer(request: LeaveRequest, state: str, *, reason: str = "", by: Person, at: dt.datetime) -> None:
    """Compare and set: of two who answer at the same time one does, the other is told."""
    answered = LeaveRequest.objects.filter(pk=request.pk, state=State.ASKED).update(
        state=state, reason=reason, answered_by=by, answered_at=at
    )
    if answered != 1:
        raise WrongState(_("This request was answered already."))
    live.announce(request.hall_id, "postings")


def _require_another(request: LeaveRequest, by: Person) -> None:
    if request.person_id == by.pk:
        raise WrongState(_("Nobody consents to his own leave. Please ask somebody else."))


def _require_held(posting: Posting) -> None:
    if posting.until is not None:
        raise WrongState(_("This post was given up already."))
