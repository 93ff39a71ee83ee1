"""The admin site: every table opens, edits reach the screens, bad input is refused in words, versions come back."""

import datetime as dt

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hall import live
from hall.models import Counter, Device, Hall, Holiday, Kind, Limit, LimitOverride, Membership, OpeningInterval, Person
from queueing import waits
from queueing.models import Service
from tests import make

pytestmark = pytest.mark.django_db

TABLES = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)


@pytest.fixture(autouse=True)
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The halls whose tickets' due times were written anew: None stands for all."""
    seen: list[int | None] = []
    monkeypatch.setattr(waits, "rewrite_due_times", lambda *, hall_id, at: seen.append(hall_id), raising=False)
    return seen


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    said: list[tuple] = []
    monkeypatch.setattr(live, "announce", lambda hall_id, *topics: said.append((hall_id, *topics)))
    return said


def administrator() -> Client:
    return make.client(make.person(is_staff=True, is_superuser=True))


NEVER_DELETED = {"roles_form"}  # each edit is a new version, and all stay


def inlines(**counts: int) -> dict[str, str]:
    """Empty management forms of a page's inlines, with their numbers of rows."""
    fields = {}
    for prefix, initial in counts.items():
        fields |= {f"{prefix}-TOTAL_FORMS": str(initial), f"{prefix}-INITIAL_FORMS": str(initial)}
    return fields


HALL_INLINES = {"opening_intervals": 0, "holidays": 0, "zones": 0, "rooms": 0, "limit_overrides": 0}


def hall_form(hall: Hall, **fields: str) -> dict[str, str]:
    return {
        "code": hall.code, "name_zh": hall.name_zh, "name_en": hall.name_en, "time_zone": hall.time_zone,
        "last_ticket_before_close": "0", "is_active": "on", **inlines(**HALL_INLINES), **fields,
    }  # fmt: skip


