"""A recorded day as it stands in the log: syntax, order and states of the whole file, checked without the database.

Nothing is written here, and nothing here is guessed: the first line that cannot have happened is refused by number and
reason. The texts are for whoever types the command, in English.
"""

import csv
import datetime as dt
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

HEADER = [
    "ts",
    "event",
    "ticket",
    "service",
    "priority",
    "counter",
    "reason",
    "planned_min",
]
OF_A_TICKET = ("issue", "call", "start", "finish", "no_show", "abandon")
OF_A_COUNTER = ("open", "pause", "resume", "close")
PAUSE_REASONS = ("lunch", "break", "failure")
WITHOUT_COUNTER = ("issue", "abandon")

LONGEST_LINE = 4096  # bytes
LONGEST_PAUSE = dt.timedelta(hours=12)  # as hall.counters allows
MOST_EVENTS = 1_000_000
MOST_COUNTERS = 500

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)
NUMBER = re.compile(r"[A-Z]\d{1,6}", re.ASCII)
COUNTER = re.compile(r"\d{1,4}", re.ASCII)
MINUTES = re.compile(r"\d{1,4}(\.\d{1,3})?", re.ASCII)
TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


class NotPlayable(Exception):
    """The log or the roster cannot be played; the text says where and why, in one line."""


@dataclass(frozen=True)
class Roster:
    """What the hall of the log is like. Times of day count from local midnight; every weekday has the same hours."""

    opens: dt.time
    closes: dt.time  # 00:00 is midnight at the end of the day
    last_ticket_before_close: dt.timedelta
    threshold: dt.timedelta | None  # of a wait; None: the hall's limits say
    services: list[str]  # one capital letter each
    counters: dict[int, list[str]]  # number → services it can serve


@dataclass(frozen=True)
class Event:
    """One line of the log. `ticket` and `service` are empty for a counter's event, `counter` is None where there is none."""

    line: int
    at: dt.datetime  # aware, UTC
    verb: str
    ticket: str
    service: str
    priority: int | None  # 0 VIP, 1 special, 2 normal
    counter: int | None
    reason: str
    planned: dt.timedelta | None


@dataclass
class Day:
    """The events of one local date, in the order they happened."""

    on: dt.date
    events: list[Event] = field(default_factory=list)


def read_roster(path: Path) -> Roster:
    """The roster of the hall. Raises NotPlayable for anything missing, unknown or impossible."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        data = json.loads(text)
    except OSError as error:
        raise NotPlayable(f"{path.name}: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise NotPlayable(f"{path.name} is not JSON in UTF-8.") from None
    try:
        return _roster(data)
    except NotPlayable as error:
        raise NotPlayable(f"{path.name}: {error}") from None


def read(path: Path, *, roster: Roster, zone: ZoneInfo) -> list[Day]:
    """Every day of the log, whole: order and states checked to the last line. Raises NotPlayable, by line number.

    The log has local times without zone. A time that the clocks jumped over is refused. An hour that comes twice is
    read in the order of the file: the first one, and the second once the time steps back.
    """
    days: list[Day] = []
    states = _States(roster, zone)
    before: dt.datetime | None = None
    for line, cells in _rows(path):
        try:
            event, on = _event(line, cells, zone=zone, before=before)
            states.take(event, on)
        except NotPlayable as error:
            raise NotPlayable(f"line {line}: {error}") from None
        before = event.at
        if not days or days[-1].on != on:
            days.append(Day(on))
        days[-1].events.append(event)
        if line > MOST_EVENTS:
            raise NotPlayable(f"line {line}: more than {MOST_EVENTS} events. Please play the log in parts.")
    if not days:
        raise NotPlayable(f"{path.name} holds no event.")
    return days


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every line after the header."""
    line = 0
    try:
        with _opened(path) as file:
            while raw := file.readline(LONGEST_LINE + 1):
                line += 1
                cells = _cells(line, raw)
                if line > 1:
                    yield line, cells
                elif cells != HEADER:
                    raise NotPlayable(f"line 1: the header must be {','.join(HEADER)}.")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise NotPlayable(f"line {line + 1}: the compressed file is cut short or damaged.") from None
    except OSError as error:
        raise NotPlayable(f"{path.name}: {error.strerror or error}.") from None
    if line == 0:
        raise NotPlayable(f"{path.name} is empty.")


