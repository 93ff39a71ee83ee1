"""Every write to duties that comes from a file: first what it would change, row by row, then all of it in one step."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from hall import text
from hall.models import Person, Post
from hall.refusals import Invalid, Refused, WrongState
from roles import catalogue
from roles.duty_files import Cells
from roles.models import Duty

FIELDS = ("post", "position", "text_zh", "text_en", "cadence", "moment", "zone_slug", "record", "is_active")
YES, NO = {"1", "yes", "true", "y", "是", "√"}, {"0", "no", "false", "n", "否", "×"}
WHY = "import"  # the reason that a row's history shows
LAST_POSITION = 30_000
LONGEST = {name: Duty._meta.get_field(name).max_length or 0 for name in ("text_zh", "text_en")}  # type: ignore[union-attr]


@dataclass(frozen=True)
class Change:
    """One field of one duty: what stands there and what would."""

    field: str
    before: str
    after: str


@dataclass
class Line:
    """One row of the file: a new duty, a changed one, the same as it was, or wrong, with every reason."""

    number: int
    code: str
    what: str = "same"  # new, changed, same, wrong
    changes: list[Change] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a file would change. Nothing may be applied while a row is wrong."""

    lines: list[Line]

    def of(self, what: str) -> list[Line]:
        return [line for line in self.lines if line.what == what]

    @property
    def wrong(self) -> list[Line]:
        return self.of("wrong")

    @property
    def new(self) -> list[Line]:
        return self.of("new")

    @property
    def changed(self) -> list[Line]:
        return self.of("changed")

    @property
    def same(self) -> list[Line]:
        return self.of("same")

    @property
    def digest(self) -> str:
        """What was shown: applying compares it, so that nobody applies something else than he has seen."""
        shown = [
            (line.code, line.what, [(one.field, one.before, one.after) for one in line.changes]) for line in self.lines
        ]
        return hashlib.sha256(json.dumps(shown, ensure_ascii=False).encode()).hexdigest()


def plan(rows: Iterable[tuple[int, Cells]]) -> Plan:
    """What these rows of a file would change; duties that it does not name stay. Writes nothing. Two queries."""
    reader, seen = _Reader(), dict[str, int]()
    lines = []
    for number, cells in rows:
        line = reader.line(number, cells)
        if line.code in seen and line.code:
            line.errors.append(
                _("The code %(code)s stands in row %(row)d already.") % {"code": line.code, "row": seen[line.code]}
            )
        seen.setdefault(line.code, number)
        if line.errors:
            line.what, line.changes = "wrong", []
        lines.append(line)
    return Plan(lines)


def in_words(name: str, value: str) -> str:
    """A value of a change as people call it, in the language in force: every Monday, not weekly_mon."""
    names = {
        "cadence": catalogue.names("cadences"), "moment": catalogue.names("moments"), "zone_slug": catalogue.zone_names(),
    }.get(name, {})  # fmt: skip
    if name == "is_active":
        return {"True": _("yes"), "False": _("no")}.get(value, value)
    return names[value].name if value in names else value


def apply(rows: Iterable[tuple[int, Cells]], *, digest: str, by: Person, at: dt.datetime) -> Plan:
    """Add and change duties as the dry run with this digest has shown, all or none.

    Raises Invalid when a row is wrong, WrongState when somebody has changed these duties since the dry run.
    """
    with transaction.atomic():  # all the file's rows or none; one import or loading at a time
        catalogue.lock()
        found = plan(rows)
        if found.wrong:
            raise Invalid(_("Some rows are wrong. Nothing was changed."))
        if found.digest != digest:
            raise WrongState(_("Somebody has changed these duties meanwhile. Please look at the changes again."))
        posts = {post.slug: post for post in Post.objects.all()}
        present = {duty.code: duty for duty in Duty.objects.select_related("post")}
        changed = [present[line.code] for line in found.changed]
        added = [Duty(code=line.code) for line in found.new]
        for duty, line in [*zip(added, found.new, strict=True), *zip(changed, found.changed, strict=True)]:
            for name, value in line.values.items():
                setattr(duty, name, posts[value] if name == "post" else value)
        named = {"default_user": by, "default_date": at, "default_change_reason": WHY, "batch_size": 500}
        if added:
            bulk_create_with_history(added, Duty, **named)
        if changed:
            bulk_update_with_history(changed, Duty, list(FIELDS), **named)
    return found


