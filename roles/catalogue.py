"""The catalogue of posts, duties and conduct cards that Hall brings along, and how it is loaded into the database."""

import datetime as dt
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.db import connection, transaction
from django.db.models import Model
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from hall import halls
from hall.models import Person, Post
from hall.models.names import pick
from hall.refusals import Refused
from roles.models import ConductItem, Duty

FOLDER = Path(__file__).resolve().parent / "catalogue"
STEP = 10  # between positions, so that a hall's own duty finds room between two of the catalogue
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
ONE_AT_A_TIME = 0x0D07_1E5  # the advisory lock of whoever writes the whole catalogue
WHY = "catalogue"  # the reason that a row's history shows

# What the catalogue says of a row. All else, such as whether a row is in use, is the people's.
POST_WORDS = (
    "code", "group", "name_zh", "name_en", "mission_zh", "mission_en", "normal_zh", "normal_en", "peak_zh", "peak_en", "zone_slugs",
    "kind", "position",
)  # fmt: skip
DUTY_WORDS = ("post", "position", "text_zh", "text_en", "cadence", "moment", "zone_slug", "record")
CONDUCT_WORDS = ("position", "text_zh", "text_en", "is_scored")

Words = dict[str, Any]


class CatalogueClash(Refused):
    """A row that people made has an id that the catalogue now gives to another one; the message names it."""


@dataclass(frozen=True)
class Name:
    """What something of the catalogue's lists is called."""

    slug: str
    name_zh: str
    name_en: str

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


@dataclass
class Part:
    """What loading did, or would do, to one table: the rows' ids, in the catalogue's order."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)  # id → the fields that people have changed, and that stay
    deleted_here: list[str] = field(default_factory=list)  # and not brought back
    gone: list[str] = field(default_factory=list)  # no longer in the catalogue; the row stays as it is


@dataclass
class Report:
    """What loading did, or would do."""

    posts: Part
    duties: Part
    conduct: Part

    @property
    def changes(self) -> int:
        return sum(len(part.added) + len(part.updated) for part in (self.posts, self.duties, self.conduct))


# The lists.


@functools.cache
def lists() -> dict[str, list[dict[str, str]]]:
    """The catalogue's lists as written: posts, zones, cadences, moments, records."""
    found = _read("lists.yaml")
    assert isinstance(found, dict)
    return found


@functools.cache
def names(kind: str) -> dict[str, Name]:
    """Slug → name, in order, of a list that is about slugs: cadences, moments."""
    return {row["slug"]: Name(row["slug"], row["name_zh"], row["name_en"]) for row in lists()[kind]}


@functools.cache
def record_names() -> dict[str, Name]:
    """REC id → its name, in order."""
    return {row["id"]: Name(row["slug"], row["name_zh"], row["name_en"]) for row in lists()["records"]}


@functools.cache
def zone_names() -> dict[str, Name]:
    """Zone slug → its name, in the order of a hall."""
    return {row["slug"]: Name(row["slug"], row["name_zh"], row["name_en"]) for row in halls.zone_list()}


def _read(name: str) -> Any:
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), LOADER)  # noqa: S506 (one of the two safe ones)


@functools.cache
def _posts() -> list[dict[str, Any]]:
    """The posts' files as written, in order, each with its `kind`."""
    return [
        _read(f"posts/{row['slug']}.yaml") | {"kind": row["kind"]}
        for row in lists()["posts"]
    ]  # fmt: skip


def post_words() -> dict[str, Words]:
    """Post slug → what the catalogue says of it."""
    return {
        post["slug"]: {name: post[name] for name in POST_WORDS if name in post} | {"zone_slugs": post["zones"], "position": STEP * number}
        for number, post in enumerate(_posts(), 1)
    }  # fmt: skip


