"""What was allowed to a client, added to and taken back."""

import pytest

from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.oauth.authorize import consent
from provider.oauth.clients.clients import Client
from tests.oauth.conftest import Register
from tests.oauth.endpoints.test_consent import allow
from tests.oauth.watched_http import WatchedClient
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty


def granted(work: Work, user_id: str, client: Client) -> list[str] | None:
    with work() as w:
        found = consent.granted(w, user_id=user_id, client=client)
    return None if found is None else found.scopes


def test_consents_accumulate(rp: RelyingParty, ada: str, work: Work) -> None:
    """OIDC Core section 3.1.2.4."""
    for scopes in (("openid", "email"), ("openid", "phone")):
        with work() as w:
            consent.grant(w, user_id=ada, client=rp.client, scopes=scopes, claims=frozenset())
    assert granted(work, ada, rp.client) == ["email", "openid", "phone"]


def test_consent_to_a_public_client_is_not_stored(register: Register, ada: str, work: Work) -> None:
    """RFC 6749 section 10.2: it cannot prove who it is."""
    rp = register(public=True)
    with work() as w:
        consent.grant(w, user_id=ada, client=rp.client, scopes=("openid",), claims=frozenset())
    assert granted(work, ada, rp.client) is None


@pytest.mark.both_databases
def test_withdrawing_consent_revokes_every_family_and_asks_again(
    register: Register, browser: WatchedClient, ada: str, work: Work
) -> None:
    """A-26; the families of another client go on."""
    rp, other = register(first_party=False), register()
    families = [rp.redeem(allow(rp, browser, scope="openid offline_access", prompt="consent")) for _ in range(2)]
    theirs = other.sign_in(browser, scope="openid offline_access")
    with work() as w:
        consent.withdraw(w, user_id=ada, client_id=rp.client_id)
    assert [rp.refresh(tokens).error for tokens in families] == ["invalid_grant"] * 2
    assert rp.ask(browser).page == "/consent"
    assert other.refresh(theirs).status == 200
    with work() as w:
        event = next(e for e in find_events(w.read, user_id=ada) if e.name == Event.CONSENT_WITHDRAWN)
    assert event.details == {"families": 2}
