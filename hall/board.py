"""Screens: what each kind shows, composed of the apps' fragments. Reads only."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils import translation

from hall import clock
from hall.models import Hall
from queueing.fragments import board, call, counter, floor, kiosk, wall
from queueing.fragments import state as queue_state
from queueing.fragments.state import QueueState


@dataclass(frozen=True)
class Screen:
    """One picture that several sockets may share: (hall, kind, subject, language).

    `subject` is the counter's id for a counter tablet, 0 otherwise: what a screen shows never depends on who looks.
    """

    hall_id: int
    kind: str  # board, wall, call, kiosk, counter, floor
    subject: int
    language: str


Renderer = Callable[[QueueState, int], dict[str, str]]


# Kind → function of (state, subject) giving {fragment id: html}; each html is one root element with that id.
RENDERERS: dict[str, Renderer] = {
    "board": board.render,
    "wall": wall.render,
    "call": call.render,
    "kiosk": kiosk.render,
    "counter": counter.render,
    "floor": floor.render,
}


def load(hall_id: int, at: dt.datetime) -> QueueState:
    """The state that all screens of one hall share for one tick; a played hall is seen at its last played instant."""
    hall = Hall.objects.get(pk=hall_id)
    return queue_state.load(hall, clock.now_in(hall, at))


def render(screen: Screen, at: dt.datetime, state: QueueState | None = None) -> dict[str, str]:
    """What a screen shows at an instant, as {fragment id: html}. With `state` given, no query."""
    state = state or load(screen.hall_id, at)
    with translation.override(screen.language):
        return RENDERERS[screen.kind](state, screen.subject)


def shows(screen: Screen, topics: Iterable[str]) -> bool:
    """Whether a change of these topics may change this screen."""
    topics = set(topics)
    if screen.kind == "counter":
        return bool(topics & {"queue", "counters", "limits", f"counter:{screen.subject}"})
    return bool(topics)
