"""Alarms: raised once, acknowledged by a person or climbing the ladder, settled when done or when the cause is gone."""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils.translation import gettext as _

from hall import limits, live
from hall.models import Alarm, AlarmEvent, AlarmRung, Person
from hall.refusals import WrongState

DONE = "done"
CAUSE_GONE = "cause_gone"
BATCH = 1000  # alarms climbing in one statement
WHOLE_HALL = "hall"  # the subject of what concerns the hall as a whole
ALIKE = {"R-Q02"}  # rules of which many at once are one line on the board


def raise_alarm(
    *,
    hall_id: int,
    rule: str,
    subject: str,
    due_at: dt.datetime,
    act_by: dt.datetime | None,
    data: dict[str, object],
    at: dt.datetime,
) -> Alarm | None:
    """Something needs a person. Returns the alarm, or None where one of this hall, rule and subject is open already.

    The ladder as it stands now is kept in `data["ladder"]`: a later edit of the rungs changes later alarms only. The
    time to acknowledge runs from `at`, when people could see it, not from `due_at`, when the limit was crossed.
    """
    ladder = list(AlarmRung.objects.filter(rule=rule).order_by("position").values_list("kind", flat=True))
    first = limits.in_force(hall_id, [rule]).duration(rule, "acknowledge")
    with transaction.atomic(), connection.cursor() as cursor:  # alarm and event are one
        cursor.execute(
            """
            INSERT INTO hall_alarm (hall_id, rule, subject, rung, due_at, raised_at, next_rung_at, act_by, settled_because, data)
            VALUES (%s, %s, %s, 0, %s, %s, %s, %s, '', %s)
            ON CONFLICT (hall_id, rule, subject) WHERE settled_at IS NULL DO NOTHING RETURNING id
            """,
            [
                hall_id, rule, subject, due_at, at, at + first if len(ladder) > 1 else None, act_by,
                json.dumps({**data, "ladder": ladder}),
            ],
        )  # fmt: skip
        row = cursor.fetchone()
        if row is None:
            return None
        AlarmEvent.objects.create(alarm_id=row[0], verb="raised", at=at)
        live.announce(hall_id, "alarms")
    return Alarm.objects.get(pk=row[0])


def acknowledge(alarm: Alarm, *, by: Person | None, at: dt.datetime) -> Alarm:
    """Somebody takes the alarm: it climbs no further. Raises WrongState if it is settled, or if somebody has it already, and says who."""
    with transaction.atomic():  # two people take one alarm: the second is told who has it
        alarm = _lock(alarm)
        _require_open(alarm)
        if alarm.acknowledged_at is not None:
            raise WrongState(_taken(alarm, by))
        at = max(at, alarm.raised_at)
        _save(alarm, "acknowledged", by=by, at=at, acknowledged_at=at, acknowledged_by=by, next_rung_at=None)
    return alarm


def settle(alarm: Alarm, *, by: Person | None, at: dt.datetime) -> Alarm:
    """A person has done what was needed. Raises WrongState if it is settled already. Who did not acknowledge before does so by this."""
    with transaction.atomic():  # two people settle one alarm: the second is told
        alarm = _lock(alarm)
        _require_open(alarm)
        at = max(at, alarm.raised_at)
        taken = {} if alarm.acknowledged_at is not None else {"acknowledged_at": at, "acknowledged_by": by}
        _save(
            alarm, "settled", by=by, at=at, settled_at=at, settled_by=by, settled_because=DONE, next_rung_at=None, **taken
        )  # fmt: skip
    return alarm


def settle_cause_gone(hall_id: int, rule: str, subject: str, *, at: dt.datetime) -> None:
    """Settle the open alarm of this subject by itself; nothing if there is none."""
    _change_subject(
        hall_id, rule, subject, "settled", by=None, at=at,
        setting="settled_at = greatest(raised_at, %(at)s), settled_because = 'cause_gone', next_rung_at = NULL",
    )  # fmt: skip


