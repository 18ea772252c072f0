"""The tests of the site: `pip install django mozilla-django-oidc pytest-django pytest-signet`, then `pytest`."""

from typing import Any

import pytest
from django.test import Client
from signet_testing import Signet

REDIRECT_URI = "http://localhost/oidc/callback/"


@pytest.fixture
def visitor(signet: Signet, settings: Any, db: None) -> Client:
    registered = signet.client(REDIRECT_URI)
    settings.ISSUER = signet.issuer
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = registered.client_id, registered.client_secret
    for name, endpoint in (("AUTHORIZATION", "authorize"), ("TOKEN", "token"), ("USER", "userinfo"), ("JWKS", "jwks")):
        setattr(settings, f"OIDC_OP_{name}_ENDPOINT", f"{signet.issuer}/oauth2/{endpoint}")
    return Client(SERVER_NAME="localhost")


def test_a_user_signs_in(signet: Signet, visitor: Client) -> None:
    redirect = signet.sign_in(visitor.get("/oidc/authenticate/").url, signet.user("ada@example.test"))
    visitor.get(redirect.path)
    assert visitor.get("/").content == b"Hello, ada@example.test"
    signet.requests.assert_safe_sign_in(REDIRECT_URI)
    signet.requests.assert_nonce()


def test_a_user_whose_address_changed_is_still_the_same(
    signet: Signet, visitor: Client, django_user_model: Any
) -> None:
    ada = signet.user()
    for email in ("ada@example.test", "ada.king@example.test"):
        signet.faults.userinfo(email=email)
        visitor.get(signet.sign_in(visitor.get("/oidc/authenticate/").url, ada).path)
    assert django_user_model.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"expired": True},
        {"wrong_issuer": True},
        {"wrong_audience": True},
        {"foreign_key": True},
        {"unsigned": True},
        {"claims": {"exp": None}},
        {"claims": {"iss": None}},
        {"claims": {"aud": None}},
        {"claims": {"nonce": None}},
        {"claims": {"nonce": "of-another-sign-in"}},
    ],
    ids=str,
)
def test_a_wrong_id_token_is_rejected(signet: Signet, visitor: Client, wrong: dict[str, Any]) -> None:
    signet.faults.id_token(**wrong)
    visitor.get(signet.sign_in(visitor.get("/oidc/authenticate/").url, signet.user()).path)
    assert visitor.get("/").content == b"Welcome"


def test_an_answer_to_another_sign_in_is_rejected(signet: Signet, visitor: Client) -> None:
    signet.faults.redirect(state="of-someone-else")
    visitor.get(signet.sign_in(visitor.get("/oidc/authenticate/").url, signet.user()).path)
    assert visitor.get("/").content == b"Welcome"


def test_userinfo_of_another_user_is_rejected(signet: Signet, visitor: Client, django_user_model: Any) -> None:
    signet.faults.userinfo(sub="someone-else")
    visitor.get(signet.sign_in(visitor.get("/oidc/authenticate/").url, signet.user()).path)
    assert visitor.get("/").content == b"Welcome"
    assert django_user_model.objects.count() == 0