class _Reader:
    """What a row may name, read once: posts, duties, and the names of everything in both languages."""

    def __init__(self) -> None:
        self.posts = {post.slug: post for post in Post.objects.all()}
        self.present = {duty.code: duty for duty in Duty.objects.select_related("post")}
        self.last = dict[str, int]()
        for duty in self.present.values():
            self.last[duty.post.slug] = max(self.last.get(duty.post.slug, 0), duty.position)
        self.post_names = _by_name({slug: [post.code, post.name_zh, post.name_en] for slug, post in self.posts.items()})
        self.cadences, self.moments = _by_both(catalogue.names("cadences")), _by_both(catalogue.names("moments"))
        self.zones, self.records = _by_both(catalogue.zone_names()), _by_both(catalogue.record_names())

    def line(self, number: int, cells: Cells) -> Line:
        line = Line(number, cells.get("code", "").upper()[:40])
        read: dict[str, tuple[str, Callable[[str], Any]]] = {
            "post": ("post", self._post),
            "text_zh": ("text_zh", lambda said: _text(said, "text_zh", needed=True)),
            "text_en": ("text_en", lambda said: _text(said, "text_en", needed=False)),
            "cadence": ("cadence", self._cadence),
            "moment": ("moment", self._moment),
            "zone": (
                "zone_slug",
                lambda said: said and _known(self.zones, said, _("There is no zone called “%(name)s”.")),
            ),
            "record": (
                "record",
                lambda said: said and _known(self.records, said, _("There is no record called “%(name)s”.")),
            ),
            "in_use": ("is_active", _yes_or_no),
            "position": ("position", lambda said: text.whole_number(said, least=0, most=LAST_POSITION)),
        }
        try:
            line.code = _code(line.code)
        except Refused as refusal:
            line.errors.append(str(refusal))
        for column, (name, reading) in read.items():
            said = cells.get(column)
            if said is None or (column in ("position", "in_use") and not said):
                continue  # the file does not speak of it
            try:
                line.values[name] = reading(said)
            except Refused as refusal:
                line.errors.append(f"{column}: {refusal}")
        if not line.errors:
            self._compare(line)
        return line

    def _post(self, said: str) -> str:
        if not said:
            raise Invalid(_("The duty has no post."))
        return _known(self.post_names, said, _("There is no post called “%(name)s”."))

    def _cadence(self, said: str) -> str:
        if not said:
            raise Invalid(_("The duty has no cadence."))
        return _known(self.cadences, said, _("There is no cadence called “%(name)s”."))

    def _moment(self, said: str) -> str:
        if not said:
            raise Invalid(_("The duty has no moment."))
        return _known(self.moments, said, _("There is no moment called “%(name)s”."))

    def _compare(self, line: Line) -> None:
        duty = self.present.get(line.code)
        if duty is None:
            slug = line.values["post"]
            if "position" not in line.values:
                self.last[slug] = self.last.get(slug, 0) + catalogue.STEP
                line.values["position"] = self.last[slug]
            line.what = "new"
        before = dict.fromkeys(FIELDS, "") if duty is None else _values(duty)
        line.changes = [
            Change(name, str(before[name]), str(value))
            for name, value in line.values.items()
            if value != before[name]
        ]  # fmt: skip
        if duty is not None and line.changes:
            line.what = "changed"


def _values(duty: Duty) -> dict[str, Any]:
    return {name: duty.post.slug if name == "post" else getattr(duty, name) for name in FIELDS}


def _by_both(names: dict[str, catalogue.Name]) -> dict[str, str]:
    return _by_name({slug: [name.name_zh, name.name_en] for slug, name in names.items()})


def _by_name(names: dict[str, list[str]]) -> dict[str, str]:
    """Any of a thing's names, in small letters → its slug; a slug names itself."""
    found = {name.lower(): slug for slug, known in names.items() for name in known if name}
    return found | {slug.lower(): slug for slug in names}


def _known(names: dict[str, str], said: str, unknown: str) -> str:
    """The slug of what is called so. Raises Invalid in the words of `unknown`."""
    slug = names.get(said.lower())
    if slug is None:
        raise Invalid(unknown % {"name": said[:40]})
    return slug


def _text(said: str, name: str, *, needed: bool) -> str:
    found = text.clean(said, most=LONGEST[name])
    if needed and not found:
        raise Invalid(_("The duty has no Chinese text."))
    return found


def _code(said: str) -> str:
    if not said:
        raise Invalid(_("The duty has no code."))
    try:
        Duty._meta.get_field("code").clean(said, None)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    return said


def _yes_or_no(said: str) -> bool:
    if said.lower() in YES | NO:
        return said.lower() in YES
    raise Invalid(_("Please say yes or no."))
