"""Every write to a posting: taking and leaving a post, and the rights that come and go with it."""

import datetime as dt
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from hall import live, plain
from hall.models import Counter, Hall, HallPost, Membership, Person, Post, Posting, Zone
from hall.models.people import Kind
from hall.refusals import CounterTaken, Invalid, WrongState

# The post that somebody of this kind has where his membership names none.
USUAL = {
    Kind.HEADQUARTERS: "branch-service-office",
    Kind.HALL_MANAGER: "hall-manager",
    Kind.DUTY_MANAGER: "duty-manager",
    Kind.CLERK: "counter-clerk",
    Kind.VIP_RECEPTION: "vip-receptionist",
    Kind.GUIDE: "guide",
    Kind.FLOATER: "floater",
    Kind.GUARD: "security-guard",
    Kind.RECEPTIONIST: "customer-receptionist",
}


def posts_of_hall(hall: Hall) -> list[Post]:
    """The posts that a hall has, in order: all but extended ones, unless the hall says otherwise (O-17). Two queries."""
    return _used(hall, Post.objects.filter(is_active=True).exclude(group=Post.Group.TASKS))


def posts_of(person: Person, hall: Hall) -> list[Post]:
    """The posts that a person may take in a hall, in order; those that the hall does not have are none of them. Three queries."""
    rows = list(Membership.objects.filter(person=person, hall=hall).select_related("post"))
    named = {row.post.pk: row.post for row in rows if row.post is not None}
    slugs = [USUAL[Kind(row.kind)] for row in rows if row.post is None and row.kind in USUAL]
    named |= {post.pk: post for post in Post.objects.filter(slug__in=slugs)}
    posts = sorted((post for post in named.values() if post.is_active), key=lambda post: (post.position, post.code))
    return _used(hall, posts)


def held_by(person: Person, hall: Hall) -> list[Posting]:
    """What a person holds in a hall now, with post, zone and counter. One query."""
    return list(Posting.objects.filter(person=person, hall=hall, until=None).select_related("post", "zone", "counter"))


def take(
    person: Person, hall: Hall, post: Post, *, zone: Zone | None = None, counter: Counter | None = None, is_delegate: bool = False,
    by: Person | None, at: dt.datetime,
) -> Posting:  # fmt: skip
    """A person holds this post from now on, in this zone or at this counter. Taking it twice changes nothing.

    Raises Invalid for a post that the person has not learnt or a zone of another hall, CounterTaken where the counter
    has a colleague or the person another counter.
    """
    if zone is not None and zone.hall_id != hall.pk:
        raise Invalid(_("Please choose a zone of this hall."))
    if not is_delegate and post.pk not in {known.pk for known in posts_of(person, hall)}:
        raise Invalid(_("%(name)s does not have the post %(post)s here.") % {"name": person.name, "post": post.name})
    with transaction.atomic():
        held = Posting.objects.filter(person=person, hall=hall, post=post, until=None)
        found = held.filter(zone=zone, counter=counter).first()
        if found is not None:
            return found
        if zone is not None or counter is not None:  # from "somewhere" to a place: one posting, not two
            end(held.filter(zone=None, counter=None), reason="moved", by=by, at=at)
        try:
            with transaction.atomic():  # the constraint's refusal undoes the insert only
                made = Posting.objects.create(
                    hall=hall, person=person, post=post, zone=zone, counter=counter, since=at, is_delegate=is_delegate, by=by
                )  # fmt: skip
        except IntegrityError as error:
            found = held.filter(zone=zone, counter=counter).first()  # two tabs at once: the other was quicker
            if found is not None:
                return found
            raise _taken(error, person, counter) from error
        live.announce(hall.pk, "postings")
    return made


def send(person: Person, zone: Zone, *, only_here: bool, by: Person | None, at: dt.datetime) -> Posting:
    """Somebody who is on his post goes to this zone; `only_here`: and leaves every other (R-Q20, a busy hall).

    Raises WrongState for somebody who holds no post, or is at a counter.
    """
    with transaction.atomic():
        held = held_by(person, zone.hall)
        if any(posting.counter_id for posting in held):
            raise WrongState(_("%(name)s is at a counter. Close it first.") % {"name": person.name})
        if not held:
            raise WrongState(_("%(name)s holds no post now.") % {"name": person.name})
        first = next((posting for posting in held if posting.zone_id == zone.pk), held[0])
        if only_here:
            elsewhere = Posting.objects.filter(person=person, hall=zone.hall, zone__isnull=False, until=None)
            end(elsewhere.exclude(zone=zone), reason="moved", by=by, at=at)
        return take(person, zone.hall, first.post, zone=zone, by=by, at=at, is_delegate=first.is_delegate)


