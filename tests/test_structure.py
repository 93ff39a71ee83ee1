"""The shape of the code (style.md, section 5): who imports whom, who writes, who asks the clock, what is translated."""

import ast
import inspect
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.core.management import call_command
from django.urls import URLPattern, get_resolver

BASE_DIR = Path(__file__).resolve().parent.parent
APPS = ["hall", "roles", "queueing", "complaints"]

# One module per noun that holds the writes: a public function of it that says who and when is a verb.
VERBS = [
    "hall.counters",
    "hall.alarms",
    "hall.devices",
    "hall.people",
    "hall.halls",
    "hall.postings",
    "queueing.tickets",
    "queueing.care",
    "queueing.days",
    "roles.rosters",
    "roles.day_tasks",
    "roles.opening",
    "roles.briefings",
    "roles.notices",
    "roles.handovers",
    "roles.meetings",
    "roles.leaves",
    "roles.delegates",
    "roles.records",
    "roles.rounds",
    "roles.floor_time",
    "roles.meals",
]

WRITES = {
    "save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "add", "remove", "set",
    "clear", "select_for_update", "execute",
}  # fmt: skip


def modules(*patterns: str) -> list[Path]:
    return sorted(path for pattern in patterns for path in BASE_DIR.glob(pattern) if "migrations" not in path.parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path: Path) -> Iterator[tuple[int, str, str]]:
    """(line, what it is called on, name) of every method call."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, ast.unparse(node.func.value), node.func.attr


def test_imports_point_down():
    found = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout


def test_imports_stand_at_the_top():
    inner = [
        f"{path.relative_to(BASE_DIR)}:{node.lineno}"
        for path in modules(*(f"{app}/**/*.py" for app in APPS))
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and ast.unparse(node) != "import pwd"  # not on every system
    ]

    assert inner == []


def test_views_tasks_screens_and_reports_write_nothing():
    """Rows change in verbs only. What looks like a write: a manager's or a row's method, or SQL."""
    readers = modules(
        "hall/views/*.py", "queueing/views/*.py", "*/views.py", "*/tasks.py", "hall/consumers.py", "hall/board.py", "hall/reports.py",
        "hall/hub.py", "*/fragments/*.py",
    )  # fmt: skip
    rows = re.compile(r"objects|_set\b|\.(filter|exclude|all|get|first)\(")

    writes = [
        f"{path.relative_to(BASE_DIR)}:{line} {on}.{name}"
        for path in readers
        for line, on, name in calls(path)
        if (name in WRITES and rows.search(on)) or name in ("save", "bulk_create", "bulk_update", "select_for_update")
    ]

    assert writes == []


def test_verbs_and_models_never_ask_the_clock():
    verbs = [BASE_DIR / (name.replace(".", "/") + ".py") for name in VERBS]

    asked = [
        f"{path.relative_to(BASE_DIR)}:{line} {on}.{name}"
        for path in [*verbs, *modules("hall/models/*.py", "*/models.py")]
        for line, on, name in calls(path)
        if (on, name) == ("clock", "now")
        or (name in ("now", "utcnow", "today") and on in ("timezone", "dt.datetime", "dt.date", "datetime"))
    ]

    assert asked == []


@pytest.mark.parametrize("name", VERBS)
def test_by_and_at_are_keyword_only_on_every_verb(name: str):
    module = import_module(name)
    loose = [
        f"{function.__name__}({argument})"
        for function in vars(module).values()
        if inspect.isfunction(function) and function.__module__ == name and not function.__name__.startswith("_")
        for parameters in [inspect.signature(function).parameters]
        for argument in ("by", "at")
        if {"by", "at"} <= set(parameters) and parameters[argument].kind is not inspect.Parameter.KEYWORD_ONLY
    ]

    assert loose == []


def own_views() -> list[tuple[str, object]]:
    return [
        (pattern.name or str(pattern.pattern), pattern.callback)
        for pattern in get_resolver().url_patterns
        if isinstance(pattern, URLPattern) and inspect.unwrap(pattern.callback).__module__.split(".")[0] in APPS
    ]


def test_every_view_says_which_methods_it_answers():
    """`require_GET`, `require_POST`, …: looked for in the source, above the function."""
    silent = [
        name
        for name, view in own_views()
        if not re.search(r"@require_(GET|POST|safe|http_methods)", inspect.getsource(inspect.unwrap(view)))  # type: ignore[arg-type]
    ]

    assert silent == []


def test_every_view_has_at_most_fifteen_statements():
    """What the style calls lines: the formatter may break one of them into several."""
    long = []
    for name, view in own_views():
        function = ast.parse(inspect.getsource(inspect.unwrap(view))).body[0]  # type: ignore[arg-type]
        count = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1 - bool(ast.get_docstring(function))
        if count > 15:
            long.append(f"{name}: {count}")

    assert long == []


def test_no_module_hides_behind_an_empty_name():
    empty = {"services", "utils", "helpers", "common", "manager", "signals"}

    assert [str(path) for path in modules(*(f"{app}/**/*.py" for app in APPS)) if path.stem in empty] == []


def test_no_signals_and_no_overridden_save():
    found = [
        f"{path.relative_to(BASE_DIR)}:{node.lineno}"
        for path in modules(*(f"{app}/**/*.py" for app in APPS))
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.FunctionDef) and node.name == "save")
        or (isinstance(node, ast.ImportFrom) and node.module in ("django.dispatch", "django.db.models.signals"))
    ]

    assert found == []


def test_templates_have_no_inline_script_or_style():
    inline = re.compile(r"""\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|<style|hx-on|js:|javascript:""")

    found = [
        f"{path.relative_to(BASE_DIR)}: {match.group().strip()}"
        for path in sorted((BASE_DIR / "templates").rglob("*.html"))
        for match in [inline.search(path.read_text(encoding="utf-8"))]
        if match
    ]

    assert found == []


@pytest.mark.django_db
def test_migrations_are_complete():
    said = io.StringIO()
    try:
        call_command("makemigrations", "--check", "--dry-run", stdout=said, stderr=said)
    except SystemExit:
        pytest.fail(said.getvalue())


# Words. These two pass when locale/zh_Hans is complete.


@cache
def texts() -> set[tuple[str | None, str]]:
    """Every (context, text) that code and templates mark as translatable."""
    found = set()
    sources = [(path, "python") for path in modules(*(f"{app}/**/*.py" for app in APPS))]
    sources += [(path, "django") for path in sorted((BASE_DIR / "templates").rglob("*.html"))]
    for path, kind in sources:
        if kind == "python":
            keywords = {
                "gettext": None, "gettext_lazy": None, "_": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
                "pgettext_lazy": ((1, "c"), 2), "ngettext_lazy": (1, 2), "npgettext": ((1, "c"), 2, 3),
            }  # fmt: skip
            for _line, message, _comments, context in extract("python", io.BytesIO(path.read_bytes()), keywords):
                found.add((context, message[0] if isinstance(message, tuple) else message))
        else:
            found |= set(template_texts(path.read_text(encoding="utf-8")))
    return {(context, text) for context, text in found if text}


def template_texts(source: str) -> Iterator[tuple[str | None, str]]:
    """(context, text) of `translate`, `blocktranslate` and filters' `_("…")` in one template."""
    quoted = r"""(?:"([^"]*)"|'([^']*)')"""
    for match in re.finditer(r"{%\s*trans(?:late)?\s+" + quoted + r"([^%]*)%}", source):
        context = re.search(r"\bcontext\s+" + quoted, match[3])
        text = (match[1] or match[2]).replace("%", "%%")  # as Django writes it into the catalogue
        yield (context[1] or context[2]) if context else None, text
    for match in re.finditer(
        r"{%\s*blocktrans(?:late)?\b(.*?)%}(.*?){%\s*endblocktrans(?:late)?\s*%}", source, re.DOTALL
    ):
        options, body = match[1], re.split(r"{%\s*plural\s*%}", match[2])[0]
        context = re.search(r"\bcontext\s+" + quoted, options)
        body = re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", body)
        if re.search(r"\btrimmed\b", options):
            body = " ".join(line.strip() for line in body.strip().splitlines())
        yield (context[1] or context[2]) if context else None, body
    for match in re.finditer(r"""_\(""" + quoted + r"\)", source):
        yield None, match[1] or match[2]


