"""The worker's and beat's entrance: which sweeps run, and how often."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hall.settings")

app = Celery("hall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Messages expire after one period: what is due is a fact in the database, so a late message is worth nothing.
app.conf.beat_schedule = {
    "watch the clock": {"task": "queueing.tasks.watch_the_clock", "schedule": 1.0, "options": {"expires": 1.0}},
    "watch the zones": {"task": "queueing.tasks.watch_the_zones", "schedule": 5.0, "options": {"expires": 5.0}},
    "close left-open days": {
        "task": "queueing.tasks.close_left_open_days",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "make day tasks": {"task": "roles.tasks.make_day_tasks", "schedule": 60.0, "options": {"expires": 60.0}},
    "forget old keys": {"task": "hall.tasks.forget_old_taps", "schedule": 3600.0, "options": {"expires": 3600.0}},
}
