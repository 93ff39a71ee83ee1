"""What posts owe and what came of it: duties, rosters, tasks, briefings, rounds, records."""

from roles.models.duties import Cadence, ConductItem, Duty, Moment

__all__ = ["Cadence", "ConductItem", "Duty", "Moment"]
