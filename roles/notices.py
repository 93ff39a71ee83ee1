"""Every write to a notice and to a reading: written, withdrawn, read, told; and what somebody still has to read (R-B08)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hall import live, postings, text
from hall.models import Hall, Kind, Membership, Person, Post
from hall.refusals import Invalid, Refused, WrongState
from hall.templatetags.hall import day
from roles import staff
from roles.models import Briefing, Notice, Reading

NAMED = 3  # titles that a refusal names; of further ones it gives the number


class NotRead(Refused):
    """Somebody would take his post without having read what he must (R-B08)."""

    default = gettext_lazy("Please read your notices first.")


@dataclass(frozen=True)
class Owed:
    """One thing that somebody still has to read: a notice, or the record of a briefing that he missed."""

    notice: Notice | None = None
    briefing: Briefing | None = None

    @property
    def title(self) -> str:
        if self.notice is not None:
            return self.notice.title
        assert self.briefing is not None
        return _("Briefing of %(day)s") % {"day": day(self.briefing.on)}


def standing(hall: Hall, on: dt.date) -> QuerySet[Notice]:
    """The notices that a hall's staff have to know on a date, those to come included, newest first; with their audience."""
    of_hall = Q(hall=hall) | Q(hall=None)
    lasting = Q(ends_on=None) | Q(ends_on__gte=on)
    return (
        Notice.objects.filter(of_hall, lasting, withdrawn_at=None)
        .select_related("written_by")
        .prefetch_related("audience")
    )


def audience_of(notice: Notice) -> set[int]:
    """The ids of the posts that a notice is for; empty: for everybody. No query where it came from standing()."""
    return {post.pk for post in notice.audience.all()}


def for_person(person: Person, hall: Hall, on: dt.date) -> list[Notice]:
    """The standing notices of a person's posts, newest first. Four queries."""
    held = {post.pk for post in postings.posts_of(person, hall)}
    return [notice for notice in standing(hall, on) if not (audience := audience_of(notice)) or audience & held]


def owed(person: Person, hall: Hall, at: dt.datetime) -> list[Owed]:
    """What a person has to read before he takes his post: notices in force that must be read, and briefings that he missed.

    Oldest first, briefings before notices. Six queries, whatever there is.
    """
    on = hall.business_date(at)
    read = set(Reading.objects.filter(person=person, notice__isnull=False).values_list("notice_id", flat=True))
    notices = [
        notice
        for notice in for_person(person, hall, on)
        if notice.must_be_read and notice.effective_from <= on and notice.pk not in read
    ]
    missed = [Owed(briefing=briefing) for briefing in _missed(person, hall)]
    return missed + [Owed(notice=notice) for notice in reversed(notices)]


def require_read(person: Person, hall: Hall, at: dt.datetime) -> None:
    """Guard before a counter opens. Raises NotRead, naming what is owed and where it is read (R-B08, O-08)."""
    titles = [one.title for one in owed(person, hall, at)]
    if not titles:
        return
    said = {"titles": ", ".join(f"“{title}”" for title in titles[:NAMED]), "count": len(titles) - NAMED}
    if len(titles) > NAMED:
        raise NotRead(_("First read what you missed, in “Notices”: %(titles)s and %(count)d more.") % said)
    raise NotRead(_("First read what you missed, in “Notices”: %(titles)s.") % said)


def write(
    hall: Hall | None, *, title_zh: str = "", title_en: str = "", body_zh: str = "", body_en: str = "",
    effective_from: dt.date, ends_on: dt.date | None = None, audience: Iterable[Post] = (), must_be_read: bool = False,
    changes_service: bool = False, by: Person, at: dt.datetime,
) -> Notice:  # fmt: skip
    """A notice goes out: to one hall, or without one to all, which only headquarters may. One language is enough.

    Raises Invalid without a title or a text in the same language, or for an end before the beginning or in the past.
    """
    words = {
        "title_zh": text.clean(title_zh, most=80),
        "title_en": text.clean(title_en, most=120),
        "body_zh": text.clean(body_zh, most=4000, lines=True),
        "body_en": text.clean(body_en, most=6000, lines=True),
    }
    _require_words(words)
    if ends_on is not None and ends_on < effective_from:
        raise Invalid(_("The last day lies before the first."))
    if ends_on is not None and ends_on < (hall.business_date(at) if hall is not None else at.date()):
        raise Invalid(_("The last day is over already."))
    if hall is None and not is_headquarters(by):
        raise Invalid(_("Only headquarters write notices for all halls."))
    notice = Notice.objects.create(
        hall=hall, **words, effective_from=effective_from, ends_on=ends_on, must_be_read=must_be_read or changes_service,
        changes_service=changes_service, written_by=by, written_at=at,
    )  # fmt: skip
    notice.audience.set(audience)
    if hall is not None:
        live.announce(hall.pk, "notices")
    return notice


