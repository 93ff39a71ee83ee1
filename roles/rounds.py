"""Rounds through the hall (F-16): when they are due, whom they sample, what they score and find."""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall import hours, limits, locks, text
from hall.limits import Limits
from hall.models import Alarm, Hall, Kind, Person, Post, Posting, Zone
from hall.models.names import pick
from hall.refusals import Invalid, WrongState
from roles import sampling
from roles.models import ConductItem, Entry, Finding, Round, RoundKind, Sample
from roles.records import NotFilledIn, naming

RULES = ("R-B03", "R-B04", "R-B05")
NOON_BEFORE, NOON_AFTER = dt.timedelta(minutes=30), dt.timedelta(minutes=60)  # around R-B04's time of day
AFTERNOON = (dt.time(14), dt.time(17))
PEAK_WITHIN = dt.timedelta(minutes=30)  # of a wait alarm
CROWD = "R-Q01"  # the alarm that calls for a peak round
FAULT = 2  # a score of this or less must be dealt with
DUE_DAYS = (0, 1, 3, 7)
BY_ITSELF = dt.time(18)  # when something is due on a day on which the hall does not open
EVIDENCE_MOST = 200

GENERAL = {  # what every post is scored in, 1 to 5 (R-B05)
    "smile": ("微笑", "Smile"),
    "initiative": ("主动", "Initiative"),
    "norm": ("规范", "Service norm"),
    "skill": ("业务知识", "Knowledge"),
    "speed": ("办理速度", "Speed"),
    "correctness": ("准确性", "Correctness"),
}
AIMS = {
    RoundKind.FIRST: gettext_lazy("The whole hall, within the first hour"),
    RoundKind.NOON: gettext_lazy("Service quality in the weak period"),
    RoundKind.PEAK: gettext_lazy("Order and extra seats while it is crowded"),
    RoundKind.AFTERNOON: gettext_lazy("Service of the staff, with evidence"),
}


@dataclass(frozen=True)
class Planned:
    """One round of a day. `state`: later, due, late, missed, running, done, done_late, or open (a peak round without a crowd)."""

    kind: RoundKind
    due_from: dt.datetime | None
    due_by: dt.datetime | None
    round: Round | None
    state: str

    @property
    def aim(self) -> str:
        return str(AIMS[self.kind])


@dataclass(frozen=True)
class Item:
    """One thing that is scored: scale "five" (1 to 5) or "ok" (kept or not)."""

    key: str
    text_zh: str
    text_en: str
    scale: str

    @property
    def text(self) -> str:
        return pick(self.text_zh, self.text_en)


@dataclass(frozen=True)
class Evidence:
    """What is known of a person: samples, findings and records about him, the newest first."""

    samples: list[Sample]
    findings: list[Finding]
    entries: list[Entry]


def start(hall: Hall, kind: str, *, seed: int | None = None, by: Person, at: dt.datetime) -> Round:
    """A round begins; all but a peak round draw their sample of who is on duty now, without the one who walks.

    Raises Invalid for an unknown kind, WrongState if a round is going on, this one was done today, or the hall does not open
    at its time.
    """
    if kind not in RoundKind.values:
        raise Invalid(_("Please choose one of the list."))
    with locks.lock_queue(hall.pk):  # two who begin at once draw one sample
        on = hall.business_date(at)
        running = Round.objects.filter(hall=hall, ended_at=None).select_related("by").first()
        if running is not None:
            raise WrongState(_("%(name)s is on a round. End it first.") % {"name": running.by.name})
        if kind != RoundKind.PEAK and Round.objects.filter(hall=hall, business_date=on, kind=kind).exists():
            raise WrongState(_("This round was done today."))
        due = next((one for one in plan(hall, on, at=at) if one.kind == kind), None)
        if due is None:
            raise WrongState(_("This round is not due today."))
        posts = _on_duty(hall, without=by) if kind != RoundKind.PEAK else {}
        turn, unseen = _turn(hall, posts)
        size = sampling.sample_size(len(posts), limits.in_force(hall.pk, RULES))
        made = Round.objects.create(
            hall=hall, business_date=on, kind=kind, due_from=due.due_from, due_by=due.due_by, started_at=at, by=by, turn=turn, size=size,
            seed=secrets.randbits(31) if seed is None else seed, on_duty=sorted(posts), unseen=unseen,
        )  # fmt: skip
        found = draw_again(made)
        named = [(person, turn) for person in found.first] + [(person, turn + 1) for person in found.again]
        Sample.objects.bulk_create(
            Sample(round=made, person_id=person, post_id=posts[person], turn=of, position=number)
            for number, (person, of) in enumerate(named)
        )
    return made


