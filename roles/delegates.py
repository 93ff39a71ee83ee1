"""The duty manager's delegate: a colleague on shift who stands in for him (O-02)."""

import datetime as dt

from django.utils.translation import gettext as _

from hall import postings
from hall.models import Hall, Kind, Person, Post, Posting
from hall.refusals import Invalid, WrongState


def name(person: Person, hall: Hall, *, by: Person, at: dt.datetime) -> Posting:
    """The colleague stands in as duty manager from now on, until he or the duty manager ends it. Naming twice changes nothing.

    Raises WrongState if he is not on shift here, is duty manager himself, or `by` is only a delegate; Invalid for oneself.
    """
    if person.pk == by.pk:
        raise Invalid(_("Please choose a colleague."))
    held = list(Posting.objects.filter(hall=hall, person__in=[person, by], until=None).select_related("post"))
    theirs = [row for row in held if row.person_id == person.pk]
    mine = [row for row in held if row.person_id == by.pk and row.post.kind == Kind.DUTY_MANAGER]
    if not theirs:
        raise WrongState(_("%(name)s is not on shift now.") % {"name": person.name})
    if mine and all(row.is_delegate for row in mine):
        raise WrongState(_("You stand in yourself. Only the duty manager names who stands in."))
    if any(row.post.kind == Kind.DUTY_MANAGER and not row.is_delegate for row in theirs):
        raise WrongState(_("%(name)s is duty manager already.") % {"name": person.name})
    post = mine[0].post if mine else Post.objects.get(slug=postings.USUAL[Kind.DUTY_MANAGER])
    return postings.take(person, hall, post, is_delegate=True, by=by, at=at)


def end(posting: Posting, *, by: Person, at: dt.datetime) -> None:
    """The colleague stands in no longer. Raises WrongState if that ended already, or he holds the post in his own right."""
    if not posting.is_delegate:
        raise WrongState(_("He holds the post in his own right."))
    postings.leave(posting, reason="delegate", by=by, at=at)
