"""What the notices' page shows one person: what he has to read, what he has read, who has not. Reads only."""

import datetime as dt
from dataclasses import dataclass, field

from django.db.models import Q

from hall import postings
from hall.models import Hall, Person
from roles import notices, staff
from roles.briefing_page import Told, told
from roles.models import Attendance, Briefing, Notice, Reading

ARCHIVE_MOST = 40
MISSED_MOST = 10  # briefings whose readers are shown


@dataclass(frozen=True)
class Line:
    """A notice as one person sees it."""

    notice: Notice
    audience: str  # names of posts, empty for everybody
    reading: Reading | None  # one's own
    read_at: dt.datetime | None  # as the hall's clock showed it
    is_for_me: bool
    applies: bool  # already, on this day
    locks: bool  # while it is unread, the counter stays closed
    unread: list[Person] = field(default_factory=list)  # for who holds briefings


@dataclass(frozen=True)
class Missed:
    """A briefing, and who was away and has not read it yet."""

    briefing: Briefing
    unread: list[Person]


@dataclass(frozen=True)
class NoticePage:
    """To read first, then the rest; newest first."""

    briefings: list[tuple[Briefing, Told]]  # missed and unread, oldest first, with what was told there
    unread: list[Line]
    others: list[Line]  # read, or of other posts
    missed: list[Missed]
    archive: list[Notice]

    @property
    def owed_count(self) -> int:
        return len(self.briefings) + len(self.unread)


def load(hall: Hall, person: Person, at: dt.datetime, *, all_posts: bool) -> NoticePage:
    """The page at one instant; `all_posts`: the notices of all posts too, and who has not read. 15 queries at most."""
    on = hall.business_date(at)
    mine = {post.pk for post in postings.posts_of(person, hall)}
    standing = list(notices.standing(hall, on))
    readings = {
        row.notice_id: row
        for row in Reading.objects.filter(person=person, notice__in=standing).select_related("told_by")
    }
    unread = notices.unread_by(standing, staff.of_hall(hall)) if all_posts else {}
    lines = [_line(one, mine, readings.get(one.pk), unread.get(one.pk, []), hall, on) for one in standing]
    shown = [line for line in lines if all_posts or line.is_for_me]
    return NoticePage(
        briefings=[
            (one.briefing, told(one.briefing.words))
            for one in notices.owed(person, hall, at)
            if one.briefing is not None
        ],
        unread=[line for line in shown if line.is_for_me and line.reading is None],
        others=[line for line in shown if not line.is_for_me or line.reading is not None],
        missed=missed(hall) if all_posts else [],
        archive=_archive(hall, on),
    )


def missed(hall: Hall) -> list[Missed]:
    """The last briefings that somebody was away from and has not read yet, newest first. Three queries."""
    last = list(Briefing.objects.filter(hall=hall, ended_at__isnull=False).order_by("-on")[:MISSED_MOST])
    away = Attendance.objects.filter(briefing__in=last, is_present=False, person__is_active=True).select_related(
        "person"
    )
    done = set(Reading.objects.filter(briefing__in=last).values_list("briefing_id", "person_id"))
    found = {
        one.pk: [row.person for row in away if row.briefing_id == one.pk and (one.pk, row.person_id) not in done]
        for one in last
    }
    return [Missed(one, found[one.pk]) for one in last if found[one.pk]]


def _line(
    notice: Notice, mine: set[int], reading: Reading | None, unread: list[Person], hall: Hall, on: dt.date
) -> Line:
    audience = notices.audience_of(notice)
    applies = notice.effective_from <= on
    return Line(
        notice=notice,
        audience=" · ".join(post.name for post in notice.audience.all()),
        reading=reading,
        read_at=hall.local(reading.at) if reading else None,
        is_for_me=not audience or bool(audience & mine),
        applies=applies,
        locks=notice.must_be_read and applies,
        unread=unread,
    )


def _archive(hall: Hall, on: dt.date) -> list[Notice]:
    """What is no longer in force, newest first. One query."""
    over = Q(withdrawn_at__isnull=False) | Q(ends_on__lt=on)
    return list(Notice.objects.filter(Q(hall=hall) | Q(hall=None), over).select_related("written_by")[:ARCHIVE_MOST])