def duty_words() -> dict[str, Words]:
    """Duty code → what the catalogue says of it; `post` is the post's slug."""
    return {
        duty["id"]: {
            "post": post["slug"], "position": STEP * number, "text_zh": duty["text_zh"], "text_en": duty["text_en"],
            "cadence": duty["cadence"], "moment": duty["moment"], "zone_slug": duty.get("zone") or "", "record": duty["record"] or "",
        }
        for post in _posts()
        for number, duty in enumerate(post["duties"], 1)
    }  # fmt: skip


@functools.cache
def _conduct() -> list[dict[str, Any]]:
    found = _read("conduct.yaml")
    assert isinstance(found, list)
    return found


def conduct_words() -> dict[tuple[str, str], Words]:
    """(post slug, rule) → what the catalogue says of this line of the post's card."""
    held = [post["slug"] for post in _posts() if post["group"] != Post.Group.TASKS]
    return {
        (slug, line["rule"]): {
            "position": STEP * number, "text_zh": line["text_zh"], "text_en": line["text_en"], "is_scored": line["scored"],
        }
        for number, line in enumerate(_conduct(), 1)
        for slug in (held if line["posts"] == "all" else line["posts"])
    }  # fmt: skip


# Loading.


def load(*, by: Person | None, at: dt.datetime, dry_run: bool = False) -> Report:
    """Every hall has the catalogue: rows that are missing come, words that people have not changed are brought up to date.

    What people changed or deleted stays so, field by field; what has left the catalogue stays too. Done again it does
    nothing. About ten queries when there is nothing to do. Raises CatalogueClash. A dry run reports and writes nothing.
    """
    with transaction.atomic():  # a hall never sees half a catalogue
        lock()
        loader = _Loader(by, at, dry_run)
        posts = {post.slug: post for post in Post.objects.all()}
        for post in posts.values():
            if post.slug not in post_words() and post.loaded is None:
                _refuse_clash(post.code, {words["code"]: slug for slug, words in post_words().items()})
        posts_part = loader.load(Post, POST_WORDS, post_words(), posts, lambda slug: {"slug": slug})
        deleted = set(posts_part.deleted_here)
        posts = {post.slug: post for post in Post.objects.all()} if not dry_run else loader.with_new(posts)
        duties = {duty.code: duty for duty in Duty.objects.select_related("post")}
        wanted = {code: words for code, words in duty_words().items() if words["post"] not in deleted}
        duties_part = loader.load(Duty, DUTY_WORDS, wanted, duties, lambda code: {"code": code}, posts)
        lines = {(line.post.slug, line.rule): line for line in ConductItem.objects.select_related("post")}
        cards = {key: words for key, words in conduct_words().items() if key[0] not in deleted}
        conduct_part = loader.load(
            ConductItem, CONDUCT_WORDS, cards, lines, lambda key: {"post": posts[key[0]], "rule": key[1]}, posts
        )
    return Report(posts_part, duties_part, conduct_part)


def lock() -> None:
    """Let other loadings and imports wait until this transaction ends: two machines may be prepared at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])


def changed_here(row: Post | Duty | ConductItem) -> list[str]:
    """The fields in which a row of the catalogue differs from it because people changed them. Empty for a row of people's own."""
    if row.loaded is None:
        return []
    names = [field.name for field in row._meta.concrete_fields if field.name in row.loaded]
    return [name for name in names if _value(row, name) != row.loaded[name]]


def take_back(rows: Iterable[Post | Duty | ConductItem], *, by: Person | None, at: dt.datetime) -> int:
    """Rows get the catalogue's words again. Returns how many were changed; rows of people's own stay as they are."""
    changed = [row for row in rows if changed_here(row)]
    posts = {post.slug: post for post in Post.objects.all()}
    with transaction.atomic():  # all the rows that were chosen, or none
        for row in changed:
            for name in changed_here(row):
                _set(row, name, (row.loaded or {})[name], posts)
            row._history_user = by  # type: ignore[union-attr]
            row._history_date = at  # type: ignore[union-attr]
            row._change_reason = WHY  # type: ignore[union-attr]
            row.save()
    return len(changed)


