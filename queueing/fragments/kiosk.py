"""Fragments of the kiosk: what one can take a ticket for, how many wait and about how long."""

import datetime as dt
from dataclasses import dataclass

from django.template.loader import render_to_string

from hall.models import Counter, Hall
from queueing.fragments import opening
from queueing.fragments.state import QueueState
from queueing.models import Service

MOST_IN_ONE_COLUMN = 5


@dataclass(frozen=True)
class Offer:
    """One service on its button: the people ahead of a new normal ticket, and the wait it may expect, None with no counter open."""

    service: Service
    ahead: int
    wait: dt.timedelta | None


def render(state: QueueState, subject: int) -> dict[str, str]:
    """The kiosk's fragment: kiosk-services. At most four queries, the hall's hours."""
    return {"kiosk-services": services(state)}


def services(state: QueueState) -> str:
    """A button for each service; in a closed hall the words that say when tickets are given again."""
    offers = [_offer(state, service) for service in state.services]
    context = {
        "hall": state.hall,
        "offers": offers,
        "few": len(offers) <= MOST_IN_ONE_COLUMN,
        "opening": opening.of(state.hall, state.at),
        "hours": _hours(state.hall, state.at),
    }
    return render_to_string("queueing/_kiosk_services.html", context)


def _offer(state: QueueState, service: Service) -> Offer:
    told = state.estimate_new(service)
    opened = any(row.state == Counter.State.OPEN and row.pk in service.counter_ids for row in state.counters)  # type: ignore[attr-defined]
    return Offer(service, told.ahead, told.wait if opened else None)


def _hours(hall: Hall, at: dt.datetime) -> list[str]:
    """Today's opening in words of the hall's clock: 09:00–12:00."""
    parts = opening.today(hall, at)
    return [f"{hall.local(part.opens_at):%H:%M}–{hall.local(part.closes_at):%H:%M}" for part in parts]
