"""The roster as a spreadsheet: reading one into plans with an error per bad row, and writing one. Writes no rows."""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from hall import text
from hall.models import Counter, Hall, Post, Zone
from hall.refusals import Invalid, Refused
from roles import rosters
from roles.models import Shift, Swap
from roles.rosters import Member, Plan, Taken

MOST_ROWS = 1000  # a hall of 100 people plans ten days ahead with it
MOST_COLUMNS = 30
LONGEST_CELL = 200
LARGEST_UNPACKED = 20 * 1024 * 1024  # of an .xlsx, which is a zip

# The columns of a file, and what else their heads may say.
HEADS = {
    "date": ("date", "日期"),
    "login": ("login", "login name", "登录名"),
    "name": ("name", "姓名"),
    "company": ("company", "单位"),
    "post": ("post", "岗位"),
    "zone": ("zone", "区域"),
    "counter": ("counter", "台席"),
    "from": ("from", "开始"),
    "to": ("to", "结束"),
    "meal": ("meal", "用餐"),
    "deputy": ("deputy", "代理人"),
    "note": ("note", "备注"),
    "swap": ("swap", "换班"),
}
NEEDED = ("date", "post", "from", "to")

Cells = dict[str, str]


@dataclass(frozen=True)
class Line:
    """A row of a file: its number as the spreadsheet shows it, what stands there, and the plan or why there is none."""

    number: int
    cells: Cells
    plan: Plan | None = None
    error: str = ""


@dataclass(frozen=True)
class Sheet:
    """A file read: its lines in order."""

    lines: list[Line]

    @property
    def errors(self) -> list[Line]:
        return [line for line in self.lines if line.error]

    @property
    def good(self) -> list[Line]:
        return [line for line in self.lines if line.plan is not None]

    @property
    def plans(self) -> list[Plan]:
        return [line.plan for line in self.lines if line.plan is not None]


# Reading


def read(name: str, content: bytes) -> list[Cells]:
    """The rows of an .xlsx or .csv file under their columns, empty ones included; all cells as text.

    Raises Invalid, in words, for another kind of file, a broken one, one with too many rows, or without the columns needed.
    """
    if content[:2] == b"PK":
        rows = _of_workbook(content)
    elif name.lower().endswith((".xlsx", ".xls")):
        raise Invalid(_("This file cannot be read. Please give an .xlsx or a .csv file."))
    else:
        rows = _of_csv(content)
    if not rows:
        raise Invalid(_("The file is empty."))
    if len(rows) - 1 > MOST_ROWS:
        raise Invalid(_("The file has more than %(most)d rows. Please split it.") % {"most": MOST_ROWS})
    return _under_heads(rows)


def check(hall: Hall, rows: list[Cells], *, at: dt.datetime) -> Sheet:
    """What planning these rows would do: nothing is written. A row that cannot be planned has its reason in words. Six queries."""
    finder = _Finder(hall)
    lines = []
    for number, cells in enumerate(rows, start=2):
        if any(cells.values()):
            lines.append(_read_line(finder, number, cells, at))
    plans = [line.plan for line in lines if line.plan is not None]
    taken = rosters.shifts_of({one.person.pk for one in plans}, plans)
    if not lines:
        raise Invalid(_("The file has no rows below its head."))
    return Sheet([_if_free(hall, line, taken) for line in lines])


def as_text(rows: list[Cells]) -> str:
    """Rows as CSV in the columns' own names: what a dry run hands on to be applied."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADS)
    writer.writerows([row.get(name, "") for name in HEADS] for row in rows)
    return file.getvalue()


def _of_csv(content: bytes) -> list[list[str]]:
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            decoded = content.decode("gb18030")  # what a Chinese spreadsheet program writes
        except UnicodeDecodeError:
            raise Invalid(_("This file cannot be read. Please give an .xlsx or a .csv file.")) from None
    first = decoded.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = []
    try:
        for row in csv.reader(io.StringIO(decoded, newline=""), delimiter=delimiter, strict=True):
            rows.append(_bounded(row))
            if len(rows) > MOST_ROWS + 1:
                break
    except csv.Error:
        raise Invalid(_("This file cannot be read. Please give an .xlsx or a .csv file.")) from None
    return rows


def _of_workbook(content: bytes) -> list[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                raise Invalid(_("The file is too large."))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        read = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS, values_only=True)
        rows = [_bounded([_as_text(value) for value in row]) for row in read]
    except Invalid:
        raise
    except Exception as error:  # whatever openpyxl raises over a file that is none
        raise Invalid(_("This file cannot be read. Please give an .xlsx or a .csv file.")) from error
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _as_text(value: object) -> str:
    """A cell as text: dates as 2026-11-23, times as 09:00, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d}" if value.time() == dt.time(0) else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _bounded(row: Sequence[str]) -> list[str]:
    return [cell.strip() for cell in row[:MOST_COLUMNS]]


