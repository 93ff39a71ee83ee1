"""What a form of the staff's pages asks for: numbers, days and rows of the hall, or a refusal in words."""

import datetime as dt
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from hall import access, text
from hall.models import Hall, Person
from hall.refusals import Invalid
from hall.taps import Outcome

MOST = 999_999_999  # the greatest id that a form may name
FIRST, LAST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)  # days that can be asked for

M = TypeVar("M", bound=Model)


def person(request: HttpRequest) -> Person:
    """Who taps: the staff's pages open to people only, not to devices."""
    assert isinstance(request.user, Person)
    return request.user


def row(request: HttpRequest, name: str, rows: QuerySet[M]) -> M:
    """The row whose id the form names, among these. 404 for any other, Invalid for no number."""
    return get_object_or_404(rows, pk=text.whole_number(request.POST.get(name, ""), least=1, most=MOST))


def rows(request: HttpRequest, name: str, among: QuerySet[M]) -> list[M]:
    """The rows that the form ticks, among these; others are left out. Raises Invalid for what is no number."""
    pks = [text.whole_number(value, least=1, most=MOST) for value in request.POST.getlist(name)]
    return list(among.filter(pk__in=pks))


def staff(hall: Hall) -> QuerySet[Person]:
    """The hall's active people."""
    return Person.objects.filter(memberships__hall=hall, is_active=True).distinct()


def date(words: str) -> dt.date | None:
    """A day as date inputs send it; None when empty. Raises Invalid for anything else, or a day of another century."""
    if not words.strip():
        return None
    try:
        on = dt.date.fromisoformat(words.strip())
    except ValueError:
        on = None
    if on is None or not FIRST <= on <= LAST:
        raise Invalid(_("Please give a date as 2026-11-24."))
    return on


def seen(request: HttpRequest, hall: Hall) -> dict[str, object]:
    """What every page of the staff is given."""
    return {"hall": hall, "may": access.rights_of(person(request), hall).now}


def said(request: HttpRequest, outcome: Outcome, place: str) -> HttpResponse:
    """A refusal in words into the place that is for words, so that what was typed stays (htmx 2, HX-Retarget)."""
    answer = render(request, "roles/_said.html", {"refusal": outcome.message}, status=outcome.status)
    answer["HX-Retarget"], answer["HX-Reswap"] = place, "innerHTML"
    return answer
