"""Services, tickets with their history, and care given to those who wait."""

import datetime as dt
import secrets

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models import Counter, Hall, Person
from hall.models.names import pick


class Service(models.Model):
    """A kind of business that customers come for; its letter heads the ticket number."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="services", verbose_name=_("hall"))
    code = models.SlugField(_("code"), max_length=30)
    letter = models.CharField(
        _("letter"), max_length=1, validators=[RegexValidator("^[A-Z]$", _("One capital letter, A to Z."))]
    )
    name_zh = models.CharField(_("Chinese name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=40, blank=True)
    is_green = models.BooleanField(
        _("green channel"),
        default=False,
        help_text=_("Its tickets are called first at green-channel counters."),
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)
    counters = models.ManyToManyField(
        Counter, related_name="services", blank=True, verbose_name=_("counters that serve it")
    )
    masters = models.ManyToManyField(
        Person,
        related_name="mastered",
        blank=True,
        verbose_name=_("people who master it"),
        help_text=_("Who is named at no service of the hall masters all of them."),
    )

    history = HistoricalRecords(m2m_fields=[counters, masters])

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["hall", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["hall", "code"], name="service_code_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)


class CustomerClass(models.TextChoices):
    NORMAL = "normal", _("normal")
    SPECIAL = "special", _("priority")  # elderly, weak, sick, disabled, pregnant, with infant (R-Q12)
    VIP = "vip", _("VIP")
    GREEN = "green", _("green channel")


# Special customers first, then VIP, then everybody else.
CLASS_RANK = {CustomerClass.SPECIAL: 0, CustomerClass.VIP: 1, CustomerClass.NORMAL: 2, CustomerClass.GREEN: 2}
FAVOURED = (CustomerClass.SPECIAL, CustomerClass.VIP)


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    CALLED = "called", _("called")
    SERVING = "serving", _("in service")
    HELD = "held", _("on hold")
    DONE = "done", _("done")
    NO_SHOW = "no_show", _("did not come")
    ABANDONED = "abandoned", _("left")
    DIVERTED = "diverted", _("sent elsewhere")
    RECLAIMED = "reclaimed", _("taken back")
    CLOSED_AT_DAY_END = "closed_at_day_end", _("closed at the end of the day")


LIVE_STATES = (State.WAITING, State.CALLED, State.SERVING, State.HELD)
AT_COUNTER = (State.CALLED, State.SERVING)
BESIDE_THE_QUEUE = (State.CALLED, State.SERVING, State.HELD)


def new_token() -> str:
    """An unguessable name for a ticket's own page: 128 bits."""
    return secrets.token_urlsafe(16)


class TicketQuerySet(models.QuerySet["Ticket"]):
    def waiting(self) -> "TicketQuerySet":
        return self.filter(state=State.WAITING)

    def live(self) -> "TicketQuerySet":
        """Said in two parts, because each has its partial index; as one list PostgreSQL reads the index of all days."""
        return self.filter(Q(state=State.WAITING) | Q(state__in=BESIDE_THE_QUEUE))

    def in_call_order(self) -> "TicketQuerySet":
        """Favoured classes first, then by issue; reordering never changes the issue time (F-04)."""
        return self.order_by("class_rank", "issued_at", "id")


