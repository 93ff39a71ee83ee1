"""The demo hall: what a newcomer sees after `make run`. Its names and its one password are public; never for a real hall."""

import datetime as dt

from django.contrib.auth.hashers import make_password
from django.db import transaction

from hall import halls, postings
from hall.models import Counter, Device, Hall, Kind, Membership, Person, Post, Room
from queueing.models import Service
from roles import catalogue, day_tasks, meals, notices, rosters, staff_day

CODE = "demo"
PASSWORD = "hall"
PIN = "1234"
WELCOME = (
    "log in as zhou (duty manager), li (counter 1), liu (guide), wang (floater), gu (hall manager) or hq (admin), "
    f"password {PASSWORD}"
)

# letter, code, names, green channel
SERVICES = [
    ("A", "bill-query", "账单查询", "Bill query", False),
    ("B", "new-broadband", "新装宽带", "New broadband", True),
    ("C", "plan-change", "套餐变更", "Plan change", False),
    ("D", "sim-replacement", "补换卡", "SIM replacement", False),
    ("E", "change-of-owner", "过户", "Change of owner", False),
    ("F", "other", "其他业务", "Other", False),
]
# number, kind, zone, letters served
COUNTERS = [
    (1, Counter.Kind.FIXED, "counter", "ACDF"),
    (2, Counter.Kind.FIXED, "counter", "ACDF"),
    (3, Counter.Kind.FIXED, "counter", "ACDEF"),
    (4, Counter.Kind.FIXED, "counter", "ACDEF"),
    (5, Counter.Kind.GREEN, "counter", "ABCF"),
    (6, Counter.Kind.VIP, "vip", "ABCDEF"),
    (7, Counter.Kind.MOBILE, "selfservice", "ACD"),
    (8, Counter.Kind.HANDHELD, "waiting", "AD"),
]
ROOMS = [
    (Room.Use.MEMBER, "会员室", "Member room"),
    (Room.Use.RECEPTION, "客户接待室", "Reception room"),
    (Room.Use.BACK_OFFICE, "后台办公室", "Back office"),
    (Room.Use.STORE, "库房", "Store room"),
]
# login, names, kinds, may open the admin site, may do anything there
PEOPLE = [
    ("zhou", "周明", "Zhou Ming", [Kind.DUTY_MANAGER], False, False),
    ("gu", "顾岚", "Gu Lan", [Kind.HALL_MANAGER], True, False),
    ("hq", "总部", "Headquarters", [Kind.HEADQUARTERS], True, True),
    ("li", "李娜", "Li Na", [Kind.CLERK], False, False),
    ("zhang", "张伟", "Zhang Wei", [Kind.CLERK], False, False),
    ("chen", "陈静", "Chen Jing", [Kind.CLERK], False, False),
    ("zhao", "赵磊", "Zhao Lei", [Kind.CLERK], False, False),
    ("huang", "黄敏", "Huang Min", [Kind.CLERK], False, False),
    ("xu", "徐峰", "Xu Feng", [Kind.CLERK], False, False),
    ("lin", "林芳", "Lin Fang", [Kind.VIP_RECEPTION], False, False),
    ("gao", "高洁", "Gao Jie", [Kind.CLERK], False, False),
    ("liu", "刘洋", "Liu Yang", [Kind.GUIDE], False, False),
    ("wang", "王倩", "Wang Qian", [Kind.FLOATER], False, False),
    ("he", "何军", "He Jun", [Kind.FLOATER], False, False),
    ("ma", "马强", "Ma Qiang", [Kind.GUARD], False, False),
    ("wu", "吴霞", "Wu Xia", [Kind.RECEPTIONIST], False, False),
    ("sun", "孙梅", "Sun Mei", [Kind.STAFF], False, False),
]
DEVICES = [
    (Device.Screen.WALL, "大屏 · Wall"),
    (Device.Screen.CALL, "叫号屏 · Call screen"),
    (Device.Screen.KIOSK, "取号机 · Kiosk"),
    (Device.Screen.TABLET, "共用平板 · Shared tablet"),
]


ON_DUTY_FOR = dt.timedelta(hours=2)  # as long as the past that the simulation plays first
# Who is on his post when a newcomer looks: login, post, zone. Clerks take theirs at the counters, simulated floaters by themselves.
ON_DUTY = [
    ("zhou", "duty-manager", None),
    ("liu", "guide", "entrance"),
    ("wang", "floater", "waiting"),
    ("ma", "security-guard", None),
    ("wu", "customer-receptionist", "reception"),
]
PLANNED_DAYS = 14  # from this week's Monday on
HAS_NOT_READ = "gao"  # and so cannot open her counter yet


