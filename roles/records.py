"""Records: every write of forms and entries. A form is edited by making its next version; an entry is never changed at all."""

import datetime as dt
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hall import text
from hall.models import Hall, Person
from hall.models.names import pick
from hall.refusals import Invalid, WrongState
from roles.models import Entry, FieldKind, Form

CATALOGUE = Path(__file__).resolve().parent / "catalogue" / "forms.yaml"
MOST_TEXT, MOST_LONG, MOST_FIELDS, MOST_CHOICES = 200, 2000, 60, 40
ONE_AT_A_TIME = 0x0D07_1E6  # the advisory lock of a form, beside its code
NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
FIRST, LAST = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
YESNO = {"yes": ("是", "Yes"), "no": ("否", "No")}

Field = dict[str, Any]
Row = dict[str, Any]


class NotFilledIn(Invalid):
    """Some fields cannot be taken: `errors` says why, by field name."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(_("Please look at the fields marked below. Nothing was handed in."))


class BadForm(Invalid):
    """A form that cannot be used: `errors` says why, by place ("name_zh", "3.choices")."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(_("Please look at the fields marked below. The form was not changed."))


@dataclass
class Loaded:
    """What loading did: the codes of the forms, in order."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # people have changed them


def hand_in(form: Form, hall: Hall, answers: Mapping[str, str], *, by: Person, at: dt.datetime) -> Entry:
    """A form is filled in and handed in; from then on it is never changed.

    Raises NotFilledIn with the reason by field, WrongState for a form out of use or an old version of it.
    """
    with transaction.atomic():  # a new version made meanwhile waits, or is seen
        _require_current(form)
        return _keep(form, hall, answers, business_date=hall.business_date(at), by=by, at=at)


def correct(entry: Entry, answers: Mapping[str, str], *, reason: str, by: Person, at: dt.datetime) -> Entry:
    """A handed-in entry is corrected by another one that replaces it; both stay. It keeps the form's version and the day.

    Raises NotFilledIn (the field "reason" included), WrongState if somebody has corrected it already.
    """
    errors = {}
    try:
        reason = text.clean(reason, most=MOST_TEXT)
    except Invalid as refusal:
        errors["reason"] = str(refusal)
    if not reason:
        errors["reason"] = _("Please say why it is corrected.")
    with transaction.atomic():  # two corrections of one entry: the second is told
        locked = (
            Entry.objects.select_for_update(of=("self",), no_key=True).select_related("form", "hall").get(pk=entry.pk)
        )
        if Entry.objects.filter(replaces=locked).exists():
            raise WrongState(_("This entry was corrected already. Please correct the newest version."))
        errors |= read(locked.form, answers, locked.hall)[1]
        if errors:
            raise NotFilledIn(errors)
        return _keep(
            locked.form, locked.hall, answers, business_date=locked.business_date, replaces=locked, reason=reason, by=by, at=at
        )  # fmt: skip


def define_form(
    code: str, *, name_zh: str, name_en: str = "", purpose_zh: str = "", purpose_en: str = "", fields: list[Field],
    filled_by: Iterable[str] = (), is_active: bool = True, is_shipped: bool = False, by: Person | None, at: dt.datetime,
) -> Form:  # fmt: skip
    """The form as it is from now on: a new version, or the first. Entries of earlier versions stay as they were.

    Nothing is made when nothing differs. Raises BadForm with the reason by place.
    """
    words = {
        "name_zh": name_zh, "name_en": name_en, "purpose_zh": purpose_zh, "purpose_en": purpose_en,
        "fields": [_whole(one) for one in fields],
        "filled_by": list(filled_by), "is_active": is_active,
    }  # fmt: skip
    errors = _check(code, words)
    if errors:
        raise BadForm(errors)
    with transaction.atomic():  # two who edit at once make two versions, one after the other
        with (
            connection.cursor() as cursor
        ):  # a row lock would do only for a form that is there, and finds the old version
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [ONE_AT_A_TIME, code])
        current = Form.objects.filter(code=code, is_current=True).first()
        if current is not None and all(getattr(current, name) == value for name, value in words.items()):
            return current
        if current is not None:
            current.is_current = False
            current.save(update_fields=["is_current"])
        number = current.version + 1 if current is not None else 1
        return Form.objects.create(code=code, version=number, is_shipped=is_shipped, made_by=by, made_at=at, **words)


def load_forms(*, by: Person | None, at: dt.datetime) -> Loaded:
    """The forms that Hall brings along. Done again, it renews what nobody has changed and leaves alone what somebody has."""
    report = Loaded()
    for words in _shipped():
        current = Form.objects.filter(code=words["code"], is_current=True).first()
        if current is not None and not current.is_shipped:
            report.kept.append(current.code)
            continue
        made = define_form(**words, is_shipped=True, by=by, at=at)
        if current is None:
            report.added.append(made.code)
        elif made.pk != current.pk:
            report.updated.append(made.code)
    return report


# Reading.


def forms() -> list[Form]:
    """The current versions of the forms in use, by code. One query."""
    return list(Form.objects.filter(is_current=True, is_active=True).order_by("code"))


def entries(hall: Hall, code: str, *, by: Person | None = None) -> QuerySet[Entry]:
    """The newest versions of a form's entries in a hall, newest first; `by`: only those that this person handed in or corrected."""
    found = Entry.objects.filter(hall=hall, code=code, replaced_by=None).select_related("form", "by")
    if by is not None:
        found = found.filter(Q(by=by) | Q(replaces__by=by))
    return found