def settle_causes_gone(hall_ids: Iterable[int], rule: str, subject: str, *, at: dt.datetime) -> int:
    """Settle the open alarm of this subject in many halls. For sweeps: one that somebody is just answering waits for the next."""
    with transaction.atomic(), connection.cursor() as cursor:  # alarm and event are one
        cursor.execute(
            """
            WITH gone AS MATERIALIZED (
                SELECT id FROM hall_alarm
                WHERE hall_id = ANY (%(halls)s) AND rule = %(rule)s AND subject = %(subject)s AND settled_at IS NULL
                ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
            ), settled AS (
                UPDATE hall_alarm a SET settled_at = greatest(raised_at, %(at)s), settled_because = 'cause_gone', next_rung_at = NULL
                FROM gone WHERE a.id = gone.id RETURNING a.id, a.hall_id, a.rung, a.settled_at
            ), told AS (
                INSERT INTO hall_alarmevent (alarm_id, verb, at, rung) SELECT id, 'settled', settled_at, rung FROM settled
            )
            SELECT hall_id FROM settled
            """,
            {"halls": list(hall_ids), "rule": rule, "subject": subject, "at": at},
        )
        settled = [row[0] for row in cursor.fetchall()]
        for hall_id in settled:
            live.announce(hall_id, "alarms")
    return len(settled)


def acknowledge_subject(hall_id: int, rule: str, subject: str, *, by: Person | None, at: dt.datetime) -> None:
    """Somebody is on it: acknowledge the open alarm of this subject; nothing if there is none or it is acknowledged."""
    _change_subject(
        hall_id, rule, subject, "acknowledged", by=by, at=at, where="AND acknowledged_at IS NULL",
        setting="acknowledged_at = greatest(raised_at, %(at)s), acknowledged_by_id = %(by)s, next_rung_at = NULL",
    )  # fmt: skip


def climb(*, at: dt.datetime, hall_ids: Iterable[int] | None = None) -> int:
    """Who did not answer in time: the next rung is told, at most 1,000 alarms a statement. Returns how many climbed.

    One rung per alarm and sweep, however late the sweep is, so that each rung has its time to answer. At the top the
    alarm stays until somebody answers. Live halls only, unless halls are named (a recorded day names its own). Alarms
    that somebody is just answering are skipped, never waited for.
    """
    ids = None if hall_ids is None else list(hall_ids)
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:  # step and event are one
            cursor.execute(CLIMB, {"at": at, "ids": ids, "most": BATCH})
            climbed = [row[0] for row in cursor.fetchall()]
            for hall_id in sorted(set(climbed)):
                live.announce(hall_id, "alarms")
        total += len(climbed)
        if len(climbed) < BATCH:
            return total


# `next_rung` is read per rule and hall, for the few that climb only.
CLIMB = """
    WITH due AS MATERIALIZED (
        SELECT a.id FROM hall_alarm a JOIN hall_hall h ON h.id = a.hall_id
        WHERE a.settled_at IS NULL AND a.next_rung_at IS NOT NULL AND a.next_rung_at <= %(at)s AND a.acknowledged_at IS NULL
          AND CASE WHEN %(ids)s::bigint[] IS NULL THEN h.clock = 'live' AND h.is_active ELSE h.id = ANY (%(ids)s) END
        ORDER BY a.next_rung_at LIMIT %(most)s FOR NO KEY UPDATE OF a SKIP LOCKED
    ), climbed AS (
        UPDATE hall_alarm a
        SET rung = a.rung + 1,
            next_rung_at = CASE WHEN a.rung + 2 < jsonb_array_length(a.data -> 'ladder') THEN %(at)s + (
                SELECT {next_rung} FROM hall_limit l
                LEFT JOIN hall_limitoverride o ON o.limit_id = l.id AND o.hall_id = a.hall_id
                WHERE l.rule = a.rule AND l.name = 'next_rung'
            ) END
        FROM due WHERE a.id = due.id
        RETURNING a.id, a.hall_id, a.rung
    ), told AS (
        INSERT INTO hall_alarmevent (alarm_id, verb, at, rung) SELECT id, 'climbed', %(at)s, rung FROM climbed
    )
    SELECT hall_id FROM climbed
""".format(next_rung=limits.as_interval("o.value", 'l."default"'))


