"""Each preset, with a server that plays the provider: who comes in as whom, and what opens no account."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from sqlalchemy import func, select

from provider.accounts.store.users import users
from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.federation.configuration import load_upstreams
from provider.installation import open_installation
from provider.outbound import connection
from provider.outbound.client import Outbound
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation
from tests.federation.conftest import identities_of, sign_out, write_upstreams
from tests.federation.elsewhere import (
    ADDRESS,
    APPLE_KEY,
    HOSTS,
    ISSUERS,
    MICROSOFT,
    OTHER_TENANT,
    SUBJECTS,
    TABLES,
    TENANT,
    WITHOUT_OIDC,
    Elsewhere,
)
from tests.support.browser import Browser
from tests.support.certificates import Authority
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.foreign_server import ForeignServer, answer, raw
from tests.support.installation import Work
from tests.support.people import find_user, is_signed_in, sign_in

QUICK = {"google", "microsoft", "apple", "github"}
EVERY = pytest.mark.parametrize(
    "preset", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ISSUERS]
)


@pytest.fixture
def configured() -> dict[str, dict[str, Any]]:
    return TABLES


@pytest.fixture
def elsewhere(clock: Clock, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    monkeypatch.setattr(connection, "TIMEOUT", 30.0)  # a busy machine is no slow provider: test_network.py has those
    with ForeignServer(authority.issue(*HOSTS)) as server:
        yield Elsewhere(clock, server)


@pytest.fixture
def installation(
    settings: Settings, clock: Clock, elsewhere: Elsewhere, outbound_settings: dict[str, Any]
) -> Iterator[Installation]:
    settings = settings.model_copy(update=outbound_settings)
    outbound = Outbound(settings, clock=clock, lookup=elsewhere.lookup)
    installation = open_installation(settings, clock=clock, counter=LimitCounter(), outbound=outbound)
    yield installation
    installation.database.close()


def count_users(work: Work) -> int:
    with work() as w:
        return w.read.scalar(select(func.count()).select_from(users)) or 0


@EVERY
def test_a_name_and_two_values_are_enough(browser: Browser, elsewhere: Elsewhere, work: Work, preset: str) -> None:
    """OIDC Core section 3.1.2.1, RFC 7636. Facebook verifies no address, so it creates no account."""
    url = elsewhere.leave(browser, preset)
    host = "www.facebook.com" if preset == "facebook" else urlsplit(ISSUERS[preset]).hostname
    assert urlsplit(url).hostname == host
    assert elsewhere.asked["code_challenge_method"] == "S256"
    assert ("nonce" in elsewhere.asked) == (preset not in WITHOUT_OIDC)
    page = elsewhere.come_back(browser)
    assert elsewhere.forms[0]["code_verifier"]
    if preset == "facebook":
        assert (page.status, count_users(work)) == (403, 0)
        return
    assert page.path == "/account"
    user = find_user(work, ADDRESS)
    [identity] = identities_of(work, user.id)
    assert (identity.issuer, identity.subject) == (ISSUERS[preset], SUBJECTS[preset])
    assert (user.claims.get("name") == "Ada Lovelace") == (preset != "apple")


@EVERY
def test_an_unverified_address_opens_nothing(browser: Browser, elsewhere: Elsewhere, work: Work, preset: str) -> None:
    """N-271: nor does the page say whether it has an account."""
    with work() as w:
        make_user(w, ADDRESS)
    elsewhere.verified = False
    page = elsewhere.sign_in(browser, preset)
    assert page.status == 403
    assert "isn't linked to an account yet" in page.text
    assert not is_signed_in(browser)
    assert count_users(work) == 1


@EVERY
def test_a_verified_address_of_another_user_opens_no_account(
    browser: Browser, elsewhere: Elsewhere, work: Work, preset: str
) -> None:
    """N-272: an address that went to somebody else since, or was verified there long ago."""
    with work() as w:
        owner = make_user(w, ADDRESS)
    assert elsewhere.sign_in(browser, preset).status == 403
    elsewhere.subject = {"apple": "x", "microsoft": "x"}.get(preset, "42")
    assert elsewhere.sign_in(browser, preset).status == 403
    assert not is_signed_in(browser)
    assert identities_of(work, owner) == []


@EVERY
def test_a_linked_identity_signs_in_whatever_its_address_is_by_now(
    browser: Browser, elsewhere: Elsewhere, work: Work, preset: str
) -> None:
    with work() as w:
        owner = make_user(w)
    sign_in(browser)
    name = {"github": "GitHub", "gitlab": "GitLab"}.get(preset, preset.capitalize())
    elsewhere.preset = preset
    browser.open("/account/linked")
    url = browser.submit(button=f"Link {name}").links[f"Continue to {name}"]
    elsewhere.asked = dict(parse_qsl(urlsplit(url).query))
    assert "Account linked" in elsewhere.come_back(browser).text
    sign_out(browser)
    elsewhere.email, elsewhere.verified = None, False
    assert elsewhere.sign_in(browser, preset).path == "/account"
    assert len(identities_of(work, owner)) == 1


@pytest.mark.parametrize("preset", ["discord", "facebook", "github", "gitlab", "google"])
def test_another_format_of_user_ids_is_an_error_and_no_other_user(
    browser: Browser, elsewhere: Elsewhere, work: Work, preset: str
) -> None:
    """N-273."""
    for changed in ("ada", "", True, 5.5):
        elsewhere.subject = changed
        assert elsewhere.sign_in(browser, preset).status == 502
    assert count_users(work) == 0


@pytest.mark.parametrize(
    ("preset", "claims"),
    [
        ("apple", {"iss": "https://account.apple.com"}),
        ("gitlab", {"iss": "https://gitlab.example.com"}),
        ("google", {"iss": "accounts.google.com"}),
        ("microsoft", {"iss": f"{MICROSOFT}/{{tenantid}}/v2.0"}),
        ("microsoft", {"iss": f"https://sts.windows.net/{TENANT}/"}),
        ("microsoft", {"iss": f"{MICROSOFT}/{OTHER_TENANT}/v2.0"}),
        ("microsoft", {"iss": f"{MICROSOFT}/common/v2.0", "tid": "common"}),
        ("microsoft", {"tid": OTHER_TENANT}),
        ("microsoft", {"tid": None}),
        ("microsoft", {"tid": [TENANT]}),
    ],
    ids=str,
)
def test_another_issuer_signs_nobody_in(
    browser: Browser, elsewhere: Elsewhere, work: Work, preset: str, claims: dict[str, Any]
) -> None:
    """N-274: with Microsoft, the issuer is that of the tenant in `tid`."""
    elsewhere.claims = claims
    assert elsewhere.sign_in(browser, preset).status == 502
    assert count_users(work) == 0


def test_a_key_of_one_tenant_signs_for_no_other(browser: Browser, elsewhere: Elsewhere, work: Work) -> None:
    """N-275: Microsoft names the issuers of each key."""
    elsewhere.key_issuer = f"{MICROSOFT}/{OTHER_TENANT}/v2.0"
    assert elsewhere.sign_in(browser, "microsoft").status == 502
    assert count_users(work) == 0


@pytest.mark.parametrize(
    ("preset", "place"),
    [
        ("github", "github.com/login/oauth/access_token"),
        ("github", "api.github.com/user"),
        ("github", "api.github.com/user/emails"),
        ("discord", "discord.com/api/users/@me"),
        ("facebook", "graph.facebook.com/me"),
        ("gitlab", "gitlab.com/token"),
        ("google", "accounts.google.com/keys"),
        ("apple", "appleid.apple.com/token"),
        ("microsoft", "login.microsoftonline.com/token"),
    ],
)
def test_a_provider_that_is_down_is_no_verdict(
    browser: Browser, elsewhere: Elsewhere, work: Work, preset: str, place: str
) -> None:
    """N-276: 503, and the other ways to sign in stay."""
    elsewhere.odd[place] = answer({"message": "rate limited"}, status="403 Forbidden")
    page = elsewhere.sign_in(browser, preset)
    assert (page.status, count_users(work)) == (503, 0)
    assert "/login" in {urlsplit(link).path for link in page.links.values()}
    elsewhere.odd[place] = raw(b"")
    assert elsewhere.sign_in(browser, preset).status == 503
    assert count_users(work) == 0


def test_an_error_of_github_with_status_200_is_a_refusal(browser: Browser, elsewhere: Elsewhere) -> None:
    """N-277."""
    odd = answer({"error": "bad_verification_code", "error_description": "The code is incorrect or expired."})
    elsewhere.odd["github.com/login/oauth/access_token"] = odd
    page = elsewhere.sign_in(browser, "github")
    assert page.status == 403
    assert "bad_verification_code" in page.text


class TestOrganizations:
    @pytest.fixture
    def configured(self) -> dict[str, dict[str, Any]]:
        return {
            "google": TABLES["google"] | {"hosted_domain": "Example.com"},
            "microsoft": TABLES["microsoft"] | {"tenant": "organizations", "allowed_tenants": [TENANT]},
        }

    @pytest.mark.parametrize("domain", [None, "example.com.evil.test", "evil.test", ["example.com"]])
    def test_only_users_of_the_domain_come_in(
        self, browser: Browser, elsewhere: Elsewhere, work: Work, domain: Any
    ) -> None:
        """N-278: `hd` in the request is a wish, and the claim decides."""
        elsewhere.leave(browser, "google")
        assert elsewhere.asked["hd"] == "example.com"
        elsewhere.claims = {"hd": domain}
        page = elsewhere.come_back(browser)
        assert (page.status, count_users(work)) == (403, 0)
        assert "doesn't belong to an organization" in page.text
        elsewhere.claims = {"hd": "example.com"}
        elsewhere.email = "ada@example.com"
        assert elsewhere.sign_in(browser, "google").path == "/account"

    def test_only_users_of_the_tenants_come_in(self, browser: Browser, elsewhere: Elsewhere, work: Work) -> None:
        """N-279."""
        for tenant, status in ((OTHER_TENANT, 403), ("9188040d-6c67-4c5b-b112-36a304b66dad", 502)):
            elsewhere.claims = {"iss": f"{MICROSOFT}/{tenant}/v2.0", "tid": tenant}
            assert elsewhere.sign_in(browser, "microsoft").status == status
        assert count_users(work) == 0


def test_google_is_believed_for_its_own_mailboxes_and_domains(
    browser: Browser, elsewhere: Elsewhere, work: Work
) -> None:
    """N-280: another address was verified once, and may be somebody else's by now."""
    elsewhere.email = "ada@example.test"
    assert elsewhere.sign_in(browser, "google").status == 403
    assert count_users(work) == 0
    elsewhere.claims = {"hd": "example.test"}
    assert elsewhere.sign_in(browser, "google").path == "/account"


