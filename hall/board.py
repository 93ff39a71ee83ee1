"""Screens: what each kind shows, composed of the apps' fragments. Reads only."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.http import Http404, HttpRequest
from django.utils import translation

from hall import access, clock
from hall.access import Action
from hall.models import Counter, Hall
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

# Kind → what somebody must be allowed to do who looks at it.
LOOKING: dict[str, Action] = {
    "board": Action.SEE_BOARD,
    "wall": Action.SEE_WALL,
    "call": Action.SEE_CALL_SCREEN,
    "kiosk": Action.GIVE_TICKET,
    "counter": Action.SERVE,
    "floor": Action.SEE_FLOOR,
}

ROOT = re.compile(r"\s*<[a-zA-Z][a-zA-Z0-9-]*")


def find(request: HttpRequest, code: str, kind: str, subject: int, language: str) -> Screen:
    """The screen, for somebody who may see it. Raises Http404 for an unknown one, and as access.hall()."""
    if kind not in LOOKING:
        raise Http404
    hall = access.hall(request, code, LOOKING[kind])
    known = Counter.objects.filter(hall=hall, pk=subject).exists() if kind == "counter" else subject == 0
    if not known:
        raise Http404
    return Screen(hall.pk, kind, subject, language)


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


def out_of_band(fragments: Mapping[str, str]) -> str:
    """The fragments as htmx 2 out-of-band swaps: each takes the place of the element with its id."""
    return "\n".join(_swap(name, html) for name, html in fragments.items())


def _swap(name: str, html: str) -> str:
    root = ROOT.match(html)
    if root is None:
        raise ValueError(f"The fragment {name} does not begin with an element.")
    return f'{root[0].lstrip()} hx-swap-oob="outerHTML:#{name}"{html[root.end() :]}'