def _refuse_clash(code: str, codes: dict[str, str]) -> None:
    if code in codes:
        raise CatalogueClash(f"A post of your own has the code {code}, which the catalogue gives to {codes[code]}.")


class _Loader:
    """One loading: who, when, and whether it is only tried."""

    def __init__(self, by: Person | None, at: dt.datetime, dry_run: bool) -> None:
        self.by, self.at, self.dry_run = by, at, dry_run
        self.new_posts: dict[str, Post] = {}

    def with_new(self, posts: dict[str, Post]) -> dict[str, Post]:
        """The posts as they would be."""
        return posts | self.new_posts

    def load(
        self, model: type[Any], fields: tuple[str, ...], wanted: dict[Any, Words], present: dict[Any, Any], identity: Any,
        posts: dict[str, Post] | None = None,
    ) -> Part:  # fmt: skip
        """Bring one table up to date. Two queries for what was deleted and what changed; bulk writes."""
        part, added, updated, remembered = Part(), [], [], []
        missing = [key for key in wanted if key not in present]
        deleted = _deleted(model, missing) if missing else set()
        for key, words in wanted.items():
            row = present.get(key)
            if row is None:
                if key in deleted:
                    part.deleted_here.append(_id(key))
                    continue
                row = model(**identity(key), loaded=words)
                for name, value in words.items():
                    _set(row, name, value, posts or {})
                added.append(row)
                part.added.append(_id(key))
                continue
            fresh, kept = _merge(row, words, posts or {})
            if kept:
                part.kept[_id(key)] = kept
            if fresh:
                updated.append(row)
                part.updated.append(_id(key))
            elif row.loaded != words:
                remembered.append(row)
            row.loaded = words
        part.gone = [_id(key) for key, row in present.items() if key not in wanted and row.loaded is not None]
        if model is Post:
            self.new_posts = {row.slug: row for row in added}
        if not self.dry_run:
            self._write(model, fields, added, updated, remembered)
        return part

    def _write(
        self, model: type[Any], fields: tuple[str, ...], added: list[Any], updated: list[Any], remembered: list[Any]
    ) -> None:
        named = {"default_user": self.by, "default_change_reason": WHY, "default_date": self.at}
        if added:
            bulk_create_with_history(added, model, batch_size=500, **named)
        if updated:
            bulk_update_with_history(updated, model, [*fields, "loaded"], batch_size=500, **named)
        if remembered:
            model.objects.bulk_update(remembered, ["loaded"], batch_size=500)


def _merge(row: Any, words: Words, posts: dict[str, Post]) -> tuple[list[str], list[str]]:
    """Set what people have not changed. Returns the names of the fields set, and of those that stay because people changed them."""
    fresh, kept = [], []
    for name, value in words.items():
        current = _value(row, name)
        if current == value:
            continue
        if row.loaded is not None and current == row.loaded.get(name):
            _set(row, name, value, posts)
            fresh.append(name)
        else:
            kept.append(name)
    return fresh, kept


def _value(row: Model, name: str) -> Any:
    """A field as the catalogue writes it: a post is its slug."""
    return row.post.slug if name == "post" else getattr(row, name)  # type: ignore[attr-defined]


def _set(row: Model, name: str, value: Any, posts: dict[str, Post]) -> None:
    setattr(row, name, posts[value] if name == "post" else value)


def _id(key: str | tuple[str, str]) -> str:
    return key if isinstance(key, str) else " ".join(reversed(key))


def _deleted(model: type[Any], missing: list[Any]) -> set[Any]:
    """Which of these people have deleted: the history remembers them. One query."""
    records = model.history.filter(history_type="-")
    if model is Post:
        return set(records.filter(slug__in=missing).values_list("slug", flat=True))
    if model is Duty:
        return set(records.filter(code__in=missing).values_list("code", flat=True))
    slugs = dict(Post.objects.values_list("pk", "slug"))
    return {(slugs.get(post_id, ""), rule) for post_id, rule in records.values_list("post_id", "rule")} & set(missing)
