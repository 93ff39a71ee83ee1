"""The page one starts from: the halls and screens that somebody may open."""

import pytest

from hall import devices
from hall.models import Device, Hall, Kind, Membership
from tests import make

pytestmark = pytest.mark.django_db


def addresses(response) -> list[str]:
    """The pages linked from the start page, in their order."""
    return [place["address"] for entry in response.context["halls"] for place in entry["workplaces"]]


def test_nobody_signed_in_is_led_to_the_login_page():
    assert make.client().get("/")["Location"] == "/login/"


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (Kind.CLERK, "counter"),
        (Kind.VIP_RECEPTION, "counter"),
        (Kind.GUIDE, "floor"),
        (Kind.GUARD, "floor"),
        (Kind.RECEPTIONIST, "floor"),
    ],
)
def test_somebody_with_one_place_to_work_goes_straight_there(kind: str, page: str):
    hall = make.hall()

    response = make.client(make.person(hall, kind)).get("/")

    assert (response.status_code, response["Location"]) == (302, f"/h/{hall.code}/{page}/")


def test_somebody_without_a_place_of_his_own_goes_to_his_shift():
    hall = make.hall()

    response = make.client(make.person(hall, Kind.STAFF)).get("/")

    assert (response.status_code, response["Location"]) == (302, f"/h/{hall.code}/shift/")


def test_the_list_can_still_be_asked_for():
    hall = make.hall()

    response = make.client(make.person(hall, Kind.CLERK)).get("/?all")

    assert response.status_code == 200
    assert addresses(response) == [f"/h/{hall.code}/{page}/" for page in ("shift", "counter")]


def test_a_duty_manager_chooses_in_a_fixed_order():
    hall = make.hall()

    response = make.client(make.person(hall, Kind.DUTY_MANAGER)).get("/")

    assert addresses(response) == [
        f"/h/{hall.code}/{page}/" for page in ("shift", "board", "counter", "floor", "today")
    ]


def test_the_screens_for_everybody_stand_below():
    hall = make.hall()

    response = make.client(make.person(hall, Kind.DUTY_MANAGER)).get("/")

    screens = [place["address"] for place in response.context["halls"][0]["screens"]]
    assert screens == [f"/h/{hall.code}/{page}/" for page in ("wall", "call", "kiosk")]


def test_every_linked_page_opens():
    hall = make.hall()
    client = make.client(make.person(hall, Kind.DUTY_MANAGER))
    entry = client.get("/").context["halls"][0]

    answers = [client.get(place["address"]).status_code for place in entry["workplaces"] + entry["screens"]]

    assert answers == [200] * 8


def test_a_hall_of_others_and_a_hall_not_in_use_are_not_named():
    hall, gone = make.hall(name_en="Mine"), make.hall(name_en="Closed For Good", is_active=False)
    make.hall(name_en="Elsewhere")
    person = make.person(hall, Kind.DUTY_MANAGER)
    make.membership(person, gone, Kind.DUTY_MANAGER)

    page = make.client(person).get("/").content.decode()

    assert [name in page for name in ("Mine", "Closed For Good", "Elsewhere")] == [True, False, False]


def test_headquarters_sees_several_halls_by_code():
    person = make.person()
    for code in ("b-hall", "a-hall"):
        make.membership(person, make.hall(code=code), Kind.HEADQUARTERS)

    response = make.client(person).get("/")

    assert [entry["hall"].code for entry in response.context["halls"]] == ["a-hall", "b-hall"]


def test_somebody_without_a_hall_is_told_so():
    page = make.client(make.person()).get("/").content.decode()

    assert "You do not belong to a hall yet." in page


def test_the_admin_site_is_offered_to_those_who_may_open_it():
    hall = make.hall()
    manager, duty = make.person(hall, Kind.HALL_MANAGER, is_staff=True), make.person(hall, Kind.DUTY_MANAGER)

    pages = [make.client(person).get("/").content.decode() for person in (manager, duty)]

    assert ["/admin/" in page for page in pages] == [True, False]


@pytest.mark.parametrize(
    ("screen", "page"),
    [
        (Device.Screen.WALL, "/h/x-hall/wall/"),
        (Device.Screen.KIOSK, "/h/x-hall/kiosk/"),
        (Device.Screen.TABLET, "/pin/"),
    ],
)
def test_a_paired_device_starts_on_its_own_page(screen: str, page: str):
    device = make.device(make.hall(code="x-hall"), screen)
    _, token = devices.pair(devices.make_pairing_code(device, by=None, at=make.AT), address="here", by=None, at=make.AT)
    client = make.client()
    client.cookies[devices.COOKIE] = token

    assert client.get("/")["Location"] == page


def test_the_page_asks_few_queries_whatever_the_number_of_halls(django_assert_max_num_queries):
    person = make.person()
    for _ in range(30):
        make.membership(person, make.hall(), Kind.HEADQUARTERS)
    client = make.client(person)

    with django_assert_max_num_queries(6):
        response = client.get("/")

    assert (
        len(response.context["halls"]) == Membership.objects.filter(person=person).count() == Hall.objects.count() == 30
    )
