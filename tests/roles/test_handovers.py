"""Handing a shift over: counted, signed by both, refused with a reason."""

import datetime as dt

import pytest

from hall.models import Hall, Kind, Person
from hall.refusals import Invalid, WrongState
from roles import handovers
from roles.models import ShiftHandover
from tests import make
from tests.make import AT, MINUTE
from tests.roles.briefing_rows import offered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

LATER = AT + 5 * MINUTE


@pytest.fixture
def hall() -> Hall:
    return make.hall()


@pytest.fixture
def giver(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Giver")


@pytest.fixture
def receiver(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Receiver")


@pytest.mark.covers("O-10", "F-30", "REC-24", "R-G08")
def test_both_sign_with_their_time(hall: Hall, giver: Person, receiver: Person) -> None:
    counter = make.counter(hall, 3)
    made = handovers.offer(
        hall, receiver, post=make.post(Kind.CLERK), counter=counter, items=[("Envelopes", 20), ("Float, yuan", 500)],
        system_state="printer slow", open_matters="A012 calls back", by=giver, at=AT,
    )  # fmt: skip

    handovers.accept(made, smile_done=True, by=receiver, at=LATER)

    row = ShiftHandover.objects.get()
    assert (row.giver, row.offered_at, row.receiver, row.answered_at) == (giver, AT, receiver, LATER)
    assert (row.state, row.place, row.system_state, row.open_matters, row.smile_done) == (
        "accepted", "counter-clerk · counter 3", "printer slow", "A012 calls back", True,
    )  # fmt: skip
    assert list(row.items.values_list("name", "count")) == [("Envelopes", 20), ("Float, yuan", 500)]


@pytest.mark.covers("F-30")
def test_a_refusal_says_why_and_it_is_offered_anew(hall: Hall, giver: Person, receiver: Person) -> None:
    first = offered(hall, giver, receiver)

    handovers.refuse(first, "18 envelopes only", by=receiver, at=LATER)
    again = offered(hall, giver, receiver, at=LATER)

    first.refresh_from_db()
    assert (first.state, first.refused_because) == ("refused", "18 envelopes only")
    assert again.state == "offered"


def test_a_refusal_without_a_reason_changes_nothing(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)

    with make.refusal(Invalid, "say why"):
        handovers.refuse(made, "  ", by=receiver, at=LATER)

    assert ShiftHandover.objects.get().state == "offered"


@pytest.mark.covers("O-10")
def test_nobody_else_signs(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)
    manager = make.person(hall, Kind.DUTY_MANAGER)

    for somebody in (giver, manager):
        with make.refusal(WrongState, "Only Receiver can sign this"):
            handovers.accept(made, by=somebody, at=LATER)
        with make.refusal(WrongState, "Only Receiver can sign this"):
            handovers.refuse(made, "no", by=somebody, at=LATER)
    with make.refusal(WrongState, "Only Giver can take this back"):
        handovers.withdraw(made, by=receiver, at=LATER)

    assert ShiftHandover.objects.get().state == "offered"


def test_a_late_answer_is_told_the_truth(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)
    handovers.withdraw(made, by=giver, at=AT)

    with make.refusal(WrongState, "^This handover is withdrawn already.$"):
        handovers.accept(made, by=receiver, at=LATER)

    assert ShiftHandover.objects.get().answered_at == AT


def test_accepting_twice_keeps_the_first_signature(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)
    handovers.accept(made, by=receiver, at=LATER)

    handovers.accept(made, by=receiver, at=LATER + MINUTE)

    assert ShiftHandover.objects.get().answered_at == LATER


def test_the_same_shift_is_offered_once_at_a_time(hall: Hall, giver: Person, receiver: Person) -> None:
    offered(hall, giver, receiver)

    with make.refusal(WrongState, "waits for its answer"):
        offered(hall, giver, make.person(hall, Kind.CLERK))

    assert ShiftHandover.objects.count() == 1


@pytest.mark.parametrize(
    ("items", "system_state", "words"),
    [
        ([], "works", "at least one thing"),
        ([("Envelopes", 20)], " ", "state the systems"),
        ([("", 20)], "works", "what was counted"),
        ([("Envelopes", -1)], "works", "whole number"),
        ([("x", 1)] * 31, "works", "At most 30"),
        ([("x" * 61, 1)], "works", "at most 60"),
    ],
)
def test_bad_input_hands_nothing_over(
    hall: Hall, giver: Person, receiver: Person, items: list, system_state: str, words: str
) -> None:
    with make.refusal(Invalid, words):
        handovers.offer(
            hall, receiver, post=make.post(Kind.CLERK), items=items, system_state=system_state, by=giver, at=AT
        )

    assert not ShiftHandover.objects.exists()


def test_hands_over_to_a_colleague_with_the_post_only(hall: Hall, giver: Person) -> None:
    guide = make.person(hall, Kind.GUIDE, name_en="Guide")
    stranger = make.person(make.hall(), Kind.CLERK, name_en="Stranger")

    for receiver, words in (
        (giver, "choose a colleague"),
        (guide, "Guide does not have"),
        (stranger, "Stranger does not have"),
    ):
        with make.refusal(Invalid, words):
            offered(hall, giver, receiver)

    assert not ShiftHandover.objects.exists()


def test_another_halls_counter_is_refused(hall: Hall, giver: Person, receiver: Person) -> None:
    with make.refusal(Invalid, "counter of this hall"):
        handovers.offer(
            hall, receiver, post=make.post(Kind.CLERK), counter=make.counter(make.hall()), items=[("x", 1)],
            system_state="works", by=giver, at=AT,
        )  # fmt: skip


def test_an_answer_is_never_earlier_than_the_offer(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)

    handovers.accept(made, by=receiver, at=AT - dt.timedelta(seconds=1))

    assert ShiftHandover.objects.get().answered_at == AT
