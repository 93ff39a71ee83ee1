"""A briefing that is none: in words, never an error."""

import pytest

from hall.models import Kind
from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("step", ["attend", "note", "off"])
@pytest.mark.parametrize("named", ["", "abc", "0", "9" * 30, "1\x00"])
def test_a_briefing_that_is_none_is_refused_in_words(step: str, named: str):
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))

    answer = make.tap(client, f"/h/{hall.code}/briefing/{step}/", {"briefing": named})

    assert answer.status_code == 422
