"""Fragments of the wall view: the board without names and without anything to press. Reads only."""

from django.template.loader import render_to_string

from hall.models import Counter
from queueing.fragments import board, rows
from queueing.fragments.state import QueueState

ROWS = 11  # as many queue rows as 1920 x 1080 holds
ASKS, ASKS_BESIDE_MANY = 5, 3  # lines of what is to be done, under two or three lines of counters
MANY_COUNTERS = 12


def render(state: QueueState, subject: int) -> dict[str, str]:
    """The wall's fragments: wall-busy, wall-strip, wall-queue, wall-counters, wall-needs. No query, no person's name."""
    return {
        "wall-busy": render_to_string("queueing/_wall_busy.html", {"word": rows.busy_word(state)}),
        "wall-strip": _strip(state),
        "wall-queue": _queue(state),
        "wall-counters": _counters(state),
        "wall-needs": _needs(state),
    }


def _strip(state: QueueState) -> str:
    return render_to_string("queueing/_strip.html", {"prefix": "wall"} | board.figures(state))


def _queue(state: QueueState) -> str:
    """The longest waits first named, the rest counted."""
    waiting = rows.queue(state)
    rest = waiting[ROWS:]
    context = {
        "rows": waiting[:ROWS],
        "scale": rows.scale(state),
        "rest": len(rest),
        "rest_over": sum(row.level == "over" for row in rest),
    }
    return render_to_string("queueing/_wall_queue.html", context)


def _counters(state: QueueState) -> str:
    """Every counter that is not closed; the closed ones as a count."""
    shown = [
        row
        for row, counter in zip(rows.counters(state), state.counters, strict=True)
        if counter.state != Counter.State.CLOSED
    ]
    context = {"hall": state.hall, "rows": shown, "said": rows.counters_said(state), "are_there": bool(state.counters)}
    return render_to_string("queueing/_wall_counters.html", context)


def _needs(state: QueueState) -> str:
    """What is being seen to: what is wrong and what is done about it, by when; never by whom."""
    cards = board.cards(state)
    in_use = sum(counter.state != Counter.State.CLOSED for counter in state.counters)
    room = ASKS if in_use <= MANY_COUNTERS else ASKS_BESIDE_MANY
    context = {"hall": state.hall, "cards": cards[:room], "count": len(state.alarms), "rest": len(cards[room:])}
    return render_to_string("queueing/_wall_needs.html", context)
