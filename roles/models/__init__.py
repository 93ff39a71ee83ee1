"""What posts owe and what came of it: duties, rosters, tasks, briefings, rounds, records."""
