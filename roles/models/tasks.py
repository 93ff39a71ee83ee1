"""What is owed on a day, and what came of it: tasks, the day's doors, who covers whom."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models import Hall, Person, Post, Zone
from hall.models.names import pick
from roles.models.duties import Cadence, Duty, Moment


class Task(models.Model):
    """One duty on one day, for whoever holds its post, for one person, or for A and his backup B (O-04, O-09).

    It keeps the wording of its day: a duty may be renamed or deleted.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")
        EXCEPTED = "excepted", _("excepted")

    class Part(models.TextChoices):
        OPENING = "opening", _("Opening checklist")
        DAY = "day", _("The day")
        CLOSING = "closing", _("Closing checklist")

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="tasks", verbose_name=_("hall"))
    business_date = models.DateField(_("date"))  # of a week's or month's task: the first open day of it
    key = models.CharField(max_length=60)  # of a day's tasks of one hall: the duty, which time, whose
    duty = models.ForeignKey(Duty, models.SET_NULL, null=True, related_name="tasks", verbose_name=_("duty"))
    code = models.CharField(_("code"), max_length=16)
    text_zh = models.CharField(_("Chinese text"), max_length=200)
    text_en = models.CharField(_("English text"), max_length=400, blank=True)
    record = models.CharField(_("record"), max_length=8, blank=True)
    cadence = models.CharField(_("cadence"), max_length=16, choices=Cadence)
    moment = models.CharField(_("moment"), max_length=16, choices=Moment)
    part = models.CharField(_("part"), max_length=8, choices=Part, default=Part.DAY)
    post = models.ForeignKey(Post, models.PROTECT, related_name="tasks", verbose_name=_("post"))
    zone = models.ForeignKey(Zone, models.SET_NULL, null=True, related_name="tasks", verbose_name=_("zone"))
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="tasks", verbose_name=_("person")
    )  # null: whoever holds the post
    backup = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # B, while A holds nothing (R-B14)
    due_from = models.DateTimeField(_("from"))
    due_by = models.DateTimeField(_("due by"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    done_at = models.DateTimeField(_("done at"), null=True)
    done_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", verbose_name=_("done by"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)  # of an exception
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)  # {"text": …, "number": …}
    second = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # whose signature is asked for too
    signed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["due_by", "id"]
        constraints = [
            models.UniqueConstraint(fields=["hall", "business_date", "key"], name="task_once"),
            models.CheckConstraint(condition=Q(due_by__gte=F("due_from")), name="task_due_in_order"),
            models.CheckConstraint(
                condition=Q(state="open", done_at=None) | Q(state__in=["done", "excepted"], done_at__isnull=False),
                name="task_done_has_its_time",
            ),
            models.CheckConstraint(condition=~Q(state="excepted", reason=""), name="task_exception_has_a_reason"),
        ]
        indexes = [
            # my shift: a week's or month's task that is still owed
            models.Index(fields=["hall", "due_by"], condition=Q(state="open"), name="task_open_by_due"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.code} {self.text}"

    @property
    def text(self) -> str:
        return pick(self.text_zh, self.text_en)


class TaskEvent(models.Model):
    """One thing that happened to a task: done, excepted, reopened, signed. Never changed."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.task_id} {self.verb}"


class HallDay(models.Model):
    """One business date of a hall as its people work it: its tasks made, its doors opened, the hall secured (F-13, F-14)."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="days")
    business_date = models.DateField()
    made_at = models.DateTimeField()  # when its tasks were made
    has_gate = models.BooleanField(default=False)  # counters open only after the checklist
    opened_at = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    open_reason = models.CharField(max_length=200, blank=True)  # why it was opened before the checklist was done
    secured_at = models.DateTimeField(null=True)
    secured_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    left_on = models.JSONField(default=list, blank=True)  # what stays switched on: machine_room, surveillance
    secure_note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("day of a hall")
        verbose_name_plural = _("days of halls")
        ordering = ["business_date"]
        constraints = [models.UniqueConstraint(fields=["hall", "business_date"], name="hall_day_once")]

    def __str__(self) -> str:
        return f"{self.hall} {self.business_date}"


class OpeningGate(models.Model):
    """Whether a hall's counters wait for its opening checklist. A hall without a row has no gate."""

    hall = models.OneToOneField(Hall, models.CASCADE, related_name="opening_gate", verbose_name=_("hall"))
    is_on = models.BooleanField(_("counters wait for the opening checklist"), default=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("opening gate")
        verbose_name_plural = _("opening gates")

    def __str__(self) -> str:
        return f"{self.hall}"


class Routine(models.Model):
    """The A/B table: whose a small task is, and who covers while he is away (R-B14, REC-55)."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="routines", verbose_name=_("hall"))
    duty = models.ForeignKey(Duty, models.CASCADE, related_name="routines", verbose_name=_("duty"))
    a = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("A"))
    b = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("B"))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("routine task")
        verbose_name_plural = _("A/B table")
        ordering = ["duty__position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["hall", "duty"], name="routine_once"),
            models.CheckConstraint(condition=~Q(a=F("b")), name="routine_has_two_people"),
        ]

    def __str__(self) -> str:
        return f"{self.duty}"