def search(found: QuerySet[Entry], words: str, since: dt.date | None, until: dt.date | None) -> QuerySet[Entry]:
    """Only those that hold every word, from one date to another."""
    if since is not None:
        found = found.filter(business_date__gte=since)
    if until is not None:
        found = found.filter(business_date__lte=until)
    for word in words.lower().split()[:10]:
        found = found.filter(words__contains=word)
    return found


def versions(entry: Entry) -> list[Entry]:
    """All versions of an entry, the first one first. A query per version."""
    found = [entry]
    while found[0].replaces is not None:
        found.insert(0, found[0].replaces)
    while (later := Entry.objects.filter(replaces=found[-1]).select_related("by", "form").first()) is not None:
        found.append(later)
    return found


def naming(hall: Hall, person: Person) -> QuerySet[Entry]:
    """The newest versions of the entries that are about a person, of all forms, newest first."""
    return Entry.objects.filter(hall=hall, people__contains=[person.pk], replaced_by=None).select_related("form", "by")


def people_of(hall: Hall) -> list[Person]:
    """Whom a field of kind person can name, by login. One query."""
    return list(Person.objects.filter(memberships__hall=hall, is_active=True).distinct().order_by("login"))


def label(one: Mapping[str, Any]) -> str:
    """A field's label, or that of a row of an entry, in the language in force."""
    return pick(one["label_zh"], one["label_en"])


def shown(row: Row) -> str:
    """What was entered, to be read, in the language in force."""
    return pick(row["shown_zh"], row["shown_en"])


def read(form: Form, answers: Mapping[str, str], hall: Hall) -> tuple[list[Row], dict[str, str]]:
    """What the answers mean: the rows of `Entry.data`, and by field name why an answer cannot be taken. A query per person."""
    rows, errors = [], {}
    for one in form.fields:
        raw = answers.get(one["name"], "").replace("\r\n", "\n")
        try:
            raw = text.clean(raw, most=MOST_LONG, lines=one["kind"] == FieldKind.LONG)
            if not raw and one["required"]:
                raise Invalid(_("Please fill this in."))
            value, shown_zh, shown_en = _meaning(one, raw, hall) if raw else (None, "", "")
        except Invalid as refusal:
            errors[one["name"]] = str(refusal)
            continue
        kept = {name: one[name] for name in ("name", "label_zh", "label_en", "kind", "unit")}
        rows.append(kept | {"value": value, "shown_zh": shown_zh, "shown_en": shown_en})
    if not errors and not any(row["value"] is not None for row in rows):
        errors = {form.fields[0]["name"]: _("Please fill in at least one field.")}
    return rows, errors


