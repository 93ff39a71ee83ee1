"""What the queue's tests share."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from hall import live


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Refusals are compared in English, whatever the translators write."""
    with translation.override("en"):
        yield


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What verbs announce, in order: (hall id, topic, …). Empty it after the given rows are made."""
    said: list[tuple] = []
    monkeypatch.setattr(live, "announce", lambda hall_id, *topics: said.append((hall_id, *topics)))
    return said
