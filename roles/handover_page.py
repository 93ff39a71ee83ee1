"""What the handover page shows one person: what waits for his signature, what he gave, what was handed over lately. Reads only."""

from dataclasses import dataclass

from django.db.models import Q

from hall import postings
from hall.models import Counter, Hall, Person, Post
from roles import staff
from roles.models import ShiftHandover

LATELY_MOST = 30


@dataclass(frozen=True)
class HandoverPage:
    """Newest first; each with its items."""

    to_me: list[ShiftHandover]  # wait for my signature
    from_me: list[ShiftHandover]  # wait for a colleague's
    again: list[ShiftHandover]  # mine, refused, and not offered anew since
    lately: list[ShiftHandover]  # answered; of everybody for who holds briefings


def load(hall: Hall, person: Person, *, holds: bool) -> HandoverPage:
    """The page of one person. Four queries."""
    known = (
        ShiftHandover.objects.filter(hall=hall).select_related("hall", "giver", "receiver").prefetch_related("items")
    )
    mine = Q(giver=person) | Q(receiver=person)
    waiting = list(known.filter(mine, state=ShiftHandover.State.OFFERED))
    lately = list((known if holds else known.filter(mine)).exclude(state=ShiftHandover.State.OFFERED)[:LATELY_MOST])
    return HandoverPage(
        to_me=[one for one in waiting if one.receiver_id == person.pk],
        from_me=[one for one in waiting if one.giver_id == person.pk],
        again=[one for one in lately if _is_to_repeat(one, person, [*waiting, *lately])],
        lately=lately,
    )


@dataclass(frozen=True)
class Draft:
    """The form of a handover: who can get it, for which posts and counters, and what was counted last time."""

    posts: list[Post]
    colleagues: list[Person]
    counters: list[Counter]
    post_id: int | None
    counter_id: int | None
    receiver_id: int | None
    items: list[tuple[str, int | None]]
    system_state: str
    open_matters: str


def draft(hall: Hall, person: Person, before: ShiftHandover | None) -> Draft:
    """What the form proposes: the refused handover `before` whole, else the post held now and last time's things. Seven queries."""
    posts = postings.posts_of(person, hall)
    mine = {post.pk for post in posts}
    held = next((one for one in postings.held_by(person, hall) if one.post_id in mine), None)
    last = before or ShiftHandover.objects.filter(hall=hall, post_id__in=mine).order_by("-offered_at").first()
    items = [(one.name, one.count if before else None) for one in last.items.all()] if last else []
    return Draft(
        posts=posts,
        colleagues=[one.person for one in staff.of_hall(hall) if one.person.pk != person.pk and one.is_among(mine)],
        counters=list(Counter.objects.filter(hall=hall)),
        post_id=before.post_id if before else held.post_id if held else None,
        counter_id=before.counter_id if before else held.counter_id if held else None,
        receiver_id=before.receiver_id if before else None,
        items=items,
        system_state=before.system_state if before else "",
        open_matters=before.open_matters if before else "",
    )


def _is_to_repeat(one: ShiftHandover, person: Person, others: list[ShiftHandover]) -> bool:
    """Refused, and the giver has not offered this post and counter again."""
    if one.giver_id != person.pk or one.state != ShiftHandover.State.REFUSED:
        return False
    what = (one.giver_id, one.post_id, one.counter_id)
    return not any((other.giver_id, other.post_id, other.counter_id) == what and other.pk > one.pk for other in others)
