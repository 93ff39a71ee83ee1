"""Zones where somebody must be, and the limits and the ladder of R-Q25."""

from importlib import import_module

from django.db import migrations, models

seed = import_module("hall.migrations.0002_limits").seed

HELP = "While the hall is open; nobody here is a service vacuum, and an alarm (R-Q25)."


class Migration(migrations.Migration):
    dependencies = [("hall", "0004_posts")]

    operations = [
        migrations.AddField(
            model_name=name,
            name="needs_somebody",
            field=models.BooleanField(default=False, help_text=HELP, verbose_name="somebody must be here"),
        )
        for name in ("zone", "historicalzone")
    ] + [migrations.RunPython(seed, migrations.RunPython.noop)]