def make_demo_hall(*, at: dt.datetime) -> Hall:
    """The Renmin Road hall, open round the clock, with counters, services, rooms, devices and people, and nobody waiting yet."""
    with transaction.atomic():  # half a demo is no demo
        if not Post.objects.exists():
            catalogue.load(by=None, at=at)
        hall = halls.make_hall(
            code=CODE, name_zh="人民路营业厅", name_en="Renmin Road hall", opening=halls.ROUND_THE_CLOCK, by=None, at=at,
        )  # fmt: skip
        furnish(hall, at=at)
        for use, name_zh, name_en in ROOMS:
            halls.keep(Room(hall=hall, use=use, name_zh=name_zh, name_en=name_en), by=None, at=at)
        for screen, name in DEVICES:
            halls.keep(Device(hall=hall, screen=screen, name=name), by=None, at=at)
        _people(hall, at)
        zones = {zone.slug: zone for zone in hall.zones.all()}
        for login, slug, zone in ON_DUTY:
            person, post = Person.objects.get(login=login), Post.objects.get(slug=slug)
            place = zones[zone] if zone else None
            postings.take(person, hall, post, zone=place, by=None, at=at - ON_DUTY_FOR)
        _work(hall, at)
    return hall


def _work(hall: Hall, at: dt.datetime) -> None:
    """What the hall's people find: this and next week's roster, a notice that all but one have read, what today owes."""
    manager = Person.objects.get(login="gu")
    today = hall.business_date(at)
    staff = staff_day.of_hall(hall, today, seed=0)
    dates = [today + number * staff_day.DAY for number in range(PLANNED_DAYS - today.weekday())]
    plans = [plan for on in dates for plan in staff_day.week_day(staff, on) if plan.ends > at]
    elsewhere = rosters.shifts_of({plan.person.pk for plan in plans}, plans)  # of an earlier demo's people
    rosters.plan_all(
        hall, [plan for plan in plans if plan.person.pk not in elsewhere], verb="planned", by=manager, at=at
    )
    for on in dates:
        proposal = meals.propose(hall, rosters.planned_on(hall, on))
        if proposal.placed:
            rosters.accept_meals(hall, on, shown=proposal.text(), by=manager, at=at)
    written_at = at - ON_DUTY_FOR
    notice = notices.write(hall, **staff_day.NOTICE, effective_from=today, must_be_read=True, by=manager, at=written_at)
    readers = Person.objects.filter(memberships__hall=hall).exclude(login=HAS_NOT_READ).distinct()
    notices.receipts(readers, [notice], told_by=None, at=written_at)
    day_tasks.make_tasks([hall.pk], at=at)
    day_tasks.make_shift_tasks(hall, at=at)


def furnish(hall: Hall, *, at: dt.datetime) -> None:
    """The demo's counters and services, in a hall that has its zones."""
    zones = {zone.slug: zone for zone in hall.zones.all()}
    counters = {
        number: halls.keep(Counter(hall=hall, number=number, kind=kind, zone=zones[zone]), by=None, at=at)
        for number, kind, zone, _letters in COUNTERS
    }
    for position, (letter, code, name_zh, name_en, is_green) in enumerate(SERVICES):
        service = Service(
            hall=hall, code=code, letter=letter, name_zh=name_zh, name_en=name_en, is_green=is_green, position=position,
        )  # fmt: skip
        halls.keep(service, by=None, at=at)
        service.counters.set([counters[number] for number, _kind, _zone, letters in COUNTERS if letter in letters])


def _people(hall: Hall, at: dt.datetime) -> None:
    # One hash for all: hashing 16 passwords and PINs apart would take ten seconds, and everybody knows them anyway.
    password, pin_hash = make_password(PASSWORD), make_password(PIN)
    for login, name_zh, name_en, kinds, is_staff, is_superuser in PEOPLE:
        person = Person.objects.filter(login=login).first()  # left from an earlier demo
        if person is None:
            person = Person(
                login=login, name_zh=name_zh, name_en=name_en, password=password, pin_hash=pin_hash, is_staff=is_staff,
                is_superuser=is_superuser,
            )  # fmt: skip
            halls.keep(person, by=None, at=at)
        halls.belong(hall, person, kinds, by=None, at=at)
    name_cleaner(hall, at=at)


def name_cleaner(hall: Hall, *, at: dt.datetime) -> None:
    """The other staff is the cleaner, of a company of her own."""
    cleaner = Membership.objects.get(hall=hall, kind=Kind.STAFF)
    cleaner.post, cleaner.company = Post.objects.get(slug="cleaner"), "洁美保洁 · Jiemei Cleaning"
    halls.keep(cleaner, by=None, at=at)
