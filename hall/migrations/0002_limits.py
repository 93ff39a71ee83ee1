"""Seed the limits and the alarm ladders from the catalogue."""

from pathlib import Path

import yaml
from django.db import migrations

CATALOGUE = Path(__file__).resolve().parent.parent / "limit_catalogue.yaml"


def seed(apps, schema_editor):
    """Add what is not there yet; rows that people have edited stay."""
    catalogue = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))
    limits = [
        apps.get_model("hall", "Limit")(
            rule=row["rule"], name=row["name"], title_zh=row["zh"], title_en=row["en"], kind=row["kind"], unit=row["unit"],
            default=row["default"], choices=row.get("choices", ""), source=row["source"],
        )
        for row in catalogue["limits"]
    ]  # fmt: skip
    apps.get_model("hall", "Limit").objects.bulk_create(limits, ignore_conflicts=True)
    rungs = [
        apps.get_model("hall", "AlarmRung")(rule=rule, position=position, kind=kind)
        for rule, kinds in catalogue["ladders"].items()
        for position, kind in enumerate(kinds)
    ]
    apps.get_model("hall", "AlarmRung").objects.bulk_create(rungs, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("hall", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