@dataclass(frozen=True)
class Line:
    """One line of the board: one alarm, or many alike that nobody above has been told of. The longest stands first."""

    alarms: tuple[Alarm, ...]

    @property
    def count(self) -> int:
        return len(self.alarms)

    @property
    def longest(self) -> Alarm:
        """The one whose limit was crossed first."""
        return self.alarms[0]

    @property
    def rule(self) -> str:
        return self.longest.rule

    @property
    def rung(self) -> int:
        return self.longest.rung

    @property
    def act_by(self) -> dt.datetime | None:
        return min((alarm.act_by for alarm in self.alarms if alarm.act_by is not None), default=None)


def grouped(alarms: Iterable[Alarm]) -> list[Line]:
    """Open alarms as lines: the hall's own first, then highest rung, then the one crossed first. No query.

    Many alike (one rule, first rung, all taken by the same person or by nobody) are one line; from the second rung each stands singly.
    """
    lines: dict[tuple[object, ...], list[Alarm]] = {}
    for alarm in sorted(alarms, key=lambda alarm: (alarm.subject != WHOLE_HALL, -alarm.rung, alarm.due_at, alarm.pk)):
        alike = alarm.rule in ALIKE and alarm.rung == 0
        key = (alarm.rule, alarm.acknowledged_at is None, alarm.acknowledged_by_id) if alike else (alarm.pk,)
        lines.setdefault(key, []).append(alarm)
    return [Line(tuple(found)) for found in lines.values()]


def _lock(alarm: Alarm) -> Alarm:
    return (
        Alarm.objects.select_for_update(of=("self",), no_key=True)
        .select_related("hall", "acknowledged_by", "settled_by")
        .get(pk=alarm.pk)
    )


def _require_open(alarm: Alarm) -> None:
    if alarm.settled_at is None:
        return
    time = f"{alarm.hall.local(alarm.settled_at):%H:%M}"
    if alarm.settled_by is not None:
        raise WrongState(
            _("%(name)s has settled this already, at %(time)s.") % {"name": alarm.settled_by.name, "time": time}
        )
    raise WrongState(_("This is over: its cause was gone at %(time)s.") % {"time": time})


def _taken(alarm: Alarm, by: Person | None) -> str:
    assert alarm.acknowledged_at is not None
    time = f"{alarm.hall.local(alarm.acknowledged_at):%H:%M}"
    if by is not None and alarm.acknowledged_by_id == by.pk:
        return _("You took this already, at %(time)s.") % {"time": time}
    name = alarm.acknowledged_by.name if alarm.acknowledged_by is not None else "–"
    return _("%(name)s took this already, at %(time)s.") % {"name": name, "time": time}


def _save(alarm: Alarm, verb: str, *, by: Person | None, at: dt.datetime, **fields: object) -> None:
    """Save the named fields, write the event, announce. Under the alarm's lock."""
    Alarm.objects.filter(pk=alarm.pk).update(**fields)
    for name, value in fields.items():
        setattr(alarm, name, value)
    AlarmEvent.objects.create(alarm=alarm, verb=verb, at=at, by=by, rung=alarm.rung)
    live.announce(alarm.hall_id, "alarms")


def _change_subject(
    hall_id: int,
    rule: str,
    subject: str,
    verb: str,
    *,
    setting: str,
    where: str = "",
    by: Person | None,
    at: dt.datetime,
) -> None:
    """One statement: the open alarm of a subject changes, with its event; nothing where there is none."""
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:  # alarm and event are one
        cursor.execute(
            f"""
            WITH changed AS (
                UPDATE hall_alarm SET {setting}
                WHERE hall_id = %(hall)s AND rule = %(rule)s AND subject = %(subject)s AND settled_at IS NULL {where}
                RETURNING id, rung, raised_at
            )
            INSERT INTO hall_alarmevent (alarm_id, verb, at, by_id, rung)
            SELECT id, %(verb)s, greatest(raised_at, %(at)s), %(by)s, rung FROM changed
            """,
            {
                "hall": hall_id,
                "rule": rule,
                "subject": subject,
                "verb": verb,
                "at": at,
                "by": by.pk if by is not None else None,
            },
        )
        if cursor.rowcount:
            live.announce(hall_id, "alarms")
