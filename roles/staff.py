"""Who belongs to a hall, and in which posts: whom a notice is for, who is expected at a briefing. Reads only."""

from dataclasses import dataclass

from hall.models import Hall, Kind, Membership, Person, Post
from hall.postings import USUAL


@dataclass(frozen=True)
class Member:
    """Somebody of the hall's staff and the posts that he may take there."""

    person: Person
    posts: tuple[Post, ...]

    def is_among(self, audience: set[int]) -> bool:
        """Whether something for these posts (ids; none: for everybody) is for him."""
        return not audience or any(post.pk in audience for post in self.posts)

    @property
    def post_names(self) -> str:
        return " · ".join(post.name for post in self.posts)


def of_hall(hall: Hall) -> list[Member]:
    """The hall's active staff by post and login, headquarters aside. Two queries."""
    rows = (
        Membership.objects.filter(hall=hall, person__is_active=True)
        .exclude(kind=Kind.HEADQUARTERS)
        .select_related("person", "post")
    )
    usual = {post.slug: post for post in Post.objects.filter(slug__in=USUAL.values())}
    people: dict[int, Person] = {}
    posts: dict[int, dict[int, Post]] = {}
    for row in rows:
        post = row.post or usual.get(USUAL.get(Kind(row.kind), ""))
        people[row.person_id] = row.person
        posts.setdefault(row.person_id, {})
        if post is not None:
            posts[row.person_id][post.pk] = post
    members = [
        Member(person, tuple(sorted(posts[pk].values(), key=lambda post: (post.position, post.code))))
        for pk, person in people.items()
    ]
    return sorted(members, key=lambda one: (min((post.position for post in one.posts), default=999), one.person.login))


def person_of(hall: Hall, pk: int) -> Person | None:
    """One of the hall's active staff by id, None for anybody else. One query."""
    return Person.objects.filter(pk=pk, is_active=True, memberships__hall=hall).distinct().first()
