"""Whom a counter may call, and in which order: one SQL for the call itself and for every screen that shows the next.

Plain SQL, since every tap asks: building the same statements from the models cost a third of the tap's time.
"""

from django.db import connection
from django.db.models.query import RawQuerySet

from hall import plain
from hall.models import Counter
from queueing.models import FAVOURED, CustomerClass, Ticket

# What a counter serves = its services and its clerk's; a clerk of whom the hall has not said what he masters masters all.
# A ticket transferred to a counter is called there, whatever it serves; elsewhere only while that counter is not open.
# Green tickets are called at green counters only (R-Q19).
CALLABLE = """
    FROM queueing_ticket t
    WHERE t.state = 'waiting' AND t.hall_id = %(hall)s AND (
        t.for_counter_id = %(counter)s
        OR (
            EXISTS (SELECT 1 FROM queueing_service_counters s WHERE s.service_id = t.service_id AND s.counter_id = %(counter)s)
            AND (
                EXISTS (SELECT 1 FROM queueing_service_masters m WHERE m.service_id = t.service_id AND m.person_id = %(clerk)s)
                OR NOT EXISTS (
                    SELECT 1 FROM queueing_service_masters m JOIN queueing_service o ON o.id = m.service_id
                    WHERE m.person_id = %(clerk)s AND o.hall_id = %(hall)s
                )
            )
            AND (%(is_green)s OR t.customer_class <> 'green')
            AND (
                t.for_counter_id IS NULL
                OR NOT EXISTS (SELECT 1 FROM hall_counter c WHERE c.id = t.for_counter_id AND c.state = 'open')
            )
        )
    )
"""

# Whom a counter of this kind takes before all others.
PREFERRED = {Counter.Kind.GREEN: CustomerClass.GREEN, Counter.Kind.VIP: CustomerClass.VIP}


def next_for(counter: Counter, *, most_favoured: int) -> Ticket | None:
    """Whom this counter would call now. One query.

    Green counters take green tickets first, VIP seats take VIP customers first (R-Q13); then special, VIP, normal, at
    most `most_favoured` favoured in a row (X-24), then by issue.
    """
    preferred = PREFERRED.get(Counter.Kind(counter.kind))
    order = "t.class_rank, t.issued_at, t.id"
    if counter.favoured_run >= most_favoured:
        order = f"t.customer_class = ANY(%(favoured)s), {order}"
    if preferred is not None:
        order = f"t.customer_class <> %(preferred)s, {order}"
    chosen: dict[str, object] = {"favoured": list(FAVOURED), "preferred": preferred}
    found = plain.row(
        f"SELECT {plain.columns(Ticket, 't')} {CALLABLE} ORDER BY {order} LIMIT 1", _asked(counter) | chosen
    )
    return plain.made(Ticket, found) if found is not None else None


def waiting_for(counter: Counter, *, most: int) -> "RawQuerySet[Ticket]":
    """The first who may be called here, by class and issue; each with `.count_of_all` who may. One query when read."""
    return Ticket.objects.raw(
        f"SELECT t.*, count(*) OVER () AS count_of_all {CALLABLE} ORDER BY t.class_rank, t.issued_at, t.id LIMIT %(most)s",
        _asked(counter) | {"most": most},
    )


def count_for(counter: Counter) -> int:
    """How many may be called here. One query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {CALLABLE}", _asked(counter))
        return int(cursor.fetchone()[0])


def _asked(counter: Counter) -> dict[str, int | bool | None]:
    is_green = counter.kind == Counter.Kind.GREEN
    return {"hall": counter.hall_id, "counter": counter.pk, "is_green": is_green, "clerk": counter.clerk_id}
