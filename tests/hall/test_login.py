"""Signing in by login name and password, the way back, signing out, and the language."""

import datetime as dt

import pytest
from django.test import Client

from hall import people
from hall.models import Guesses, Kind, Person
from tests import make

pytestmark = pytest.mark.django_db

PASSWORD = "tall-bamboo-7"


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: str):
    return client.post("/login/", {"login": login, "password": password, **more})


def signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_the_right_password_signs_in_and_leads_home():
    person = make.person(make.hall(), password=PASSWORD)
    client = make.client()

    response = sign_in(client, person.login)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert signed_in(client) == str(person.pk)


def test_a_wrong_password_is_refused_in_words_and_nobody_is_signed_in():
    person = make.person(make.hall(), password=PASSWORD)
    client = make.client()

    response = sign_in(client, person.login, "wrong")

    assert response.status_code == 422
    assert "Login name and password do not fit together" in response.content.decode()
    assert signed_in(client) is None


def test_an_unknown_name_is_answered_like_a_wrong_password():
    response = sign_in(make.client(), "nobody-here")

    assert response.status_code == 422
    assert "Login name and password do not fit together" in response.content.decode()


def test_somebody_who_left_cannot_sign_in():
    person = make.person(make.hall(), password=PASSWORD, is_active=False)
    client = make.client()

    response = sign_in(client, person.login)

    assert response.status_code == 422
    assert signed_in(client) is None


@pytest.mark.parametrize("login", ["a\x00b", "x" * 41])
def test_a_login_name_that_cannot_be_stored_is_refused_in_words(login: str):
    response = sign_in(make.client(), login)

    assert response.status_code == 422
    assert 'role="alert"' in response.content.decode()


def test_the_sixth_try_after_five_wrong_passwords_waits_even_with_the_right_one():
    person = make.person(make.hall(), password=PASSWORD)
    client = make.client()
    for _ in range(5):
        sign_in(client, person.login, "wrong")

    response = sign_in(client, person.login)

    assert response.status_code == 429
    assert "Too many wrong tries" in response.content.decode()
    assert signed_in(client) is None


def test_wrong_passwords_of_one_name_leave_a_colleague_at_the_same_address_alone():
    hall = make.hall()
    careless, colleague = make.person(hall, password=PASSWORD), make.person(hall, password=PASSWORD)
    client = make.client()
    for _ in range(5):
        sign_in(client, careless.login, "wrong")

    sign_in(client, colleague.login)

    assert signed_in(client) == str(colleague.pk)


def test_after_five_minutes_the_name_may_try_again():
    person = make.person(make.hall(), password=PASSWORD)
    client = make.client()
    for _ in range(5):
        sign_in(client, person.login, "wrong")
    Guesses.objects.update(since=make.AT - dt.timedelta(days=400))

    sign_in(client, person.login)

    assert signed_in(client) == str(person.pk)


def test_the_right_password_forgets_the_wrong_ones():
    person = make.person(make.hall(), password=PASSWORD)
    client = make.client()
    for _ in range(4):
        sign_in(client, person.login, "wrong")

    sign_in(client, person.login)

    assert not Guesses.objects.filter(key__contains="@127").filter(key__startswith=f"login:{person.login}").exists()


def test_signing_in_goes_to_the_page_that_asked_for_it():
    person = make.person(make.hall(), password=PASSWORD)

    response = sign_in(make.client(), person.login, next="/h/any/board/?x=1")

    assert response["Location"] == "/h/any/board/?x=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
        "board",
        "/a\x00",
    ],
)
def test_signing_in_never_leads_to_another_site(elsewhere: str):
    person = make.person(make.hall(), password=PASSWORD)

    response = sign_in(make.client(), person.login, next=elsewhere)

    assert response["Location"] == "/"


def test_signing_in_as_somebody_else_ends_the_former_session():
    hall = make.hall()
    former, person = make.person(hall), make.person(hall, password=PASSWORD)
    client = make.client(former)
    before = client.session.session_key

    sign_in(client, person.login)

    assert signed_in(client) == str(person.pk)
    assert client.session.session_key != before


def test_signing_in_writes_no_history():
    person = make.person(make.hall(), password=PASSWORD)

    sign_in(make.client(), person.login)

    assert Person.history.filter(id=person.pk).count() == 1


def test_signing_out_is_a_post_and_leads_to_the_login_page():
    client = make.client(make.person(make.hall()))

    by_link = client.get("/logout/")
    response = client.post("/logout/")

    assert by_link.status_code == 405
    assert response["Location"] == "/login/"
    assert signed_in(client) is None


def test_the_language_is_kept_by_the_browser_and_by_the_person():
    person = make.person(make.hall())
    client = make.client(person)

    response = client.post("/language/", {"language": "zh-hans", "next": "/login/"})

    assert response["Location"] == "/login/"
    assert client.cookies["django_language"].value == "zh-hans"
    assert Person.objects.get(pk=person.pk).language == "zh-hans"


def test_a_language_that_hall_does_not_speak_changes_nothing():
    person = make.person(make.hall())
    client = make.client(person)

    client.post("/language/", {"language": "tlh"})

    assert "django_language" not in client.cookies
    assert Person.objects.get(pk=person.pk).language == ""


def test_signing_in_on_a_shared_browser_speaks_the_persons_own_language():
    person = make.person(make.hall(), password=PASSWORD, language="zh-hans")
    client = make.client()
    client.post("/language/", {"language": "en"})

    sign_in(client, person.login)

    assert client.get("/login/").headers["Content-Language"] == "zh-hans"


def test_nobody_signed_in_is_led_from_a_hall_page_to_the_login_page_and_back():
    hall = make.hall()

    response = make.client().get(f"/h/{hall.code}/board/?tab=a")

    assert (response.status_code, response["Location"]) == (302, f"/login/?next=/h/{hall.code}/board/%3Ftab%3Da")


def test_an_unknown_hall_is_not_told_from_a_known_one_when_nobody_is_signed_in():
    response = make.client().get("/h/no-such-hall/board/")

    assert (response.status_code, response["Location"]) == (302, "/login/?next=/h/no-such-hall/board/")


def test_an_htmx_action_with_nobody_signed_in_is_401_and_leads_to_the_login_page():
    hall = make.hall()
    headers = {"hx-request": "true", "hx-current-url": f"http://testserver/h/{hall.code}/board/"}

    response = make.client().get(f"/h/{hall.code}/board/", headers=headers)

    assert response.status_code == 401
    assert response["HX-Redirect"] == f"/login/?next=/h/{hall.code}/board/"


def test_the_allowance_of_one_name_does_not_depend_on_capitals():
    person = make.person(make.hall(), password=PASSWORD, login="wangli")
    client = make.client()
    for login in ["wangli", "WANGLI", "WangLi", "wANGLI", "wangLI"]:
        sign_in(client, login, "wrong")

    response = sign_in(client, person.login)

    assert response.status_code == 429


def test_a_login_keeps_the_kind_of_signing_in():
    person = make.person(make.hall(), Kind.CLERK, password=PASSWORD)
    client = make.client()

    sign_in(client, person.login)

    assert client.session["signed_in_by"] == "password"


def test_set_language_refuses_an_unknown_one():
    person = make.person(make.hall())

    with pytest.raises(people.Invalid):
        people.set_language(person, "tlh", by=person, at=make.AT)

    assert Person.objects.get(pk=person.pk).language == ""
