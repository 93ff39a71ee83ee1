"""Every write to a shift handover: offered, accepted, refused, taken back (F-30). Each side signs for itself only."""

import datetime as dt
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from hall import live, postings, text
from hall.models import Counter, Hall, Person, Post
from hall.refusals import Invalid, WrongState
from roles.models import CountedItem, ShiftHandover

ITEMS_MOST = 30
COUNT_MOST = 1_000_000


def offer(
    hall: Hall, receiver: Person, *, post: Post, counter: Counter | None = None, items: Iterable[tuple[str, int]], system_state: str,
    open_matters: str = "", by: Person, at: dt.datetime,
) -> ShiftHandover:  # fmt: skip
    """A shift is handed over: what was counted (name, how many), the state of the systems, what is open. This signs it for the giver.

    Raises Invalid without counted items or the systems' state, for a post that giver or receiver does not have, for oneself
    as the receiver or another hall's counter; WrongState while one of this post and counter waits for its answer.
    """
    counted = _counted(items)
    system_state = text.clean(system_state, most=300)
    if not system_state:
        raise Invalid(_("Please say in which state the systems are."))
    open_matters = text.clean(open_matters, most=1000, lines=True)
    _require_both(hall, receiver, post, counter, by)
    place = post.name if counter is None else f"{post.name} · {counter}"
    try:
        with transaction.atomic():  # handover and items together; two taps at once: the constraint lets one in
            made = ShiftHandover.objects.create(
                hall=hall, giver=by, receiver=receiver, post=post, counter=counter, place=place, system_state=system_state,
                open_matters=open_matters, offered_at=at,
            )  # fmt: skip
            CountedItem.objects.bulk_create(
                [
                    CountedItem(handover=made, position=number, name=name, count=count)
                    for number, (name, count) in enumerate(counted)
                ]
            )
    except IntegrityError as error:
        raise WrongState(_("This was handed over already and waits for its answer.")) from error
    live.announce(hall.pk, "handovers")
    return made


def accept(handover: ShiftHandover, *, smile_done: bool = False, by: Person, at: dt.datetime) -> None:
    """The receiver has checked it and signs. Accepting twice changes nothing.

    Raises WrongState for anybody but the receiver, or when it was refused or taken back meanwhile.
    """
    _answer(handover, ShiftHandover.State.ACCEPTED, smile_done=smile_done, by=by, at=at)


def refuse(handover: ShiftHandover, reason: str, *, by: Person, at: dt.datetime) -> None:
    """The receiver does not sign, and says why; the giver hands over anew. Refusing twice changes nothing.

    Raises Invalid without a reason, WrongState as accept().
    """
    reason = text.clean(reason, most=300)
    if not reason:
        raise Invalid(_("Please say why you do not accept it."))
    _answer(handover, ShiftHandover.State.REFUSED, refused_because=reason, by=by, at=at)


def withdraw(handover: ShiftHandover, *, by: Person, at: dt.datetime) -> None:
    """The giver takes it back to correct it. Raises WrongState for anybody else, or when it was answered meanwhile."""
    if handover.giver_id != by.pk:
        raise WrongState(_("Only %(name)s can take this back.") % {"name": handover.giver.name})
    _move(handover, ShiftHandover.State.WITHDRAWN, at=at)


def _answer(handover: ShiftHandover, state: str, *, by: Person, at: dt.datetime, **fields: object) -> None:
    if handover.receiver_id != by.pk:
        raise WrongState(_("Only %(name)s can sign this.") % {"name": handover.receiver.name})
    _move(handover, state, at=at, **fields)


def _move(handover: ShiftHandover, state: str, *, at: dt.datetime, **fields: object) -> None:
    """Compare and set: of two answers the first one counts, and the second is told."""
    open_now = ShiftHandover.objects.filter(pk=handover.pk, state=ShiftHandover.State.OFFERED)
    if open_now.update(state=state, answered_at=max(at, handover.offered_at), **fields) != 1:
        handover.refresh_from_db()
        if handover.state != state:
            raise WrongState(_("This handover is %(state)s already.") % {"state": handover.get_state_display()})
    live.announce(handover.hall_id, "handovers")


def _counted(items: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    counted = [(text.clean(name, most=60), count) for name, count in items]
    if not counted:
        raise Invalid(_("Please count at least one thing."))
    if len(counted) > ITEMS_MOST:
        raise Invalid(_("At most %(count)d counted things.") % {"count": ITEMS_MOST})
    for name, count in counted:
        if not name:
            raise Invalid(_("Please say what was counted."))
        if not 0 <= count <= COUNT_MOST:
            raise Invalid(
                _("Please give a whole number from %(least)d to %(most)d.") % {"least": 0, "most": COUNT_MOST}
            )
    return counted


def _require_both(hall: Hall, receiver: Person, post: Post, counter: Counter | None, giver: Person) -> None:
    if receiver.pk == giver.pk:
        raise Invalid(_("Please choose a colleague."))
    if counter is not None and counter.hall_id != hall.pk:
        raise Invalid(_("Please choose a counter of this hall."))
    for person in (giver, receiver):
        if post.pk not in {known.pk for known in postings.posts_of(person, hall)}:
            raise Invalid(
                _("%(name)s does not have the post %(post)s here.") % {"name": person.name, "post": post.name}
            )
