"""Duties as a spreadsheet or YAML file: reading one into rows of text, and writing one. Reads and writes no tables."""

import io
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import Any

import yaml
from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from hall import text
from hall.models import Post
from hall.refusals import Invalid
from roles import catalogue
from roles.models import Duty

MOST_ROWS = 5000
MOST_COLUMNS = 40
LONGEST_CELL = 2000  # longer ones are refused by row, in words; this bounds what is kept of them
LARGEST_NUMBER = 10**12
LARGEST_UNPACKED = 20 * 1024 * 1024  # of an .xlsx, which is a zip

# The columns of a file, and what else their heads may say.
HEADS = {
    "code": ("code", "编号"),
    "post": ("post", "岗位"),
    "position": ("position", "顺序"),
    "text_zh": ("text_zh", "chinese text", "中文"),
    "text_en": ("text_en", "english text", "英文"),
    "cadence": ("cadence", "周期"),
    "moment": ("moment", "时点"),
    "zone": ("zone", "区域"),
    "record": ("record", "记录"),
    "in_use": ("in_use", "in use", "启用"),
}
NEEDED = ("code", "post", "text_zh", "cadence", "moment")
WIDTHS = {
    "code": 12, "post": 22, "position": 9, "text_zh": 48, "text_en": 72, "cadence": 16, "moment": 16, "zone": 14, "record": 10, "in_use": 8,
}  # fmt: skip

Cells = dict[str, str]


# Reading.


def read(name: str, content: bytes) -> list[tuple[int, Cells]]:
    """The rows of an .xlsx or YAML file as (number in the file, column → text); empty rows are left out.

    Raises Invalid, in words, for another kind of file, a broken one, one with too many rows, or with wrong columns.
    """
    if content[:2] == b"PK":
        rows = _of_workbook(content)
    elif name.lower().endswith((".yaml", ".yml")):
        rows = _of_yaml(content)
    else:
        raise _unreadable()
    if not rows:
        raise Invalid(_("The file has no duties."))
    if len(rows) > MOST_ROWS:
        raise Invalid(_("The file has more than %(most)d rows. Please split it.") % {"most": MOST_ROWS})
    return rows


def _unreadable() -> Invalid:
    return Invalid(_("This file cannot be read. Please give an .xlsx or a .yaml file."))


def _of_workbook(content: bytes) -> list[tuple[int, Cells]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                raise Invalid(_("The file is too large."))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        read = sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_COLUMNS, values_only=True)
        rows = [[_as_text(value) for value in row] for row in read]
    except Invalid:
        raise
    except Exception as error:  # whatever openpyxl raises over a file that is none
        raise _unreadable() from error
    columns = _columns(rows[0] if rows else [])
    found = []
    for number, row in enumerate(rows[1:], start=2):
        cells = {name: row[place] if place < len(row) else "" for place, name in columns.items()}
        if any(cells.values()):
            found.append((number, cells))
    return found


def _of_yaml(content: bytes) -> list[tuple[int, Cells]]:
    try:
        found = yaml.load(content.decode("utf-8-sig"), catalogue.LOADER)  # noqa: S506 (one of the two safe ones)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable() from error
    rows = found.get("duties") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Invalid(_("A YAML file of duties is a list under the word “duties”."))
    _columns(sorted({str(name) for row in rows for name in row}))
    known = {head: name for name, heads in HEADS.items() for head in heads}
    return [
        (number, {known[str(head).lower()]: _as_text(value) for head, value in row.items()})
        for number, row in enumerate(rows, 1)
    ]


def _columns(heads: list[str]) -> dict[int, str]:
    """Place → column. Raises Invalid for one that is not known, stands there twice or is missing."""
    known = {head: name for name, heads in HEADS.items() for head in heads}
    columns: dict[int, str] = {}
    wrong = []
    for place, head in enumerate(heads):
        name = known.get(head.strip().lower())
        if name is not None and name not in columns.values():
            columns[place] = name
        elif head.strip():
            wrong.append(head.strip()[:40])
    if wrong:
        raise Invalid(_("These columns are not known: %(names)s.") % {"names": ", ".join(wrong[:10])})
    missing = [name for name in NEEDED if name not in columns.values()]
    if missing:
        raise Invalid(_("These columns are missing: %(names)s.") % {"names": ", ".join(missing)})
    return columns