def relieve(posting: Posting, *, by: Person | None, at: dt.datetime) -> None:
    """Somebody leaves a zone and stays on his post, unless he has it no more. Raises WrongState if he has left it already."""
    with transaction.atomic():
        leave(posting, reason="relieved", by=by, at=at)
        still = Posting.objects.filter(
            person=posting.person_id, hall=posting.hall_id, post=posting.post_id, until=None
        ).exists()
        if not still and (posting.is_delegate or posting.post in posts_of(posting.person, posting.hall)):
            take(posting.person, posting.hall, posting.post, is_delegate=posting.is_delegate, by=by, at=at)


def leave(posting: Posting, *, reason: str = "", by: Person | None, at: dt.datetime) -> None:
    """A post is given up. Raises WrongState if it was given up already."""
    if end(Posting.objects.filter(pk=posting.pk), reason=reason, by=by, at=at) != 1:
        raise WrongState(_("This post was given up already."))


def end(held: QuerySet[Posting], *, reason: str = "", by: Person | None, at: dt.datetime) -> int:
    """End the open ones of these postings; announces each hall. Returns how many."""
    halls = set(held.filter(until=None).values_list("hall_id", flat=True))
    ended = 0
    for hall_id in halls:
        rows = held.filter(until=None, hall_id=hall_id)
        rows.filter(since__gt=at).update(since=at)
        ended += rows.update(until=at, ended_by=by, reason=reason)
        live.announce(hall_id, "postings")
    return ended


def end_of_those_gone(*, at: dt.datetime) -> int:
    """What is held by people who are no longer active, or no longer have such a post in the hall, ends. For a sweep.

    Returns how many ended. One query, and one for each hall concerned.
    """
    rows = plain.rows(GONE, {"at": at})
    for hall_id in {hall_id for (hall_id,) in rows}:
        live.announce(hall_id, "postings")
    return len(rows)


GONE = """
    UPDATE hall_posting g SET until = greatest(g.since, %(at)s), reason = 'left the hall'
    FROM hall_person p, hall_post q
    WHERE g.until IS NULL AND p.id = g.person_id AND q.id = g.post_id AND (
        NOT p.is_active OR NOT EXISTS (
            SELECT 1 FROM hall_membership m
            WHERE m.person_id = g.person_id AND m.hall_id = g.hall_id AND (g.is_delegate OR m.kind = q.kind)
        )
    )
    RETURNING g.hall_id
"""


def take_counter(counter: Counter, person: Person, *, by: Person | None, at: dt.datetime) -> None:
    """The posting that goes with a sign-in at a counter (hall.counters); the post is the person's own that serves."""
    posts = posts_of(person, counter.hall)
    serving = [post for post in posts if post.kind in (Kind.CLERK, Kind.VIP_RECEPTION, Kind.DUTY_MANAGER)]
    if not serving:
        return
    vip = counter.kind == Counter.Kind.VIP
    serving.sort(key=lambda post: (post.kind == Kind.DUTY_MANAGER, (post.kind == Kind.VIP_RECEPTION) != vip))
    take(person, counter.hall, serving[0], zone=counter.zone, counter=counter, by=by, at=at)


def leave_counter(counter: Counter, *, reason: str = "", by: Person | None, at: dt.datetime) -> None:
    """Nobody holds this counter any more."""
    end(Posting.objects.filter(counter=counter), reason=reason, by=by, at=at)


def _used(hall: Hall, posts: Iterable[Post]) -> list[Post]:
    """Those of these posts that the hall has: all but extended ones, unless it says otherwise."""
    own = dict(HallPost.objects.filter(hall=hall).values_list("post_id", "is_used"))
    return [post for post in posts if own.get(post.pk, post.group != Post.Group.EXTENDED)]


def _taken(error: IntegrityError, person: Person, counter: Counter | None) -> CounterTaken:
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") or ""
    if name == "counter_has_one_person_at_a_time":
        return CounterTaken(
            _("Somebody else holds counter %(number)s.") % {"number": counter.number if counter else ""}
        )
    if name == "person_at_one_counter_at_a_time":
        return CounterTaken(_("%(name)s is still at another counter.") % {"name": person.name})
    raise error
