"""Fragments of the board screen."""

from queueing.fragments.state import QueueState


def render(state: QueueState, subject: int) -> dict[str, str]:
    return {}