def url(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", args=arguments)


def errors(response) -> str:
    page = response.content.decode()
    return page if 'class="errornote"' in page or "errorlist" in page else ""


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_table_and_its_deleted_rows_open_in_both_languages(table: str, language: str):
    hall = make.hall()
    make.device(hall)
    make.service(hall, counters=[make.counter(hall, zone=make.zone(hall))])
    client = administrator()
    client.cookies["django_language"] = language

    names = [f"{table}_changelist", *([f"{table}_deleted"] if table not in NEVER_DELETED else [])]

    assert [client.get(url(name), {"q": "x"}).status_code for name in names] == [200] * len(names)


@pytest.mark.parametrize("table", [table for table in TABLES if table not in ("hall_limit",)])
def test_every_table_has_a_page_to_add_a_row(table: str):
    make.hall()

    assert administrator().get(url(f"{table}_add")).status_code == 200


def test_no_page_of_the_admin_site_has_inline_script_or_style():
    hall = make.hall()
    device = make.device(hall)
    service = make.service(hall, counters=[make.counter(hall)])
    client = administrator()

    pages = [
        url("index"), url("hall_hall_change", hall.pk), url("hall_hall_history", hall.pk), url("hall_device_pairing", device.pk),
        url("queueing_service_change", service.pk), url("queueing_service_history", service.pk), url("hall_person_add"),
        url("queueing_service_simple_history", service.pk, service.history.first().pk),
    ]  # fmt: skip

    for page in pages:
        html = client.get(page).content.decode()
        assert " style=" not in html, page
        assert "<script>" not in html, page
        assert "onclick" not in html, page


@pytest.mark.covers("H-01")
def test_a_hall_is_made_with_its_hours_zones_rooms_counters_and_devices(rewritten: list):
    client = administrator()
    form = {
        "code": "east", "name_zh": "东门营业厅", "time_zone": "Asia/Shanghai", "last_ticket_before_close": "00:10:00", "is_active": "on",
        **inlines(**HALL_INLINES),
        "opening_intervals-TOTAL_FORMS": "1", "opening_intervals-0-weekday": "0", "opening_intervals-0-opens": "09:00",
        "opening_intervals-0-closes": "18:00",
        "zones-TOTAL_FORMS": "1", "zones-0-slug": "counter", "zones-0-name_zh": "业务受理区", "zones-0-position": "0",
        "rooms-TOTAL_FORMS": "2", "rooms-0-use": "reception", "rooms-0-name_zh": "客户接待室", "rooms-1-use": "member",
        "rooms-1-name_zh": "俱乐部会员室",
    }  # fmt: skip

    made = client.post(url("hall_hall_add"), form)
    hall = Hall.objects.get(code="east")
    zone = hall.zones.get()
    client.post(url("hall_counter_add"), {"hall": str(hall.pk), "number": "9", "kind": "mobile", "zone": str(zone.pk)})
    client.post(url("hall_device_add"), {"hall": str(hall.pk), "screen": "wall", "name": "Wall", "is_active": "on"})

    assert made.status_code == 302, errors(made)
    assert sorted(hall.rooms.values_list("use", flat=True)) == ["member", "reception"]
    assert hall.counters.values_list("number", "kind", "zone__slug").get() == (9, "mobile", "counter")
    assert (hall.opening_intervals.count(), hall.devices.count()) == (1, 1)


@pytest.mark.covers("H-21")
def test_the_limits_page_shows_every_threshold_with_its_source():
    make.hall()

    response = administrator().get(url("hall_limit_changelist"), {"all": ""})

    shown = list(response.context["cl"].result_list)
    page = response.content.decode()
    assert len(shown) == Limit.objects.count()
    assert [limit for limit in shown if limit.source and limit.source not in page] == []
    assert Limit.objects.filter(source="", rule__startswith="R-").count() == 0


def test_a_new_name_of_a_counters_hall_is_announced(announced: list[tuple], rewritten: list):
    hall = make.hall()

    response = administrator().post(url("hall_hall_change", hall.pk), hall_form(hall, name_en="North Gate"))

    assert response.status_code == 302, errors(response)
    assert Hall.objects.get(pk=hall.pk).name_en == "North Gate"
    assert announced == [(hall.pk, "queue", "counters", "limits")]


def test_saving_a_counter_never_overwrites_what_a_tap_wrote(announced: list[tuple]):
    hall = make.hall()
    counter = make.counter(hall, ticket_number="A001")

    administrator().post(url("hall_counter_change", counter.pk), {"number": "7", "kind": Counter.Kind.VIP, "zone": ""})

    stored = Counter.objects.get(pk=counter.pk)
    assert (stored.number, stored.kind, stored.ticket_number, stored.state) == (7, "vip", "A001", "open")
    assert announced == [(hall.pk, "counters", "queue"), (hall.pk, f"counter:{counter.pk}")]


def test_a_services_counters_are_edited_and_their_former_list_comes_back(announced: list[tuple]):
    hall = make.hall()
    one, two = make.counter(hall), make.counter(hall)
    service = make.service(hall, counters=[one])
    client = administrator()
    form = {"code": service.code, "letter": "A", "name_zh": "业务", "position": "0", "is_active": "on"}
    former = service.history.first()
    client.post(url("queueing_service_change", service.pk), {**form, "counters": [str(two.pk)]})
    changed_to = set(service.counters.values_list("pk", flat=True))

    page = client.get(url("queueing_service_simple_history", service.pk, former.pk))
    shown = page.context["adminform"].form.initial["counters"]
    client.post(
        url("queueing_service_simple_history", service.pk, former.pk), {**form, "counters": [str(pk) for pk in shown]}
    )

    assert changed_to == {two.pk}
    assert set(service.counters.values_list("pk", flat=True)) == {one.pk}


def test_the_history_says_who_changed_what():
    hall = make.hall()
    chief = make.person(is_staff=True, is_superuser=True, name_en="Chief Zhao")
    client = make.client(chief)
    client.post(url("hall_hall_change", hall.pk), hall_form(hall, name_en="North Gate"))

    page = client.get(url("hall_hall_history", hall.pk)).content.decode()

    assert "Chief Zhao" in page
    assert "North Gate" in page


def test_the_history_of_a_hall_shows_what_hangs_on_it():
    hall = make.hall()
    Holiday.objects.create(hall=hall, on=dt.date(2027, 2, 6), name_en="New Year")

    page = administrator().get(url("hall_hall_history", hall.pk)).content.decode()

    assert "2027-02-06 New Year" in page


def test_a_former_version_is_brought_back(announced: list[tuple], rewritten: list):
    hall = make.hall(name_en="Old Name")
    client = administrator()
    client.post(url("hall_hall_change", hall.pk), hall_form(hall, name_en="New Name"))
    first = hall.history.earliest("history_date")

    response = client.post(url("hall_hall_simple_history", hall.pk, first.pk), hall_form(hall, name_en="Old Name"))

    assert response.status_code == 302, errors(response)
    assert Hall.objects.get(pk=hall.pk).name_en == "Old Name"
    assert announced[-1] == (hall.pk, "queue", "counters", "limits")


def test_a_deleted_row_is_listed_and_brought_back():
    hall = make.hall()
    holiday = Holiday.objects.create(hall=hall, on=dt.date(2027, 2, 6), name_en="New Year")
    client = administrator()
    client.post(url("hall_holiday_delete", holiday.pk), {"post": "yes"})
    version = Holiday.history.filter(id=holiday.pk).exclude(history_type="-").first()

    listed = client.get(url("hall_holiday_deleted")).content.decode()
    client.post(url("hall_holiday_simple_history", holiday.pk, version.pk), {"on": "2027-02-06", "name_en": "New Year"})

    assert "2027-02-06 New Year" in listed
    assert list(Holiday.objects.values_list("hall_id", "on")) == [(hall.pk, dt.date(2027, 2, 6))]


@pytest.mark.parametrize("page", ["abc", "0", "9" * 30, "1'", "１"])
def test_a_history_of_no_row_is_404(page: str):
    client = administrator()

    answers = [
        client.get(f"/admin/hall/hall/{page}/history/").status_code,
        client.get(f"/admin/hall/hall/{page}/history/1/").status_code,
    ]

    assert answers == [404, 404]


def test_a_default_limit_changes_the_due_times_of_every_hall(announced: list[tuple], rewritten: list):
    hall = make.hall()
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    form = {"title_zh": limit.title_zh, "title_en": limit.title_en, "default": "12", **inlines(overrides=0)}

    response = administrator().post(url("hall_limit_change", limit.pk), form)

    assert response.status_code == 302, errors(response)
    assert Limit.objects.get(pk=limit.pk).default == "12"
    assert rewritten == [None]
    assert (hall.pk, "limits") in announced


def test_a_halls_own_limit_changes_the_due_times_of_that_hall(announced: list[tuple], rewritten: list):
    hall = make.hall()
    limit = Limit.objects.get(rule="R-Q02", name="threshold")

    administrator().post(url("hall_limitoverride_add"), {"hall": str(hall.pk), "limit": str(limit.pk), "value": "8"})

    assert LimitOverride.objects.get().value == "8"
    assert rewritten == [hall.pk]
    assert announced == [(hall.pk, "limits")]


def test_deleting_and_bringing_back_a_halls_own_limit_changes_its_due_times(rewritten: list):
    hall = make.hall()
    own = make.limit(hall, "R-Q02", "threshold", 8)
    version = own.history.first()
    client = administrator()

    client.post(url("hall_limitoverride_delete", own.pk), {"post": "yes"})
    client.post(url("hall_limitoverride_simple_history", own.pk, version.pk), {"value": "8"})

    assert rewritten == [hall.pk, hall.pk]
    assert LimitOverride.objects.get().value == "8"


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "inf", "1e400", "9" * 70, "5\x00"])
def test_a_limit_that_means_nothing_is_refused_in_words(value: str, rewritten: list):
    hall = make.hall()
    limit = Limit.objects.get(rule="R-Q02", name="threshold")

    response = administrator().post(
        url("hall_limitoverride_add"), {"hall": str(hall.pk), "limit": str(limit.pk), "value": value}
    )

    assert errors(response)
    assert (LimitOverride.objects.count(), rewritten) == (0, [])


