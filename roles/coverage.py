"""Who holds each zone now, where nobody is, and for how long that was so (H-02, R-Q25, K-22)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, prefetch_related_objects

from hall import alarms, hours, limits, plain
from hall.models import Alarm, Hall, Kind, Posting, Zone
from hall.models.halls import Clock
from hall.models.names import pick

RULE = "R-Q25"


@dataclass(frozen=True)
class Holder:
    """Somebody who holds a post now."""

    person_id: int
    name_zh: str
    name_en: str
    kind: Kind
    since: dt.datetime

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


@dataclass
class ZoneNow:
    """One zone and who holds it, the longest first; `vacant_since`: nobody is where somebody must be while the hall is open."""

    pk: int
    slug: str
    name_zh: str
    name_en: str
    needs_somebody: bool
    last_left_at: dt.datetime | None
    holders: list[Holder] = field(default_factory=list)
    vacant_since: dt.datetime | None = None

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


@dataclass(frozen=True)
class FloorNow:
    """A hall's zones in order, and everybody who holds a post now, in a zone or not."""

    zones: list[ZoneNow]
    holders: list[Holder]

    def of_kind(self, kind: Kind) -> list[Holder]:
        """Who holds a post of this kind, each person once."""
        return list({holder.person_id: holder for holder in self.holders if holder.kind == kind}.values())


NOW = """
    SELECT z.id, z.slug, z.name_zh, z.name_en, z.needs_somebody, z.last_left_at,
        p.id, p.name_zh, p.name_en, q.kind, g.since
    FROM (
        SELECT zone.*, (SELECT max(old.until) FROM hall_posting old WHERE old.zone_id = zone.id) AS last_left_at
        FROM hall_zone zone WHERE zone.hall_id = %(hall)s
    ) z
    FULL JOIN (SELECT * FROM hall_posting WHERE hall_id = %(hall)s AND until IS NULL) g ON g.zone_id = z.id
    LEFT JOIN hall_person p ON p.id = g.person_id
    LEFT JOIN hall_post q ON q.id = g.post_id
    ORDER BY z.position, z.id, g.since, g.id
"""


def floor_now(hall: Hall, at: dt.datetime) -> FloorNow:
    """The zone map. Queries: one, and two more for the opening hours unless prefetched."""
    zones: dict[int, ZoneNow] = {}
    holders = []
    for zone_id, slug, name_zh, name_en, needs, last_left, *held in plain.rows(NOW, {"hall": hall.pk}):
        holder = Holder(held[0], held[1], held[2], Kind(held[3]), held[4]) if held[0] is not None else None
        if holder is not None:
            holders.append(holder)
        if zone_id is None:
            continue
        zone = zones.setdefault(zone_id, ZoneNow(zone_id, slug, name_zh, name_en, needs, last_left))
        if holder is not None:
            zone.holders.append(holder)
    opening = hours.open_interval(hall, at) if any(_is_bare(zone) for zone in zones.values()) else None
    for zone in zones.values():
        if opening is not None and _is_bare(zone):
            zone.vacant_since = max(opening.opens_at, zone.last_left_at or opening.opens_at)
    return FloorNow(list(zones.values()), holders)


def vacuum(hall: Hall, on: dt.date, *, at: dt.datetime) -> dict[Zone, dt.timedelta]:
    """K-22: how long each zone where somebody must be had nobody while the hall was open on a date, until `at`.

    Only zones that were held at some time of that day or are bare at `at` are known; zero is left out. Four queries.
    """
    opening = [(part.opens_at, min(part.closes_at, at)) for part in hours.intervals_on(hall, on) if part.opens_at < at]
    if not opening:
        return {}
    zones = list(Zone.objects.filter(hall=hall, needs_somebody=True))
    begin, end = opening[0][0], opening[-1][1]
    held: dict[int, list[tuple[dt.datetime, dt.datetime]]] = {}
    rows = Posting.objects.filter(hall=hall, zone__in=zones, since__lt=end).exclude(until__lte=begin)
    for zone_id, since, until in rows.order_by("since").values_list("zone_id", "since", "until"):
        held.setdefault(zone_id, []).append((since, until or end))
    found = {zone: _bare(opening, held.get(zone.pk, [])) for zone in zones}
    return {zone: bare for zone, bare in found.items() if bare}


