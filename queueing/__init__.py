"""Services, tickets and waits: who is waiting, for how long, and who serves whom."""
