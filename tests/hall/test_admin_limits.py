"""A limit changed in the admin site reaches those who wait already."""

import pytest
from django.urls import reverse

from hall.models import Limit
from queueing.models import Ticket
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.covers("H-21")
def test_a_halls_own_limit_moves_the_alarms_of_those_who_wait_there_and_nowhere_else():
    hall, other = make.hall(), make.hall()
    here, there = make.ticket(make.service(hall)), make.ticket(make.service(other))
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    client = make.client(make.person(is_staff=True, is_superuser=True))

    client.post(reverse("admin:hall_limitoverride_add"), {"hall": str(hall.pk), "limit": str(limit.pk), "value": "8"})

    due = dict(Ticket.objects.values_list("pk", "alarm_due_at"))
    assert due == {here.pk: make.AT + 8 * make.MINUTE, there.pk: make.AT + 15 * make.MINUTE}


@pytest.mark.covers("H-21")
def test_a_default_moves_the_alarms_in_every_hall_without_a_value_of_its_own():
    hall, other = make.hall(), make.hall()
    make.limit(other, "R-Q02", "threshold", 20)
    here, there = make.ticket(make.service(hall)), make.ticket(make.service(other))
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    client = make.client(make.person(is_staff=True, is_superuser=True))
    form = {
        "title_zh": limit.title_zh,
        "title_en": limit.title_en,
        "default": "12",
        "overrides-TOTAL_FORMS": "0",
        "overrides-INITIAL_FORMS": "0",
    }

    client.post(reverse("admin:hall_limit_change", args=[limit.pk]), form)

    due = dict(Ticket.objects.values_list("pk", "alarm_due_at"))
    assert due == {here.pk: make.AT + 12 * make.MINUTE, there.pk: make.AT + 20 * make.MINUTE}
