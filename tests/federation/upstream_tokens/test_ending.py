"""What ends stored tokens, and their revocation at the upstream (RFC 7009)."""

import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from provider.accounts import linked_identities, suspension
from provider.accounts.deletion import request_deletion
from provider.accounts.store import upstream_tokens as store
from provider.accounts.upstream_tokens import ending
from provider.accounts.users import delete_user
from provider.config.settings import Settings
from provider.federation import managed, token_revocations
from provider.oauth.clients import clients
from provider.oauth.clients.choices import JWT_BEARER
from provider.oauth.trusted_issuers import issuers
from provider.oauth.trusted_issuers.issuers import IssuerSettings
from provider.outbox.relay import PermanentFailure, TemporaryFailure
from provider.outbox.store import outbox
from provider.work import Installation
from provider.worker.jobs import purge
from tests.federation.conftest import EXAMPLE, identities_of, sign_out
from tests.federation.token_provider import REVOKE, TokenProvider
from tests.federation.upstream_tokens.people import Person, deliver, names_of_events, tokens_of
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.people import find_user
from tests.support.relying_party import ISSUER, TOKEN, Tokens

IDP = "https://idp.example.test"


class TestEnding:
    @pytest.mark.both_databases
    @pytest.mark.parametrize("cause", ["unlinked", "suspended", "leaving", "deleted"])
    def test_what_ends_the_access_removes_and_revokes_the_tokens(
        self, ada: Person, installation: Installation, provider: TokenProvider, work: Work, cause: str
    ) -> None:
        """N-415, RFC 7009 section 2.1."""
        user_id = find_user(work).id
        [identity] = identities_of(work, user_id)
        with work() as w:
            if cause == "unlinked":
                linked_identities.unlink(w, user_id=user_id, identity_id=identity.id, name_of=str, force=True)
            elif cause == "suspended":
                suspension.suspend(w, user_id=user_id, reason=None)
            elif cause == "leaving":
                request_deletion(w, user_id=user_id)
            else:
                delete_user(w, user_id=user_id)
        with work() as w:
            assert store.find(w.read, identity.id) is None
            assert "refresh-0" not in repr(w.read.execute(outbox.select()).all())
        assert names_of_events(work)[-1] == "removed"
        deliver(installation)
        [form] = provider.revoked
        assert (form["token"], form["token_type_hint"]) == ("refresh-0", "refresh_token")

    def test_the_user_stops_it_and_no_sign_in_starts_it_again(
        self, ada: Person, installation: Installation, provider: TokenProvider, work: Work
    ) -> None:
        """N-416."""
        assert ada.fetch().status == 200
        browser = ada.traveller.browser
        page = browser.open("/account/linked")
        assert "Books" in page.text
        page = browser.submit(action="/account/linked/disconnect")
        assert "no longer" in page.text
        assert ada.fetch().error == "invalid_grant"
        deliver(installation)
        assert [form["token"] for form in provider.revoked] == ["refresh-0"]
        sign_out(browser)
        ada.traveller.sign_in()
        assert ada.fetch().error == "invalid_grant"
        browser.open("/account/linked")
        url = ada.traveller.press("Connect Example")
        assert parse_qs(urlsplit(url).query)["prompt"] == ["consent"]
        ada.traveller.come_back(url)
        assert ada.fetch().status == 200

    def test_an_app_that_the_user_stopped_gets_nothing(
        self, ada: Person, provider: TokenProvider, clock: Clock
    ) -> None:
        """N-417: nor is anything refreshed for it."""
        token = ada.show()
        assert ada.fetch(token).status == 200
        browser = ada.traveller.browser
        page = browser.open(f"/account/applications/app?client_id={ada.books.client_id}")
        assert "It uses your Example account." in page.text
        browser.submit(button="Remove access")
        assert ada.fetch().error == "invalid_grant"
        clock.advance(minutes=12)
        assert ada.fetch().error == "invalid_grant"
        assert provider.refreshes == 0

    def test_an_app_that_acted_by_an_issuer_of_the_past_is_seen_and_stopped(self, ada: Person, work: Work) -> None:
        """N-595: what it did with an assertion is no longer shown, but it goes on fetching tokens."""
        user_id, signatory, now = find_user(work).id, Signatory(), int(time.time())
        with work() as w:
            issuer = issuers.create(w, IDP, IssuerSettings(jwks=signatory.jwks, user_mapping="sub"))
            metadata = ada.books.client.metadata
            both = (*metadata.grant_types, JWT_BEARER)
            clients.update_client(w, ada.books.client_id, replace(metadata, grant_types=both))
        claims = {"iss": IDP, "sub": user_id, "aud": ISSUER, "exp": now + 300, "iat": now, "jti": "1"}
        given = {"grant_type": JWT_BEARER, "assertion": signatory.sign(claims), "scope": "read"}
        assert Tokens(ada.books.post(TOKEN, **given)).status == 200
        with work() as w:
            issuers.disable(w, issuer.id)
        browser = ada.traveller.browser
        assert "Books" not in browser.open("/account/applications").text
        assert ada.fetch().status == 200
        assert "Books" in browser.open("/account/applications").text
        browser.open(f"/account/applications/app?client_id={ada.books.client_id}")
        browser.submit(button="Remove access")
        assert ada.fetch().error == "invalid_grant"

    def test_of_another_users_identity_nothing_is_stopped(self, ada: Person, work: Work) -> None:
        """N-418."""
        [row] = tokens_of(work)
        with work() as w:
            ending.stop(w, user_id="0193a1b2-0000-7000-8000-000000000000", identity_id=row.identity_id)
        assert tokens_of(work) == [row]

    def test_the_export_names_them_without_the_tokens(self, ada: Person) -> None:
        """N-419."""
        assert ada.fetch().status == 200
        exported = ada.traveller.browser.client.get("/account/data/export.json")
        [identity] = exported.json()["linked_identities"]
        assert identity["tokens"]["scope"] == "openid calendar"
        assert [one["client_id"] for one in identity["tokens"]["used_by"]] == [ada.books.client_id]
        assert "access-0" not in exported.text
        assert "sealed" not in exported.text


