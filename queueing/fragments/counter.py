"""Fragments of the counter screen."""

from queueing.fragments.state import QueueState


def render(state: QueueState, subject: int) -> dict[str, str]:
    return {}
