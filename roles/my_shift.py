"""What "my shift" shows one person: what he holds and may hold, and what others ask of him. Reads only."""

import datetime as dt
from dataclasses import dataclass

from hall import access, postings
from hall.access import Action
from hall.models import Hall, Kind, Membership, Person, Post, Posting, Zone
from roles.models import LeaveRequest

AT_COUNTERS = frozenset({Kind.CLERK})  # the kinds of post that are held at a counter: signing in there takes them
WHOLE = "whole"  # the zone that is no place: all of the hall


@dataclass(frozen=True)
class Place:
    """Where a post can be held: a zone of the hall, and who is there in this post now."""

    zone: Zone
    mine: Posting | None
    others: list[str]


@dataclass(frozen=True)
class Offer:
    """A post that the person has: how it is taken, and whether he holds it."""

    post: Post
    is_standing: bool  # held at all hours, nothing to take
    at_counter: bool
    places: list[Place]  # where he chooses between several
    zone: Zone | None  # the one place where there is only one
    held: bool


@dataclass(frozen=True)
class MyShift:
    """The page of one person in one hall at one instant."""

    hall: Hall
    person: Person
    at: dt.datetime
    may: frozenset[Action]
    held: list[Posting]
    offers: list[Offer]
    asked: dict[int, LeaveRequest]  # posting id → one's own open request
    refused: list[LeaveRequest]  # one's own, refused since the post was taken
    to_answer: list[LeaveRequest]
    delegates: list[Posting]
    colleagues: list[Person]  # on shift now, who may stand in
    names_delegates: bool
    posts: frozenset[int]  # the posts held now, those of all hours included
    now: list[Posting]  # everybody's

    @property
    def to_take(self) -> list[Offer]:
        """The posts with something to choose: one that is held and has one place is said already."""
        return [offer for offer in self.offers if offer.places or not offer.held]


def load(hall: Hall, person: Person, at: dt.datetime) -> MyShift:
    """Everything the page shows but tasks. Four queries, five where a membership names no post."""
    belongs = list(Membership.objects.filter(person=person, hall=hall).select_related("post"))
    now = list(
        Posting.objects.filter(hall=hall, until=None)
        .select_related("person", "post", "zone", "counter")
        .order_by("since", "id")
    )
    held = [row for row in now if row.person_id == person.pk]
    may = _rights(hall, belongs, held)
    zones = list(Zone.objects.filter(hall=hall))
    leaves = list(
        LeaveRequest.objects.filter(hall=hall, posting__until=None)
        .exclude(state__in=[LeaveRequest.State.GRANTED, LeaveRequest.State.WITHDRAWN])
        .select_related("person", "posting__post", "posting__zone", "answered_by")
    )
    asked = {row.posting_id: row for row in leaves if row.state == LeaveRequest.State.ASKED}
    mine = {posting_id: row for posting_id, row in asked.items() if row.person_id == person.pk}
    assigns = Action.ASSIGN in may
    managing = [row for row in now if row.post.kind == Kind.DUTY_MANAGER]
    own = [row for row in managing if row.person_id == person.pk]
    offered = _posts(belongs)
    names = assigns and not (own and all(row.is_delegate for row in own))
    return MyShift(
        hall=hall,
        person=person,
        at=at,
        may=may,
        held=held,
        offers=[_offer(post, is_standing, now, held, zones) for post, is_standing in offered],
        asked=mine,
        refused=_last_refusals(leaves, person, mine),
        to_answer=[row for row in asked.values() if row.person_id != person.pk] if assigns else [],
        delegates=[row for row in managing if row.is_delegate and row.person_id != person.pk] if assigns else [],
        colleagues=_colleagues(now, managing, person) if names else [],
        names_delegates=names,
        posts=frozenset({row.post_id for row in held} | {post.pk for post, is_standing in offered if is_standing}),
        now=now,
    )


def _rights(hall: Hall, belongs: list[Membership], held: list[Posting]) -> frozenset[Action]:
    """What the person may now, from the rows the page needs anyway (as access.rights_of)."""
    kinds = [(Kind(row.kind), row.kind in access.STANDING or hall.clock == "played") for row in belongs]
    known = {row.kind for row in belongs}
    posts = [(Kind(row.post.kind), True) for row in held if row.post.kind in known or (row.is_delegate and belongs)]
    return access.rights([*kinds, *posts]).now


def _posts(belongs: list[Membership]) -> list[tuple[Post, bool]]:
    """The posts of somebody, in order, each once, and whether he holds it at all hours."""
    usual = {
        postings.USUAL[Kind(row.kind)]: row for row in belongs if row.post is None and Kind(row.kind) in postings.USUAL
    }
    found = {row.post.pk: (row.post, row.kind in access.STANDING) for row in belongs if row.post is not None}
    if usual:
        for post in Post.objects.filter(slug__in=usual):
            found.setdefault(post.pk, (post, usual[post.slug].kind in access.STANDING))
    posts = [entry for entry in found.values() if entry[0].is_active]
    return sorted(posts, key=lambda entry: (entry[0].position, entry[0].code))


def _offer(post: Post, is_standing: bool, now: list[Posting], held: list[Posting], zones: list[Zone]) -> Offer:
    at_counter = post.kind in AT_COUNTERS
    fitting = [zone for zone in zones if zone.slug in post.zone_slugs and zone.slug != WHOLE]
    there = [row for row in now if row.post_id == post.pk]
    mine = {row.zone_id: row for row in held if row.post_id == post.pk}
    places = [
        Place(zone, mine.get(zone.pk), [row.person.name for row in there if row.zone_id == zone.pk and row not in held])
        for zone in fitting
    ]
    return Offer(
        post=post,
        is_standing=is_standing,
        at_counter=at_counter,
        places=[] if at_counter or len(places) < 2 else places,
        zone=fitting[0] if len(fitting) == 1 else None,
        held=bool(mine),
    )


def _last_refusals(leaves: list[LeaveRequest], person: Person, asked: dict[int, LeaveRequest]) -> list[LeaveRequest]:
    """The newest refusal of each posting still held, unless he has asked again."""
    newest = {
        row.posting_id: row for row in leaves if row.person_id == person.pk and row.state == LeaveRequest.State.REFUSED
    }
    return [row for posting_id, row in newest.items() if posting_id not in asked]


def _colleagues(now: list[Posting], managing: list[Posting], person: Person) -> list[Person]:
    """Who is on shift and is neither duty manager nor standing in already, by name."""
    taken = {row.person_id for row in managing} | {person.pk}
    found = {row.person_id: row.person for row in now if row.person_id not in taken}
    return sorted(found.values(), key=lambda one: one.login)
