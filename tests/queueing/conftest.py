"""What the queue's tests share."""

import pytest

from hall import live


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What verbs announce, in order: (hall id, topic, …). Empty it after the given rows are made."""
    said: list[tuple] = []
    monkeypatch.setattr(live, "announce", lambda hall_id, *topics: said.append((hall_id, *topics)))
    return said