@pytest.mark.parametrize(
    "fields",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"code": "North Gate"},
        {"code": "x" * 31},
        {"name_zh": ""},
        {"name_zh": "名" * 61},
        {"name_zh": "a\x00b"},
        {"name_zh": "a\x01b"},
        {"last_ticket_before_close": "-1"},
        {"last_ticket_before_close": "never"},
    ],
)
def test_a_hall_that_cannot_be_is_refused_in_words(fields: dict[str, str]):
    hall = make.hall()

    response = administrator().post(url("hall_hall_change", hall.pk), hall_form(hall, **fields))

    assert response.status_code == 200
    assert errors(response)
    assert hall.history.count() == 1


def test_opening_intervals_that_overlap_are_refused_in_words():
    hall = make.hall()
    OpeningInterval.objects.filter(hall=hall).delete()
    rows = {"opening_intervals-TOTAL_FORMS": "2"}
    for number, (opens, closes) in enumerate([("09:00", "12:30"), ("12:00", "18:00")]):
        rows |= {
            f"opening_intervals-{number}-{name}": value
            for name, value in [("weekday", "0"), ("opens", opens), ("closes", closes)]
        }

    response = administrator().post(url("hall_hall_change", hall.pk), hall_form(hall, **rows))

    assert "overlap" in errors(response)
    assert OpeningInterval.objects.count() == 0


