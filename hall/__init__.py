"""The floor that Hall runs on, and what shows and sums up everything."""
