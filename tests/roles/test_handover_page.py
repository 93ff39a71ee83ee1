"""The handover page: offered, signed, refused and offered anew by taps."""

import pytest

from hall.models import Hall, Kind, Person
from roles import handovers
from roles.models import ShiftHandover
from tests import make
from tests.make import AT
from tests.roles.briefing_rows import offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall() -> Hall:
    return make.hall()


@pytest.fixture
def giver(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Giver")


@pytest.fixture
def receiver(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Receiver")


def page(hall: Hall, person: Person, rest: str = "") -> str:
    answer = make.client(person).get(f"/h/{hall.code}/handover/{rest}")
    assert answer.status_code == 200
    return answer.content.decode()


def tap(hall: Hall, person: Person, verb: str, key: str | None = None, /, **data: object):
    return make.tap(make.client(person), f"/h/{hall.code}/handover/{verb}/", data, key=key)


def form(receiver: Person, /, **more: object) -> dict[str, object]:
    lines = {"item-0": "Envelopes", "count-0": "20", "item-1": "", "count-1": ""}
    return {"post": make.post(Kind.CLERK).pk, "receiver": receiver.pk, "system_state": "works", **lines, **more}


@pytest.mark.covers("O-10", "F-30", "REC-24")
def test_offered_and_signed_by_taps(hall: Hall, giver: Person, receiver: Person) -> None:
    answer = tap(hall, giver, "offer", counter=make.counter(hall, 3).pk, **form(receiver))
    assert answer["HX-Redirect"] == f"/h/{hall.code}/handover/"
    made = ShiftHandover.objects.get()
    assert list(made.items.values_list("name", "count")) == [("Envelopes", 20)]
    assert "Checked, I take it over" in page(hall, receiver)
    assert "Take it back" in page(hall, giver)

    answer = tap(hall, receiver, "accept", handover=made.pk, smile_done="yes")

    assert answer.status_code == 200
    assert "Nothing waits for your signature." in answer.content.decode()
    made.refresh_from_db()
    assert (made.state, made.smile_done) == ("accepted", True)


def test_a_double_tap_offers_and_signs_once(hall: Hall, giver: Person, receiver: Person) -> None:
    for _number in range(2):
        assert tap(hall, giver, "offer", "the-same-key", **form(receiver)).status_code == 200
    made = ShiftHandover.objects.get()

    for key in ("key-accept-1", "key-accept-2"):
        assert tap(hall, receiver, "accept", key, handover=made.pk).status_code == 200
    assert tap(hall, receiver, "refuse", handover=made.pk, reason="late").status_code == 409

    assert ShiftHandover.objects.get().state == "accepted"


def test_nobody_else_signs_or_sees_it(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)
    colleague, other = make.person(hall, Kind.CLERK), make.hall()

    for verb in ("accept", "refuse", "withdraw"):
        assert tap(hall, colleague, verb, handover=made.pk, reason="x").status_code == 409
        assert tap(other, make.person(other), verb, handover=made.pk, reason="x").status_code == 404
        assert tap(hall, make.person(other), verb, handover=made.pk, reason="x").status_code == 404
    assert ShiftHandover.objects.get().state == "offered"
    handovers.accept(made, by=receiver, at=AT)
    assert "Giver" not in page(hall, colleague)
    assert "Giver" in page(hall, make.person(hall, Kind.DUTY_MANAGER))


def test_a_refused_one_is_offered_anew_from_what_was_there(hall: Hall, giver: Person, receiver: Person) -> None:
    made = offered(hall, giver, receiver)
    tap(hall, receiver, "refuse", handover=made.pk, reason="18 envelopes only")
    html = page(hall, giver)
    assert "18 envelopes only" in html
    assert f"?again={made.pk}" in html

    draft = page(hall, giver, f"new/?again={made.pk}")
    assert 'value="Envelopes"' in draft
    assert 'value="20"' in draft
    tap(hall, giver, "offer", **form(receiver, **{"count-0": "18"}))

    assert f"?again={made.pk}" not in page(hall, giver)
    assert ShiftHandover.objects.filter(state="offered").get().items.get().count == 18


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"count-0": ""}, "How many of “Envelopes”?"),
        ({"count-0": "many"}, "whole number"),
        ({"item-0": ""}, "what was counted"),
        ({"receiver": ""}, "choose a colleague"),
        ({"system_state": " "}, "state the systems"),
    ],
)
def test_bad_input_is_said_in_words(hall: Hall, giver: Person, receiver: Person, data: dict, words: str) -> None:
    answer = tap(hall, giver, "offer", **form(receiver, **data))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ShiftHandover.objects.exists()


def test_another_halls_counter_is_not_there(hall: Hall, giver: Person, receiver: Person) -> None:
    answer = tap(hall, giver, "offer", **form(receiver), counter=make.counter(make.hall()).pk)

    assert answer.status_code == 404
    assert not ShiftHandover.objects.exists()


def test_bad_addresses_of_again_are_a_plain_form(hall: Hall, giver: Person, receiver: Person) -> None:
    theirs = offered(hall, receiver, giver)
    handovers.refuse(theirs, "no", by=giver, at=AT)

    for again in ("x", "99999999999999999999", str(theirs.pk), "²"):
        assert 'value="20"' not in page(hall, giver, f"new/?again={again}")
