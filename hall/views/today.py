"""The day by hour: K-10, K-11 and K-12 as table, chart and CSV, all from one report."""

import csv
import datetime as dt
import io
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hall import access, clock, reports, text
from hall.access import Action
from hall.models import Hall
from hall.refusals import Invalid
from hall.reports import DayReport, Flow
from roles import coverage

FIRST, LAST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)  # days that can be asked for
PLOT = 96  # height of a chart's bars, px


@never_cache
@require_GET
def today(request: HttpRequest, code: str) -> HttpResponse:
    """A day of the hall by hour; `?on=` names another day than today."""
    hall = access.hall(request, code, Action.SEE_TODAY)
    may = access.rights_of(request.user, hall).now  # type: ignore[arg-type]
    at = clock.now_in(hall, clock.now())
    shown: dict[str, object] = {"hall": hall, "may": may, "today": hall.business_date(at)}
    try:
        report = reports.day(hall, _asked_for(request, hall, at), at=at)
    except Invalid as refusal:
        return render(request, "hall/today.html", shown | {"refusal": str(refusal)}, status=refusal.status)
    shown |= {
        "report": report,
        "at": at,
        "charts": charts(report),
        "vacuum": coverage.vacuum(hall, report.on, at=at),
        "before": _step(report.on, -1),
        "after": _step(report.on, 1),
    }
    return render(request, "hall/today.html", shown)


@never_cache
@require_GET
def today_csv(request: HttpRequest, code: str) -> HttpResponse:
    """The same numbers as a file: UTF-8 with a byte order mark, commas, the head in the person's language."""
    hall = access.hall(request, code, Action.SEE_TODAY)
    at = clock.now_in(hall, clock.now())
    try:
        report = reports.day(hall, _asked_for(request, hall, at), at=at)
    except Invalid as refusal:
        return HttpResponse(str(refusal), status=refusal.status, content_type="text/plain; charset=utf-8")
    name = f"{hall.code}-{report.on.isoformat()}.csv"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(as_csv(report), content_type="text/csv; charset=utf-8", headers=disposition)


def as_csv(report: DayReport) -> str:
    """A line per hour and one for the day; numbers with a point; text cells that no spreadsheet takes for a formula."""
    file = io.StringIO()
    file.write("\ufeff")
    writer = csv.writer(file)
    limit = f"{report.limit.total_seconds() / 60:g}"
    head = [
        _("Hall"), _("Date"), _("Hour"), _("Issued"), _("Called"), _("Mean wait, min"), _("Over %(limit)s min") % {"limit": limit},
        _("Over %(limit)s min, %%") % {"limit": limit}, _("Did not come"), _("Left"), _("Serving, min"), _("Counters open, min"),
        _("Counters in use, %"),
    ]  # fmt: skip
    writer.writerow([text.harmless(word) for word in head])
    for flow in [*report.hours, report.total]:
        hour = flow.label if flow is not report.total else _("The whole day")
        texts = [text.harmless(word) for word in (report.hall.name, report.on.isoformat(), hour)]
        numbers = [
            flow.issued, flow.called, flow.mean_wait_minutes, flow.over, flow.share_over, flow.no_shows, flow.abandoned,
            flow.serving_minutes, flow.open_minutes, flow.utilisation,
        ]  # fmt: skip
        writer.writerow([*texts, *("" if number is None else number for number in numbers)])
    return file.getvalue()


@dataclass(frozen=True)
class Bar:
    """One hour of a chart: places in percent of its width, heights in px; `level` is "over" or ""."""

    x: float
    width: float
    centre: float
    y: float
    height: float
    value: str
    label: str
    level: str


@dataclass(frozen=True)
class Chart:
    """Bars by hour on one scale, and where the limit's line falls (px from the top), if there is one."""

    title: str
    unit: str
    bars: list[Bar]
    limit_y: float | None
    limit: str
    height: int = PLOT


def charts(report: DayReport) -> list[Chart]:
    """Mean wait, customers called and counters in use, by hour: the table's numbers, drawn."""
    limit = report.limit.total_seconds() / 60
    waits = [flow.mean_wait_minutes for flow in report.hours]
    return [
        _chart(_("Mean wait"), _("min"), report.hours, waits, limit=limit),
        _chart(_("Customers called"), "", report.hours, [flow.called for flow in report.hours]),
        _chart(_("Counters in use"), "%", report.hours, [flow.utilisation for flow in report.hours], top=100),
    ]


def _chart(
    title: str,
    unit: str,
    hours: list[Flow],
    values: list[float | int | None],
    *,
    limit: float | None = None,
    top: float = 1,
) -> Chart:
    scale = max([top, *(value for value in values if value is not None), *([limit * 1.2] if limit is not None else [])])
    step = 100 / max(len(hours), 1)
    bars = []
    for number, (flow, value) in enumerate(zip(hours, values, strict=True)):
        height = round((value or 0) / scale * PLOT, 1)
        bars.append(
            Bar(
                x=round(number * step + step * 0.14, 2),
                width=round(step * 0.72, 2),
                centre=round((number + 0.5) * step, 2),
                y=PLOT - height,
                height=height,
                value=f"{value:g}" if value else "",
                label=flow.label[:2],
                level="over" if limit is not None and value is not None and value > limit else "",
            )
        )
    limit_y = round(PLOT - limit / scale * PLOT, 1) if limit is not None else None
    return Chart(title, unit, bars, limit_y, f"{limit:g}" if limit is not None else "")


def _asked_for(request: HttpRequest, hall: Hall, at: dt.datetime) -> dt.date:
    """The day of `?on=`, the hall's present date without it. Raises Invalid for anything but a date of this century."""
    asked = request.GET.get("on", "")
    if not asked:
        return hall.business_date(at)
    try:
        on = dt.datetime.strptime(asked, "%Y-%m-%d").date()  # noqa: DTZ007 - a date of the hall's own calendar
    except ValueError:
        on = None
    if on is None or not FIRST <= on <= LAST:
        raise Invalid(_("Please give a date as 2026-11-24."))
    return on


def _step(on: dt.date, days: int) -> dt.date | None:
    other = on + dt.timedelta(days=days)
    return other if FIRST <= other <= LAST else None


urlpatterns = [
    path("h/<slug:code>/today/", today, name="today"),
    path("h/<slug:code>/today.csv", today_csv, name="today-csv"),
]