def _opened(path: Path) -> io.BufferedIOBase:
    """The log's bytes, unpacked when they begin as gzip does, whatever the name ends in."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")


def _cells(line: int, raw: bytes) -> list[str]:
    if len(raw) > LONGEST_LINE:
        raise NotPlayable(f"line {line}: longer than {LONGEST_LINE} bytes.")
    if b"\x00" in raw:
        raise NotPlayable(f"line {line}: holds a NUL byte.")
    try:
        text = raw.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise NotPlayable(f"line {line}: is not UTF-8.") from None
    try:
        found = list(csv.reader([text.rstrip("\r\n")], strict=True))
    except csv.Error:
        raise NotPlayable(f"line {line}: a quotation mark is not closed.") from None
    cells = found[0] if found else []
    if len(cells) != len(HEADER):
        raise NotPlayable(f"line {line}: has {len(cells)} fields instead of {len(HEADER)}.")
    return cells


def _event(line: int, cells: list[str], *, zone: ZoneInfo, before: dt.datetime | None) -> tuple[Event, dt.date]:
    """One line as an event and its local date. Raises NotPlayable, without the line's number."""
    ts, verb, ticket, service, priority, counter, reason, planned = cells
    if verb not in OF_A_TICKET + OF_A_COUNTER:
        raise NotPlayable(f"unknown event {_shown(verb)}.")
    local = _local(ts)
    at = _instant(local, zone, before=before)
    if verb in OF_A_TICKET:
        if not NUMBER.fullmatch(ticket):
            raise NotPlayable(f"{_shown(ticket)} is not a ticket number: one capital letter and 1 to 6 digits.")
        if priority not in ("0", "1", "2"):
            raise NotPlayable(f"priority {_shown(priority)} is not 0, 1 or 2.")
        if ticket[0] != service:
            raise NotPlayable(f"ticket {ticket} does not begin with its service {_shown(service)}.")
    else:
        _require_empty(verb, ticket=ticket, service=service, priority=priority)
    if verb in WITHOUT_COUNTER:
        _require_empty(verb, counter=counter)
    elif not COUNTER.fullmatch(counter):
        raise NotPlayable(f"{_shown(counter)} is not a counter number.")
    if verb != "pause":
        _require_empty(verb, reason=reason, planned_min=planned)
    elif reason not in PAUSE_REASONS:
        raise NotPlayable(f"reason {_shown(reason)} of the pause is not one of {', '.join(PAUSE_REASONS)}.")
    return (
        Event(
            line=line, at=at, verb=verb, ticket=ticket, service=service, priority=int(priority) if priority else None,
            counter=int(counter) if counter else None, reason=reason, planned=_planned(planned),
        ),
        local.date(),
    )  # fmt: skip


def _local(ts: str) -> dt.datetime:
    try:
        if not INSTANT.fullmatch(ts):
            raise ValueError
        local = dt.datetime.fromisoformat(ts)
    except ValueError:
        raise NotPlayable(f"{_shown(ts)} is not a time like 2026-09-21T09:00:00.") from None
    if not 1970 <= local.year <= 2199:
        raise NotPlayable(f"the year {local.year} is not between 1970 and 2199.")
    return local