def score(
    sample: Sample, answers: Mapping[str, str], *, note: str = "", corrected: bool = False, owner: Person | None = None, due_in: str = "",
    by: Person, at: dt.datetime,
) -> Sample:  # fmt: skip
    """What was seen of a sampled person, by item; what was not seen is left out. A fault is corrected on the spot or due.

    `due_in` is a number of days, "0" to "7". Raises NotFilledIn by field, WrongState if the round is over, it was scored, or it is
    one's own.
    """
    with transaction.atomic():  # two who score the same person: the second is told
        rows = Sample.objects.select_for_update(of=("self",), no_key=True)
        locked = rows.select_related("round__hall", "person", "post").get(pk=sample.pk)
        _require_running(locked.round)
        if locked.scored_at is not None:
            raise WrongState(_("%(name)s was scored already.") % {"name": locked.person.name})
        if locked.person_id == by.pk:  # who stands in for the duty manager may be sampled in his own post
            raise WrongState(_("Nobody scores himself. Please ask somebody else."))
        note = text.clean(note.replace("\r\n", "\n"), most=500, lines=True)
        kept, faults = _scores(items_of(locked.post), answers)
        errors = {} if kept else {"scores": _("Please score at least one item.")}
        if faults and not corrected and not due_in:
            errors["due_in"] = _("Say that it was corrected on the spot, or by when it will be.")
        if errors:
            raise NotFilledIn(errors)
        if faults or due_in:
            said = note or "; ".join(faults)
            _find(
                locked.round,
                said,
                person=locked.person,
                corrected=corrected,
                owner=owner or locked.person,
                due_in=due_in,
                by=by,
                at=at,
            )
        marks = [int(str(row["score"])) for row in kept if row["scale"] == "five"]
        locked.scores, locked.note, locked.corrected = kept, note, corrected and bool(faults)
        locked.scored_at, locked.by = at, by
        locked.mean = round(Decimal(sum(marks)) / len(marks), 2) if marks else None
        locked.save(update_fields=["scores", "note", "corrected", "scored_at", "by", "mean"])
    return locked


def note_finding(
    round_: Round, said: str, *, zone: Zone | None = None, corrected: bool = False, owner: Person | None = None, due_in: str = "",
    by: Person, at: dt.datetime,
) -> Finding:  # fmt: skip
    """Something that the round found in the hall: corrected on the spot, or somebody's by a day.

    Raises NotFilledIn by field, WrongState if the round is over.
    """
    with transaction.atomic():  # a round that ends meanwhile waits
        locked = Round.objects.select_for_update(of=("self",), no_key=True).select_related("hall").get(pk=round_.pk)
        _require_running(locked)
        said = text.clean(said, most=300)
        errors = {} if said else {"text": _("Please say what was found.")}
        if not corrected and owner is None:
            errors["owner"] = _("Please choose who sees to it.")
        if not corrected and not due_in:
            errors["due_in"] = _("Please choose by when.")
        if errors:
            raise NotFilledIn(errors)
        return _find(locked, said, zone=zone, corrected=corrected, owner=owner, due_in=due_in, by=by, at=at)


def settle(finding: Finding, *, by: Person, at: dt.datetime) -> None:
    """What was found is put right. Raises WrongState if it was already."""
    if Finding.objects.filter(pk=finding.pk, done_at=None).update(done_at=at, done_by=by) != 1:
        raise WrongState(_("This was put right already."))


def end(round_: Round, *, note: str = "", by: Person, at: dt.datetime) -> None:
    """The round is over; whom it drew and did not see stays unseen. Raises WrongState if it was over already."""
    note = text.clean(note.replace("\r\n", "\n"), most=500, lines=True)
    if Round.objects.filter(pk=round_.pk, ended_at=None).update(ended_at=at, note=note) != 1:
        raise WrongState(_("This round is over."))


# Reading.


def plan(hall: Hall, on: dt.date, *, at: dt.datetime) -> list[Planned]:
    """The rounds of a date in order, each with its span and how it stands at `at`. Empty on a day without opening."""
    parts = hours.intervals_on(hall, on)
    if not parts:
        return []
    force = limits.in_force(hall.pk, RULES)
    done = {row.kind: row for row in Round.objects.filter(hall=hall, business_date=on).select_related("by")}
    found = []
    for kind in (RoundKind.FIRST, RoundKind.NOON, RoundKind.PEAK, RoundKind.AFTERNOON):
        span = _span(hall, on, kind, parts, force, at)
        made = done.get(kind)
        if kind == RoundKind.PEAK and made is not None and span[0] is not None and made.started_at < span[0]:
            made = None  # it is crowded again
        if span[0] is None and made is None and kind != RoundKind.PEAK:
            continue
        since, until = (made.due_from, made.due_by) if made is not None else span
        found.append(Planned(kind, since, until, made, _state(since, until, made, at, parts[-1].closes_at)))
    return found


