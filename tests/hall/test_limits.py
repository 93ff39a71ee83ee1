"""Limits: every number of the trade's rules is a row, and a hall may have its own value."""

import datetime as dt

import pytest
from django.db import connection

from hall import limits
from hall.models import AlarmRung, Limit
from hall.models.limits import from_text
from tests import make

pytestmark = pytest.mark.django_db

# The rules of the field guide's part 3 that name a number or a cadence.
NUMBERED = """
    R-Q01 R-Q02 R-Q03 R-Q04 R-Q05 R-Q06 R-Q07 R-Q08 R-Q09 R-Q11 R-Q16 R-Q20 R-Q22
    R-G01 R-G02 R-G03 R-G04 R-G05 R-G06 R-G07 R-G08 R-G09 R-G10 R-G11 R-G12 R-G13
    R-S01 R-S02 R-S04 R-S05 R-S06
    R-B01 R-B03 R-B04 R-B05 R-B06 R-B07 R-B09 R-B10 R-B14
    R-R01 R-R02 R-R03 R-R04 R-R05 R-R06 R-R07 R-R08 R-R09 R-R10 R-R11 R-R12 R-R13 R-R14 R-R15 R-R16 R-R17 R-R18 R-R19 R-R20 R-R21
    R-L01 R-L02 R-L05 R-L06 R-L07
    R-C01 R-C02
    R-A01 R-A03 R-A04 R-A05 R-A11 R-A15 R-A16 R-A17
    R-K01 R-K02 R-K03 R-K04
    R-P01
""".split()  # fmt: skip  # noqa: SIM905 (a table reads better in the guide's own groups)


@pytest.mark.covers("H-21")
def test_every_rule_with_a_number_has_its_limit():
    assert sorted(set(NUMBERED) - set(Limit.objects.values_list("rule", flat=True))) == []


@pytest.mark.covers("H-21")
def test_every_limit_has_two_titles_a_source_and_a_default_that_is_a_value():
    rows = list(Limit.objects.all())

    assert len(rows) >= 126
    for row in rows:
        from_text(row, row.default)
        assert row.title_zh
        assert row.title_en
        assert row.source, row


def test_the_ladders_stand_in_the_order_of_the_posts():
    assert list(AlarmRung.objects.filter(rule="R-Q02").order_by("position").values_list("position", "kind")) == [
        (0, "floater"), (1, "duty_manager"), (2, "hall_manager"), (3, "headquarters"),
    ]  # fmt: skip
    assert list(AlarmRung.objects.filter(rule="R-Q01").order_by("position").values_list("kind", flat=True)) == [
        "duty_manager", "hall_manager", "headquarters",
    ]  # fmt: skip
    assert list(AlarmRung.objects.filter(rule="R-Q22").values_list("kind", flat=True)) == ["hall_manager"]


@pytest.mark.covers("R-Q01", "R-Q02", "R-Q03", "R-Q07")
def test_the_defaults_are_the_guides():
    hall = make.hall()

    found = limits.in_force(hall.pk)

    assert found.duration("R-Q01", "threshold") == dt.timedelta(minutes=15)
    assert found.duration("R-Q01", "window") == dt.timedelta(minutes=30)
    assert found.count("R-Q01", "minimum") == 3
    assert found.duration("R-Q02", "threshold") == dt.timedelta(minutes=15)
    assert found.duration("R-Q02", "warning") == dt.timedelta(minutes=10)
    assert found.duration("R-Q03", "threshold") == dt.timedelta(minutes=15)
    assert found.duration("R-Q07", "each") == dt.timedelta(minutes=3)


def test_the_sweeps_table_gives_each_hall_its_own_value():
    usual, own = make.hall(), make.hall()
    make.limit(own, "R-Q01", "threshold", "7.5")
    make.limit(own, "R-Q01", "minimum", "5")

    found = table()

    assert found[usual.pk] == (dt.timedelta(minutes=15), 3)
    assert found[own.pk] == (dt.timedelta(minutes=7, seconds=30), 5)
    assert limits.in_force(own.pk).duration("R-Q01", "threshold") == dt.timedelta(minutes=7, seconds=30)


@pytest.mark.parametrize("text", ["a quarter", "", "nan", "infinity", "-1", "1e300", "1_5"])
def test_a_text_that_is_no_value_leaves_the_default_and_stops_nobody(text):
    hall = make.hall()
    make.limit(hall, "R-Q01", "threshold", text)

    assert table()[hall.pk] == (dt.timedelta(minutes=15), 3)


def table() -> dict[int, tuple]:
    with connection.cursor() as cursor:
        cursor.execute(limits.table("R-Q01", durations=["threshold"], counts=["minimum"]))
        return {hall_id: (threshold, minimum) for hall_id, threshold, minimum in cursor.fetchall()}
