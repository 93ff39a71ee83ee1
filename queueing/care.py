"""Care given to those who wait (R-Q02, R-Q03): water, a small gift, told how long."""

import datetime as dt

from django.utils.translation import gettext as _

from hall import alarms, live
from hall.locks import lock_queue
from hall.models import Person
from hall.refusals import Invalid, WrongState
from queueing.models import CareAct, State, Ticket

CARED_FOR = (State.WAITING, State.CALLED, State.SERVING, State.HELD)


def give(ticket: Ticket, kind: str, *, by: Person | None, at: dt.datetime) -> CareAct:
    """Write down one act of care. It acknowledges the ticket's alarm: somebody is there.

    Raises Invalid for an unknown kind, WrongState if the customer is gone or already had the gift (one per ticket, X-06).
    """
    if kind not in CareAct.Kind.values:
        raise Invalid(_("Please choose what was done."))
    with lock_queue(ticket.hall_id) as hall:
        ticket = Ticket.objects.get(pk=ticket.pk, hall_id=hall.pk)
        if ticket.state not in CARED_FOR:
            raise WrongState(
                _("%(number)s is %(state)s now.") % {"number": ticket.number, "state": ticket.get_state_display()}
            )
        if kind == CareAct.Kind.GIFT:
            given = ticket.care.filter(kind=kind, undone_at=None).select_related("by").first()
            if given is not None:
                raise WrongState(
                    _("The gift was already given at %(time)s by %(name)s.")
                    % {"time": f"{hall.local(given.at):%H:%M}", "name": given.by.name if given.by else "–"}
                )
        act = CareAct.objects.create(ticket=ticket, kind=kind, at=at, by=by)
        alarms.acknowledge_subject(hall.pk, "R-Q02", f"ticket:{ticket.pk}", by=by, at=at)
        live.announce(hall.pk, "queue", *([f"counter:{ticket.counter_id}"] if ticket.counter_id else []))
    return act


def undo(act: CareAct, *, by: Person | None, at: dt.datetime) -> CareAct:
    """Take back an act of care tapped by mistake; the row stays, marked. Undoing twice changes nothing."""
    with lock_queue(act.ticket.hall_id) as hall:
        changed = CareAct.objects.filter(pk=act.pk, undone_at=None).update(undone_at=at, undone_by=by)
        act.refresh_from_db()
        if changed:
            live.announce(hall.pk, "queue", *([f"counter:{act.ticket.counter_id}"] if act.ticket.counter_id else []))
    return act
