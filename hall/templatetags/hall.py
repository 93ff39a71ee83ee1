"""Template tags of Hall, built in everywhere: {% icon %}, and one filter each for durations and clock times."""

import datetime as dt
import math

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext, pgettext

from hall.models import Hall

register = template.Library()

# The product's own shapes: 24 px box, stroke 2 (static/css/base.css draws them). Word and shape carry a state, not colour alone.
ICONS = {
    "absent": '<circle cx="9" cy="8" r="4"/><path d="M2.5 21v-1a6.5 6.5 0 0 1 13 0v1"/><path d="M16.5 10h6"/>',
    "again": '<path d="M20 5v5h-5"/><path d="M19.5 10a8 8 0 1 0 .3 4"/>',
    "back": '<path d="M20 12H4"/><path d="M10.5 5.5 4 12l6.5 6.5"/>',
    "bell": '<path d="M6 9a6 6 0 0 1 12 0c0 6 2.5 8 2.5 8h-17S6 15 6 9"/><path d="M10 21h4"/>',
    "broken": (
        '<path d="m3 3 18 18"/><path d="M5.5 13a10 10 0 0 1 5-2.8"/><path d="M2 9a15 15 0 0 1 4.5-2.9"/>'
        '<path d="M10.5 5.1A15 15 0 0 1 22 9"/><path d="M9 16.7a5 5 0 0 1 5.5-.6"/><path d="M12 20h.01"/>'
    ),
    "chart": '<path d="M4 4v16h16"/><path d="M8.5 16v-4"/><path d="M13 16V7"/><path d="M17.5 16v-6"/>',
    "check": '<path d="m4.5 12.5 5 5L20 7"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>',
    "close": '<path d="m5 5 14 14"/><path d="M19 5 5 19"/>',
    "day": '<path d="M4 5h16v16H4z"/><path d="M4 10h16"/><path d="M8 2.5v4"/><path d="M16 2.5v4"/>',
    "document": '<path d="M6 2.5h8l4.5 4.5v14.5H6z"/><path d="M13.5 2.5V7.5h5"/><path d="m9 15 2.2 2.2 4-4.4"/>',
    "down": '<path d="m6 9 6 6 6-6"/>',
    "download": '<path d="M4 15v5h16v-5"/><path d="M12 4v11"/><path d="m7.5 10.5 4.5 4.5 4.5-4.5"/>',
    "free": '<circle cx="12" cy="12" r="9"/>',
    "gift": (
        '<path d="M3.5 8h17v4h-17z"/><path d="M5 12v9h14v-9"/><path d="M12 8v13"/>'
        '<path d="M12 8c-4 0-5-1.7-5-3s2.8-3 5 3c2.2-6 5-4.3 5-3s-1 3-5 3"/>'
    ),
    "green": '<path d="m5 6 6 6-6 6"/><path d="m12.5 6 6 6-6 6"/>',
    "hold": '<path d="M7 3h10"/><path d="M7 21h10"/><path d="M8 3c0 5 8 5 8 9s-8 4-8 9"/><path d="M16 3c0 5-8 5-8 9s8 4 8 9"/>',
    "language": (
        '<circle cx="12" cy="12" r="9"/><path d="M3 12h18"/><path d="M12 3c5.5 5.5 5.5 12.5 0 18"/>'
        '<path d="M12 3c-5.5 5.5-5.5 12.5 0 18"/>'
    ),
    "leave": '<path d="M10 4H4.5v16H10"/><path d="m15 7.5 4.5 4.5-4.5 4.5"/><path d="M9 12h10.5"/>',
    "live": (
        '<path d="M2 9a15 15 0 0 1 20 0"/><path d="M5.5 13a10 10 0 0 1 13 0"/>'
        '<path d="M9 16.7a5 5 0 0 1 6 0"/><path d="M12 20h.01"/>'
    ),
    "lock": '<path d="M5 11h14v9.5H5z"/><path d="M8 11V7.5a4 4 0 0 1 8 0V11"/>',
    "menu": '<path d="M4 6.5h16"/><path d="M4 12h16"/><path d="M4 17.5h16"/>',
    "message": '<path d="M4 4h16v12.5H9.5L4 21z"/><path d="M8 8.5h8"/><path d="M8 12h5"/>',
    "mute": '<path d="M3.5 9.5v5H7l5 4.5V5L7 9.5z"/><path d="m16.5 9.5 5 5"/><path d="m21.5 9.5-5 5"/>',
    "next": '<path d="M4 12h16"/><path d="m13.5 5.5 6.5 6.5-6.5 6.5"/>',
    "nobody": (
        '<circle cx="9" cy="8" r="4"/><path d="M2.5 21v-1a6.5 6.5 0 0 1 13 0v1"/><path d="m17 7 5 5"/>'
        '<path d="m22 7-5 5"/>'
    ),
    "outbox": '<path d="M4 14v6h16v-6"/><path d="M12 15V4"/><path d="m7.5 8.5 4.5-4.5 4.5 4.5"/>',
    "over": '<path d="M8 3h8l5 5v8l-5 5H8l-5-5V8z"/><path d="M12 8v4.5"/><path d="M12 16h.01"/>',
    "pause": '<path d="M8.5 5v14"/><path d="M15.5 5v14"/>',
    "people": (
        '<circle cx="9" cy="8" r="4"/><path d="M2 21v-1a7 7 0 0 1 14 0v1"/>'
        '<path d="M16 4.3a4 4 0 0 1 0 7.4"/><path d="M18.5 14.5A7 7 0 0 1 22 20v1"/>'
    ),
    "phone": '<path d="M5 3h4l2 5-2.5 2a12.5 12.5 0 0 0 5.5 5.5l2-2.5 5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 5a2 2 0 0 1 2-2z"/>',
    "pin": '<path d="M12 22s7.5-6.5 7.5-12a7.5 7.5 0 0 0-15 0c0 5.5 7.5 12 7.5 12z"/><circle cx="12" cy="10" r="2.5"/>',
    "plus": '<path d="M12 5v14"/><path d="M5 12h14"/>',
    "prepared": '<path d="M9 4H5v17h14V4h-4"/><path d="M9 2.5h6v4H9z"/><path d="m8.8 14 2.2 2.2 4.2-4.4"/>',
    "print": '<path d="M7 8V3h10v5"/><path d="M7 17H3.5V8h17v9H17"/><path d="M7 14h10v7H7z"/>',
    "priority": '<path d="m6 12 6-6 6 6"/><path d="m6 18.5 6-6 6 6"/>',
    "recall": '<path d="M3 10v4h4l10 5V5L7 10z"/><path d="m7 14 1.5 6H11"/><path d="M21 10v4"/>',
    "screen": '<path d="M3 4.5h18v12H3z"/><path d="M8 20.5h8"/><path d="M12 16.5v4"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>',
    "serving": '<circle cx="12" cy="12" r="9"/><circle cx="12" cy="12" r="3.5" fill="currentColor"/>',
    "settings": (
        '<path d="M4 7h9"/><path d="M17 7h3"/><circle cx="15" cy="7" r="2"/><path d="M4 17h3"/>'
        '<path d="M11 17h9"/><circle cx="9" cy="17" r="2"/>'
    ),
    "shut": '<circle cx="12" cy="12" r="9"/><path d="M7.5 12h9"/>',
    "sound": (
        '<path d="M3.5 9.5v5H7l5 4.5V5L7 9.5z"/><path d="M16 9a4.2 4.2 0 0 1 0 6"/>'
        '<path d="M18.8 6.2a8.2 8.2 0 0 1 0 11.6"/>'
    ),
    "star": '<path d="M12 3.5l2.6 5.6 6 .7-4.5 4.1 1.2 6-5.3-3-5.3 3 1.2-6-4.5-4.1 6-.7z"/>',
    "table": '<path d="M3.5 5h17v14h-17z"/><path d="M3.5 10h17"/><path d="M9.5 5v14"/>',
    "ticket": (
        '<path d="M3.5 6h17v4a2 2 0 0 0 0 4v4h-17v-4a2 2 0 0 0 0-4z"/><path d="M14 6v2"/><path d="M14 11v2"/>'
        '<path d="M14 16v2"/>'
    ),
    "transfer": '<path d="M4 8h15"/><path d="m15 4 4 4-4 4"/><path d="M20 16H5"/><path d="m9 12-4 4 4 4"/>',
    "undo": '<path d="M8 4.5 3 9.5l5 5"/><path d="M3 9.5h11.5a5.2 5.2 0 0 1 0 10.5H10"/>',
    "user": '<circle cx="12" cy="8" r="4"/><path d="M5 21v-1a7 7 0 0 1 14 0v1"/>',
    "warn": '<path d="M12 3.5 2 20.5h20z"/><path d="M12 10v4.5"/><path d="M12 17.5h.01"/>',
    "water": '<path d="M5.5 3h13l-1.7 18H7.2z"/><path d="M6.2 11c1.9-1.5 3.9 1.5 5.8 0s3.9-1.5 5.8 0"/>',
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "over" %}: the shape as inline SVG, for eyes only. Raises KeyError for a name not in ICONS."""
    return SafeString(f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{ICONS[name]}</svg>')  # constants only


@register.simple_tag
def icon_symbol(name: str) -> SafeString:
    """The same shape for static/js/clock.js, which draws the levels of waits by itself: `<symbol id="i-over">`."""
    return SafeString(f'<symbol id="i-{name}" viewBox="0 0 24 24">{ICONS[name]}</symbol>')  # constants only


@register.filter
def minutes(span: dt.timedelta | None) -> str:
    """A span in whole minutes and its unit, "12 min"; the part of a minute not yet full is left out. Empty for None."""
    if span is None:
        return ""
    count = whole_minutes(span)
    return ngettext("%(count)d min", "%(count)d min", count) % {"count": count}


@register.filter
def about_minutes(span: dt.timedelta | None) -> str:
    """An expected wait in minutes and its unit, rounded up, so that nobody is told less than was reckoned. Empty for None."""
    return minutes(dt.timedelta(minutes=math.ceil(span.total_seconds() / 60))) if span is not None else ""


@register.filter
def whole_minutes(span: dt.timedelta) -> int:
    """A span in whole minutes, rounded down and never below 0: 14:59 is 14, so that 15 is shown only when 15 are full."""
    return max(int(span.total_seconds() // 60), 0)


@register.filter
def clock_time(at: dt.datetime | None, hall: Hall) -> str:
    """An instant as the hall's wall clock shows it: 09:05. Empty for None."""
    return f"{hall.local(at):%H:%M}" if at is not None else ""