def _instant(local: dt.datetime, zone: ZoneInfo, *, before: dt.datetime | None) -> dt.datetime:
    """The instant of a local time: of two, the first that is not before the last event."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(dt.UTC)
    if first.astimezone(zone).replace(tzinfo=None) != local:
        raise NotPlayable(f"{local.isoformat()} does not exist in {zone.key}: the clocks were put forward.")
    for at in sorted({first, second}):
        if before is None or at >= before:
            return at
    assert before is not None
    raise NotPlayable(f"out of order: {local.isoformat()} comes after {before.astimezone(zone):%Y-%m-%dT%H:%M:%S}.")


def _planned(text: str) -> dt.timedelta | None:
    if not text:
        return None
    if not MINUTES.fullmatch(text):
        raise NotPlayable(f"planned_min {_shown(text)} is not a number of minutes.")
    planned = dt.timedelta(minutes=float(text))
    if planned > LONGEST_PAUSE:
        raise NotPlayable(f"planned_min {_shown(text)} is over 12 hours.")
    return planned


def _require_empty(verb: str, **cells: str) -> None:
    for name, value in cells.items():
        if value:
            raise NotPlayable(f"{name} must be empty for {verb}, not {_shown(value)}.")


@dataclass
class _Card:
    """What the log has said of one ticket so far."""

    service: str
    priority: int | None
    state: str  # waiting, called, being served, served, a no-show, gone
    counter: int | None = None


class _States:
    """Where every ticket and counter stands; each event must be possible there."""

    def __init__(self, roster: Roster, zone: ZoneInfo) -> None:
        self.roster = roster
        self.zone = zone
        self.counters = dict.fromkeys(roster.counters, "closed")
        self.busy: dict[int, str] = {}
        self.cards: dict[str, _Card] = {}
        self.issued: set[tuple[dt.date, str, int]] = set()

    def take(self, event: Event, on: dt.date) -> None:
        if event.counter is not None and event.counter not in self.counters:
            raise NotPlayable(f"unknown counter {event.counter}: the roster has none.")
        if event.service and event.service not in self.roster.services:
            raise NotPlayable(f"unknown service {event.service}: the roster has none.")
        if event.verb == "issue":
            self._issue(event, on)
        elif event.verb in OF_A_TICKET:
            self._ticket(event)
        else:
            self._counter(event)

    def _issue(self, event: Event, on: dt.date) -> None:
        key = (on, event.ticket[0], int(event.ticket[1:]))
        if key in self.issued:
            raise NotPlayable(f"ticket {event.ticket} was already issued on {on}.")
        opens_at = dt.datetime.combine(on, self.roster.opens, self.zone).astimezone(dt.UTC)
        last_day = on if self.roster.closes != dt.time(0) else on + dt.timedelta(days=1)
        closes_at = dt.datetime.combine(last_day, self.roster.closes, self.zone).astimezone(dt.UTC)
        if not opens_at <= event.at < closes_at - self.roster.last_ticket_before_close:
            raise NotPlayable(f"the hall gives no tickets at {event.at.astimezone(self.zone):%H:%M:%S}.")
        self.issued.add(key)
        self.cards[event.ticket] = _Card(event.service, event.priority, "waiting")

    def _ticket(self, event: Event) -> None:
        card = self.cards.get(event.ticket)
        if card is None:
            raise NotPlayable(f"{event.verb} of ticket {event.ticket}, which was not issued.")
        if card.priority != event.priority:
            raise NotPlayable(f"ticket {event.ticket} was issued with priority {card.priority}, not {event.priority}.")
        needed, then = {
            "call": ("waiting", "called"),
            "start": ("called", "being served"),
            "finish": ("being served", "served"),
            "no_show": ("called", "a no-show"),
            "abandon": ("waiting", "gone"),
        }[event.verb]
        if card.state != needed:
            raise NotPlayable(f"{event.verb} of ticket {event.ticket}, which is {card.state}, not {needed}.")
        if event.verb == "call":
            self._require_free(event.counter)
            self.busy[event.counter] = event.ticket  # type: ignore[index]
            card.counter = event.counter
        elif event.verb != "abandon" and card.counter != event.counter:
            raise NotPlayable(
                f"{event.verb} of ticket {event.ticket} at counter {event.counter}; it was called to {card.counter}."
            )
        if event.verb in ("finish", "no_show"):
            del self.busy[event.counter]  # type: ignore[arg-type]
        card.state = then

    def _require_free(self, counter: int | None) -> None:
        assert counter is not None
        if self.counters[counter] != "open":
            raise NotPlayable(f"call at counter {counter}, which is {self.counters[counter]}.")
        if counter in self.busy:
            raise NotPlayable(f"call at counter {counter}, which still has {self.busy[counter]}.")

    def _counter(self, event: Event) -> None:
        counter = event.counter
        assert counter is not None
        needed, then = {
            "open": (("closed",), "open"),
            "pause": (("open",), "paused"),
            "resume": (("paused",), "open"),
            "close": (("open", "paused"), "closed"),
        }[event.verb]
        if self.counters[counter] not in needed:
            raise NotPlayable(f"{event.verb} of counter {counter}, which is {self.counters[counter]}.")
        if counter in self.busy:
            raise NotPlayable(f"{event.verb} of counter {counter}, which still has {self.busy[counter]}.")
        self.counters[counter] = then


def _roster(data: object) -> Roster:
    if not isinstance(data, dict):
        raise NotPlayable("must be one JSON object.")
    services = data.get("services")
    if not isinstance(services, list) or not services:
        raise NotPlayable("services must be a list of letters.")
    for service in services:
        if not (isinstance(service, str) and re.fullmatch("[A-Z]", service)):
            raise NotPlayable(f"service {_shown(service)} is not one capital letter.")
    if len(set(services)) != len(services):
        raise NotPlayable("a service stands twice.")
    opens, closes = _time_of_day(data, "open"), _time_of_day(data, "close")
    if opens >= closes:
        raise NotPlayable("close must be later than open.")
    last = _time_of_day(data, "last_ticket") if data.get("last_ticket") is not None else closes
    if not opens < last <= closes:
        raise NotPlayable("last_ticket must lie between open and close.")
    return Roster(
        opens=_clock_time(opens),
        closes=_clock_time(closes),
        last_ticket_before_close=closes - last,
        threshold=_threshold(data.get("threshold_min")),
        services=services,
        counters=_counters(data.get("counters"), services),
    )


def _time_of_day(data: dict, name: str) -> dt.timedelta:
    value = data.get(name)
    if not (isinstance(value, str) and TIME_OF_DAY.fullmatch(value)):
        raise NotPlayable(f"{name} must be a time of day such as 09:00.")
    return dt.timedelta(hours=int(value[:2]), minutes=int(value[3:]))


def _clock_time(since_midnight: dt.timedelta) -> dt.time:
    minutes = since_midnight // dt.timedelta(minutes=1)
    return dt.time(minutes // 60 % 24, minutes % 60)


def _threshold(value: object) -> dt.timedelta | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1440:
        raise NotPlayable("threshold_min must be a number of minutes from 0 to 1440.")
    return dt.timedelta(minutes=value)


def _counters(rows: object, services: list[str]) -> dict[int, list[str]]:
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_COUNTERS:
        raise NotPlayable(f"counters must be a list of 1 to {MOST_COUNTERS}.")
    counters: dict[int, list[str]] = {}
    for row in rows:
        if not isinstance(row, dict) or not COUNTER.fullmatch(str(row.get("id"))) or int(row["id"]) == 0:
            raise NotPlayable("every counter needs an id, a whole number from 1 to 9999.")
        number, skills = int(row["id"]), row.get("skills")
        if number in counters:
            raise NotPlayable(f"counter {number} stands twice.")
        if not isinstance(skills, list) or any(skill not in services for skill in skills):
            raise NotPlayable(f"skills of counter {number} must be a list of the services.")
        counters[number] = list(dict.fromkeys(skills))
    return counters


def _shown(value: object) -> str:
    """A piece of the file in a message: short, and nothing in it can break the line."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]}…'"
