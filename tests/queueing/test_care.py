"""Care given to those who wait."""

import pytest

from hall import alarms
from hall.refusals import Invalid, WrongState
from queueing import care, tickets
from queueing.models import CareAct
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def waiting():
    hall = make.hall()
    return make.ticket(make.service(hall)), make.person(hall, "floater")


@pytest.mark.parametrize("kind", ["water", "gift", "informed", "apology"])
def test_what_was_done_is_written_down_with_person_and_time(kind):
    ticket, floater = waiting()

    care.give(ticket, kind, by=floater, at=AT + MINUTE)

    assert [(act.ticket, act.kind, act.by, act.at) for act in CareAct.objects.all()] == [
        (ticket, kind, floater, AT + MINUTE)
    ]


def test_the_queue_is_told(announced):
    ticket, floater = waiting()
    announced.clear()

    care.give(ticket, "water", by=floater, at=AT)

    assert announced == [(ticket.hall_id, "queue")]


def test_the_counter_that_called_the_customer_is_told_too(announced):
    hall = make.hall()
    service = make.service(hall)
    counter = make.counter(hall, services=[service])
    ticket = make.called(service, counter)
    announced.clear()

    care.give(ticket, "apology", by=None, at=AT)

    assert announced == [(hall.pk, "queue", f"counter:{counter.pk}")]


def test_care_acknowledges_the_tickets_alarm(monkeypatch):
    ticket, floater = waiting()
    told = []
    monkeypatch.setattr(alarms, "acknowledge_subject", lambda *subject, **options: told.append((subject, options)))

    care.give(ticket, "water", by=floater, at=AT)

    assert told == [((ticket.hall_id, "R-Q02", f"ticket:{ticket.pk}"), {"by": floater, "at": AT})]


@pytest.mark.covers("R-Q03")
def test_the_second_gift_is_refused_and_says_who_gave_the_first():
    ticket, floater = waiting()
    care.give(ticket, "gift", by=floater, at=AT)

    with make.refusal(WrongState, match=f"10:00 by {floater.name_en}"):
        care.give(ticket, "gift", by=floater, at=AT + MINUTE)

    assert CareAct.objects.count() == 1


def test_water_may_be_given_twice():
    ticket, floater = waiting()

    for _each in range(2):
        care.give(ticket, "water", by=floater, at=AT)

    assert CareAct.objects.count() == 2


def test_an_unknown_kind_is_refused():
    ticket, floater = waiting()

    with make.refusal(Invalid):
        care.give(ticket, "song", by=floater, at=AT)

    assert CareAct.objects.count() == 0


def test_a_customer_who_is_gone_is_refused():
    ticket, floater = waiting()
    tickets.abandon(ticket, by=None, at=AT)

    with make.refusal(WrongState, match="A001"):
        care.give(ticket, "water", by=floater, at=AT)

    assert CareAct.objects.count() == 0


def test_undone_by_mistake_the_row_stays_marked_and_the_gift_may_be_given():
    ticket, floater = waiting()
    act = care.give(ticket, "gift", by=floater, at=AT)

    care.undo(act, by=floater, at=AT + MINUTE)
    care.give(ticket, "gift", by=floater, at=AT + 2 * MINUTE)

    assert list(CareAct.objects.values_list("kind", "undone_at")) == [("gift", AT + MINUTE), ("gift", None)]


def test_undoing_twice_changes_nothing(announced):
    ticket, floater = waiting()
    act = care.give(ticket, "gift", by=floater, at=AT)
    care.undo(act, by=floater, at=AT + MINUTE)
    announced.clear()

    care.undo(act, by=floater, at=AT + 2 * MINUTE)

    act.refresh_from_db()
    assert (act.undone_at, announced) == (AT + MINUTE, [])