@register.filter
def iso(at: dt.datetime | None) -> str:
    """An instant for machines (attributes of the ticking elements), UTC, to the millisecond. Empty for None."""
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at is not None else ""


@register.filter
def seconds(span: dt.timedelta) -> int | float:
    """A span in seconds for attributes of the ticking elements; whole numbers without a point."""
    count = span.total_seconds()
    return int(count) if count == int(count) else round(count, 3)


@register.filter
def limit_minutes(span: dt.timedelta) -> str:
    """A limit in minutes as people say it: 15, 7.5."""
    return f"{span.total_seconds() / 60:g}"


@register.filter
def day(on: dt.date) -> str:
    """A date as people say it in this language: Tue 24 Nov, 11月24日 周二."""
    weekday = [
        pgettext("weekday, short", "Mon"), pgettext("weekday, short", "Tue"), pgettext("weekday, short", "Wed"),
        pgettext("weekday, short", "Thu"), pgettext("weekday, short", "Fri"), pgettext("weekday, short", "Sat"),
        pgettext("weekday, short", "Sun"),
    ][on.weekday()]  # fmt: skip
    month = [
        pgettext("month, short", "Jan"), pgettext("month, short", "Feb"), pgettext("month, short", "Mar"),
        pgettext("month, short", "Apr"), pgettext("month, short", "May"), pgettext("month, short", "Jun"),
        pgettext("month, short", "Jul"), pgettext("month, short", "Aug"), pgettext("month, short", "Sep"),
        pgettext("month, short", "Oct"), pgettext("month, short", "Nov"), pgettext("month, short", "Dec"),
    ][on.month - 1]  # fmt: skip
    return pgettext("date", "%(weekday)s %(day)d %(month)s") % {"weekday": weekday, "day": on.day, "month": month}


@register.simple_tag
def time_of(at: dt.datetime | None, hall: Hall) -> SafeString | str:
    """`<time>` with the hall's clock time to read and the instant for machines. Empty for None."""
    if at is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', iso(at), clock_time(at, hall))
