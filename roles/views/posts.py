"""The posts of a hall and what each of them is: read by everybody who belongs to it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import access, postings
from hall.access import Action
from hall.models import Hall, Posting
from roles import posts as reading


@never_cache
@require_GET
def posts(request: HttpRequest, code: str) -> HttpResponse:
    """All posts that the hall has, by group, and who holds each now."""
    hall = access.hall(request, code, Action.SEE_POSTS)
    groups = [
        (name, [(post, [_held(posting, hall) for posting in held]) for post, held in rows])
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
    held = [_held(posting, hall) for posting in reading.holders(hall).get(found.pk, [])]
    return render(request, "roles/post.html", _shown(request, hall) | {"page": reading.page(found, hall), "held": held})


def _shown(request: HttpRequest, hall: Hall) -> dict[str, object]:
    return {"hall": hall, "may": access.rights_of(request.user, hall).now}  # type: ignore[arg-type]


def _held(posting: Posting, hall: Hall) -> dict[str, object]:
    """Who holds a post, where, and since when on the hall's clock."""
    return {
        "name": posting.person.name, "place": reading.place(posting), "since": posting.since, "is_delegate": posting.is_delegate,
    }  # fmt: skip


urlpatterns = [
    path("h/<slug:code>/posts/", posts, name="posts"),
    path("h/<slug:code>/posts/<slug:slug>/", post, name="post"),
]
