"""Switching person by PIN on a paired tablet."""

import threading

import pytest
from django.db import connection
from django.test import Client

from hall import devices, people
from hall.models import Device, Person
from hall.refusals import Invalid, WrongState
from tests import make

pytestmark = pytest.mark.django_db

PASSWORD = "tall-bamboo-7"
PIN = "2580"


def tablet_of(hall, screen: str = Device.Screen.TABLET) -> tuple[Device, Client]:
    """A paired device, and its browser with nobody signed in."""
    device = make.device(hall, screen)
    _, token = devices.pair(devices.make_pairing_code(device, by=None, at=make.AT), address="here", by=None, at=make.AT)
    client = make.client()
    client.cookies[devices.COOKIE] = token
    return Device.objects.get(pk=device.pk), client


def with_pin(hall, pin: str = PIN, **fields: object) -> Person:
    person = make.person(hall, password=PASSWORD, **fields)
    people.set_pin(person, pin, by=None, at=make.AT)
    return person


def type_pin(client: Client, person: Person, pin: str = PIN):
    return client.post("/pin/", {"person": str(person.pk), "pin": pin})


def signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_the_right_pin_takes_the_tablet_over():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)

    response = type_pin(client, person)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert signed_in(client) == str(person.pk)


def test_switching_signs_the_former_person_out():
    hall = make.hall()
    former, person = with_pin(hall), with_pin(hall)
    _, client = tablet_of(hall)
    type_pin(client, former)
    before = client.session.session_key

    type_pin(client, person)

    assert signed_in(client) == str(person.pk)
    assert not Client().session.__class__(before).exists(before)


def test_a_pin_session_is_shorter_than_a_password_session():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)

    type_pin(client, person)

    assert client.session.get_expiry_age() == 4 * 3600


def test_the_pin_is_kept_as_a_hash_only():
    person = with_pin(make.hall())

    stored = Person.objects.values().get(pk=person.pk)

    assert PIN not in str(stored)


@pytest.mark.parametrize("pin", ["", "123", "1234567", "12a4", "٣٤٥٦", "1111", "1234", "9876", "25 80", "25\x0080"])
def test_a_pin_has_four_to_six_digits_that_are_not_the_first_anybody_would_guess(pin: str):
    person = with_pin(make.hall())

    if pin:
        with pytest.raises(Invalid):
            people.set_pin(person, pin, by=None, at=make.AT)

    assert bool(Person.objects.get(pk=person.pk).pin_hash) is True


def test_an_empty_pin_takes_it_away():
    hall = make.hall()
    person = with_pin(hall)

    people.set_pin(person, "", by=None, at=make.AT)

    assert people.with_pin(hall) == []


def test_a_wrong_pin_says_how_many_tries_are_left():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)

    response = type_pin(client, person, "0000")

    assert response.status_code == 422
    assert "Tries left: 4" in response.content.decode()
    assert signed_in(client) is None


def test_the_fifth_wrong_pin_locks_it_and_asks_for_the_password():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)
    for _ in range(4):
        type_pin(client, person, "0000")

    fifth = type_pin(client, person, "0000")
    right = type_pin(client, person)

    assert "locked" in fifth.content.decode()
    assert f"/login/?login={person.login}" in fifth.content.decode()
    assert (right.status_code, signed_in(client)) == (422, None)


def test_the_password_unlocks_the_pin():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)
    for _ in range(5):
        type_pin(client, person, "0000")

    client.post("/login/", {"login": person.login, "password": PASSWORD})
    client.post("/logout/")
    type_pin(client, person)

    assert signed_in(client) == str(person.pk)


def test_the_right_pin_forgets_the_wrong_tries():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)
    type_pin(client, person, "0000")

    type_pin(client, person)

    assert Person.objects.get(pk=person.pk).pin_failures == 0


def test_the_page_names_the_people_of_this_hall_who_have_a_pin_and_nobody_else():
    hall, other = make.hall(), make.hall()
    with_pin(hall, name_en="Chen Has A Pin")
    make.person(hall, name_en="Zhou Without")
    with_pin(other, name_en="Feng Elsewhere")
    with_pin(hall, name_en="Han Left", is_active=False)
    _, client = tablet_of(hall)

    page = client.get("/pin/").content.decode()

    shown = [name for name in ["Chen Has A Pin", "Zhou Without", "Feng Elsewhere", "Han Left"] if name in page]
    assert shown == ["Chen Has A Pin"]


def test_a_person_of_another_hall_cannot_take_the_tablet_over():
    person = with_pin(make.hall())
    _, client = tablet_of(make.hall())

    response = type_pin(client, person)

    assert (response.status_code, signed_in(client)) == (409, None)
    assert Person.objects.get(pk=person.pk).pin_failures == 0


def test_without_a_paired_tablet_there_is_no_pin_page_and_no_switch():
    person = with_pin(make.hall())
    client = make.client()

    shown, tried = client.get("/pin/"), type_pin(client, person)

    assert (shown["Location"], tried["Location"]) == ("/login/", "/login/")
    assert signed_in(client) is None


@pytest.mark.parametrize("screen", [Device.Screen.WALL, Device.Screen.CALL, Device.Screen.KIOSK])
def test_an_unattended_screen_is_no_tablet(screen: str):
    hall = make.hall()
    person = with_pin(hall)
    device, client = tablet_of(hall, screen)

    type_pin(client, person)

    assert signed_in(client) is None
    with pytest.raises(WrongState):
        people.switch_by_pin(person.pk, PIN, by=device, at=make.AT)


@pytest.mark.parametrize("wanted", ["", "x", "-1", "9" * 30, "1.5"])
def test_a_person_id_that_is_none_is_refused_in_words(wanted: str):
    _, client = tablet_of(make.hall())

    response = client.post("/pin/", {"person": wanted, "pin": PIN})

    assert response.status_code == 409
    assert 'role="alert"' in response.content.decode()


def test_signing_out_on_a_tablet_waits_for_the_next_pin():
    hall = make.hall()
    person = with_pin(hall)
    _, client = tablet_of(hall)
    type_pin(client, person)

    response = client.post("/logout/")

    assert response["Location"] == "/pin/"


def test_a_pin_never_opens_the_admin_site():
    hall = make.hall()
    person = with_pin(hall, kind="hall_manager", is_staff=True)
    _, client = tablet_of(hall)
    type_pin(client, person)

    response = client.get("/admin/")

    assert (response.status_code, response["Location"]) == (302, "/login/?next=/admin/")


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_instant_are_all_counted():
    hall = make.hall()
    person = with_pin(hall)
    device, _ = tablet_of(hall)
    answers: list[str] = []

    def guess() -> None:
        try:
            people.switch_by_pin(person.pk, "0000", by=device, at=make.AT)
        except people.WrongPin as refusal:
            answers.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 8
    assert Person.objects.get(pk=person.pk).pin_failures == 5
