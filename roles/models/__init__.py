"""What posts owe and what came of it: duties, rosters, tasks, briefings, rounds, records."""

from roles.models.duties import Cadence, ConductItem, Duty, Moment
from roles.models.leaves import LeaveRequest
from roles.models.records import Entry, FieldKind, Form
from roles.models.rosters import Shift, ShiftEvent, Swap
from roles.models.rounds import Finding, FloorTime, Round, RoundKind, Sample

__all__ = [
    "Cadence",
    "ConductItem",
    "Duty",
    "Entry",
    "FieldKind",
    "Finding",
    "FloorTime",
    "Form",
    "LeaveRequest",
    "Moment",
    "Round",
    "RoundKind",
    "Sample",
    "Shift",
    "ShiftEvent",
    "Swap",
]
