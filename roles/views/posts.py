"""The posts of a hall and what each of them is: read by everybody who belongs to it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import access, postings
from hall.access import Action
from hall.models import Hall, Person, Posting
from roles import posts as reading


@never_cache
@require_GET
def posts(request: HttpRequest, code: str) -> HttpResponse:
    """All posts that the hall has, by group, and who holds each now."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    standing = reading.standing(hall)
    groups = [
        (name, [(post, _held(held, standing.get(post.slug, []))) for post, held in rows])
        for name, rows in reading.by_group(hall)
    ]
    return render(request, "roles/posts.html", _shown(request, hall) | {"groups": groups})


@never_cache
@require_GET
def post(request: HttpRequest, code: str, slug: str) -> HttpResponse:
    """One post: mission, zones, idle and busy behaviour, duties, conduct card (O-18). 404 for one that the hall has not."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    found = next((post for post in postings.posts_of_hall(hall) if post.slug == slug), None)
    if found is None:
        raise Http404
    held = _held(reading.holders(hall).get(found.pk, []), reading.standing(hall).get(slug, []))
    return render(request, "roles/post.html", _shown(request, hall) | {"page": reading.page(found, hall), "held": held})


def _shown(request: HttpRequest, hall: Hall) -> dict[str, object]:
    return {"hall": hall, "may": access.rights_of(request.user, hall).now}  # type: ignore[arg-type]


def _held(held: list[Posting], standing: list[Person]) -> list[dict[str, object]]:
    """Who holds a post, where, and since when; `since` is None for who is it at all hours."""
    taken: list[dict[str, object]] = [
        {"name": one.person.name, "place": reading.place(one), "since": one.since, "is_delegate": one.is_delegate}
        for one in held
    ]
    return taken + [{"name": person.name, "place": "", "since": None, "is_delegate": False} for person in standing]


urlpatterns = [
    path("h/<slug:code>/posts/", posts, name="posts"),
    path("h/<slug:code>/posts/<slug:slug>/", post, name="post"),
]