def _under_heads(rows: list[list[str]]) -> list[Cells]:
    known = {head: name for name, heads in HEADS.items() for head in heads}
    columns: dict[int, str] = {}
    wrong = []
    for place, head in enumerate(rows[0]):
        name = known.get(head.lower())
        if name is not None and name not in columns.values():
            columns[place] = name
        elif head:
            wrong.append(_printable(head[:40]))
    if wrong:
        raise Invalid(_("These columns are not known: %(names)s.") % {"names": ", ".join(wrong[:10])})
    missing = [name for name in NEEDED if name not in columns.values()]
    if not {"login", "name"} & set(columns.values()):
        missing.append("login")
    if missing:
        raise Invalid(_("These columns are missing: %(names)s.") % {"names": ", ".join(missing)})
    return [{name: row[place] if place < len(row) else "" for place, name in columns.items()} for row in rows[1:]]


class _Finder:
    """Everything a row may name, read once: people, posts, zones, counters of one hall."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.crew = rosters.crew(hall)
        self.posts = list(Post.objects.filter(is_active=True))
        self.zones = list(Zone.objects.filter(hall=hall))
        self.counters = {row.number: row for row in Counter.objects.filter(hall=hall).select_related("zone")}

    def person(self, login: str, name: str) -> Member:
        if not login and not name:
            raise Invalid(_("Nobody is named."))
        if login:
            found = [one for one in self.crew.values() if one.person.login == login]
        else:
            found = [one for one in self.crew.values() if name in (one.person.name_zh, one.person.name_en)]
        if not found:
            raise Invalid(_("Nobody here is called %(name)s.") % {"name": login or name})
        if len(found) > 1:
            raise Invalid(_("Several people here are called %(name)s. Please give the login name.") % {"name": name})
        return found[0]

    def post(self, named: str) -> Post:
        for post in self.posts:
            if named.lower() in (post.code.lower(), post.slug) or named in (post.name_zh, post.name_en):
                return post
        raise Invalid(_("There is no post called %(name)s.") % {"name": named or "–"})

    def zone(self, named: str) -> Zone | None:
        if not named:
            return None
        for zone in self.zones:
            if named in (zone.slug, zone.name_zh, zone.name_en):
                return zone
        raise Invalid(_("There is no zone called %(name)s.") % {"name": named})

    def counter(self, named: str) -> Counter | None:
        if not named:
            return None
        number = int(named) if named.isascii() and named.isdigit() and len(named) < 6 else -1
        if number not in self.counters:
            raise Invalid(_("There is no counter %(number)s.") % {"number": named})
        return self.counters[number]


def _read_line(finder: _Finder, number: int, cells: Cells, at: dt.datetime) -> Line:
    try:
        cells = {name: text.as_exported(text.clean(value, most=LONGEST_CELL)) for name, value in cells.items()}
        return Line(number, cells, plan=rosters.fitting(finder.hall, _plan(finder, cells), finder.crew, at=at))
    except Refused as refusal:
        shown = {name: _printable(cell) for name, cell in cells.items()}
        return Line(number, shown, error=str(refusal))


def _if_free(hall: Hall, line: Line, taken: Taken) -> Line:
    """The line, which takes the person's time; without its plan where he has a shift then, on the roster or further up."""
    if line.plan is None:
        return line
    try:
        rosters.require_free(hall, line.plan, taken)
    except Refused as refusal:
        return replace(line, plan=None, error=str(refusal))
    taken.setdefault(line.plan.person.pk, []).append((line.plan.starts, line.plan.ends))
    return line


