"""Alarms: raised once, acknowledged by a person or climbing the ladder, settled when done or when the cause is gone."""

import datetime as dt

from hall.models import Person


def settle_cause_gone(hall_id: int, rule: str, subject: str, *, at: dt.datetime) -> None:
    """Settle the open alarm of this subject by itself; nothing if there is none."""


def acknowledge_subject(hall_id: int, rule: str, subject: str, *, by: Person | None, at: dt.datetime) -> None:
    """Somebody is on it: acknowledge the open alarm of this subject; nothing if there is none or it is acknowledged."""