def test_opening_intervals_that_touch_are_kept_and_midnight_ends_the_day():
    hall = make.hall()
    OpeningInterval.objects.filter(hall=hall).delete()
    rows = {"opening_intervals-TOTAL_FORMS": "2"}
    for number, (opens, closes) in enumerate([("09:00", "12:00"), ("12:00", "00:00")]):
        rows |= {
            f"opening_intervals-{number}-{name}": value
            for name, value in [("weekday", "0"), ("opens", opens), ("closes", closes)]
        }

    response = administrator().post(url("hall_hall_change", hall.pk), hall_form(hall, **rows))

    assert response.status_code == 302, errors(response)
    assert OpeningInterval.objects.count() == 2


def test_one_more_opening_interval_that_overlaps_is_refused_in_words():
    hall = make.hall()

    response = administrator().post(
        url("hall_openinginterval_add"), {"hall": str(hall.pk), "weekday": "0", "opens": "09:00", "closes": "12:00"}
    )

    assert "overlap" in errors(response)


def test_an_interval_that_ends_before_it_begins_is_refused_in_words():
    hall = make.hall()
    OpeningInterval.objects.filter(hall=hall).delete()

    response = administrator().post(
        url("hall_openinginterval_add"), {"hall": str(hall.pk), "weekday": "0", "opens": "12:00", "closes": "09:00"}
    )

    assert errors(response)
    assert OpeningInterval.objects.count() == 0


def test_two_services_may_share_a_letter_and_a_small_letter_is_refused():
    hall = make.hall()
    make.service(hall, "A")
    form = {"hall": str(hall.pk), "code": "new-line", "name_zh": "新装", "position": "1", "is_active": "on"}
    client = administrator()

    refused = client.post(url("queueing_service_add"), {**form, "letter": "a"})
    client.post(url("queueing_service_add"), {**form, "letter": "A"})

    assert errors(refused)
    assert Service.objects.filter(hall=hall, letter="A").count() == 2


def test_a_service_takes_counters_of_its_own_hall_only():
    hall = make.hall()
    elsewhere = make.counter(make.hall())
    form = {
        "hall": str(hall.pk),
        "code": "new-line",
        "letter": "B",
        "name_zh": "新装",
        "position": "1",
        "counters": [str(elsewhere.pk)],
    }

    response = administrator().post(url("queueing_service_add"), form)

    assert "same hall" in errors(response)
    assert not Service.objects.filter(code="new-line").exists()


@pytest.mark.parametrize("number", ["-1", "40000", "1.5", "", "x"])
def test_a_counter_number_that_is_none_is_refused_in_words(number: str):
    hall = make.hall()

    response = administrator().post(url("hall_counter_add"), {"hall": str(hall.pk), "number": number, "kind": "fixed"})

    assert errors(response)
    assert Counter.objects.count() == 0