@pytest.mark.also_on_postgresql
class TestUpstreamsThatStoreNoneNow:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"upstreams": None})

    @pytest.fixture(autouse=True)
    def saved(self, work: Work, installation: Installation) -> str:

        with work() as w:
            return managed.create(w, "example", EXAMPLE | {"store_tokens": True}).id

    @pytest.mark.parametrize("how", ["disabled", "off", "deleted"])
    def test_its_tokens_end_at_once_and_are_revoked_afterwards(
        self,
        ada: Person,
        saved: str,
        how: str,
        installation: Installation,
        provider: TokenProvider,
        work: Work,
        clock: Clock,
    ) -> None:
        """N-420: of a deleted one nothing can be revoked."""
        with work() as w:
            if how == "disabled":
                managed.disable(w, saved)
            elif how == "off":
                managed.update(w, saved, EXAMPLE)
            else:
                managed.delete(w, saved)
        assert [row.is_usable for row in tokens_of(work)] == [False]
        if how == "disabled":
            with work() as w:
                managed.enable(w, saved)
            assert ada.fetch().error == "invalid_grant"
            with work() as w:
                managed.disable(w, saved)
        assert purge(installation)["tokens of upstream providers"] == 1
        assert tokens_of(work) == []
        deliver(installation)
        assert [form["token"] for form in provider.revoked] == ([] if how == "deleted" else ["refresh-0"])


@pytest.mark.both_databases
def test_tokens_of_an_upstream_whose_file_says_so_end_with_the_next_purge(
    ada: Person, installation: Installation, work: Work, clock: Clock
) -> None:
    """N-421: and those of an upstream that this process does not know stay, unused."""
    path = installation.settings.upstreams
    assert path is not None
    path.write_text(path.read_text().replace("store_tokens = true", "store_tokens = false"))
    assert purge(installation)["tokens of upstream providers"] == 1
    assert tokens_of(work) == []


def test_an_upstream_that_fails_is_asked_again_and_one_without_the_endpoint_is_not(
    ada: Person, installation: Installation, provider: TokenProvider, work: Work, clock: Clock
) -> None:
    """RFC 7009 section 2.2.1."""
    payload = {"upstream": "example", "token": "refresh-0", "hint": "refresh_token"}
    for reply, failure in (((503, b""), TemporaryFailure), ((400, b""), PermanentFailure), ("gone", TemporaryFailure)):
        provider.replies[REVOKE] = reply
        with pytest.raises(failure):
            token_revocations.deliver(installation, "", payload)
    del provider.metadata["revocation_endpoint"]
    provider.revoked.clear()
    token_revocations.deliver(installation, "", payload)
    with pytest.raises(PermanentFailure):
        token_revocations.deliver(installation, "", payload | {"upstream": "gone"})
    assert provider.revoked == []