def _as_text(value: Any) -> str:
    """A cell as text: whole numbers without a point, yes and no as 1 and 0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list | dict | set | tuple) or (isinstance(value, int) and abs(value) > LARGEST_NUMBER):
        raise _unreadable()  # a list of lists of lists may unfold to anything
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()[:LONGEST_CELL]


# Writing.


def row_of(duty: Duty) -> dict[str, str | int]:
    """A duty under its columns; read in again, it changes nothing."""
    return {
        "code": duty.code, "post": duty.post.slug, "position": duty.position, "text_zh": duty.text_zh, "text_en": duty.text_en,
        "cadence": duty.cadence, "moment": duty.moment, "zone": duty.zone_slug, "record": duty.record, "in_use": int(duty.is_active),
    }  # fmt: skip


def as_yaml(duties: Iterable[Duty]) -> bytes:
    rows = [row_of(duty) | {"in_use": duty.is_active} for duty in duties]
    return yaml.safe_dump({"duties": rows}, allow_unicode=True, sort_keys=False, width=120).encode()


def as_workbook(duties: Iterable[Duty], posts: Iterable[Post]) -> bytes:
    """An .xlsx: the duties under a fixed head with lists to choose from, and a second sheet that says what may stand where.

    Posts, cadences, moments and zones stand by their names in the language in force; records by number. Texts are stored as
    texts: none is ever a formula.
    """
    book = Workbook()
    sheet, names = book.active, book.create_sheet(_("Names"))
    sheet.title = _("Duties")
    known = {
        "post": {post.slug: post.name for post in posts},
        "cadence": _in_words(catalogue.names("cadences")),
        "moment": _in_words(catalogue.names("moments")),
        "zone": _in_words(catalogue.zone_names()),
        "record": _in_words(catalogue.record_names()),
    }
    said = {column: _said(rows) for column, rows in known.items() if column != "record"}
    for place, name in enumerate(HEADS, 1):
        _write(sheet, 1, place, name, bold=True)
        sheet.column_dimensions[sheet.cell(1, place).column_letter].width = WIDTHS[name]
    for number, duty in enumerate(duties, 2):
        for place, (name, value) in enumerate(row_of(duty).items(), 1):
            _write(sheet, number, place, said.get(name, {}).get(str(value), value))
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    for place, (column, rows) in enumerate(known.items()):
        offered = said.get(column, {})
        choices = [(offered.get(slug, slug), name if column == "record" else slug) for slug, name in rows.items()]
        _offer(sheet, names, column, choices, 2 * place + 1)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _in_words(names: dict[str, catalogue.Name]) -> dict[str, str]:
    return {slug: name.name for slug, name in names.items()}


def _said(names: dict[str, str]) -> dict[str, str]:
    """Slug → the name that stands in a cell; the slug itself where two things have one name."""
    count = Counter(name.lower() for name in names.values())
    return {slug: name if count[name.lower()] == 1 else slug for slug, name in names.items()}


def _offer(sheet: Worksheet, names: Worksheet, column: str, rows: list[tuple[str, str]], place: int) -> None:
    """Write what may stand in a column on the second sheet, and let its cells choose from there."""
    _write(names, 1, place, column, bold=True)
    for number, (said, meant) in enumerate(rows, 2):
        _write(names, number, place, said)
        _write(names, number, place + 1, meant)
    letter = names.cell(1, place).column_letter
    names.column_dimensions[letter].width = 22
    names.column_dimensions[names.cell(1, place + 1).column_letter].width = 36
    own = sheet.cell(1, list(HEADS).index(column) + 1).column_letter
    rule = DataValidation("list", f"'{names.title}'!${letter}$2:${letter}${len(rows) + 1}", allow_blank=True)
    rule.showErrorMessage = False  # slugs and the other language are understood as well
    rule.add(f"{own}2:{own}{MOST_ROWS}")
    sheet.add_data_validation(rule)


def _write(sheet: Worksheet, row: int, column: int, value: str | int, *, bold: bool = False) -> None:
    cell = sheet.cell(row, column)
    cell.value = ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(text.FORMULA)  # stays text when somebody edits the cell
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if bold:
        cell.font = Font(bold=True)
