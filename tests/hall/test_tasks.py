"""What the worker does by itself: each task asks the database's clock once."""

import datetime as dt

import pytest

from hall import clock
from hall.celery import app
from hall.models import Alarm, DayClose, Heartbeat, Tap
from hall.tasks import forget_old_taps
from queueing.models import State, Ticket
from queueing.tasks import close_left_open_days, watch_the_clock
from tests import make

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)


def test_keys_of_taps_are_forgotten_after_two_days():
    at = clock.now()
    for key, age in (("old-key-1", 49 * HOUR), ("new-key-1", 47 * HOUR)):
        Tap.objects.create(key=key, actor="person:1", digest="", at=at - age)

    forget_old_taps()

    assert list(Tap.objects.values_list("key", flat=True)) == ["new-key-1"]


@pytest.mark.covers("R-Q02")
def test_the_watch_sees_who_is_over_by_the_databases_clock():
    at = clock.now()
    service = make.service(make.hall())
    make.ticket(service, at=at - dt.timedelta(minutes=16))
    make.ticket(service, at=at - dt.timedelta(minutes=14))

    watch_the_clock()

    assert Alarm.objects.get().due_at == at - dt.timedelta(minutes=1)
    assert Heartbeat.objects.get(name="watch").at >= at


@pytest.mark.covers("Q-18")
def test_the_close_of_days_left_open_goes_by_the_databases_clock():
    ticket = make.ticket(make.service(make.hall()), at=clock.now() - dt.timedelta(days=3))

    close_left_open_days()

    assert Ticket.objects.get(pk=ticket.pk).state == State.CLOSED_AT_DAY_END
    assert DayClose.objects.get().business_date == ticket.business_date


def test_every_task_that_beat_starts_exists_and_its_message_expires_with_its_period():
    app.autodiscover_tasks(force=True)

    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] == entry["schedule"]
