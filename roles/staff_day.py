"""A day of a hall's staff, from the first who comes to the last who goes, by the same verbs as their taps.

It is a list of acts with their instants: whoever plays the day puts the customers between them. Nothing sleeps and nothing
reads a clock. Who is meant to be refused is refused, and that is kept.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hall import alarms, counters, postings
from hall.models import Alarm, Counter, Hall, Kind, Membership, Person, Post, Posting, Zone
from hall.refusals import Refused
from roles import (
    briefings,
    day_tasks,
    delegates,
    floor_time,
    handovers,
    leaves,
    meals,
    meetings,
    notices,
    opening,
    rosters,
    rounds,
)
from roles.models import (
    Briefing,
    FloorTime,
    LeaveRequest,
    Meeting,
    Moment,
    Round,
    RoundKind,
    Sample,
    ShiftHandover,
    Task,
)

Act = Callable[[dt.datetime], object]
Acts = list[tuple[dt.datetime, Act]]

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
STARTS, ENDS = dt.time(8, 15), dt.time(19, 30)
HELD = {
    Kind.GUIDE: "entrance",
    Kind.FLOATER: "waiting",
    Kind.RECEPTIONIST: "reception",
}  # the second floater: selfservice
CROWD = "R-Q01"
AT_ONCE = 2  # items of the opening checklist in one minute
# What is done only once its own act is over: the rounds, the meals, the meeting, the whole day.
NOT_BEFORE = {
    "D-DM-28": dt.time(9, 36), "D-DM-29": dt.time(12, 31), "D-DM-36": dt.time(12, 40), "D-DM-39": dt.time(15, 26),
    "D-DM-09": dt.time(17, 45), "D-HM-05": dt.time(17, 45),
}  # fmt: skip
BRIEFED = dt.time(8, 48)
EXCEPTED = {"D-DM-43": "今天没有人提前结账"}  # of the closing checklist: not done, with its reason
NOTICE: dict[str, Any] = {
    "title_zh": "携号转网资料清单更新",
    "title_en": "New list of papers for number porting",
    "body_zh": "即日起，办理携号转网须核对本人身份证原件，不收复印件。",
    "body_en": "From now on, check the original identity card for number porting. Copies are not accepted.",
}
MARKS = ("5", "4", "5", "3", "4", "5")


@dataclass(frozen=True)
class Refusal:
    """Something that was asked for and refused: who, what, when and in which words."""

    who: str
    what: str
    at: dt.datetime
    said: str


@dataclass
class StaffDay:
    """The staff of one hall on one date. `refusals` fills while the acts happen."""

    hall: Hall
    on: dt.date
    seed: int
    duty_manager: Person
    hall_manager: Person
    guard: Person
    guide: Person
    early: Person  # the floater who goes at two
    late: Person  # the one who stays
    receptionist: Person
    clerks: list[tuple[Person, Counter]]
    others: list[Person]
    refusals: list[Refusal] = field(default_factory=list)
    _posts: dict[int, Post] = field(default_factory=dict)

    @property
    def unaware(self) -> Person:
        """The clerk who comes too late for the briefing and has not read his notice: the last one."""
        return self.clerks[-1][0]

    @property
    def everybody(self) -> list[Person]:
        """Who works that day, the hall manager too."""
        posts = [self.duty_manager, self.guard, self.guide, self.early, self.late, self.receptionist]
        return [*posts, *(person for person, _counter in self.clerks), *self.others, self.hall_manager]

    # What happens, and when

    def before(self) -> Acts:
        """The week is planned, the gate switched on, the notice written: before the day itself."""
        monday = self.on - self.on.weekday() * DAY
        acts: Acts = [
            (self._time(dt.time(16), monday - 3 * DAY), self._plan_week),
            (self._time(dt.time(17), self.on - DAY), self._switch_gate_on),
            (self._time(dt.time(18, 30), self.on - DAY), self._write_notice),
            (self._time(dt.time(0, 5)), self._make_tasks),
        ]
        readers = [person for person in self.everybody if person.pk not in (self.unaware.pk, self.hall_manager.pk)]
        reading = self._time(dt.time(19), self.on - DAY)
        acts += [(reading + 7 * number * MINUTE, partial(self._read, who)) for number, who in enumerate(readers)]
        return acts

    def acts(self) -> Acts:
        """From the first who comes until the hall gives no more tickets, in order of time."""
        found = [
            *self._morning(),
            *self._relief(),
            *self._rounds(),
            *self._manager(),
            *self._afternoon(),
            *self._tasks(),
        ]
        return sorted(found, key=lambda pair: pair[0])

    def closing(self, at: dt.datetime) -> Acts:
        """After the last customer has gone and the counters are closed."""
        acts: Acts = [(at + number * MINUTE, self._do_closing) for number in range(1, 25)]
        acts += [
            (at + 5 * MINUTE, self._meet),
            (at + 26 * MINUTE, self._secure),
            (at + 27 * MINUTE, partial(self._ask_to_leave, self.guard)),
            (at + 28 * MINUTE, self._consent),
            (at + 35 * MINUTE, self._all_leave),
        ]
        return sorted(acts, key=lambda pair: pair[0])

    def _morning(self) -> Iterator[tuple[dt.datetime, Act]]:
        at = partial(self._at)
        yield at(8, 15), partial(self._take, self.duty_manager, None)
        yield at(8, 15), partial(self._take, self.guard, None)
        for number, person in enumerate(self.others):
            yield at(8, 16 + number), partial(self._take, person, None)
        for minute in (*range(18, 35), *range(49, 55)):
            yield at(8, minute), self._do_opening
        yield at(8, 20), partial(self._go, FloorTime.Place.FLOOR)
        for number, (person, _counter) in enumerate(self.clerks[:-1]):
            yield at(8, 22 + number), partial(self._take, person, None)
        for person in (self.guide, self.early, self.late, self.receptionist):
            yield at(8, 30), partial(self._take, person, None)
        for minute in (31, 53):
            yield at(8, minute), self._make_shift_tasks
        for minute in (32, 33, 34, 49, 50, 51, 52, 54, 56, 57, 58, 59):
            yield at(8, minute), self._do_due
        yield at(8, 35), self._brief
        yield at(8, 47), self._end_briefing
        yield at(8, 50), partial(self._take, self.guide, "entrance")
        yield at(8, 50), partial(self._take, self.early, "waiting")
        yield at(8, 51), partial(self._take, self.late, "selfservice")
        yield at(8, 51), partial(self._take, self.receptionist, "reception")
        yield at(8, 52), partial(self._take, self.unaware, None)
        for number, (person, counter) in enumerate(self.clerks):
            yield at(8, 55) + number * dt.timedelta(seconds=20), partial(self._open_counter, person, counter)
        yield at(9, 3), partial(self._read_all, self.unaware)
        yield at(9, 3), partial(self._open_counter, *self.clerks[-1])

    def _relief(self) -> Iterator[tuple[dt.datetime, Act]]:
        """The meals of who holds a zone: somebody takes it first, then he leaves, and the other way round after it."""
        at = partial(self._at)
        for begins, ends, who, slug, cover in (
            (at(11, 30), at(12, 5), self.guide, "entrance", self.early),
            (at(12, 10), at(12, 45), self.late, "selfservice", self.receptionist),
            (at(12, 50), at(13, 25), self.early, "waiting", self.late),
        ):
            yield begins, partial(self._take, cover, slug)
            yield begins + MINUTE, partial(self._leave_zone, who, slug, "meal")
            yield ends, partial(self._take, who, slug)
            yield ends + MINUTE, partial(self._leave_zone, cover, slug, "relieved")
        yield at(11, 30), partial(self._leave_zone, self.receptionist, "reception", "meal")
        yield at(12, 5), partial(self._take, self.receptionist, "reception")
        yield at(12, 0), partial(self._ask_to_leave, self.guard)
        yield at(12, 2), self._consent
        yield at(12, 35), partial(self._take, self.guard, None)

    def _rounds(self) -> Iterator[tuple[dt.datetime, Act]]:
        for kind, begins in (
            (RoundKind.FIRST, self._at(9, 12)),
            (RoundKind.NOON, self._at(12, 10)),
            (RoundKind.AFTERNOON, self._at(15, 0)),
        ):
            yield begins, partial(self._start_round, kind)
            yield begins + 8 * MINUTE, partial(self._score_round, kind)
            yield begins + 20 * MINUTE, partial(self._end_round, kind)
        for number in range(100):  # a peak round as soon as the waits call for one, with no other round under way
            begins = self._at(9, 40) + number * 4 * MINUTE
            if begins < self._at(11, 55) or self._at(13, 35) < begins < self._at(14, 45):
                yield begins, self._start_peak_round
                yield begins + 3 * MINUTE, partial(self._end_round, RoundKind.PEAK)
        yield self._at(10, 5), self._settle_finding

    def _manager(self) -> Iterator[tuple[dt.datetime, Act]]:
        at = partial(self._at)
        for number in range(2, 600, 3):
            yield at(9, 0) + number * MINUTE, self._answer_alarms
        yield at(10, 40), partial(self._go, FloorTime.Place.OFFICE)
        yield at(11, 0), partial(self._go, FloorTime.Place.FLOOR)
        yield at(12, 58), self._name_delegate
        yield at(13, 0), self._manager_eats
        yield at(13, 30), self._manager_returns
        yield at(16, 10), partial(self._go, FloorTime.Place.OFFICE)
        yield at(16, 40), partial(self._go, FloorTime.Place.FLOOR)

    def _afternoon(self) -> Iterator[tuple[dt.datetime, Act]]:
        """Between the floaters' shifts: counted, refused once, counted again, signed by both; then the zones change hands."""
        at = partial(self._at)
        yield at(14, 0), partial(self._hand_over, 2)
        yield at(14, 4), partial(self._refuse_handover, "老花镜只点到 2 副，应为 3 副")
        yield at(14, 8), partial(self._hand_over, 3)
        yield at(14, 10), self._accept_handover
        yield at(14, 12), partial(self._take, self.receptionist, "selfservice")
        yield at(14, 13), partial(self._take, self.late, "waiting")
        yield at(14, 14), partial(self._leave_zone, self.late, "selfservice", "moved")
        yield at(14, 15), partial(self._leave_all, self.early)

    def _tasks(self) -> Iterator[tuple[dt.datetime, Act]]:
        for number in range(57):
            yield self._at(8, 40) + (25 + number * 10) * MINUTE, self._do_due

    # Before the day

    def _plan_week(self, at: dt.datetime) -> None:
        """Seven days for everybody, a delegate for the duty manager; clerks' meals as the roster proposes them (R-Q11)."""
        monday = self.on - self.on.weekday() * DAY
        plans = [plan for number in range(7) for plan in week_day(self, monday + number * DAY)]
        rosters.plan_all(self.hall, plans, verb="planned", by=self.hall_manager, at=at)
        for number in range(7):
            on = monday + number * DAY
            proposal = meals.propose(self.hall, rosters.planned_on(self.hall, on))
            if proposal.placed:
                rosters.accept_meals(self.hall, on, shown=proposal.text(), by=self.hall_manager, at=at)

    def _switch_gate_on(self, at: dt.datetime) -> None:
        opening.set_gate(self.hall, True, waits=True, by=self.hall_manager, at=at)

    def _write_notice(self, at: dt.datetime) -> None:
        notice = notices.write(
            self.hall, **NOTICE, effective_from=self.on, must_be_read=True, by=self.hall_manager, at=at,
        )  # fmt: skip
        notices.read(notice, self.hall, by=self.hall_manager, at=at)

    def _make_tasks(self, at: dt.datetime) -> None:
        day_tasks.make_tasks([self.hall.pk], self.on, at=at)

    def _read(self, person: Person, at: dt.datetime) -> None:
        for notice in notices.for_person(person, self.hall, self.on):
            notices.read(notice, self.hall, by=person, at=at)

    # Posts and zones

    def _take(self, person: Person, slug: str | None, at: dt.datetime) -> None:
        zone = Zone.objects.get(hall=self.hall, slug=slug) if slug else None
        postings.take(person, self.hall, self.post_of(person), zone=zone, by=person, at=at)

    def _leave_zone(self, person: Person, slug: str, reason: str, at: dt.datetime) -> None:
        """To a meal he leaves his post; relieved, he stays on it."""
        held = Posting.objects.get(hall=self.hall, person=person, zone__slug=slug, until=None)
        if reason == "meal":
            postings.leave(held, reason=reason, by=person, at=at)
        else:
            postings.relieve(held, by=person, at=at)

    def _leave_all(self, person: Person, at: dt.datetime) -> None:
        for held in postings.held_by(person, self.hall):
            leaves.leave(held, by=person, at=at)

    def _all_leave(self, at: dt.datetime) -> None:
        for person in self.everybody:
            self._leave_all(person, at)

    def _ask_to_leave(self, person: Person, at: dt.datetime) -> None:
        for held in postings.held_by(person, self.hall):
            leaves.leave(held, by=person, at=at)

    def _consent(self, at: dt.datetime) -> None:
        for asked in LeaveRequest.objects.filter(hall=self.hall, state=LeaveRequest.State.ASKED):
            leaves.consent(asked, by=self.duty_manager, at=at)

    def _open_counter(self, person: Person, counter: Counter, at: dt.datetime) -> None:
        """As the tablet does: once the hall has opened and the clerk has read what he missed."""
        try:
            opening.require_open(self.hall, at)
            notices.require_read(person, self.hall, at)
        except Refused as refusal:
            self._refused(person, f"open counter {counter.number}", refusal, at)
            return
        counters.sign_in(counter, by=person, at=at)
        counters.open_counter(counter, by=person, at=at)

    def _read_all(self, person: Person, at: dt.datetime) -> None:
        for one in notices.owed(person, self.hall, at):
            thing = one.notice or one.briefing
            assert thing is not None
            notices.read(thing, self.hall, by=person, at=at)

    # The briefing and the meeting

    def _brief(self, at: dt.datetime) -> None:
        briefing = briefings.start(self.hall, figures=None, by=self.duty_manager, at=at)
        briefings.attend_expected(briefing, by=self.duty_manager, at=at + MINUTE)
        briefings.attend(briefing, self.hall_manager, "ok", by=self.duty_manager, at=at + MINUTE)
        briefings.attend(briefing, self.unaware, briefings.AWAY, by=self.duty_manager, at=at + MINUTE)
        briefings.attend(briefing, self.late, "corrected", by=self.duty_manager, at=at + 2 * MINUTE)
        briefings.note(
            briefing, learning="携号转网须核对哪些资料", praise=f"{self.guide.name_zh}昨天帮老人用自助机，得到当面感谢",
            goals="等候不超过 15 分钟", smile_done=True, by=self.duty_manager, at=at + 8 * MINUTE,
        )  # fmt: skip

    def _end_briefing(self, at: dt.datetime) -> None:
        briefings.end(Briefing.objects.get(hall=self.hall, on=self.on), by=self.duty_manager, at=at)

    def _meet(self, at: dt.datetime) -> None:
        there = [person for person in self.everybody if person.pk not in (self.early.pk, self.guard.pk)]
        meetings.hold(
            self.hall, Meeting.Kind.AFTER_SHIFT, trigger=Meeting.Trigger.DAILY,
            said={"problems": "高峰时等候偏长，午餐轮换提前十分钟", "cases": "一位顾客资料不齐，当场一次讲清"}, attendees=there,
            actions=[meetings.Agreed("更新自助区的资料清单牌", self.late, self.on + DAY)], by=self.hall_manager, at=at,
        )  # fmt: skip

    # The duty manager

    def _go(self, place: str, at: dt.datetime) -> None:
        try:
            floor_time.go(self.hall, self.duty_manager, place, by=self.duty_manager, at=at)
        except floor_time.StayOnFloor as refusal:
            self._refused(self.duty_manager, "go to the office", refusal, at)

    def _answer_alarms(self, at: dt.datetime) -> None:
        held = Posting.objects.filter(hall=self.hall, post__kind=Kind.DUTY_MANAGER, until=None).select_related("person")
        present = held.order_by("-is_delegate").first()
        if present is None:
            return
        for alarm in Alarm.objects.filter(hall=self.hall, settled_at=None, acknowledged_at=None).order_by("id"):
            alarms.acknowledge(alarm, by=present.person, at=at)

    def _name_delegate(self, at: dt.datetime) -> None:
        delegates.name(self.receptionist, self.hall, by=self.duty_manager, at=at)

    def _manager_eats(self, at: dt.datetime) -> None:
        held = Posting.objects.get(hall=self.hall, person=self.duty_manager, until=None)
        postings.leave(held, reason="meal", by=self.duty_manager, at=at)

    def _manager_returns(self, at: dt.datetime) -> None:
        self._take(self.duty_manager, None, at)
        standing_in = Posting.objects.get(hall=self.hall, person=self.receptionist, is_delegate=True, until=None)
        delegates.end(standing_in, by=self.duty_manager, at=at)
        self._go(FloorTime.Place.FLOOR, at)

    # Rounds

    def _start_round(self, kind: RoundKind, at: dt.datetime) -> None:
        rounds.start(self.hall, kind, seed=self.seed, by=self.duty_manager, at=at)

    def _start_peak_round(self, at: dt.datetime) -> None:
        crowded = Alarm.objects.filter(hall=self.hall, rule=CROWD, settled_at=None, due_at__lte=at).exists()
        walked = Round.objects.filter(hall=self.hall, business_date=self.on, kind=RoundKind.PEAK).exists()
        if crowded and not walked:
            self._start_round(RoundKind.PEAK, at)

    def _score_round(self, kind: RoundKind, at: dt.datetime) -> None:
        """Everybody whom the round drew is scored; the first fault is put right on the spot. The first round finds something."""
        going_on = rounds.running(self.hall)
        assert going_on is not None
        for number, sample in enumerate(
            Sample.objects.filter(round=going_on).select_related("post").order_by("position")
        ):
            items = rounds.items_of(sample.post)
            answers = {
                item.key: MARKS[(number + place) % len(MARKS)] if item.scale == "five" else "ok"
                for place, item in enumerate(items)
            }
            if kind == RoundKind.AFTERNOON and number == 0:
                answers["smile"] = "2"
            corrected = answers.get("smile") == "2"
            rounds.score(sample, answers, corrected=corrected, by=self.duty_manager, at=at + number * MINUTE / 2)
        if kind == RoundKind.FIRST:
            zone = Zone.objects.get(hall=self.hall, slug="selfservice")
            rounds.note_finding(
                going_on,
                "二号自助机缺纸",
                zone=zone,
                owner=self.late,
                due_in="0",
                by=self.duty_manager,
                at=at + 8 * MINUTE,
            )

    def _end_round(self, kind: RoundKind, at: dt.datetime) -> None:
        going_on = rounds.running(self.hall)
        if going_on is not None and going_on.kind == kind:
            rounds.end(going_on, by=self.duty_manager, at=at)

    def _settle_finding(self, at: dt.datetime) -> None:
        for finding in rounds.findings_since(self.hall, at):
            rounds.settle(finding, by=self.late, at=at)

    # From shift to shift

    def _hand_over(self, glasses: int, at: dt.datetime) -> None:
        handovers.offer(
            self.hall, self.late, post=self.post_of(self.early), items=[("共用平板", 2), ("老花镜", glasses), ("雨伞", 12)],
            system_state="自助机、排队机正常", open_matters="二号自助机下午再加一次纸", by=self.early, at=at,
        )  # fmt: skip

    def _refuse_handover(self, reason: str, at: dt.datetime) -> None:
        handovers.refuse(self._offered(), reason, by=self.late, at=at)

    def _accept_handover(self, at: dt.datetime) -> None:
        handovers.accept(self._offered(), smile_done=True, by=self.late, at=at)

    def _offered(self) -> ShiftHandover:
        return ShiftHandover.objects.get(hall=self.hall, state=ShiftHandover.State.OFFERED)

    # Tasks

    def _make_shift_tasks(self, at: dt.datetime) -> None:
        day_tasks.make_shift_tasks(self.hall, at=at)

    def _do_opening(self, at: dt.datetime) -> None:
        """The next items of the opening checklist, by whoever owes them."""
        for task in self._open_tasks(at, Task.Part.OPENING)[:AT_ONCE]:
            self._do(task, at)

    def _do_due(self, at: dt.datetime) -> None:
        """Everybody who is there does the one of his tasks of the day that is due first."""
        self._one_each(self._open_tasks(at, Task.Part.DAY), at)

    def _do_closing(self, at: dt.datetime) -> None:
        self._one_each([*self._open_tasks(at, Task.Part.CLOSING), *self._open_tasks(at, Task.Part.DAY)], at)

    def _one_each(self, tasks: list[Task], at: dt.datetime) -> None:
        busy: set[int] = set()
        for task in tasks:
            who = self._whose(task)
            if who.pk not in busy:
                busy.add(who.pk)
                self._do(task, at)

    def _open_tasks(self, at: dt.datetime, part: str) -> list[Task]:
        """What is due and still open of one part, by when it is due. The week's and month's that have more time are left."""
        rows = Task.objects.filter(hall=self.hall, state=Task.State.OPEN, part=part, due_from__lte=at)
        rows = rows.filter(due_by__lt=self._time(dt.time(0), self.on + DAY)).select_related("post", "person")
        time = self.hall.local(at).time()
        return [task for task in rows.order_by("due_by", "id") if time >= _not_before(task)]

    def _do(self, task: Task, at: dt.datetime) -> None:
        """Done, with what its record asks for and the second signature; or excepted with its reason."""
        who = self._whose(task)
        if task.code in EXCEPTED:
            day_tasks.except_task(task, reason=EXCEPTED[task.code], by=who, at=at)
            return
        asked = day_tasks.asked_of(task)
        second = self.hall_manager if asked.second else None
        done = day_tasks.done(
            task, number="126" if asked.number is not None else "", note="灭火器压力正常" if asked.text is not None else "",
            second=second, by=who, at=at,
        )  # fmt: skip
        if second is not None:
            day_tasks.sign(done, by=second, at=at + dt.timedelta(seconds=20))

    def _whose(self, task: Task) -> Person:
        """The person named, or one of those who have the post, by turns."""
        if task.person is not None:
            return task.person
        able = [person for person in self.everybody if self.post_of(person).pk == task.post_id]
        return able[task.pk % len(able)] if able else self.duty_manager

    def _secure(self, at: dt.datetime) -> None:
        opening.secure(self.hall, self.on, left_on=opening.STAYS_ON, note="门窗已锁", by=self.duty_manager, at=at)

    # What all share

    def post_of(self, person: Person) -> Post:
        """The first post that he has here."""
        if person.pk not in self._posts:
            self._posts[person.pk] = postings.posts_of(person, self.hall)[0]
        return self._posts[person.pk]

    def _refused(self, person: Person, what: str, refusal: Refused, at: dt.datetime) -> None:
        self.refusals.append(Refusal(person.name, what, at, str(refusal)))

    def _at(self, hour: int, minute: int) -> dt.datetime:
        return self._time(dt.time(hour, minute))

    def _time(self, time: dt.time, on: dt.date | None = None) -> dt.datetime:
        """An instant by the hall's wall clock, of the day unless another is named."""
        return dt.datetime.combine(on or self.on, time, self.hall.zone_info).astimezone(dt.UTC)


