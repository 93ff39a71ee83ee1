"""What posts owe and what came of it: duties, rosters, tasks, briefings, rounds, records."""

from roles.models.duties import Cadence, ConductItem, Duty, Moment
from roles.models.rosters import Shift, ShiftEvent, Swap

__all__ = [
    "Cadence",
    "ConductItem",
    "Duty",
    "Moment",
    "Shift",
    "ShiftEvent",
    "Swap",
]