def _plan(finder: _Finder, cells: Cells) -> Plan:
    on = date_of(cells["date"])
    starts, ends = rosters.span(finder.hall, on, time_of(cells["from"]), time_of(cells["to"]))
    meal_from = meal_until = None
    if meal := cells.get("meal", ""):
        start, _dash, end = meal.replace("–", "-").replace("—", "-").partition("-")
        meal_from, meal_until = rosters.meal_span(finder.hall, starts, time_of(start), time_of(end))
    deputy = cells.get("deputy", "")
    return Plan(
        person=finder.person(cells.get("login", ""), cells.get("name", "")).person,
        post=finder.post(cells["post"]),
        starts=starts,
        ends=ends,
        zone=finder.zone(cells.get("zone", "")),
        counter=finder.counter(cells.get("counter", "")),
        meal_from=meal_from,
        meal_until=meal_until,
        delegate=finder.person(deputy, "").person if deputy else None,
        note=cells.get("note", ""),
    )


def date_of(said: str) -> dt.date:
    """A date as 2026-11-23 or 2026/11/23. Raises Invalid for anything else, and outside of this century."""
    parts = said.replace("/", "-").split("-")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        try:
            on = dt.date(int(parts[0]), int(parts[1]), int(parts[2]))
        except ValueError:
            on = None
        if on is not None and 2000 <= on.year <= 2099:
            return on
    raise Invalid(_("“%(text)s” is no date. Please write it as 2026-11-24.") % {"text": said[:40]})


def time_of(said: str) -> dt.time:
    """A time of day as 9:00 or 09:00. Raises Invalid for anything else; 24:00 is midnight."""
    hour, _colon, minute = said.strip().replace("：", ":").partition(":")
    minute = minute.removesuffix(":00") if len(minute) == 5 else minute  # 09:00:00
    if all(part.isascii() and part.isdigit() and len(part) <= 2 for part in (hour, minute)):
        number = int(hour) * 60 + int(minute)
        if int(minute) < 60 and number <= 24 * 60:
            return dt.time(number // 60 % 24, number % 60)
    raise Invalid(_("“%(text)s” is no time of day. Please write it as 09:00.") % {"text": said[:40]})


def _printable(cell: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in cell[:60])


# Writing


def table(hall: Hall, shifts: list[Shift], companies: dict[int, str]) -> list[list[str | int]]:
    """The roster as rows under its head (REC-45): texts, and counters as numbers. It can be read in again as it is. One query.

    Company and swap (who gave the shift to whom) are told and not read back.
    """
    swaps = {
        pk: "; ".join(f"{one.giver.login} > {one.to.login}" for one in rows if one.state == Swap.State.AGREED)
        for pk, rows in rosters.swaps_of(shifts).items()
    }
    rows: list[list[str | int]] = [list(HEADS)]
    for row in shifts:
        meal = ""
        if row.meal_from and row.meal_until:
            meal = f"{hall.local(row.meal_from):%H:%M}-{hall.local(row.meal_until):%H:%M}"
        rows.append(
            [
                row.on.isoformat(), row.person.login, row.person.name, companies.get(row.person_id, ""), row.post.slug,
                row.zone.slug if row.zone else "", row.counter.number if row.counter else "", f"{hall.local(row.starts):%H:%M}",
                f"{hall.local(row.ends):%H:%M}", meal, row.delegate.login if row.delegate else "", row.note,
                swaps.get(row.pk, ""),
            ]
        )  # fmt: skip
    return rows


def as_csv(rows: list[list[str | int]]) -> bytes:
    """UTF-8 with a byte order mark; text cells that no spreadsheet takes for a formula."""
    file = io.StringIO()
    csv.writer(file).writerows([text.harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def as_workbook(rows: list[list[str | int]], title: str) -> bytes:
    """An .xlsx of one sheet with a fixed head. Texts are stored as texts: none of them is ever a formula."""
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for number, row in enumerate(rows, start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(number, place)
            cell.value = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"
            cell.font = Font(bold=number == 1)
    sheet.freeze_panes = "A2"
    for letter in "ABCDEFGHIJKLM":
        sheet.column_dimensions[letter].width = 16
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
