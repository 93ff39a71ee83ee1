"""The briefing's page: it writes itself, is held by taps, and can be read from a wall."""

import datetime as dt

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from hall import clock
from hall.models import Hall, Holiday, Kind, Person
from roles import briefings
from roles.models import Attendance, Briefing, Reading
from tests import make
from tests.make import AT, MINUTE
from tests.roles.briefing_rows import TODAY, held, notice

pytestmark = pytest.mark.django_db

OPENS = AT - 60 * MINUTE  # 9:00 in the hall
DAY = dt.timedelta(days=1)


@pytest.fixture
def hall() -> Hall:
    return make.hall(opens=dt.time(9), closes=dt.time(18))


@pytest.fixture
def manager(hall: Hall) -> Person:
    return make.person(hall, Kind.DUTY_MANAGER, name_en="Duty Manager")


@pytest.fixture
def clerk(hall: Hall) -> Person:
    return make.person(hall, Kind.CLERK, name_en="Li")


@pytest.fixture
def at_(monkeypatch: pytest.MonkeyPatch):
    """Pages are opened at this instant."""

    def travel(at: dt.datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: at)

    travel(OPENS - 20 * MINUTE)
    return travel


def page(hall: Hall, person: Person, rest: str = "") -> str:
    answer = make.client(person).get(f"/h/{hall.code}/briefing/{rest}")
    assert answer.status_code == 200
    return answer.content.decode()


def tap(hall: Hall, person: Person, verb: str, /, **data: object) -> HttpResponse:
    return make.tap(make.client(person), f"/h/{hall.code}/briefing/{verb}/", data)


def yesterday(hall: Hall, on: dt.timedelta = DAY) -> None:
    """Two served a day before, who waited 4 and 20 minutes."""
    service = make.service(hall, counters=[make.counter(hall), make.counter(hall)])
    for counter, wait in zip(hall.counters.order_by("number"), (4, 20), strict=True):
        make.called(service, counter, at=AT - on, called_at=AT - on + wait * MINUTE)


def test_opens_to_who_belongs_to_the_hall(hall: Hall, clerk: Person, at_: object) -> None:
    for address in (f"/h/{hall.code}/briefing/", f"/h/{hall.code}/briefing/aloud/"):
        assert make.client(clerk).get(address).status_code == 200
        assert make.client(make.person(make.hall(), Kind.HALL_MANAGER)).get(address).status_code == 404
        assert make.client().get(address).status_code == 302


@pytest.mark.covers("O-06", "F-15", "R-B01")
def test_writes_itself_from_yesterdays_figures_and_new_notices(hall: Hall, manager: Person, at_: object) -> None:
    yesterday(hall)
    notice(hall, manager, title_en="eSIM", at=OPENS - 60 * MINUTE)

    html = page(hall, manager)

    assert "Figures of Sun 22 Nov" in html
    assert "<dd>2</dd>" in html
    assert '12.0 <span class="small second">min</span>' in html
    assert "eSIM" in html
    assert "In time until 08:45" in html
    assert "Window 08:30–08:45 · everybody here by 08:45 · counters ready 08:55 · opening 09:00" in html


def test_takes_the_figures_of_the_last_day_that_was_open(hall: Hall, manager: Person, at_: object) -> None:
    Holiday.objects.create(hall=hall, on=TODAY - DAY)
    yesterday(hall, 2 * DAY)

    assert "Figures of Sat 21 Nov" in page(hall, manager)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (-40, "It begins at 08:30 at the earliest."),
        (-20, "In time until 08:45"),
        (0, "Late: it should have begun by 08:45"),
    ],
)
def test_says_honestly_what_beginning_now_would_be(hall: Hall, manager: Person, at_, minutes: int, words: str) -> None:
    at_(OPENS + minutes * MINUTE)

    assert words in page(hall, manager)


def test_says_that_the_hall_is_closed(hall: Hall, manager: Person, at_: object) -> None:
    Holiday.objects.create(hall=hall, on=TODAY)

    assert "The hall is closed today: there is no briefing." in page(hall, manager)
    answer = tap(hall, manager, "start")
    assert answer.status_code == 409
    assert "The hall is closed on Mon 23 Nov" in answer.content.decode()
    assert not Briefing.objects.exists()


@pytest.mark.covers("O-06", "R-B02", "R-G08", "X-05")
def test_is_held_by_taps_and_recorded(hall: Hall, manager: Person, clerk: Person, at_) -> None:
    yesterday(hall)
    guide = make.person(hall, Kind.GUIDE, name_en="Away")
    answer = tap(hall, manager, "start")
    assert "Criticism belongs to the meeting after the shift." in answer.content.decode()
    going = Briefing.objects.get()

    answer = tap(hall, manager, "attend", briefing=going.pk, person=clerk.pk, seen="corrected")
    assert answer.content.decode().lstrip().startswith('<section id="briefing-people"')
    at_(OPENS - 10 * MINUTE)
    said = {"learning": "5G", "praise": "Short waits", "goals": "Below 10", "smile_done": "yes"}
    answer = tap(hall, manager, "note", briefing=going.pk, then="end", **said)

    assert answer.status_code == 200
    kept = Briefing.objects.get()
    assert (kept.timing, kept.ended_at, kept.smile_done, kept.praise) == (
        "in_time", OPENS - 10 * MINUTE, True, "Short waits",
    )  # fmt: skip
    assert kept.words["figures"] == {
        "on": "2026-11-22", "issued": 2, "called": 2, "over": 1, "lost": 0, "mean_wait_minutes": 12.0, "share_over": 50.0,
        "utilisation": None, "limit_minutes": 15.0,
    }  # fmt: skip
    assert set(Attendance.objects.filter(is_present=False).values_list("person", flat=True)) == {guide.pk}
    html = page(hall, clerk, f"{kept.pk}/")
    assert "Short waits" in html
    assert "Figures of Sun 22 Nov" in html


