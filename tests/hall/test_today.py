"""The today page: the day by hour as table, chart and CSV, the same numbers in each."""

import csv
import datetime as dt
import io
import re

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from hall.models import Hall, Kind
from tests import make
from tests.make import AT, MINUTE

pytestmark = pytest.mark.django_db


def page(hall: Hall, query: str = "?on=2026-11-23") -> HttpResponse:
    return make.client(make.person(hall, Kind.DUTY_MANAGER)).get(f"/h/{hall.code}/today/{query}")


def file(hall: Hall, query: str = "?on=2026-11-23") -> list[list[str]]:
    answer = make.client(make.person(hall, Kind.DUTY_MANAGER)).get(f"/h/{hall.code}/today.csv{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def busy_hour() -> Hall:
    """Four called from 10 to 11 with waits of 4, 10, 15 and 25 minutes."""
    hall = make.hall(opens=dt.time(10), closes=dt.time(11), name_en="Renmin Road hall")
    service = make.service(hall, counters=[make.counter(hall) for _number in range(4)])
    for counter, wait in zip(hall.counters.order_by("number"), (4, 10, 15, 25), strict=True):
        make.called(service, counter, at=AT, called_at=AT + wait * MINUTE)
    return hall


def test_opens_to_who_may_see_it_and_to_nobody_else() -> None:
    hall = make.hall()

    for address in (f"/h/{hall.code}/today/", f"/h/{hall.code}/today.csv"):
        assert make.client(make.person(hall, Kind.HALL_MANAGER)).get(address).status_code == 200
        assert make.client(make.person(hall, Kind.CLERK)).get(address).status_code == 403
        assert make.client(make.person(make.hall(), Kind.HALL_MANAGER)).get(address).status_code == 404
        assert make.client().get(address).status_code == 302


@pytest.mark.covers("K-10", "K-11", "K-12")
def test_shows_the_same_numbers_in_table_chart_and_file() -> None:
    hall = busy_hour()

    html = page(hall).content.decode()
    head, line, day = file(hall)

    table = re.search(r'<tr><th scope="row">10:00</th>(.*?)</tr>', html, re.DOTALL)
    assert table is not None
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table[1])
    assert cells == ["4", "4", "13.5", "1", "25.0", "0", "0", "0.0", "0.0", "–"]
    assert line == [
        "Renmin Road hall",
        "2026-11-23",
        "10:00",
        "4",
        "4",
        "13.5",
        "1",
        "25.0",
        "0",
        "0",
        "0.0",
        "0.0",
        "",
    ]
    assert day[2:6] == ["The whole day", "4", "4", "13.5"]
    assert head[5] == "Mean wait, min"
    assert re.findall(r'<text class="value"[^>]*>([^<]*)</text>', html) == ["13.5", "4", ""]


def test_draws_the_limit_and_marks_an_hour_over_it() -> None:
    hall = make.hall(opens=dt.time(10), closes=dt.time(11))
    counter = make.counter(hall)
    make.called(make.service(hall, counters=[counter]), counter, called_at=AT + 20 * MINUTE)

    html = page(hall).content.decode()

    assert html.count('class="hour is-over"') == 1
    assert re.findall(r'class="label-strong"[^>]*>(\d+)<', html) == ["15"]


def test_heads_the_file_in_the_persons_language() -> None:
    hall = make.hall(name_zh="人民路营业厅", name_en="Renmin Road hall")
    person = make.person(hall, Kind.DUTY_MANAGER, language="zh-hans")

    text = make.client(person).get(f"/h/{hall.code}/today.csv").content.decode()

    assert "人民路营业厅" in text


def test_writes_no_cell_that_a_spreadsheet_takes_for_a_formula() -> None:
    hall = make.hall(name_en='=HYPERLINK("http://x")')
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    names = {line[0] for line in file(hall)[1:]}

    assert names == {'\'=HYPERLINK("http://x")'}


@pytest.mark.parametrize(
    "asked",
    [
        "banana",
        "2026-02-30",
        "1999-12-31",
        "2100-01-01",
        "0001-01-01",
        "9999-12-31",
        "2026-11-23T10:00",
    ],
)
def test_refuses_a_bad_date_in_words(asked: str) -> None:
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answers = [client.get(f"/h/{hall.code}/{place}?on={asked}") for place in ("today/", "today.csv")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("Please give a date as 2026-11-24." in answer.content.decode() for answer in answers)


def test_shows_the_recorded_day_of_a_played_hall() -> None:
    hall = make.hall(clock="played", played_at=AT + 60 * MINUTE)
    make.ticket(make.service(hall, counters=[make.counter(hall)]))

    html = page(hall, "").content.decode()

    assert "Recorded day" in html
    assert "Mon 23 Nov" in html


def test_says_so_when_the_hall_was_closed() -> None:
    hall = make.hall()
    hall.opening_intervals.all().delete()

    assert "The hall was closed that day, and nothing happened." in page(hall).content.decode()


def test_asks_the_database_equally_often_whatever_the_day() -> None:
    counts = []
    for customers in (1, 30):
        hall = make.hall()
        counter = make.counter(hall)
        service = make.service(hall, counters=[counter])
        for number in range(customers):
            make.done(service, counter, at=AT + number * MINUTE, finished_at=AT + number * MINUTE)
        client = make.client(make.person(hall, Kind.DUTY_MANAGER))
        client.get(f"/h/{hall.code}/today/?on=2026-11-23")
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/h/{hall.code}/today/?on=2026-11-23")
        counts.append(len(queries))

    assert counts[0] == counts[1]
