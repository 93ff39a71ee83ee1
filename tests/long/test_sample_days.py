"""The three recorded days, replayed whole, have the waits of their truth files."""

import csv
import datetime as dt
import gzip

import pytest

from tests import make
from tests.queueing.test_replay import DATA, play


@pytest.fixture(autouse=True)
def limits(db: None) -> None:
    make.limits()


@pytest.mark.covers("R-Q02", "K-10")
@pytest.mark.parametrize(
    ("name", "tickets", "mean", "longest", "over"),
    [("busy-day", 407, 4.8, 51, 42), ("month-end-day", 519, 13.8, 106, 172), ("failures-day", 410, 7.1, 55, 76)],
)
def test_a_sample_day_has_the_waits_of_its_truth(
    name: str, tickets: int, mean: float, longest: int, over: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with gzip.open(DATA / f"{name}.truth.csv.gz", "rt") as file:
        truth = {row["ticket"]: row for row in csv.DictReader(file)}

    (day,) = play(DATA / f"{name}.csv.gz", capsys)["days"]

    assert (day["tickets"], round(day["mean_wait_minutes"], 1), int(day["longest_wait_minutes"]), day["over_limit"]) == (
        tickets, mean, longest, over,
    )  # fmt: skip
    assert {row["ticket"]: row["outcome"] for row in day["waits"]} == {
        number: row["outcome"] for number, row in truth.items()
    }
    for row in day["waits"]:
        true = truth[row["ticket"]]["wait_min"]
        assert (row["wait_seconds"] is None) == (true == "")
        assert true == "" or abs(row["wait_seconds"] - float(true) * 60) <= 1.03  # the truth is given to 0.001 min
    tickets_over = [alarm for alarm in day["alarms"] if alarm["rule"] == "R-Q02"]
    left_over = sum(
        _left_after_15_minutes(name, number) for number, row in truth.items() if row["outcome"] == "abandoned"
    )
    assert len(tickets_over) == over + left_over


def _left_after_15_minutes(name: str, ticket: str) -> bool:
    with gzip.open(DATA / f"{name}.csv.gz", "rt") as file:
        times = [dt.datetime.fromisoformat(row["ts"]) for row in csv.DictReader(file) if row["ticket"] == ticket]
    return times[-1] - times[0] > dt.timedelta(minutes=15)
