"""Complaints and promises."""