def withdraw(notice: Notice, *, by: Person, at: dt.datetime) -> None:
    """A notice is no longer in force; who has read it stays written. Withdrawing twice changes nothing.

    Raises Invalid for a notice for all halls, unless headquarters withdraw it.
    """
    if notice.hall_id is None and not is_headquarters(by):
        raise Invalid(_("Only headquarters withdraw a notice for all halls."))
    Notice.objects.filter(pk=notice.pk, withdrawn_at=None).update(withdrawn_at=at, withdrawn_by=by)
    if notice.hall_id is not None:
        live.announce(notice.hall_id, "notices")


def read(thing: Notice | Briefing, hall: Hall, *, by: Person, at: dt.datetime) -> None:
    """The receipt: somebody has read a notice, or the record of a briefing. A second one changes nothing.

    Raises WrongState for a notice withdrawn meanwhile or a briefing that still goes on.
    """
    _require_readable(thing)
    receipts([by], [thing], told_by=None, at=at)
    live.announce(hall.pk, "notices")


def tell(thing: Notice | Briefing, person: Person, hall: Hall, *, by: Person, at: dt.datetime) -> None:
    """Whoever holds the briefings explained it to somebody, who then need not read it himself (R-B08). Twice changes nothing.

    Raises as read(), and Invalid for telling oneself.
    """
    if person.pk == by.pk:
        raise Invalid(_("What you have to know yourself, read yourself."))
    _require_readable(thing)
    receipts([person], [thing], told_by=by, at=at)
    live.announce(hall.pk, "notices")


def receipts(
    people: Iterable[Person], things: Iterable[Notice | Briefing], *, told_by: Person | None, at: dt.datetime
) -> None:
    """Write a reading for each person and thing, where there is none yet. One query."""
    things = list(things)
    Reading.objects.bulk_create(
        [
            Reading(
                person=person, notice=thing if isinstance(thing, Notice) else None,
                briefing=thing if isinstance(thing, Briefing) else None, at=at, told_by=told_by,
            )
            for person in people
            for thing in things
        ],
        ignore_conflicts=True,
    )  # fmt: skip


def unread_by(things: Iterable[Notice], members: Iterable[staff.Member]) -> dict[int, list[Person]]:
    """Notice id → those of the hall's staff whom it is for and who have not read it, in their order. One query."""
    things, members = list(things), list(members)
    done = set(Reading.objects.filter(notice__in=things).values_list("notice_id", "person_id"))
    return {
        notice.pk: [
            one.person
            for one in members
            if one.is_among(audience_of(notice)) and (notice.pk, one.person.pk) not in done
        ]
        for notice in things
    }


def is_headquarters(person: Person) -> bool:
    """Whether a person belongs to headquarters. One query."""
    return Membership.objects.filter(person=person, kind=Kind.HEADQUARTERS).exists()


def _missed(person: Person, hall: Hall) -> list[Briefing]:
    """The briefings that somebody was away from and has not read since, oldest first. One query."""
    missed = Briefing.objects.filter(
        hall=hall, ended_at__isnull=False, attendances__person=person, attendances__is_present=False
    )
    return list(missed.exclude(readings__person=person).select_related("host").order_by("on"))


def _require_words(words: dict[str, str]) -> None:
    if not words["title_zh"] and not words["title_en"]:
        raise Invalid(_("Please give the notice a title."))
    for language in ("zh", "en"):
        if bool(words[f"title_{language}"]) != bool(words[f"body_{language}"]):
            raise Invalid(_("Please give title and text in the same language."))


def _require_readable(thing: Notice | Briefing) -> None:
    if isinstance(thing, Notice) and thing.withdrawn_at is not None:
        raise WrongState(_("This notice was withdrawn meanwhile."))
    if isinstance(thing, Briefing) and not thing.is_over:
        raise WrongState(_("This briefing still goes on."))