def test_who_looked_how_is_for_those_who_hold_briefings(
    hall: Hall, manager: Person, clerk: Person, at_: object
) -> None:
    kept = held(hall, manager, [clerk])

    assert "appearance: in order" in page(hall, manager, f"{kept.pk}/")
    assert "appearance" not in page(hall, clerk, f"{kept.pk}/")


@pytest.mark.parametrize("verb", ["start", "attend", "note", "off"])
def test_only_who_holds_briefings_holds_them(
    hall: Hall, manager: Person, clerk: Person, at_: object, verb: str
) -> None:
    going = briefings.start(hall, figures=None, by=manager, at=OPENS)

    assert tap(hall, clerk, verb, briefing=going.pk).status_code == 403
    assert tap(hall, make.person(make.hall(), Kind.DUTY_MANAGER), verb, briefing=going.pk).status_code == 404
    assert Briefing.objects.get().ended_at is None


def test_another_halls_briefing_or_person_is_not_there(hall: Hall, manager: Person, at_: object) -> None:
    other = make.hall()
    theirs = briefings.start(other, figures=None, by=make.person(other, Kind.DUTY_MANAGER), at=OPENS)
    going = briefings.start(hall, figures=None, by=manager, at=OPENS)

    assert tap(hall, manager, "note", briefing=theirs.pk).status_code == 404
    assert tap(hall, manager, "attend", briefing=going.pk, person=make.person(other).pk, seen="ok").status_code == 404
    assert make.client(manager).get(f"/h/{hall.code}/briefing/{theirs.pk}/").status_code == 404


def test_a_refused_end_keeps_what_was_typed_on_the_page(hall: Hall, manager: Person, at_: object) -> None:
    going = briefings.start(hall, figures=None, by=manager, at=OPENS)

    answer = tap(hall, manager, "note", briefing=going.pk, then="end", praise="Good")

    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#said")
    assert "Please mark first who is there." in answer.content.decode()


def test_a_double_tap_begins_one_briefing(hall: Hall, manager: Person, at_: object) -> None:
    for _number in range(2):
        assert tap(hall, manager, "start").status_code == 200

    assert Briefing.objects.count() == 1


@pytest.mark.covers("O-06")
def test_the_wall_tells_no_name_of_who_was_looked_at(hall: Hall, manager: Person, clerk: Person, at_: object) -> None:
    notice(hall, manager, title_en="eSIM", at=OPENS - 60 * MINUTE)
    Person.objects.filter(pk=clerk.pk).update(name_en="Ouyang Xiaoxiao", name_zh="欧阳潇潇")
    going = briefings.start(hall, figures=None, by=manager, at=OPENS)
    briefings.attend(going, clerk, "not_ok", by=manager, at=OPENS)
    briefings.note(going, learning="5G", praise="Short waits", goals="", smile_done=False, by=manager, at=OPENS)

    html = page(hall, manager, "aloud/")

    assert "eSIM" in html
    assert "Short waits" in html
    assert "Ouyang Xiaoxiao" not in html and "欧阳潇潇" not in html
    body = make.client(manager).get(f"/h/{hall.code}/briefing/aloud/", headers={"hx-request": "true"}).content.decode()
    assert body.lstrip().startswith('<div id="aloud"')


def test_reads_the_absent_on_the_record(hall: Hall, manager: Person, clerk: Person, at_: object) -> None:
    kept = held(hall, manager, [make.person(hall, Kind.GUIDE)])
    assert "0 have read it since" in page(hall, manager, f"{kept.pk}/")

    Reading.objects.create(person=clerk, briefing=kept, at=AT)

    assert "1 has read it since" in page(hall, manager, f"{kept.pk}/")


def test_asks_the_same_number_of_queries_with_2_and_with_30(
    hall: Hall, manager: Person, clerk: Person, at_: object
) -> None:
    browser = make.client(manager)
    going = briefings.start(hall, figures=None, by=manager, at=OPENS)
    briefings.attend(going, clerk, "ok", by=manager, at=OPENS)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(f"/h/{hall.code}/briefing/").status_code == 200
        return len(asked)

    few = queries()
    for _number in range(28):
        briefings.attend(going, make.person(hall, Kind.CLERK), "ok", by=manager, at=OPENS)

    assert queries() == few


@pytest.mark.covers("R-G08")
def test_the_smile_is_practised_as_long_as_the_hall_says(hall: Hall, manager: Person, at_: object) -> None:
    make.limit(hall, "R-G08", "practice", 2)
    briefings.start(hall, figures=None, by=manager, at=OPENS)

    assert "Smile practice done (2 min)" in page(hall, manager)
    assert "Smile practice together: 2 min" in page(hall, manager, "aloud/")
