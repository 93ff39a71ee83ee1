"""One hall with two counters and its people, for the tests of the tablets' pages."""

from dataclasses import dataclass, field

from django.http import HttpResponse
from django.urls import reverse

from hall.models import Counter, Hall, Kind, Person, Tap
from queueing.models import CareAct, Service, State, Ticket, TicketEvent
from tests import make
from tests.make import MINUTE

NOW = make.AT  # views take the database's time; what they write is never before a ticket's last event


@dataclass
class Desk:
    """A hall with clerk Chen at counter 3 (open), counter 4 (open, nobody) and one service at both."""

    hall: Hall = field(default_factory=make.hall)

    def __post_init__(self) -> None:
        self.service: Service = make.service(self.hall, name_en="Bills")
        self.clerk: Person = make.person(self.hall, Kind.CLERK, name_en="Chen")
        self.counter: Counter = make.counter(self.hall, 3, services=[self.service], clerk=self.clerk, clerk_since=NOW)
        self.other: Counter = make.counter(self.hall, 4, services=[self.service])

    def tap(
        self, name: str, data: dict | None = None, *, by: Person | None = None, counter: Counter | None = None, **kw
    ) -> HttpResponse:
        """Chen, unless somebody else is named, taps an action of counter 3, unless another one is named."""
        address = reverse(name, args=[self.hall.code, (counter or self.counter).number])
        return make.tap(make.client(by or self.clerk), address, data, **kw)

    def page(self, *, by: Person | None = None, counter: Counter | None = None) -> str:
        address = reverse("counter", args=[self.hall.code, (counter or self.counter).number])
        return make.client(by or self.clerk).get(address).content.decode()

    def long_waiter(self) -> Ticket:
        """Somebody who waited 17 minutes and is called to counter 3."""
        return make.called(self.service, self.counter, at=NOW - 17 * MINUTE, called_at=NOW)


def everything() -> list:
    """Every row that an action could have changed: to compare before and after a refusal."""
    return [list(model.objects.order_by("pk").values()) for model in (Ticket, TicketEvent, Counter, CareAct, Tap)]


def form(ticket: Ticket, **more: object) -> dict[str, object]:
    """What a form about this ticket carries: the ticket and the state it was drawn in."""
    return {"ticket": ticket.pk, "state": State(Ticket.objects.get(pk=ticket.pk).state).value, **more}
