"""Entries of a form as files: CSV and spreadsheet, one line per entry, in which no text is taken for a formula."""

import csv
import datetime as dt
import io
from collections.abc import Sequence

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from hall import text
from hall.models import Hall
from roles.models import Entry, Form
from roles.records import label, shown

MOST = 20_000  # entries in one file
WIDEST = 60

Line = list[str | int | float | dt.date]


def as_csv(form: Form, hall: Hall, entries: Sequence[Entry]) -> bytes:
    """UTF-8 with a byte order mark and commas; text that looks like a formula begins with an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file)
    for line in _lines(form, hall, entries):
        writer.writerow([text.harmless(cell) if isinstance(cell, str) else cell for cell in line])
    return ("\ufeff" + file.getvalue()).encode()


def as_xlsx(form: Form, hall: Hall, entries: Sequence[Entry]) -> bytes:
    """One sheet; numbers and dates are such, every text is a text whatever it begins with."""
    book = Workbook(write_only=False)
    sheet = book.active
    sheet.title = form.code
    widths: dict[int, int] = {}
    for row, line in enumerate(_lines(form, hall, entries), 1):
        for column, value in enumerate(line, 1):
            cell = sheet.cell(row=row, column=column, value=value)
            _as_text(cell, value)
            if row == 1:
                cell.font = Font(bold=True)
            widths[column] = min(max(widths.get(column, 8), *(_width(part) for part in str(value).split("\n"))), WIDEST)
    for column, width in widths.items():
        sheet.column_dimensions[get_column_letter(column)].width = width + 2
    sheet.freeze_panes = "A2"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _lines(form: Form, hall: Hall, entries: Sequence[Entry]) -> list[Line]:
    """The head and a line per entry. Fields of older versions that the form has no more come last, under their last label."""
    heads = {one["name"]: label(one) for one in form.fields}
    for entry in entries:
        for row in entry.data:
            heads.setdefault(row["name"], label(row))
    lines: list[Line] = [
        [
            _("Number"),
            _("Date"),
            _("Handed in at"),
            _("Handed in by"),
            _("Version of the form"),
            *heads.values(),
            _("Reason for the correction"),
        ]
    ]
    for entry in entries:
        given = {row["name"]: row for row in entry.data}
        cells = [_cell(given[name]) if name in given else "" for name in heads]
        at = hall.local(entry.at).strftime("%Y-%m-%d %H:%M")
        lines.append([entry.pk, entry.business_date, at, entry.by.name, entry.form.version, *cells, entry.reason])
    return lines


def _cell(row: dict) -> str | int | float:
    return row["value"] if row["kind"] == "number" and row["value"] is not None else shown(row)


def _as_text(cell: Cell, value: object) -> None:
    if isinstance(value, str):
        cell.data_type = "s"  # or "=1+1" would be a formula
        cell.alignment = Alignment(vertical="top", wrap_text="\n" in value)


def _width(said: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in said)
