"""Posts, who has learnt which, and who holds which right now."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from hall.models.counters import Counter
from hall.models.halls import Hall, Zone
from hall.models.names import pick
from hall.models.people import Kind, Person


class Post(models.Model):
    """What somebody can be in a hall: a mission, its zones, and how it works in normal and in busy hours (O-01, O-18).

    The same for all halls; a hall says which of them it has (HallPost). Duties hang on it in `roles`.
    """

    class Group(models.TextChoices):
        CORE = "core", _("hall posts")
        MANAGEMENT = "management", _("above the hall")
        EXTENDED = "extended", _("extended posts")
        TASKS = "tasks", _("task list")

    code = models.CharField(_("code"), max_length=4, unique=True)
    slug = models.SlugField(_("short name"), max_length=40, unique=True)
    group = models.CharField(_("group"), max_length=12, choices=Group, default=Group.CORE)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    mission_zh = models.CharField(_("mission in Chinese"), max_length=300, blank=True)
    mission_en = models.CharField(_("mission in English"), max_length=400, blank=True)
    normal_zh = models.CharField(_("in normal hours, Chinese"), max_length=300, blank=True)
    normal_en = models.CharField(_("in normal hours, English"), max_length=400, blank=True)
    peak_zh = models.CharField(_("in busy hours, Chinese"), max_length=300, blank=True)
    peak_en = models.CharField(_("in busy hours, English"), max_length=400, blank=True)
    zone_slugs = ArrayField(models.CharField(max_length=30), verbose_name=_("zones"), default=list, blank=True)
    kind = models.CharField(
        _("rights of"), max_length=20, choices=Kind, default=Kind.STAFF, help_text=_("What its holder may do here.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)
    loaded = models.JSONField(null=True, blank=True, editable=False)  # the catalogue's words when last loaded

    history = HistoricalRecords(excluded_fields=["loaded"])

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return pick(self.name_zh, self.name_en)

    @property
    def mission(self) -> str:
        return pick(self.mission_zh, self.mission_en)

    @property
    def normal(self) -> str:
        return pick(self.normal_zh, self.normal_en)

    @property
    def peak(self) -> str:
        return pick(self.peak_zh, self.peak_en)


class HallPost(models.Model):
    """Where a hall differs from the rule: extended posts are off, all others on (O-17)."""

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="hall_posts", verbose_name=_("hall"))
    post = models.ForeignKey(Post, models.CASCADE, related_name="hall_posts", verbose_name=_("post"))
    is_used = models.BooleanField(_("used here"), default=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("post of a hall")
        verbose_name_plural = _("posts of halls")
        constraints = [models.UniqueConstraint(fields=["hall", "post"], name="hall_post_once")]

    def __str__(self) -> str:
        return f"{self.hall} · {self.post}"


class Posting(models.Model):
    """Who holds which post, in which zone or at which counter, from when to when. What is so, not what was planned.

    A floater who holds three zones has three postings. Rights follow the open ones (hall.access).
    """

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="postings")
    person = models.ForeignKey(Person, models.PROTECT, related_name="postings")
    post = models.ForeignKey(Post, models.PROTECT, related_name="postings")
    zone = models.ForeignKey(Zone, models.SET_NULL, null=True, related_name="postings")
    counter = models.ForeignKey(Counter, models.SET_NULL, null=True, related_name="postings")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)  # null: holds it now
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    ended_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    is_delegate = models.BooleanField(default=False)  # stands in for the duty manager (O-02)
    reason = models.CharField(max_length=100, blank=True)  # why it ended: meal, relieved, end of shift

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["id"]
        constraints = [
            ExclusionConstraint(
                name="person_at_one_counter_at_a_time",
                expressions=[
                    ("person", RangeOperators.EQUAL),
                    (
                        Func("since", "until", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(counter__isnull=False),
            ),
            ExclusionConstraint(
                name="counter_has_one_person_at_a_time",
                expressions=[
                    ("counter", RangeOperators.EQUAL),
                    (
                        Func("since", "until", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(counter__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["person", "hall", "post", "zone"],
                condition=Q(until__isnull=True, counter__isnull=True),
                nulls_distinct=False,
                name="posting_held_once",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="posting_ends_not_before_it_begins"
            ),
        ]
        indexes = [
            # hall.access, the zone map, the ladder: who holds what now
            models.Index(fields=["hall", "person"], condition=Q(until__isnull=True), name="posting_held_now"),
            # the zone map, at each render: when a zone was left last, whatever its past
            models.Index(fields=["zone", "until"], name="posting_left_zone"),
            # K-22, K-09, the roster's page: what was so on a day
            models.Index(fields=["hall", "since"], name="posting_by_hall_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.post}"
