"""Races of rounds, records and places: two at once, one outcome."""

import pytest

from hall.models import Kind
from hall.refusals import WrongState
from roles import floor_time, records, rounds
from roles.models import Entry, FloorTime, Form, Round, Sample
from tests import make
from tests.at_once import together
from tests.roles.record_rows import entry, field, form
from tests.roles.round_rows import clerks, manager, open_hall

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_who_begin_a_round_at_once_one_walks_it():
    hall = open_hall()
    clerks(hall, 6)
    people = [manager(hall), make.person(hall, Kind.HALL_MANAGER)]

    results = together(*[lambda by=by: rounds.start(hall, "first", by=by, at=make.AT) for by in people])

    assert {type(result) for result in results} == {Round, WrongState}
    assert (Round.objects.count(), Sample.objects.count()) == (1, 3)


def test_of_two_corrections_at_once_one_is_kept():
    hall = make.hall()
    person = make.person(hall)
    first = entry(form(), hall, person)

    results = together(
        *[lambda to=to: records.correct(first, {"what": to}, reason="wrong", by=person, at=make.AT) for to in "ab"]
    )

    assert {type(result) for result in results} == {Entry, WrongState}
    assert Entry.objects.filter(replaces=first).count() == 1


def test_two_edits_of_a_form_at_once_make_two_versions():
    form(field("a"), code="TST-R")

    results = together(*[lambda name=name: form(field(name), code="TST-R") for name in ("b", "c")])

    assert {type(result) for result in results} == {Form}
    assert list(Form.objects.order_by("version").values_list("version", "is_current")) == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_two_taps_on_a_place_at_once_are_one():
    hall = open_hall()
    person = manager(hall)

    results = together(*[lambda: floor_time.go(hall, person, "floor", by=person, at=make.AT)] * 2)

    assert {type(result) for result in results} == {FloorTime}
    assert FloorTime.objects.count() == 1
