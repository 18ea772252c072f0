"""What users do while the suite waits for events about them (CAEP interoperability profile section 3)."""

import ssl
from urllib.parse import parse_qs, urlencode, urlsplit

from provider.work import unit_of_work
from tests.conformance.foundation.under_test import UnderTest
from tests.conformance.suite import Person, Provider
from tests.support.factories import PASSWORD, make_user
from tests.support.relying_party import basic

NEW_PASSWORD = "a quite different long password"


def cause_events(signet: UnderTest, trusted: ssl.SSLContext, client_id: str, secret: str, callback: str) -> None:
    """A user signs in to the receiver's app twice, then changes the password, which ends the other session."""
    email = f"signals-{client_id}@example.test"
    with unit_of_work(signet.installation) as work:
        make_user(work, email)
    provider = Provider(signet.issuer, trusted)
    persons = [_sign_in(provider, email, client_id, secret, callback) for _ in range(2)]
    persons[0].open(f"{signet.issuer}/account/password")
    values = {"Current password": PASSWORD, "New password": NEW_PASSWORD}
    persons[0].submit(values)
    for person in persons:
        person.client.close()
    provider.http.close()


def _sign_in(provider: Provider, email: str, client_id: str, secret: str, callback: str) -> Person:
    """A browser that is signed in, at Signet and at the app, which has tokens."""
    person = Person(provider)
    asked = {"client_id": client_id, "redirect_uri": callback, "response_type": "code", "scope": "openid email"}
    page = person.open(f"{provider.metadata['authorization_endpoint']}?{urlencode(asked)}")
    page = person.submit({"username": email, "password": PASSWORD}, button="Sign in")
    if page.path == "/consent":
        person.submit(button="Allow")
    code = parse_qs(urlsplit(person.left_to or "").query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback}
    headers = {"authorization": basic(client_id, secret)}
    got = provider.http.post(provider.metadata["token_endpoint"], data=form, headers=headers)
    got.raise_for_status()
    return person
