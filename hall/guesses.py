"""Guessing limited: how many wrong tries one key has before it must wait. Counted in the database, so all web processes agree."""

import datetime as dt
import math
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import ngettext

from hall.models import Guesses
from hall.refusals import Refused

KEEP = dt.timedelta(days=1)
LONGEST_KEY = 160


@dataclass(frozen=True)
class Allowance:
    """At most `most` wrong guesses of one key within `within`, counted from the first; then it waits until that is over."""

    key: str
    most: int
    within: dt.timedelta


class TooManyGuesses(Refused):
    """Status 429: wait first."""

    status = 429


def require_room(*allowances: Allowance, at: dt.datetime) -> None:
    """Raises TooManyGuesses, with the minutes to wait, when one of the allowances is used up. One query."""
    counted = {row.key: row for row in Guesses.objects.filter(key__in=[one.key[:LONGEST_KEY] for one in allowances])}
    for one in allowances:
        row = counted.get(one.key[:LONGEST_KEY])
        if row is not None and row.count >= one.most and at < row.since + one.within:
            minutes = math.ceil((row.since + one.within - at).total_seconds() / 60)
            raise TooManyGuesses(
                ngettext(
                    "Too many wrong tries. Please wait %(count)d minute.",
                    "Too many wrong tries. Please wait %(count)d minutes.",
                    minutes,
                )
                % {"count": minutes}
            )


def wrong(*allowances: Allowance, at: dt.datetime) -> None:
    """Count one wrong guess of each key; a key whose time is over starts anew. Forgets keys older than a day."""
    with connection.cursor() as cursor:
        # In one order, so that two requests never wait for each other.
        for one in sorted(allowances, key=lambda one: one.key):
            cursor.execute(
                "INSERT INTO hall_guesses AS g (key, count, since) VALUES (%s, 1, %s) ON CONFLICT (key) DO UPDATE SET"
                " count = CASE WHEN g.since + %s <= %s THEN 1 ELSE g.count + 1 END,"
                " since = CASE WHEN g.since + %s <= %s THEN %s ELSE g.since END",
                [one.key[:LONGEST_KEY], at, one.within, at, one.within, at, at],  # type: ignore[list-item]  # psycopg knows spans
            )
    Guesses.objects.filter(since__lt=at - KEEP).delete()


def right(*allowances: Allowance) -> None:
    """The guess was right: forget the wrong ones of these keys."""
    Guesses.objects.filter(key__in=[one.key[:LONGEST_KEY] for one in allowances]).delete()
