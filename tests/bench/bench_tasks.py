"""How long a day's tasks take for all halls, and one person's page: `python -m tests.bench.bench_tasks`.

1,000 halls of 25 people with the whole catalogue, on a PostgreSQL of its own. Aims: a day made in at most 60 s, in batches;
made again (nothing is missing) no task more; the worker's round with nothing to do under 1 s; "my shift" of a duty manager
with 60 open tasks at most 50 ms.
"""

import argparse
import datetime as dt
import os
import shutil
import time
from pathlib import Path

import django
from django.core.management import call_command

from hall import embedded
from tests.bench.side_by_side import line, milliseconds

AT = dt.datetime(2026, 11, 22, 16, 5, tzinfo=dt.UTC)  # 00:05 on a Monday in the halls
NOON = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
# Who works in a hall of 25.
STAFF = {
    "hall-manager": 1, "duty-manager": 2, "counter-clerk": 8, "vip-receptionist": 1, "guide": 2, "floater": 4,
    "security-guard": 2, "customer-receptionist": 1, "cleaner": 2, "storekeeper": 1, "safety-officer": 1,
}  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--halls", type=int, default=1000)
    chosen = options.parse_args()
    folder = Path(embedded.__file__).parent.parent / ".test-data" / f"bench-{os.getpid()}"
    servers = embedded.use(folder, durable=False)
    try:
        os.environ |= {"HALL_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "hall.settings"}
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        measure(chosen.halls)
    finally:
        servers.release()
        embedded.wait_until_stopped(folder)
        shutil.rmtree(folder, ignore_errors=True)


def measure(halls: int) -> None:
    from django.db import connection

    from roles import day_tasks
    from roles.models import Task

    fill(halls)
    line(f"a day of {halls} halls", seconds(lambda: day_tasks.make_due(at=AT)), "s", "(at most 60)")
    made = Task.objects.count()
    print(f"{made} tasks, {made / halls:.1f} a hall")
    line("the same day again", seconds(lambda: day_tasks.make_tasks(None, at=AT)), "s", "(at most 60)")
    line("tasks more", Task.objects.count() - made, "", "(0)")
    take_posts()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does within the minute
    line("shifts that begin everywhere at once", seconds(lambda: day_tasks.make_shift_tasks(at=NOON)), "s")
    line("the worker's round, nothing missing", seconds(lambda: day_tasks.make_due(at=NOON)), "s", "(under 1)")
    show_page()


def fill(halls: int) -> None:
    """The catalogue, halls open from 9 to 18 with six zones, 25 people each."""
    from hall.models import Hall, Membership, OpeningInterval, Person, Post, Zone

    started = time.perf_counter()
    call_command("migrate", verbosity=0)
    call_command("load_catalogue", verbosity=0)
    posts = {post.slug: post for post in Post.objects.all()}
    rows = Hall.objects.bulk_create([Hall(code=f"hall-{n}", name_zh=f"营业厅{n}") for n in range(halls)])
    OpeningInterval.objects.bulk_create(
        [
            OpeningInterval(hall=hall, weekday=day, opens=dt.time(9), closes=dt.time(18))
            for hall in rows
            for day in range(7)
        ]
    )
    slugs = ("entrance", "consult", "selfservice", "counter", "waiting", "vip")
    Zone.objects.bulk_create([Zone(hall=hall, slug=slug, name_zh=slug) for hall in rows for slug in slugs])
    jobs = [slug for slug, count in STAFF.items() for _person in range(count)]
    people = Person.objects.bulk_create(
        [Person(login=f"{hall.code}-{n}", name_zh=f"员工{n}", password="!") for hall in rows for n in range(len(jobs))]
    )
    Membership.objects.bulk_create(
        [
            Membership(person=person, hall=hall, kind=posts[slug].kind, post=posts[slug])
            for hall, team in zip(rows, batches(people, len(jobs)), strict=True)
            for person, slug in zip(team, jobs, strict=True)
        ]
    )
    print(f"{halls} halls, {len(people)} people: {time.perf_counter() - started:.0f} s to fill")


def take_posts() -> None:
    """Everybody holds his post since eight."""
    from hall.models import Membership, Posting

    since = NOON - dt.timedelta(hours=4)
    rows = Membership.objects.values_list("hall_id", "person_id", "post_id")
    Posting.objects.bulk_create(
        [Posting(hall_id=hall, person_id=person, post_id=post, since=since) for hall, person, post in rows]
    )


def show_page() -> None:
    """The page of a duty manager with 60 open tasks, without the network: request, middleware, queries, template."""
    from django.test import Client

    from hall.models import Hall, Person
    from roles.models import Task

    hall = Hall.objects.get(code="hall-0")
    person = Person.objects.get(login="hall-0-1")
    Task.objects.filter(hall=hall).delete()
    post = person.memberships.get().post
    Task.objects.bulk_create(
        [
            Task(
                hall=hall, business_date=dt.date(2026, 11, 23), key=f"bench:{n}", code="D-X-1", text_zh="检查一遍", post=post,
                text_en="Check it once.", cadence="daily", moment="normal",
                due_from=NOON - dt.timedelta(hours=3), due_by=NOON + dt.timedelta(hours=n % 6 - 1, seconds=1),
            )
            for n in range(60)
        ]
    )  # fmt: skip
    client = Client()
    client.force_login(person)
    pause_clock()
    began = time.process_time()
    times = [seconds(lambda: client.get(f"/h/{hall.code}/shift/")) for _round in range(30)]
    line("my shift, this process's own time", (time.process_time() - began) / len(times) * 1000, "ms")
    html = client.get(f"/h/{hall.code}/shift/").content.decode()
    print(f"my shift, {html.count('data-place=')} tasks: {milliseconds(times[5:])} (median at most 50 ms)")


def pause_clock() -> None:
    """The page is looked at on the day that was made."""
    from hall import clock

    clock.now = lambda: NOON


def batches(items: list, size: int) -> list[list]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def seconds(act) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
