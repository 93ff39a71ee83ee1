"""Pairing unattended screens and shared tablets by six digits."""

import datetime as dt
import threading

import pytest
from django.db import connection

from hall import clock, devices
from hall.guesses import TooManyGuesses
from hall.models import Device
from hall.refusals import Invalid, WrongState
from tests import make

pytestmark = pytest.mark.django_db


def pair(code: str, *, at: dt.datetime = make.AT, address: str = "here"):
    return devices.pair(code, address=address, by=None, at=at)


def code_for(device: Device, *, at: dt.datetime = make.AT) -> str:
    return devices.make_pairing_code(device, by=None, at=at)


def test_six_digits_pair_the_device_and_its_token_knows_it_again():
    device = make.device(make.hall())

    paired, token = pair(code_for(device))

    assert paired == device
    assert devices.of_cookies({devices.COOKIE: token}) == device


def test_the_token_is_kept_as_a_hash_only():
    device = make.device(make.hall())

    _, token = pair(code_for(device))

    stored = Device.objects.values().get(pk=device.pk)
    assert token not in str(stored)
    assert stored["paired_at"] == make.AT


def test_a_code_pairs_once():
    code = code_for(make.device(make.hall()))
    pair(code)

    with pytest.raises(Invalid):
        pair(code)


def test_a_code_is_valid_for_ten_minutes():
    first, second = make.device(make.hall()), make.device(make.hall())
    in_time, late = code_for(first), code_for(second)

    pair(in_time, at=make.AT + 10 * make.MINUTE - make.SECOND)

    with pytest.raises(Invalid):
        pair(late, at=make.AT + 10 * make.MINUTE)


def test_a_new_code_makes_the_former_one_void():
    device = make.device(make.hall())
    former = code_for(device)
    code_for(device)

    with pytest.raises(Invalid):
        pair(former)


def test_two_devices_never_have_the_same_digits(monkeypatch: pytest.MonkeyPatch):
    drawn = iter([111111, 111111, 222222])
    monkeypatch.setattr(devices.secrets, "randbelow", lambda _: next(drawn))
    hall = make.hall()

    codes = [code_for(make.device(hall)), code_for(make.device(hall))]

    assert codes == ["111111", "222222"]


def test_digits_of_an_expired_code_can_be_drawn_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devices.secrets, "randbelow", lambda _: 7)
    hall = make.hall()
    code_for(make.device(hall))

    code = code_for(make.device(hall), at=make.AT + 11 * make.MINUTE)

    assert code == "000007"


def test_pairing_again_cuts_the_former_screen_off():
    device = make.device(make.hall())
    _, former = pair(code_for(device))

    pair(code_for(device))

    assert devices.of_cookies({devices.COOKIE: former}) is None


def test_a_revoked_device_is_nobody():
    device = make.device(make.hall())
    _, token = pair(code_for(device))

    devices.revoke(device, by=None, at=make.AT)

    assert devices.of_cookies({devices.COOKIE: token}) is None


def test_revoking_makes_an_open_code_void_too():
    device = make.device(make.hall())
    code = code_for(device)
    devices.revoke(device, by=None, at=make.AT)

    with pytest.raises(Invalid):
        pair(code)


def test_a_device_not_in_use_is_nobody_and_gets_no_code():
    device = make.device(make.hall())
    _, token = pair(code_for(device))
    Device.objects.filter(pk=device.pk).update(is_active=False)

    assert devices.of_cookies({devices.COOKIE: token}) is None
    with pytest.raises(WrongState):
        code_for(device)


def test_a_device_of_a_hall_not_in_use_is_nobody():
    hall = make.hall()
    _, token = pair(code_for(make.device(hall)))
    type(hall).objects.filter(pk=hall.pk).update(is_active=False)

    assert devices.of_cookies({devices.COOKIE: token}) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345x", "٣٤٥٦٧٨", "123\x00456"])
def test_what_is_not_six_digits_pairs_nothing(code: str):
    make.device(make.hall())

    with pytest.raises(Invalid):
        pair(code)


def test_an_address_that_guessed_ten_times_must_wait():
    code = code_for(make.device(make.hall()))
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(10):
        with pytest.raises(Invalid):
            pair(wrong, address="guesser")

    with pytest.raises(TooManyGuesses):
        pair(code, address="guesser")

    assert pair(code, address="elsewhere")


def test_a_hundred_guesses_from_many_addresses_make_everybody_wait():
    code = code_for(make.device(make.hall()))
    wrong = "000000" if code != "000000" else "000001"
    for number in range(100):
        with pytest.raises(Invalid):
            pair(wrong, address=f"guesser-{number}")

    with pytest.raises(TooManyGuesses):
        pair(code, address="elsewhere")


def test_cookies_without_a_token_cost_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert devices.of_cookies({}) is None


@pytest.mark.parametrize(
    ("screen", "page"),
    [(Device.Screen.WALL, "wall/"), (Device.Screen.CALL, "call/"), (Device.Screen.KIOSK, "kiosk/")],
)
def test_a_paired_screen_lands_on_its_own_page(screen: str, page: str):
    hall = make.hall()
    code = code_for(make.device(hall, screen), at=clock.now())

    response = make.client().post("/pair/", {"code": code})

    assert (response.status_code, response["Location"]) == (302, f"/h/{hall.code}/{page}")


def test_a_paired_tablet_lands_on_the_pin_page_with_a_safe_cookie():
    code = code_for(make.device(make.hall(), Device.Screen.TABLET), at=clock.now())

    response = make.client().post("/pair/", {"code": f"{code[:3]} {code[3:]}"})

    cookie = response.cookies[devices.COOKIE]
    assert response["Location"] == "/pin/"
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 400 * 24 * 3600)


def test_pairing_signs_out_whoever_set_the_screen_up():
    hall = make.hall()
    client = make.client(make.person(hall))
    code = code_for(make.device(hall, Device.Screen.WALL), at=clock.now())

    client.post("/pair/", {"code": code})

    assert "_auth_user_id" not in client.session


def test_wrong_digits_are_refused_in_words():
    response = make.client().post("/pair/", {"code": "123456"})

    assert response.status_code == 422
    assert "These digits pair no device" in response.content.decode()
    assert devices.COOKIE not in response.cookies


@pytest.mark.django_db(transaction=True)
def test_of_two_screens_that_type_the_same_digits_one_is_paired():
    code = code_for(make.device(make.hall()))
    outcomes: list[str] = []

    def type_digits() -> None:
        try:
            pair(code)
            outcomes.append("paired")
        except Invalid:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=type_digits) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["paired", "refused", "refused", "refused"]