def _require_current(form: Form) -> None:
    now = Form.objects.select_for_update(of=("self",), no_key=True).get(pk=form.pk)
    if not now.is_active:
        raise WrongState(_("This form is out of use."))
    if not now.is_current:
        raise WrongState(_("This form has a newer version. Please load the page again."))


def _keep(
    form: Form, hall: Hall, answers: Mapping[str, str], *, business_date: dt.date, replaces: Entry | None = None, reason: str = "",
    by: Person, at: dt.datetime,
) -> Entry:  # fmt: skip
    rows, errors = read(form, answers, hall)
    if errors:
        raise NotFilledIn(errors)
    words = [by.name_zh, by.name_en, *(row[name] for row in rows for name in ("shown_zh", "shown_en"))]
    return Entry.objects.create(
        hall=hall, form=form, code=form.code, business_date=business_date, data=rows, replaces=replaces, reason=reason, by=by, at=at,
        words="\n".join(dict.fromkeys(word.lower() for word in words if word)),
        people=[row["value"] for row in rows if row["kind"] == FieldKind.PERSON and row["value"] is not None],
    )  # fmt: skip


def _meaning(one: Field, raw: str, hall: Hall) -> tuple[Any, str, str]:
    """(value, as read in Chinese, as read in English). Raises Invalid in words."""
    kind = one["kind"]
    if kind == FieldKind.NUMBER:
        number = _number(raw, one["least"], one["most"])
        said = f"{number} {one['unit']}".strip()
        return number, said, said
    if kind == FieldKind.CHOICE:
        choice = next((choice for choice in one["choices"] if choice["value"] == raw), None)
        if choice is None:
            raise Invalid(_("Please choose one of the list."))
        return raw, choice["zh"], choice["en"] or choice["zh"]
    if kind == FieldKind.YESNO:
        if raw not in YESNO:
            raise Invalid(_("Please choose yes or no."))
        return raw == "yes", *YESNO[raw]
    if kind == FieldKind.DATE:
        on = _date(raw)
        return on.isoformat(), on.isoformat(), on.isoformat()
    if kind == FieldKind.TIME:
        if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", raw, re.ASCII) is None:
            raise Invalid(_("Please give a time of day such as 14:30."))
        return raw, raw, raw
    if kind == FieldKind.PERSON:
        known = raw.isascii() and raw.isdigit() and len(raw) <= 9
        person = Person.objects.filter(pk=int(raw), memberships__hall=hall).first() if known else None
        if person is None:
            raise Invalid(_("Please choose a person of this hall."))
        return person.pk, person.name_zh or person.name_en, person.name_en or person.name_zh
    most = int(one["most"] or (MOST_LONG if kind == FieldKind.LONG else MOST_TEXT))
    return text.clean(raw, most=most, lines=kind == FieldKind.LONG), raw, raw


def _number(raw: str, least: float | None, most: float | None) -> int | float:
    if NUMBER.fullmatch(raw) is None:
        raise Invalid(_("Please give a number such as 12 or 12.5."))
    try:
        number = Decimal(raw)
    except InvalidOperation:  # pragma: no cover - NUMBER lets none through
        raise Invalid(_("Please give a number such as 12 or 12.5.")) from None
    if least is not None and number < Decimal(str(least)):
        raise Invalid(_("At least %(least)s.") % {"least": least})
    if most is not None and number > Decimal(str(most)):
        raise Invalid(_("At most %(most)s.") % {"most": most})
    return int(number) if number == number.to_integral_value() else float(number)


def _date(raw: str) -> dt.date:
    try:
        on = dt.date.fromisoformat(raw) if re.fullmatch(r"\d{4}-\d\d-\d\d", raw, re.ASCII) else None
    except ValueError:
        on = None
    if on is None or not FIRST <= on <= LAST:
        raise Invalid(_("Please give a date as 2026-11-24."))
    return on


