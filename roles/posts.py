"""What a post's page says: who holds it, what it owes and how it conducts itself. Reads only."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from hall import postings
from hall.models import STANDING, Hall, Kind, Membership, Person, Post, Posting, Zone
from roles import catalogue
from roles.models import ConductItem, Duty, Moment


@dataclass(frozen=True)
class Owed:
    """One duty as the page shows it; `zone` and `record` are names, empty where it has none."""

    code: str
    text: str
    cadence: str
    zone: str
    record: str


@dataclass(frozen=True)
class PostPage:
    """A post in the language in force: the zones' names, the duties of each moment in the day's order, the card in order."""

    post: Post
    zones: list[str]
    moments: list[tuple[str, str, list[Owed]]]  # slug, name, duties
    conduct: list[ConductItem]
    duty_count: int


def page(post: Post, hall: Hall | None) -> PostPage:
    """What a post is and owes, with the zone names of this hall, the catalogue's without one. Three queries."""
    zones = zone_names(hall)
    duties = list(Duty.objects.filter(post=post, is_active=True).order_by("position", "code"))
    moments = [
        (moment.value, str(moment.label), [_owed(duty, zones) for duty in duties if duty.moment == moment])
        for moment in Moment
    ]
    return PostPage(
        post=post,
        zones=[zones.get(slug, slug) for slug in post.zone_slugs],
        moments=[moment for moment in moments if moment[2]],
        conduct=list(ConductItem.objects.filter(post=post, is_active=True).order_by("position", "rule")),
        duty_count=len(duties),
    )


def zone_names(hall: Hall | None) -> dict[str, str]:
    """Zone slug → name: the hall's own, the catalogue's where it has none. One query with a hall, none without."""
    names = {slug: name.name for slug, name in catalogue.zone_names().items()}
    return names | {zone.slug: zone.name for zone in Zone.objects.filter(hall=hall)} if hall is not None else names


def by_group(hall: Hall) -> list[tuple[str, list[tuple[Post, list[Posting]]]]]:
    """The posts that a hall has by group, each with who holds it now, longest first. Three queries."""
    held = holders(hall)
    groups: dict[str, list[tuple[Post, list[Posting]]]] = {}
    for post in postings.posts_of_hall(hall):
        groups.setdefault(post.group, []).append((post, held.get(post.pk, [])))
    return [(str(group.label), groups[group]) for group in Post.Group if group in groups]


def holders(hall: Hall) -> dict[int, list[Posting]]:
    """Post id → its open postings, with person, zone and counter, longest first. One query."""
    rows = Posting.objects.filter(hall=hall, until=None).select_related("person", "zone", "counter")
    found: dict[int, list[Posting]] = {}
    for posting in rows.order_by("since", "pk"):
        found.setdefault(posting.post_id, []).append(posting)
    return found


def _owed(duty: Duty, zones: dict[str, str]) -> Owed:
    record = catalogue.record_names().get(duty.record)
    return Owed(
        code=duty.code,
        text=duty.text,
        cadence=str(duty.get_cadence_display()),
        zone=zones.get(duty.zone_slug, duty.zone_slug),
        record=record.name if record is not None else duty.record,
    )


def standing(hall: Hall) -> dict[str, list[Person]]:
    """Post slug → who is this at all hours, without taking it: hall managers and headquarters. One query."""
    rows = Membership.objects.filter(hall=hall, kind__in=STANDING, person__is_active=True).select_related(
        "person", "post"
    )
    found: dict[str, list[Person]] = {}
    for row in rows.order_by("person__login"):
        found.setdefault(row.post.slug if row.post is not None else postings.USUAL[Kind(row.kind)], []).append(
            row.person
        )
    return found


def place(posting: Posting) -> str:
    """Where somebody holds a post: counter 3, a zone's name, or empty."""
    if posting.counter is not None:
        return _("counter %(number)s") % {"number": posting.counter.number}
    return posting.zone.name if posting.zone is not None else ""