@cache
def chinese() -> Catalog:
    with (BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale="zh_Hans")


def translated(context: str | None, text: str) -> bool:
    message = chinese().get(text, context)
    said = message.string if message is not None else ""
    return bool(all(said) if isinstance(said, tuple) else said) and not (message and message.fuzzy)


def test_every_text_is_translated():
    missing = sorted(
        text if context is None else f"{context} | {text}" for context, text in texts() if not translated(context, text)
    )

    assert missing == []


def test_every_translation_keeps_the_placeholders():
    wrong = [
        message.id
        for message in chinese()
        if message.id and message.string and isinstance(message.id, str)
        if set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", message.id))
        != set(re.findall(r"%\(\w+\)[sd]|\{\w+\}", str(message.string)))
    ]

    assert wrong == []


def test_what_people_read_in_templates_is_marked_as_translatable():
    """No letters stand between tags outside `translate`: what is left after taking out tags, variables and comments."""
    found = []
    for path in sorted((BASE_DIR / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|<!--.*?-->", "", text, flags=re.DOTALL)
        text = re.sub(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", "", text, flags=re.DOTALL)
        text = re.sub(r"{%\s*block (html_attributes|body_class)\b.*?{%\s*endblock[^%]*%}", "", text, flags=re.DOTALL)
        text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
        text = re.sub(r"<(script|style|svg)\b.*?</\1>", "", text, flags=re.DOTALL)
        text = re.sub(r"<[^>]*>", " ", text, flags=re.DOTALL)
        text = re.sub(r"&\w+;", " ", text)
        words = [
            word
            for word in re.findall(r"[A-Za-z\u4e00-\u9fff]{2,}", text)
            if word not in ("English", "中文", "PIN", "CSV")
        ]
        if words:
            found.append(f"{path.relative_to(BASE_DIR)}: {' '.join(words[:6])}")

    assert found == []
