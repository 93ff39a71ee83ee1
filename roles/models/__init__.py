"""What posts owe and what came of it: duties, rosters, tasks, briefings, rounds, records."""

from roles.models.briefings import Attendance, Briefing
from roles.models.duties import Cadence, ConductItem, Duty, Moment
from roles.models.handovers import CountedItem, ShiftHandover
from roles.models.leaves import LeaveRequest
from roles.models.meetings import FollowUp, Meeting
from roles.models.notices import Notice, Reading
from roles.models.records import Entry, FieldKind, Form
from roles.models.rosters import Shift, ShiftEvent, Swap
from roles.models.rounds import Finding, FloorTime, Round, RoundKind, Sample
from roles.models.tasks import HallDay, OpeningGate, Routine, Task, TaskEvent

__all__ = [
    "Attendance",
    "Briefing",
    "Cadence",
    "ConductItem",
    "CountedItem",
    "Duty",
    "Entry",
    "FieldKind",
    "Finding",
    "FloorTime",
    "FollowUp",
    "Form",
    "HallDay",
    "LeaveRequest",
    "Meeting",
    "Moment",
    "Notice",
    "OpeningGate",
    "Reading",
    "Round",
    "RoundKind",
    "Routine",
    "Sample",
    "Shift",
    "ShiftEvent",
    "ShiftHandover",
    "Swap",
    "Task",
    "TaskEvent",
]