def of_hall(hall: Hall, on: dt.date, *, seed: int) -> StaffDay:
    """The staff of a hall, by the kinds of its members; each clerk at the counter of his place in order.

    Raises ValueError where somebody is missing: one of each kind, two floaters, and two clerks.
    """
    people: dict[str, list[Person]] = {}
    for row in (
        Membership.objects.filter(hall=hall, person__is_active=True).select_related("person").order_by("person_id")
    ):
        people.setdefault(row.kind, []).append(row.person)
    wanted = {
        Kind.DUTY_MANAGER: 1, Kind.HALL_MANAGER: 1, Kind.GUARD: 1, Kind.GUIDE: 1, Kind.FLOATER: 2, Kind.RECEPTIONIST: 1, Kind.CLERK: 2,
    }  # fmt: skip
    missing = [kind.value for kind, count in wanted.items() if len(people.get(kind, [])) < count]
    if missing:
        raise ValueError(f"a staffed day needs more people: {', '.join(missing)}")
    return StaffDay(
        hall=hall, on=on, seed=seed, duty_manager=people[Kind.DUTY_MANAGER][0], hall_manager=people[Kind.HALL_MANAGER][0],
        guard=people[Kind.GUARD][0], guide=people[Kind.GUIDE][0], early=people[Kind.FLOATER][0], late=people[Kind.FLOATER][1],
        receptionist=people[Kind.RECEPTIONIST][0], clerks=_at_counters(hall, people), others=people.get(Kind.STAFF, []),
    )  # fmt: skip


