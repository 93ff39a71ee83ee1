"""Posts, duties, shifts and briefings: who holds what, and what it owes."""