class Ticket(models.Model):
    """The customer's card. Every change of state is one move in queueing.tickets, with one TicketEvent."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="tickets")
    service = models.ForeignKey(Service, models.PROTECT, related_name="tickets")
    business_date = models.DateField()  # local date of issue; it stays with the ticket over midnight
    letter = models.CharField(max_length=1)
    serial = models.PositiveIntegerField()
    number = models.CharField(max_length=8)  # as printed: A001
    token = models.CharField(max_length=32, unique=True, default=new_token)
    customer_class = models.CharField(max_length=10, choices=CustomerClass, default=CustomerClass.NORMAL)
    class_rank = models.PositiveSmallIntegerField(default=2)

    state = models.CharField(max_length=20, choices=State, default=State.WAITING)
    state_since = models.DateTimeField()  # in this state since; of a waiting ticket: waits since
    issued_at = models.DateTimeField()
    called_at = models.DateTimeField(null=True)  # the last call
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField()
    # Whole intervals already spent in each state, the present one not counted.
    waited_before = models.DurationField(default=dt.timedelta(0))
    way_before = models.DurationField(default=dt.timedelta(0))
    served_before = models.DurationField(default=dt.timedelta(0))
    held_before = models.DurationField(default=dt.timedelta(0))

    counter = models.ForeignKey(Counter, models.PROTECT, null=True, related_name="tickets")  # called to, or held by
    for_counter = models.ForeignKey(Counter, models.SET_NULL, null=True, related_name="+")  # transferred to this one
    recalls = models.PositiveSmallIntegerField(default=0)
    recalled_at = models.DateTimeField(null=True)

    need_note = models.CharField(max_length=200, blank=True)
    documents_checked = models.BooleanField(default=False)
    told_ahead = models.PositiveSmallIntegerField(null=True)  # what the customer was told when the ticket was given
    told_wait = models.DurationField(null=True)
    person_hash = models.CharField(max_length=64, blank=True)  # a known person, keyed hash (R-Q06)
    person_hint = models.CharField(max_length=2, blank=True)  # last two digits, nothing else

    # When a waiting ticket will cross (R-Q02); null unless waiting. Rewritten when a limit changes.
    warn_due_at = models.DateTimeField(null=True)
    alarm_due_at = models.DateTimeField(null=True)
    over_seen_at = models.DateTimeField(null=True)  # the sweep has raised the alarm of this wait

    objects = TicketQuerySet.as_manager()

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["hall", "business_date", "letter", "serial"], name="ticket_number_once"),
            models.UniqueConstraint(
                fields=["counter"], condition=Q(state__in=["called", "serving"]), name="counter_has_one_ticket"
            ),
            models.UniqueConstraint(
                fields=["hall", "person_hash"],
                condition=Q(state__in=["waiting", "called", "serving", "held"]) & ~Q(person_hash=""),
                name="person_has_one_live_ticket",  # R-Q06
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["called", "serving", "held"]) | Q(counter__isnull=False),
                name="ticket_at_counter_has_one",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(counter__isnull=True), name="waiting_ticket_has_no_counter"
            ),
            models.CheckConstraint(
                condition=Q(called_at__isnull=True) | Q(called_at__gte=F("issued_at")), name="called_not_before_issued"
            ),
            models.CheckConstraint(
                condition=Q(started_at__isnull=True) | Q(started_at__gte=F("called_at")),
                name="started_not_before_called",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="finished_not_before_started",
            ),
            models.CheckConstraint(condition=Q(waited_before__gte=dt.timedelta(0)), name="waited_not_negative"),
        ]
        indexes = [
            # call order (queueing.tickets), the queue's fragments and the averages' waiting part (queueing.waits)
            models.Index(
                fields=["hall", "class_rank", "issued_at", "id"], condition=Q(state="waiting"), name="ticket_call_order"
            ),
            # the sweep of R-Q02
            models.Index(
                fields=["alarm_due_at"], condition=Q(state="waiting", over_seen_at__isnull=True), name="ticket_due"
            ),
            # what is at counters or held (fragments)
            models.Index(
                fields=["hall", "state"], condition=Q(state__in=["called", "serving", "held"]), name="ticket_at_counter"
            ),
            # K-10: called within the window; reports by hour
            models.Index(fields=["hall", "called_at"], condition=Q(called_at__isnull=False), name="ticket_called"),
            # reports, day's close: a day's tickets by state
            models.Index(fields=["hall", "business_date", "state"], name="ticket_by_day"),
        ]

    def __str__(self) -> str:
        return self.number

    def waited(self, at: dt.datetime) -> dt.timedelta:
        """The sum of the intervals in state waiting, up to an instant."""
        running = at - self.state_since if self.state == State.WAITING else dt.timedelta(0)
        return self.waited_before + max(running, dt.timedelta(0))


class TicketEvent(models.Model):
    """One thing that happened to a ticket, with one time; never changed, never deleted."""

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20)
    at = models.DateTimeField()
    by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    counter = models.ForeignKey(Counter, models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.verb}"


class CareAct(models.Model):
    """Care given to one who waits: water, a small gift, told how long."""

    class Kind(models.TextChoices):
        WATER = "water", _("water")
        GIFT = "gift", _("small gift")
        INFORMED = "informed", _("informed")
        APOLOGY = "apology", _("apology")

    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="care")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey("hall.Person", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            # One gift per ticket.
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(kind="gift", undone_at__isnull=True), name="one_gift_per_ticket"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind}"