class TestApple:
    def test_the_client_secret_is_signed_for_each_request(
        self, browser: Browser, elsewhere: Elsewhere, clock: Clock
    ) -> None:
        elsewhere.sign_in(browser, "apple")
        token = jwt.decode(elsewhere.forms[0]["client_secret"], APPLE_KEY, algorithms=["ES256"])
        assert token.header["kid"] == "KEY1234567"
        now = int(clock.now.timestamp())
        assert token.claims == {
            "iss": "TEAM123456",
            "sub": "com.example.id",
            "aud": "https://appleid.apple.com",
            "iat": now,
            "exp": now + 300,
        }

    def test_the_name_that_comes_once_is_kept(self, browser: Browser, elsewhere: Elsewhere, work: Work) -> None:
        named = json.dumps({"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "forged@example.test"})
        assert elsewhere.sign_in(browser, "apple", user=named).path == "/account"
        user = find_user(work, ADDRESS)
        assert user.claims == {"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace"}

    @pytest.mark.parametrize("user", ["[]", "{", '{"name": {"firstName": {}}}', "x" * 5000])
    def test_a_name_that_cannot_be_read_is_left_out(
        self, browser: Browser, elsewhere: Elsewhere, work: Work, user: str
    ) -> None:
        assert elsewhere.sign_in(browser, "apple", user=user).path == "/account"
        assert find_user(work, ADDRESS).claims == {}

    def test_the_answer_is_for_the_browser_that_asked(
        self, browser: Browser, new_browser: Callable[[], Browser], elsewhere: Elsewhere, work: Work
    ) -> None:
        """N-281: a form of another site brings no cookies, so nothing happens before the redirect."""
        elsewhere.leave(browser, "apple")
        place = urlsplit(elsewhere.asked["redirect_uri"]).path
        given = {"code": "c", "state": elsewhere.asked["state"]}
        sealed = elsewhere.post(new_browser(), place, given)
        assert elsewhere.asked["state"] not in sealed
        victim = new_browser()
        assert victim.open(sealed).status == 400
        assert victim.open(f"{place}?code=c&state={elsewhere.asked['state']}").status == 400
        assert browser.open(sealed[:-4] + "AAAA").status == 400
        assert elsewhere.forms == []
        assert browser.open(sealed).path == "/account"
        again = new_browser().open(sealed)
        assert again.status == 400

    def test_only_apple_answers_by_form(self, browser: Browser, elsewhere: Elsewhere) -> None:
        """N-282."""
        sent = browser.client.post("/login/upstream/google/callback", data={"code": "c"})
        assert sent.status_code == 403


@pytest.mark.parametrize(
    ("preset", "changes", "problem"),
    [
        ("github", {"preset": "githup"}, "preset: must be"),
        ("github", {"tenant": "common"}, "tenant is not a setting of this preset"),
        ("github", {"verifies_email_addresses": True}, "verifies_email_addresses is not a setting of this preset"),
        ("facebook", {"issuer": "https://example.com"}, "issuer is not a setting of this preset"),
        ("microsoft", {"tenant": "contoso"}, "tenant: must be the ID of a tenant"),
        ("microsoft", {"verifies_email_addresses": True}, "verifies_email_addresses: needs the ID of one tenant"),
        ("microsoft", {"allowed_tenants": ["x"]}, "allowed_tenants: must be"),
        ("google", {"hosted_domain": "no domain"}, "hosted_domain: "),
        ("apple", {"private_key": "x"}, "private_key: must be the private key from Apple"),
        ("apple", {"client_secret": "x"}, "client_secret: is not a setting of this preset"),
        ("apple", {"team_id": "x"}, "team_id: must be the 10 letters and digits"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_a_preset_stop_the_start(
    tmp_path: Path, preset: str, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load_upstreams(write_upstreams(tmp_path / "upstreams.toml", {preset: TABLES[preset] | changes}))
    assert problem in str(refused.value)


def test_a_server_of_an_organization_is_trusted_only_if_that_is_said(tmp_path: Path) -> None:
    """Its administrators decide which addresses are verified."""
    theirs = {"gitlab": TABLES["gitlab"] | {"issuer": "https://git.example.com"}}
    [upstream] = load_upstreams(write_upstreams(tmp_path / "upstreams.toml", theirs))
    assert (upstream.name, upstream.trust_email_verified) == ("GitLab", False)
    [upstream] = load_upstreams(write_upstreams(tmp_path / "upstreams.toml", {"gitlab": TABLES["gitlab"]}))
    assert upstream.trust_email_verified
