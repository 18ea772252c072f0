"""The tests of the Flask app: `pip install flask authlib requests pytest-signet`, then `pytest`."""

from collections.abc import Iterator

import pytest
from app import create_app
from flask.testing import FlaskClient
from signet_testing import Signet

REDIRECT_URI = "http://localhost/callback"


@pytest.fixture
def client(signet: Signet) -> Iterator[FlaskClient]:
    registered = signet.client(REDIRECT_URI)
    app = create_app(signet.issuer, registered.client_id, registered.client_secret or "")
    with app.test_client() as client:
        yield client


def test_a_user_signs_in(signet: Signet, client: FlaskClient) -> None:
    ada = signet.user(name="Ada Lovelace")
    redirect = signet.sign_in(client.get("/sign-in").location, ada)
    client.get(redirect.path)
    assert client.get("/").text == "Hello, Ada Lovelace"
    signet.requests.assert_safe_sign_in(REDIRECT_URI)
    signet.requests.assert_nonce()


def test_a_user_who_denies_access_is_not_signed_in(signet: Signet, client: FlaskClient) -> None:
    redirect = signet.sign_in(client.get("/sign-in").location, signet.user(name="Ada"), consent=False)
    assert client.get(redirect.path).text == "Sign-in failed: access_denied"


@pytest.mark.parametrize("wrong", ["expired", "wrong_issuer", "wrong_audience", "foreign_key"])
def test_a_wrong_id_token_is_rejected(signet: Signet, client: FlaskClient, wrong: str) -> None:
    signet.faults.id_token(**{wrong: True})
    redirect = signet.sign_in(client.get("/sign-in").location, signet.user(name="Ada"))
    assert client.get(redirect.path).status_code == 400
    assert client.get("/").text == "Welcome"


def test_an_answer_to_another_sign_in_is_rejected(signet: Signet, client: FlaskClient) -> None:
    signet.faults.redirect(state="of-someone-else")
    redirect = signet.sign_in(client.get("/sign-in").location, signet.user(name="Ada"))
    assert client.get(redirect.path).text == "Sign-in failed: mismatching_state"


def test_userinfo_of_another_user_is_rejected(signet: Signet, client: FlaskClient) -> None:
    signet.faults.userinfo(sub="someone-else")
    redirect = signet.sign_in(client.get("/sign-in").location, signet.user(name="Ada"))
    assert client.get(redirect.path).status_code == 400


def test_a_new_signing_key_is_fetched(signet: Signet, client: FlaskClient) -> None:
    ada = signet.user(name="Ada")
    client.get(signet.sign_in(client.get("/sign-in").location, ada).path)
    signet.rotate_keys()
    client.get(signet.sign_in(client.get("/sign-in").location, ada).path)
    assert client.get("/").text == "Hello, Ada"