def _bare(
    opening: Iterable[tuple[dt.datetime, dt.datetime]], held: list[tuple[dt.datetime, dt.datetime]]
) -> dt.timedelta:
    """The part of the opening that no stretch covers; `held` by their beginnings."""
    bare = dt.timedelta(0)
    for opens, closes in opening:
        reached = opens
        for since, until in held:
            if since >= closes:
                break
            bare += max(dt.timedelta(0), min(since, closes) - reached)
            reached = max(reached, min(until, closes))
        bare += max(dt.timedelta(0), closes - reached)
    return bare


BARE = """
    SELECT z.hall_id, z.id, z.name_zh, z.name_en, z.position, (SELECT max(old.until) FROM hall_posting old WHERE old.zone_id = z.id)
    FROM hall_zone z JOIN hall_hall h ON h.id = z.hall_id
    WHERE z.needs_somebody AND h.is_active AND CASE WHEN %(ids)s::bigint[] IS NULL THEN h.clock = 'live' ELSE h.id = ANY (%(ids)s) END
      AND NOT EXISTS (SELECT 1 FROM hall_posting g WHERE g.zone_id = z.id AND g.until IS NULL)
"""


def sweep(*, at: dt.datetime, hall_ids: Iterable[int] | None = None) -> int:
    """Raise the alarm of each zone that has had nobody for longer than the limit, settle those that are held again.

    Live halls, unless halls are named. Idempotent. Returns how many alarms it raised.
    """
    ids = None if hall_ids is None else list(hall_ids)
    bare = plain.rows(BARE, {"ids": ids})
    halls = {hall.pk: hall for hall in Hall.objects.filter(pk__in={row[0] for row in bare})}
    prefetch_related_objects(list(halls.values()), "opening_intervals", "holidays")
    watched = Q(hall__clock=Clock.LIVE) if ids is None else Q(hall_id__in=ids)
    standing = Alarm.objects.filter(watched, rule=RULE, settled_at=None)
    known = set(standing.values_list("hall_id", "subject"))
    raised, vacant = 0, set()
    for hall_id, zone_id, name_zh, name_en, position, last_left in bare:
        opening = hours.open_interval(halls[hall_id], at)
        if opening is None:
            continue
        subject = f"zone:{zone_id}"
        vacant.add((hall_id, subject))
        if (hall_id, subject) in known:
            continue
        rules = limits.in_force(hall_id, [RULE])
        due_at = max(opening.opens_at, last_left or opening.opens_at) + rules.duration(RULE, "threshold")
        if due_at > at:
            continue
        neighbour = _neighbour(hall_id, position)
        data: dict[str, object] = {
            "zone_zh": name_zh, "zone_en": name_en, "minutes": rules.duration(RULE, "threshold").total_seconds() / 60,
            "neighbour_zh": neighbour.name_zh if neighbour else "", "neighbour_en": neighbour.name_en if neighbour else "",
        }  # fmt: skip
        act_by = at + rules.duration(RULE, "act_within")
        raised += (
            alarms.raise_alarm(
                hall_id=hall_id, rule=RULE, subject=subject, due_at=due_at, act_by=act_by, data=data, at=at
            )
            is not None
        )
    for hall_id, subject in known - vacant:
        alarms.settle_cause_gone(hall_id, RULE, subject, at=at)
    return raised


def _neighbour(hall_id: int, position: int) -> Holder | None:
    """Who is to cover: the floater nearest to the zone, else the nearest colleague who holds a zone and no counter."""
    row = plain.row(
        """
        SELECT p.id, p.name_zh, p.name_en, q.kind, g.since
        FROM hall_posting g JOIN hall_zone z ON z.id = g.zone_id JOIN hall_person p ON p.id = g.person_id
        JOIN hall_post q ON q.id = g.post_id
        WHERE g.hall_id = %s AND g.until IS NULL AND g.counter_id IS NULL
        ORDER BY q.kind <> 'floater', abs(z.position - %s), g.since, g.id LIMIT 1
        """,
        [hall_id, position],
    )
    return Holder(row[0], row[1], row[2], Kind(row[3]), row[4]) if row is not None else None


def _is_bare(zone: ZoneNow) -> bool:
    return zone.needs_somebody and not zone.holders
