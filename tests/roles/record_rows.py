"""Rows of records for tests."""

import itertools

from hall.models import Hall, Person
from roles import records
from roles.models import Entry, Form
from tests import make

_numbers = itertools.count(1)


def field(name: str, kind: str = "text", **more: object) -> dict[str, object]:
    return {"name": name, "label_zh": f"{name}（中文）", "label_en": name, "kind": kind, **more}


def form(*fields: dict[str, object], code: str | None = None, **more: object) -> Form:
    """A form with one line of text unless told otherwise."""
    given = {"name_zh": "测试表", "name_en": "Test form", "fields": list(fields) or [field("what")], **more}
    return records.define_form(code or f"TST-{next(_numbers)}", by=None, at=make.AT, **given)


def entry(form: Form, hall: Hall, by: Person, **answers: str) -> Entry:
    return records.hand_in(form, hall, answers or {"what": "all is well"}, by=by, at=make.AT)