def test_what_has_tickets_is_not_deleted_and_the_way_out_is_offered():
    hall = make.hall()
    counter = make.counter(hall)
    service = make.service(hall, counters=[counter])
    make.called(service, counter)
    client = administrator()

    answers = [
        client.post(url(f"{table}_delete", row.pk), {"post": "yes"}, follow=True).content.decode()
        for table, row in [("hall_hall", hall), ("queueing_service", service), ("hall_counter", counter)]
    ]

    assert ["instead" in answer for answer in answers] == [True, True, True]
    assert (Hall.objects.count(), Service.objects.count(), Counter.objects.count()) == (1, 1, 1)


def test_a_person_whose_name_stands_in_records_is_not_deleted():
    hall = make.hall()
    person = make.person(hall)
    make.ticket(make.service(hall), by=person)

    page = administrator().post(url("hall_person_delete", person.pk), {"post": "yes"}, follow=True).content.decode()

    assert "name stands in records" in page
    assert Person.objects.filter(pk=person.pk).exists()


def test_several_rows_are_never_deleted_at_once():
    hall = make.hall()
    device = make.device(hall)

    administrator().post(
        url("hall_device_changelist"),
        {"action": "delete_selected", "_selected_action": [str(device.pk)], "post": "yes"},
    )

    assert Device.objects.filter(pk=device.pk).exists()


def test_a_new_person_gets_a_password_that_signs_in():
    hall = make.hall()
    form = {
        "login": "liwei", "name_zh": "李伟", "usable_password": "true", "password1": "tall-bamboo-7", "password2": "tall-bamboo-7",
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0", "memberships-0-hall": str(hall.pk), "memberships-0-kind": "clerk",
    }  # fmt: skip

    response = administrator().post(url("hall_person_add"), form)

    assert response.status_code == 302, errors(response)
    assert make.client().login(username="liwei", password="tall-bamboo-7")
    assert Membership.objects.get(person__login="liwei").kind == Kind.CLERK


def test_a_pin_is_set_and_taken_away():
    person = make.person(make.hall())
    client = administrator()

    client.post(url("hall_person_pin", person.pk), {"pin": "2580", "again": "2580"})
    given = Person.objects.get(pk=person.pk).pin_hash
    client.post(url("hall_person_pin", person.pk), {"pin": "", "again": ""})

    assert given != ""
    assert Person.objects.get(pk=person.pk).pin_hash == ""


@pytest.mark.parametrize(("pin", "again"), [("2580", "2581"), ("12", "12"), ("1111", "1111"), ("abcd", "abcd")])
def test_a_pin_that_cannot_be_is_refused_in_words(pin: str, again: str):
    person = make.person(make.hall())

    response = administrator().post(url("hall_person_pin", person.pk), {"pin": pin, "again": again})

    assert errors(response)
    assert Person.objects.get(pk=person.pk).pin_hash == ""


def test_the_pairing_page_shows_six_digits_and_cuts_the_device_off():
    device = make.device(make.hall())
    client = administrator()

    client.post(url("hall_device_pairing", device.pk), {"make": "1"})
    code = Device.objects.get(pk=device.pk).pairing_code
    shown = client.get(url("hall_device_pairing", device.pk)).content.decode()
    make.client().post("/pair/", {"code": code})
    client.post(url("hall_device_pairing", device.pk), {"revoke": "1"})

    assert f"{code[:3]} {code[3:]}" in shown
    assert Device.objects.get(pk=device.pk).token_hash == ""


@pytest.mark.parametrize(
    "table", ["hall_person", "hall_counter", "hall_device", "hall_limitoverride", "queueing_service"]
)
def test_a_list_asks_the_same_number_of_queries_with_1_and_with_30_rows(table: str):
    hall = make.hall()
    client = administrator()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(url(f"{table}_changelist"))
        return len(asked)

    def rows(count: int) -> None:
        for limit in Limit.objects.exclude(overrides__hall=hall)[:count]:
            LimitOverride.objects.create(hall=hall, limit=limit, value="5")
        for _ in range(count):
            make.person(hall)
            make.device(hall)
            make.service(hall, counters=[make.counter(hall)])

    rows(1)
    few = queries()
    rows(29)

    assert queries() == few