def week_day(day: StaffDay, on: dt.date) -> Iterator[rosters.Plan]:
    """One date of the roster: who works alone in his post has the meal of his relief, the duty manager a delegate."""
    hall = day.hall
    zones = {zone.slug: zone for zone in Zone.objects.filter(hall=hall)}
    starts, ends = rosters.span(hall, on, STARTS, ENDS)
    early_ends = rosters.span(hall, on, STARTS, dt.time(14, 15))[1]
    late_starts = rosters.span(hall, on, dt.time(8, 30), ENDS)[0]
    for person, slug, since, until, begins, over in (
        (day.duty_manager, None, starts, ends, dt.time(13), dt.time(13, 30)),
        (day.guard, None, starts, ends, dt.time(12), dt.time(12, 35)),
        (day.guide, "entrance", late_starts, ends, dt.time(11, 30), dt.time(12, 5)),
        (day.late, "selfservice", late_starts, ends, dt.time(12, 10), dt.time(12, 45)),
        (day.early, "waiting", starts, early_ends, dt.time(12, 50), dt.time(13, 25)),
        (day.receptionist, "reception", late_starts, ends, dt.time(11, 30), dt.time(12, 5)),
    ):  # fmt: skip
        meal_from, meal_until = rosters.meal_span(hall, since, begins, over)
        yield rosters.Plan(
            person, day.post_of(person), since, until, zone=zones.get(slug) if slug else None, meal_from=meal_from, meal_until=meal_until,
            delegate=day.receptionist if person is day.duty_manager else None,
        )  # fmt: skip
    for person, counter in day.clerks:
        yield rosters.Plan(person, day.post_of(person), late_starts, ends, counter=counter)
    for person in day.others:
        yield rosters.Plan(person, day.post_of(person), starts, ends)


def _not_before(task: Task) -> dt.time:
    """What belongs to the briefing is ticked once it was held."""
    return BRIEFED if task.moment == Moment.BRIEFING else NOT_BEFORE.get(task.code, dt.time(0))


def _at_counters(hall: Hall, people: dict[str, list[Person]]) -> list[tuple[Person, Counter]]:
    """Clerks by the counters' numbers, the VIP receptionist at the VIP counter, as the simulated ones sit."""
    clerks, hosts = list(people[Kind.CLERK]), list(people.get(Kind.VIP_RECEPTION, []))
    found = []
    for counter in Counter.objects.filter(hall=hall).order_by("number"):
        group = hosts if counter.kind == Counter.Kind.VIP and hosts else clerks
        if group:
            found.append((group.pop(0), counter))
    return found