def first_in_time(hall: Hall, first: dt.date, last: dt.date, *, at: dt.datetime) -> tuple[int, int]:
    """K-16: on how many dates of a span the first round was over in time, of how many on which it was due before `at`."""
    in_time = due = 0
    for ahead in range((last - first).days + 1):
        one = next(
            (one for one in plan(hall, first + dt.timedelta(days=ahead), at=at) if one.kind == RoundKind.FIRST), None
        )
        if one is not None and one.due_by is not None and (one.due_by <= at or one.state == "done"):
            due += 1
            in_time += one.state == "done"
    return in_time, due


def draw_again(round_: Round) -> sampling.Drawn:
    """The sample of a round, drawn from what it has recorded."""
    return sampling.draw(round_.on_duty, round_.unseen, round_.size, round_.seed)


def running(hall: Hall) -> Round | None:
    return Round.objects.filter(hall=hall, ended_at=None).select_related("by", "hall").first()


def items_of(post: Post) -> list[Item]:
    """What is scored in somebody of this post: the general items, then the lines of its conduct card. One query."""
    card = ConductItem.objects.filter(post=post, is_scored=True, is_active=True).order_by("position", "rule")
    return [
        *(Item(key, zh, en, "five") for key, (zh, en) in GENERAL.items()),
        *(Item(line.rule, line.text_zh, line.text_en, "ok") for line in card),
    ]


def coverage(hall: Hall, first: dt.date, last: dt.date) -> tuple[int, int]:
    """K-13: (sampled, to be sampled) in the rounds of a span of dates that drew a sample. Two queries."""
    rounds = Round.objects.filter(hall=hall, business_date__range=(first, last), size__gt=0)
    seen = Sample.objects.filter(round__in=rounds, scored_at__isnull=False).count()
    return seen, sum(rounds.values_list("size", flat=True))


def findings_since(hall: Hall, at: dt.datetime) -> list[Finding]:
    """For the next briefing or meeting: what rounds have found since, and all that is not put right yet; oldest first.

    Findings with a `person` are criticism, which belongs to the meeting after the shift (R-B02). One query.
    """
    found = Finding.objects.filter(Q(at__gte=at) | Q(done_at=None), round__hall=hall)
    return list(found.select_related("round__hall", "person", "owner", "by").order_by("at", "id"))


def evidence(hall: Hall, person: Person) -> Evidence:
    """What rounds and records say of a person, the newest first. Three queries."""
    samples = Sample.objects.filter(round__hall=hall, person=person, scored_at__isnull=False)
    findings = Finding.objects.filter(round__hall=hall, person=person)
    return Evidence(
        list(samples.select_related("round", "post", "by").order_by("-scored_at", "-id")[:EVIDENCE_MOST]),
        list(findings.select_related("round__hall", "owner", "by").order_by("-at", "-id")[:EVIDENCE_MOST]),
        list(naming(hall, person)[:EVIDENCE_MOST]),
    )


def _on_duty(hall: Hall, *, without: Person) -> dict[int, int]:
    """Person id → the post that he holds now, his first one. Duty managers are not sampled: they do the rounds."""
    held = Posting.objects.filter(hall=hall, until=None).exclude(person=without).exclude(post__kind=Kind.DUTY_MANAGER)
    posts: dict[int, int] = {}
    for person, post in held.order_by("id").values_list("person_id", "post_id"):
        posts.setdefault(person, post)
    return posts


def _turn(hall: Hall, on_duty: Mapping[int, int]) -> tuple[int, list[int]]:
    """The hall's present turn, and who of those on duty it has not seen."""
    seen = Sample.objects.filter(round__hall=hall, scored_at__isnull=False)
    turn = seen.aggregate(turn=Max("turn"))["turn"] or 1
    known = set(seen.filter(turn=turn).values_list("person_id", flat=True))
    return turn, sorted(set(on_duty) - known)


