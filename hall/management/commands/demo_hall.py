"""`manage.py demo_hall`: the demo hall beside other halls."""

from django.core.management.base import BaseCommand, CommandError

from hall import clock
from hall.management import demo
from hall.models import Hall


class Command(BaseCommand):
    help = "Make the demo hall (make run does it by itself where there is no hall)."

    def handle(self, *arguments: object, **options: object) -> None:
        if Hall.objects.filter(code=demo.CODE).exists():
            raise CommandError("The demo hall is already there.")
        demo.make_demo_hall(at=clock.now())
        self.stdout.write(f"The demo hall is there: {demo.WELCOME}.")
