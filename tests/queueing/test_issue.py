import pytest

from tests import make

pytestmark = pytest.mark.django_db


def test_gives_the_first_number():
    ticket = make.ticket(make.service(make.hall()))
    assert ticket.number == "A001"