def _span(
    hall: Hall, on: dt.date, kind: RoundKind, parts: list[hours.Interval], force: Limits, at: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """From when to when a round is due; (None, None) when it is not."""
    if kind == RoundKind.FIRST:
        begins = _work_begins(hall, on, parts)
        return (begins, begins + force.duration("R-B03", "within")) if begins is not None else (None, None)
    if kind == RoundKind.PEAK:
        crowd = Alarm.objects.filter(hall=hall, rule=CROWD, settled_at=None).order_by("due_at").first()
        if crowd is None or hall.business_date(crowd.due_at) != on or crowd.due_at > at:
            return None, None
        return crowd.due_at, crowd.due_at + PEAK_WITHIN
    if kind == RoundKind.NOON:
        noon = dt.datetime.combine(on, force.time("R-B04", "noon"), hall.zone_info).astimezone(dt.UTC)
        since, until = noon - NOON_BEFORE, noon + NOON_AFTER
    else:
        since, until = (dt.datetime.combine(on, time, hall.zone_info).astimezone(dt.UTC) for time in AFTERNOON)
    opened = [(max(part.opens_at, since), min(part.closes_at, until)) for part in parts]
    open_parts = [span for span in opened if span[0] < span[1]]
    return (open_parts[0][0], open_parts[-1][1]) if open_parts else (None, None)


def _work_begins(hall: Hall, on: dt.date, parts: list[hours.Interval]) -> dt.datetime | None:
    """When the hall opens; a hall that never closes begins with the day's first duty manager, and without one has no hour."""
    opens_at = parts[0].opens_at
    if hours.open_interval(hall, opens_at - dt.timedelta(seconds=1)) is None:
        return opens_at
    taken = Posting.objects.filter(
        hall=hall, post__kind=Kind.DUTY_MANAGER, since__gte=opens_at, since__lt=opens_at + dt.timedelta(days=1)
    )
    return taken.order_by("since").values_list("since", flat=True).first()


def _state(
    since: dt.datetime | None, until: dt.datetime | None, made: Round | None, at: dt.datetime, closes_at: dt.datetime
) -> str:
    if made is not None:
        if made.ended_at is None:
            return "running"
        return "done_late" if until is not None and made.ended_at > until else "done"
    if since is None or until is None:
        return "open"
    if at < since:
        return "later"
    if at <= until:
        return "due"
    return "late" if at < closes_at else "missed"


def _scores(items: list[Item], answers: Mapping[str, str]) -> tuple[list[dict[str, object]], list[str]]:
    """The rows of Sample.scores, and the faults in words. Raises Invalid for a score that is none."""
    rows, faults = [], []
    for item in items:
        given = answers.get(item.key, "")
        if not given:
            continue
        allowed = {"1", "2", "3", "4", "5"} if item.scale == "five" else {"ok", "not"}
        if given not in allowed:
            raise Invalid(_("Please choose one of the list."))
        value: int | bool = int(given) if item.scale == "five" else given == "ok"
        rows.append(
            {"item": item.key, "text_zh": item.text_zh, "text_en": item.text_en, "scale": item.scale, "score": value}
        )
        if value is False or (item.scale == "five" and value <= FAULT):
            faults.append(f"{item.text} {given}" if item.scale == "five" else item.text)
    return rows, faults


def _find(
    round_: Round, said: str, *, person: Person | None = None, zone: Zone | None = None, corrected: bool, owner: Person | None,
    due_in: str, by: Person, at: dt.datetime,
) -> Finding:  # fmt: skip
    due_at = None if corrected else _due_at(round_.hall, due_in, at)
    return Finding.objects.create(
        round=round_, text=said[:300], person=person, zone=zone, zone_zh=zone.name_zh if zone else "", zone_en=zone.name_en if zone else "",
        corrected_on_the_spot=corrected, owner=None if corrected else owner, due_at=due_at, at=at, by=by,
        done_at=at if corrected else None, done_by=by if corrected else None,
    )  # fmt: skip


def _due_at(hall: Hall, due_in: str, at: dt.datetime) -> dt.datetime:
    """When the hall closes so many days ahead, 18:00 if it does not open then; the end of that day when this is over."""
    if due_in not in {str(days) for days in DUE_DAYS}:
        raise Invalid(_("Please choose by when."))
    on = hall.business_date(at) + dt.timedelta(days=int(due_in))
    parts = hours.intervals_on(hall, on)
    due_at = parts[-1].closes_at if parts else dt.datetime.combine(on, BY_ITSELF, hall.zone_info).astimezone(dt.UTC)
    if due_at > at:
        return due_at
    return dt.datetime.combine(on + dt.timedelta(days=1), dt.time(0), hall.zone_info).astimezone(dt.UTC)


def _require_running(round_: Round) -> None:
    if round_.ended_at is not None:
        raise WrongState(_("This round is over."))
