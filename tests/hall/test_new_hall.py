"""`manage.py new_hall` and the verb behind it: a hall comes into being whole, or not at all."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from hall import halls
from hall.management.commands.new_hall import terminal_language
from hall.models import Counter, Hall, Kind, Membership, OpeningInterval, Person, Zone
from hall.refusals import Invalid
from queueing.models import Service

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)
ARGUMENTS = {
    "code": "east-gate",
    "name_zh": "东门营业厅",
    "name_en": "East Gate",
    "time_zone": "Asia/Urumqi",
    "counters": "3",
    "service": ["A:账单查询:Bill query", "B:补换卡"],
    "admin": "sun",
    "admin_name": "孙丽",
    "password": "a-long-word",
}


@pytest.fixture(autouse=True)
def english_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def new_hall(**changes: object) -> str:
    said = StringIO()
    call_command("new_hall", stdout=said, **(ARGUMENTS | changes))
    return said.getvalue()


def nothing_there() -> bool:
    return not (Hall.objects.exists() or Person.objects.exists() or Zone.objects.exists() or Service.objects.exists())


def test_makes_the_hall_with_zones_hours_counters_and_services() -> None:
    new_hall()

    hall = Hall.objects.get()
    assert (hall.code, hall.name_zh, hall.name_en, hall.time_zone) == (
        "east-gate",
        "东门营业厅",
        "East Gate",
        "Asia/Urumqi",
    )
    assert [zone.slug for zone in hall.zones.all()] == [
        "entrance", "ticket", "consult", "selfservice", "experience", "demo", "device_sales", "counter", "waiting", "vip",
        "reception", "backoffice", "warehouse", "outside", "whole",
    ]  # fmt: skip
    assert [(row.weekday, row.opens, row.closes) for row in hall.opening_intervals.all()] == [
        (day, dt.time(9), dt.time(18)) for day in range(6)
    ]
    assert [(row.number, row.kind, row.zone.slug) for row in hall.counters.all()] == [
        (number, "fixed", "counter") for number in (1, 2, 3)
    ]
    assert [(row.letter, row.name_zh, row.name_en, row.counters.count()) for row in hall.services.all()] == [
        ("A", "账单查询", "Bill query", 3),
        ("B", "补换卡", "", 3),
    ]


def test_the_administrator_can_sign_in_and_manages_the_hall() -> None:
    said = new_hall()

    admin = Person.objects.get(login="sun")
    assert admin.check_password("a-long-word")
    assert (admin.is_staff, admin.is_superuser) == (True, True)
    assert [row.kind for row in Membership.objects.filter(person=admin)] == [Kind.HALL_MANAGER]
    assert "sun" in said


def test_a_known_person_gets_a_second_hall_and_keeps_the_password() -> None:
    new_hall()

    new_hall(code="west-gate", admin_name="other", password="another-word")

    admin = Person.objects.get()
    assert admin.name_zh == "孙丽"
    assert admin.check_password("a-long-word")
    assert sorted(row.hall.code for row in admin.memberships.all()) == ["east-gate", "west-gate"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": "East Gate"}, "code: Small letters, digits and hyphens only."),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus is not a time zone"),
        ({"name_zh": ""}, "Chinese name: "),
        ({"counters": "many"}, "“many” is not a number of counters"),
        ({"counters": "201"}, "0 to 200 counters"),
        ({"service": ["bill query"]}, "“bill query” is not a service"),
        ({"service": ["A:一:One", "A:二:Two"]}, "a letter of its own"),
        ({"password": "short"}, "too short"),
        ({"admin": "s" * 41}, "login name: "),
    ],
)
def test_refuses_in_words_and_leaves_nothing_behind(changes: dict[str, object], words: str) -> None:
    with pytest.raises(CommandError) as refusal:
        new_hall(**changes)

    assert words in str(refusal.value)
    assert nothing_there()


def test_refuses_a_taken_code_and_changes_nothing() -> None:
    new_hall()

    with pytest.raises(CommandError, match="already a hall with the code east-gate"):
        new_hall(name_zh="别的", admin="other")

    assert Hall.objects.get().name_zh == "东门营业厅"
    assert not Person.objects.filter(login="other").exists()


def test_asks_nobody_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())

    with pytest.raises(CommandError, match="Please give --code"):
        call_command("new_hall")

    assert nothing_there()


def test_asks_for_what_is_missing_and_asks_again_for_what_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    answers = iter(["", "north", "北门营业厅", "", "", "2", "A:账单查询:Bill query", "", "sun", ""])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda question: "a-long-word")

    call_command("new_hall", stdout=StringIO())

    hall = Hall.objects.get()
    assert (hall.code, hall.name_en, hall.time_zone) == ("north", "", "Asia/Shanghai")
    assert Counter.objects.count() == 2
    assert Service.objects.get().letter == "A"
    assert Person.objects.get().name_zh == "sun"


def test_the_history_says_who_made_it_and_when() -> None:
    manager = Person.objects.create_user("sun", "a-long-word", name_zh="孙丽")

    hall = halls.make_hall(code="south", name_zh="南门营业厅", by=manager, at=AT)

    version = hall.history.get()
    assert (version.history_user, version.history_date) == (manager, AT)


def test_hours_that_end_before_they_begin_are_refused_with_the_whole_hall() -> None:
    with pytest.raises(Invalid):
        halls.make_hall(code="south", name_zh="南门", opening=[(0, dt.time(18), dt.time(9))], by=None, at=AT)

    assert nothing_there()
    assert not OpeningInterval.objects.exists()


@pytest.mark.parametrize(("asked", "language"), [("zh_CN.UTF-8", "zh-hans"), ("en_US.UTF-8", "en"), ("C.UTF-8", "en")])
def test_speaks_the_terminal_s_language(monkeypatch: pytest.MonkeyPatch, asked: str, language: str) -> None:
    monkeypatch.setenv("LC_ALL", asked)

    assert terminal_language() == language