def _whole(one: Mapping[str, Any]) -> Field:
    """A field's definition with every key there is."""
    choices = [{"value": "", "zh": "", "en": ""} | dict(choice) for choice in one.get("choices") or []]
    empty = {"name": "", "label_zh": "", "label_en": "", "kind": FieldKind.TEXT.value, "unit": "", "required": False}
    return empty | {"least": None, "most": None} | dict(one) | {"choices": choices}


def _check(code: str, words: Mapping[str, Any]) -> dict[str, str]:
    """Why a form cannot be used, by place; empty when it can."""
    errors = {}
    if re.fullmatch(r"[A-Z]+-[0-9A-Z]+", code) is None or len(code) > 12:
        errors["code"] = _("Please give a code such as REC-36.")
    for name, most in (("name_zh", 60), ("name_en", 80), ("purpose_zh", 200), ("purpose_en", 300)):
        _check_text(errors, name, words[name], most=most, needed=name == "name_zh")
    if not 1 <= len(words["fields"]) <= MOST_FIELDS:
        errors["fields"] = _("A form has from 1 to %(most)d fields.") % {"most": MOST_FIELDS}
    seen: set[str] = set()
    for number, one in enumerate(words["fields"]):
        _check_field(errors, number, one)
        if one["name"] in seen:
            errors[f"{number}.name"] = _("Two fields have this short name.")
        seen.add(one["name"])
    return errors


def _check_field(errors: dict[str, str], number: int, one: Field) -> None:
    if not isinstance(one["name"], str) or SLUG.fullmatch(one["name"]) is None:
        errors[f"{number}.name"] = _("Small letters, digits and _ only, a letter first.")
    _check_text(errors, f"{number}.label_zh", one["label_zh"], most=80, needed=True)
    _check_text(errors, f"{number}.label_en", one["label_en"], most=120)
    _check_text(errors, f"{number}.unit", one["unit"], most=20)
    if one["kind"] not in FieldKind.values:
        errors[f"{number}.kind"] = _("Please choose one of the list.")
    least, most = one["least"], one["most"]
    if least is not None and most is not None and least > most:
        errors[f"{number}.most"] = _("Not below the least.")
    values = [choice["value"] for choice in one["choices"]]
    if one["kind"] == FieldKind.CHOICE and (
        not 2 <= len(values) <= MOST_CHOICES or len(set(values)) != len(values) or not all(values)
    ):
        errors[f"{number}.choices"] = _("Give from 2 to %(most)d choices, each with a short name of its own.") % {
            "most": MOST_CHOICES
        }
    for choice in one["choices"]:
        for key in ("value", "zh", "en"):
            _check_text(errors, f"{number}.choices", choice[key], most=60, needed=key == "zh")


def _check_text(errors: dict[str, str], place: str, said: object, *, most: int, needed: bool = False) -> None:
    try:
        if not isinstance(said, str):
            raise Invalid(_("This is no text."))
        if not text.clean(said, most=most) and needed:
            raise Invalid(_("Please fill this in."))
    except Invalid as refusal:
        errors[place] = str(refusal)


@functools.cache
def _shipped() -> list[dict[str, Any]]:
    """The catalogue's forms as define_form takes them, in order."""
    found = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    return [form | {"fields": [_from_catalogue(one) for one in form["fields"]]} for form in found]


def _from_catalogue(one: dict[str, Any]) -> Field:
    """A field of the file, where `zh` and `en` are its labels and a choice is [value, zh, en]."""
    given = {name: value for name, value in one.items() if name not in ("zh", "en", "choices")}
    choices = [dict(zip(("value", "zh", "en"), choice, strict=True)) for choice in one.get("choices", [])]
    return _whole(given | {"label_zh": one["zh"], "label_en": one["en"], "choices": choices})
