"""Who may edit what in the admin site: a hall manager his halls and nothing above himself."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from hall import devices
from hall.models import Device, Hall, Kind, Limit, LimitOverride, Membership, OpeningInterval, Person
from queueing import waits
from queueing.models import Service
from tests import make

pytestmark = pytest.mark.django_db

TABLES = sorted(f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry)
PASSWORD = "tall-bamboo-7"
NEW_PASSWORD = {"password1": "other-word-9", "password2": "other-word-9", "usable_password": "true"}


@pytest.fixture(autouse=True)
def no_tickets_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "rewrite_due_times", lambda *, hall_id, at: None, raising=False)


def url(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", args=arguments)


def manager(hall: Hall, kind: str = Kind.HALL_MANAGER) -> Client:
    return make.client(make.person(hall, kind, is_staff=True))


def member_form(person: Person, *, rows: list[dict[str, str]], **fields: str) -> dict[str, str]:
    form = {
        "login": person.login,
        "name_zh": person.name_zh,
        "name_en": person.name_en,
        "language": "",
        "is_active": "on",
        **fields,
    }
    form |= {
        "memberships-TOTAL_FORMS": str(len(rows)),
        "memberships-INITIAL_FORMS": str(sum("id" in row for row in rows)),
    }
    for number, row in enumerate(rows):
        form |= {f"memberships-{number}-{name}": value for name, value in row.items()}
    return form


def row_of(membership: Membership, **fields: str) -> dict[str, str]:
    row = {
        "id": str(membership.pk),
        "person": str(membership.person_id),
        "hall": str(membership.hall_id),
        "kind": membership.kind,
    }
    return row | fields


def test_nobody_signed_in_is_led_to_the_login_page():
    response = make.client().get("/admin/hall/hall/")

    assert (response.status_code, response["Location"]) == (302, "/login/?next=/admin/hall/hall/")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.HALL_MANAGER, Kind.HEADQUARTERS)])
def test_staff_of_other_kinds_are_403(kind: str):
    client = manager(make.hall(), kind)

    response = client.get("/admin/", follow=True)

    assert response.status_code == 403


@pytest.mark.parametrize("kind", [Kind.HALL_MANAGER, Kind.HEADQUARTERS])
def test_a_hall_manager_who_is_not_staff_is_403(kind: str):
    client = make.client(make.person(make.hall(), kind))

    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("kind", [Kind.HALL_MANAGER, Kind.HEADQUARTERS])
@pytest.mark.parametrize("table", TABLES)
def test_managers_open_every_table(kind: str, table: str):
    client = manager(make.hall(), kind)

    assert client.get(url(f"{table}_changelist")).status_code == 200


def rows_of(hall: Hall) -> dict[str, object]:
    """One row of every table that belongs to this hall."""
    counter = make.counter(hall, zone=make.zone(hall))
    return {
        "hall_hall": hall,
        "hall_openinginterval": OpeningInterval.objects.filter(hall=hall).first(),
        "hall_zone": counter.zone,
        "hall_counter": counter,
        "hall_device": make.device(hall),
        "hall_person": make.person(hall),
        "hall_membership": make.membership(make.person(), hall),
        "hall_limitoverride": make.limit(hall, "R-Q02", "threshold", 8),
        "queueing_service": make.service(hall),
    }


ROW_TABLES = [
    "hall_hall", "hall_openinginterval", "hall_zone", "hall_counter", "hall_device", "hall_person", "hall_membership",
    "hall_limitoverride", "queueing_service",
]  # fmt: skip


@pytest.mark.parametrize("table", ROW_TABLES)
def test_a_manager_sees_and_opens_rows_of_his_own_hall(table: str):
    hall = make.hall()
    row = rows_of(hall)[table]
    client = manager(hall)

    answers = [client.get(url(f"{table}_{page}", row.pk)).status_code for page in ("change", "history")]

    assert answers == [200, 200]


@pytest.mark.parametrize("table", ROW_TABLES)
def test_a_row_of_another_hall_is_neither_listed_nor_opened_nor_changed_nor_deleted(table: str):
    own, other = make.hall(), make.hall()
    row = rows_of(other)[table]
    version = type(row).history.filter(id=row.pk).first()
    client = manager(own)

    listed = client.get(url(f"{table}_changelist")).context["cl"].queryset.filter(pk=row.pk).exists()
    opened = client.get(url(f"{table}_change", row.pk)).status_code
    changed = client.post(url(f"{table}_change", row.pk), {"name_zh": "mine"}).status_code
    deleted = client.post(url(f"{table}_delete", row.pk), {"post": "yes"}).status_code
    history = client.get(url(f"{table}_history", row.pk)).status_code
    versions = [
        client.get(url(f"{table}_simple_history", row.pk, version.pk)).status_code,
        client.post(url(f"{table}_simple_history", row.pk, version.pk), {}).status_code,
    ] if version else [404, 404]  # fmt: skip

    assert listed is False
    assert {opened, changed, deleted} <= {302, 403}  # 302: to the index, "does not exist"
    assert (history, versions) == (404, [404, 404])
    assert type(row).objects.filter(pk=row.pk).exists()


def test_lists_to_choose_from_hold_rows_of_ones_own_halls_only():
    own, other = make.hall(), make.hall()
    make.zone(own, name_en="Own Zone")
    make.zone(other, name_en="Foreign Zone")
    client = manager(own)

    page = client.get(url("hall_counter_add")).content.decode()

    assert (own.name_en in page, "Own Zone" in page) == (True, True)
    assert (other.name_en in page, "Foreign Zone" in page) == (False, False)


def test_a_manager_adds_nothing_to_another_hall():
    own, other = make.hall(), make.hall()
    form = {"hall": str(other.pk), "code": "x", "letter": "A", "name_zh": "x", "position": "0"}

    response = manager(own).post(url("queueing_service_add"), form)

    assert response.status_code == 200
    assert Service.objects.count() == 0


def test_a_manager_never_moves_a_row_into_another_hall():
    own, other = make.hall(), make.hall()
    device = make.device(own)

    manager(own).post(
        url("hall_device_change", device.pk), {"hall": str(other.pk), "screen": "call", "name": "x", "is_active": "on"}
    )

    assert Device.objects.get(pk=device.pk).hall_id == own.pk


def test_a_version_from_when_a_row_was_elsewhere_does_not_bring_it_over():
    own, other = make.hall(), make.hall()
    device = make.device(other)
    Device.objects.filter(pk=device.pk).update(hall=own)
    version = device.history.first()

    response = manager(own).post(
        url("hall_device_simple_history", device.pk, version.pk), {"screen": "call", "name": "x"}
    )

    assert response.status_code == 403
    assert Device.objects.get(pk=device.pk).hall_id == own.pk


def test_a_manager_makes_and_deletes_no_hall():
    hall = make.hall()
    client = manager(hall)

    answers = [
        client.get(url("hall_hall_add")).status_code,
        client.post(url("hall_hall_delete", hall.pk), {"post": "yes"}).status_code,
    ]

    assert answers == [403, 403]
    assert Hall.objects.filter(pk=hall.pk).exists()


def test_a_manager_changes_no_default_limit_but_his_halls_own_value():
    own, other = make.hall(), make.hall()
    make.limit(other, "R-Q02", "threshold", 20)
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    before = limit.default
    form = {
        "default": "99", "title_zh": "x", "title_en": "x", "overrides-TOTAL_FORMS": "1", "overrides-INITIAL_FORMS": "0",
        "overrides-0-hall": str(own.pk), "overrides-0-value": "8",
    }  # fmt: skip

    response = manager(own).post(url("hall_limit_change", limit.pk), form)

    assert response.status_code == 302
    assert Limit.objects.get(pk=limit.pk).default == before
    assert dict(LimitOverride.objects.values_list("hall_id", "value")) == {own.pk: "8", other.pk: "20"}


def test_a_manager_sees_no_other_halls_own_value_of_a_limit():
    own, other = make.hall(), make.hall(name_en="Secret Garden")
    make.limit(other, "R-Q02", "threshold", 1234)
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    client = manager(own)

    pages = [client.get(url(f"hall_limit_{page}", limit.pk)).content.decode() for page in ("change", "history")]

    assert ["1234" in page or "Secret Garden" in page for page in pages] == [False, False]


def test_a_manager_brings_no_default_limit_back():
    hall = make.hall()
    limit = Limit.objects.get(rule="R-Q02", name="threshold")
    limit.save()
    version = limit.history.first()
    before = Limit.objects.get(pk=limit.pk).default

    manager(hall).post(url("hall_limit_simple_history", limit.pk, version.pk), {"default": "99"})

    assert Limit.objects.get(pk=limit.pk).default == before


def test_ladders_are_read_by_managers_and_edited_by_superusers_only():
    client = manager(make.hall())

    answers = [
        client.get(url("hall_alarmrung_changelist")).status_code,
        client.get(url("hall_alarmrung_add")).status_code,
    ]

    assert answers == [200, 403]


def test_a_manager_makes_nobody_staff_or_superuser():
    hall = make.hall()
    person = make.person(hall)
    form = member_form(person, rows=[row_of(person.memberships.get())], is_staff="on", is_superuser="on")

    response = manager(hall).post(url("hall_person_change", person.pk), form)

    assert response.status_code == 302
    assert Person.objects.filter(pk=person.pk, is_staff=False, is_superuser=False).exists()


def test_bringing_back_a_version_of_a_person_makes_nobody_superuser_again():
    hall = make.hall()
    person = make.person(hall, is_superuser=True, is_staff=True)
    version = person.history.first()
    person.is_superuser = person.is_staff = False
    person.save()
    client = manager(hall)

    form = {"login": person.login, "name_zh": "x", "is_active": "on", "is_superuser": "on"}
    client.post(url("hall_person_simple_history", person.pk, version.pk), form)

    assert Person.objects.filter(pk=person.pk, is_staff=False, is_superuser=False).exists()


def test_a_manager_gives_no_membership_above_his_own():
    hall = make.hall()
    person = make.person(hall)
    client = manager(hall)

    client.post(url("hall_membership_add"), {"person": str(person.pk), "hall": str(hall.pk), "kind": Kind.HEADQUARTERS})
    client.post(
        url("hall_person_change", person.pk),
        member_form(person, rows=[row_of(person.memberships.get(), kind=Kind.HEADQUARTERS)]),
    )

    assert list(person.memberships.values_list("kind", flat=True)) == [Kind.CLERK]


def test_a_manager_makes_himself_nothing_more():
    hall = make.hall()
    me = make.person(hall, Kind.HALL_MANAGER, is_staff=True)
    client = make.client(me)

    client.post(url("hall_membership_add"), {"person": str(me.pk), "hall": str(hall.pk), "kind": Kind.HEADQUARTERS})
    client.post(
        url("hall_person_change", me.pk), member_form(me, rows=[row_of(me.memberships.get())], is_superuser="on")
    )

    assert list(me.memberships.values_list("kind", flat=True)) == [Kind.HALL_MANAGER]
    assert Person.objects.filter(pk=me.pk, is_superuser=False).exists()


def test_headquarters_gives_the_membership_of_headquarters():
    hall = make.hall()
    person = make.person(hall)

    manager(hall, Kind.HEADQUARTERS).post(
        url("hall_membership_add"), {"person": str(person.pk), "hall": str(hall.pk), "kind": Kind.HEADQUARTERS}
    )

    assert person.memberships.filter(kind=Kind.HEADQUARTERS).exists()


def test_headquarters_of_one_hall_gives_it_in_no_other():
    one, two = make.hall(), make.hall()
    me = make.person(one, Kind.HEADQUARTERS, is_staff=True)
    make.membership(me, two, Kind.HALL_MANAGER)
    person = make.person(two)

    make.client(me).post(
        url("hall_membership_add"), {"person": str(person.pk), "hall": str(two.pk), "kind": Kind.HEADQUARTERS}
    )

    assert list(person.memberships.values_list("kind", flat=True)) == [Kind.CLERK]


def somebody_above(hall: Hall) -> dict[str, Person]:
    elsewhere = make.person(hall, password=PASSWORD)
    make.membership(elsewhere, make.hall())
    return {
        "superuser": make.person(hall, is_superuser=True, is_staff=True, password=PASSWORD),
        "headquarters": make.person(hall, Kind.HEADQUARTERS, is_staff=True, password=PASSWORD),
        "also elsewhere": elsewhere,
        "stranger": make.person(make.hall(), password=PASSWORD),
        "nowhere": make.person(password=PASSWORD),
    }


@pytest.mark.parametrize("who", ["superuser", "headquarters", "also elsewhere", "stranger", "nowhere"])
def test_a_manager_sets_neither_password_nor_pin_nor_activity_of_somebody_who_may_more(who: str):
    hall = make.hall()
    person = somebody_above(hall)[who]
    client = manager(hall)

    answers = [
        client.post(f"/admin/hall/person/{person.pk}/password/", NEW_PASSWORD),
        client.post(url("hall_person_pin", person.pk), {"pin": "2580", "again": "2580"}),
        client.post(url("hall_person_change", person.pk), {"login": "taken", "name_zh": "x"}),
        client.post(url("hall_person_delete", person.pk), {"post": "yes"}),
    ]  # fmt: skip

    stored = Person.objects.get(pk=person.pk)
    assert {answer.status_code for answer in answers} <= {302, 403, 404}
    assert (stored.check_password(PASSWORD), stored.pin_hash, stored.login, stored.is_active) == (
        True,
        "",
        person.login,
        True,
    )


def test_a_manager_sets_the_password_of_his_own_people():
    hall = make.hall()
    person = make.person(hall, password=PASSWORD)

    manager(hall).post(f"/admin/hall/person/{person.pk}/password/", NEW_PASSWORD)

    assert Person.objects.get(pk=person.pk).check_password("other-word-9")


def test_a_manager_enters_a_person_with_a_membership_in_his_hall():
    hall = make.hall()
    form = {
        "login": "liwei",
        "name_zh": "李伟",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    one = {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-hall": str(hall.pk),
        "memberships-0-kind": "clerk",
    }
    none = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    client = manager(hall)

    without = client.post(url("hall_person_add"), form | none)
    client.post(url("hall_person_add"), form | one)

    assert "at least one membership" in without.content.decode()
    assert Membership.objects.get(person__login="liwei").hall == hall


def test_nobody_deletes_himself():
    hall = make.hall()
    me = make.person(hall, Kind.HALL_MANAGER, is_staff=True)

    response = make.client(me).post(url("hall_person_delete", me.pk), {"post": "yes"})

    assert response.status_code == 403
    assert Person.objects.filter(pk=me.pk).exists()


@pytest.mark.parametrize("lookup", ["pin_hash__startswith=p", "password__startswith=p"])
def test_secrets_are_not_searched_for_in_the_address(lookup: str):
    response = manager(make.hall()).get(f"/admin/hall/person/?{lookup}")

    assert response.status_code == 400


def test_a_manager_pairs_devices_of_his_own_hall_only():
    own, other = make.hall(), make.hall()
    mine, theirs = make.device(own), make.device(other)
    devices.make_pairing_code(theirs, by=None, at=make.AT)
    client = manager(own)

    answers = [
        client.post(url("hall_device_pairing", device.pk), {"revoke": "1"}).status_code for device in (mine, theirs)
    ]

    assert answers == [302, 404]
    assert Device.objects.get(pk=theirs.pk).pairing_code != ""


def test_somebody_who_left_loses_the_admin_site_at_once():
    hall = make.hall()
    me = make.person(hall, Kind.HALL_MANAGER, is_staff=True)
    client = make.client(me)
    Membership.objects.filter(person=me).delete()

    assert client.get(url("hall_device_changelist"), follow=True).status_code == 403
