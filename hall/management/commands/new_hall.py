"""`manage.py new_hall`: a hall of one's own, without the demo. Asks for what the command line does not say."""

import getpass
import os
import re
import sys
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from hall import clock, halls
from hall.models import Hall, Kind, Person
from hall.refusals import Invalid
from queueing.models import Service

SERVICE = re.compile(r"(?P<letter>[A-Z]):(?P<name_zh>[^:]+)(:(?P<name_en>[^:]*))?")


@dataclass(frozen=True)
class Wish:
    """One service as typed: `A:账单查询:Bill query`."""

    letter: str
    name_zh: str
    name_en: str


class Command(BaseCommand):
    help = (
        "Make a hall: its zones, opening Monday to Saturday 9:00 to 18:00, counters, services, and who administers it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", help="short name in addresses: small letters, digits, hyphens")
        parser.add_argument("--name-zh", help="Chinese name")
        parser.add_argument("--name-en", help="English name; may be empty")
        parser.add_argument("--time-zone", help="such as Asia/Shanghai")
        parser.add_argument("--counters", help="how many counters")
        parser.add_argument("--service", action="append", metavar="A:账单查询:Bill query", help="once for each service")
        parser.add_argument(
            "--admin", metavar="LOGIN", help="who administers the hall; a known login name is taken as it is"
        )
        parser.add_argument("--admin-name", help="the administrator's name")
        parser.add_argument("--password", help="the administrator's password; asked without echo if left out")

    def handle(self, *arguments: object, **options: str | list[str] | None) -> None:
        with translation.override(terminal_language()):
            if Hall._meta.db_table not in connection.introspection.table_names():
                call_command("migrate", verbosity=0)  # the first command on a new machine
            try:
                self._make(options)
            except Invalid as refusal:
                raise CommandError(str(refusal)) from None

    def _make(self, options: dict[str, str | list[str] | None]) -> None:
        code = self._ask(options, "code", _("Code (small letters, digits, hyphens)"))
        if Hall.objects.filter(code=code).exists():
            raise CommandError(_("There is already a hall with the code %(code)s.") % {"code": code})
        name_zh = self._ask(options, "name_zh", _("Chinese name"))
        name_en = self._ask(options, "name_en", _("English name"), default="")
        time_zone = self._ask(options, "time_zone", _("Time zone"), default="Asia/Shanghai")
        counters = self._number(self._ask(options, "counters", _("Number of counters"), default="4"))
        wishes = self._services(options)
        login = self._ask(options, "admin", _("Administrator's login name"))
        known = Person.objects.filter(login=login).first()
        name = password = ""
        if known is None:
            name = self._ask(options, "admin_name", _("Administrator's name"), default=login)
            password = self._password(options, Person(login=login, name_zh=name))

        at = clock.now()
        with transaction.atomic():  # refused anywhere, nothing is left behind
            hall = halls.make_hall(
                code=code, name_zh=name_zh, name_en=name_en, time_zone=time_zone, counters=counters, by=known, at=at,
            )  # fmt: skip
            for position, wish in enumerate(wishes):
                service = Service(
                    hall=hall, code=f"service-{wish.letter.lower()}", letter=wish.letter,
                    name_zh=wish.name_zh, name_en=wish.name_en, position=position,
                )  # fmt: skip
                halls.keep(service, by=known, at=at).counters.set(hall.counters.all())
            admin = known
            if admin is None:
                admin = Person(login=login, name_zh=name, is_staff=True, is_superuser=True)
                admin.set_password(password)
                halls.keep(admin, by=None, at=at)
            halls.belong(hall, admin, [Kind.HALL_MANAGER], by=known, at=at)
        self.stdout.write(
            _(
                "%(name)s is there, with %(counters)s counters and %(services)s services. %(login)s signs in and goes on in the admin site."
            )
            % {"name": hall.name, "counters": counters, "services": len(wishes), "login": login}
        )

    def _ask(
        self, options: dict[str, str | list[str] | None], name: str, question: str, default: str | None = None
    ) -> str:
        """What the command line says, else what the person at the terminal answers, else the default."""
        given = options[name]
        if isinstance(given, str):
            return given.strip()
        if not sys.stdin.isatty():
            if default is None:
                raise CommandError(_("Please give --%(name)s.") % {"name": name.replace("_", "-")})
            return default
        shown = f" [{default}]" if default else ""
        answer = ""
        while not answer:
            answer = input(f"{question}{shown}: ").strip() or default or ""
            if default is not None:
                break
        return answer

    def _number(self, text: str) -> int:
        if not text.isascii() or not text.isdigit():
            raise CommandError(_("“%(text)s” is not a number of counters.") % {"text": text})
        return int(text)

    def _services(self, options: dict[str, str | list[str] | None]) -> list[Wish]:
        """The services wished for, each letter once. Raises CommandError for one that cannot be understood."""
        given = options["service"]
        typed = list(given) if isinstance(given, list) else self._typed_services()
        wishes = []
        for text in typed:
            found = SERVICE.fullmatch(text.strip())
            if found is None:
                raise CommandError(_("“%(text)s” is not a service. Example: A:账单查询:Bill query") % {"text": text})
            wishes.append(Wish(found["letter"], found["name_zh"].strip(), (found["name_en"] or "").strip()))
        letters = [wish.letter for wish in wishes]
        if len(set(letters)) != len(letters):
            raise CommandError(_("Each service needs a letter of its own."))
        return wishes

    def _typed_services(self) -> list[str]:
        if not sys.stdin.isatty():
            raise CommandError(_("Please give --%(name)s.") % {"name": "service"})
        self.stdout.write(_("Services, one a line such as A:账单查询:Bill query; an empty line ends."))
        return list(iter(lambda: input("> ").strip(), ""))

    def _password(self, options: dict[str, str | list[str] | None], person: Person) -> str:
        given = options["password"]
        if not isinstance(given, str):
            if not sys.stdin.isatty():
                raise CommandError(_("Please give --%(name)s.") % {"name": "password"})
            given = getpass.getpass(_("Administrator's password: "))
            if getpass.getpass(_("Once more: ")) != given:
                raise CommandError(_("The two passwords differ."))
        try:
            validate_password(given, person)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return given


def terminal_language() -> str:
    """The language that the terminal asks for, as Hall's own code for it."""
    asked = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh-hans" if asked.lower().startswith("zh") else "en"
