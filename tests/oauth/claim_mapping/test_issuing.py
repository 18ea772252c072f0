"""Mapped claims in ID tokens, access tokens, userinfo and introspection (RFC 9068 section 2.2.3.1)."""

import base64
import json
from dataclasses import asdict
from typing import Any

import pytest
from structlog.testing import capture_logs

from provider.accounts.users import set_roles
from provider.config.settings import Settings
from provider.oauth.claim_mapping import store
from provider.oauth.claim_mapping.declarations import Place, parse_declaration
from provider.oauth.claim_mapping.store import ClaimMapping
from provider.oauth.clients.clients import find_client
from provider.oauth.tokens.claim_mappings import delete_mapping
from provider.oauth.tokens.mapped_claims import LARGEST
from provider.oauth.tokens.server import AuthorizationServer
from provider.operators.claims_preview import InvalidPreview, preview
from provider.work import Installation
from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.claim_mappings import SHOP, declare_attribute, give_attributes, join_groups, map_claim
from tests.support.installation import Work, settings_for
from tests.support.relying_party import RelyingParty, Tokens
from tests.support.statements import recorded

SCOPE = "openid offline_access shop roles groups"


@pytest.fixture
def shop(register: Register) -> RelyingParty:
    return register(scope=SCOPE, grant_types=("authorization_code", "refresh_token", "client_credentials"))


@pytest.fixture
def client_id(shop: RelyingParty) -> str:
    return shop.client.client_id


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def seen(shop: RelyingParty, tokens: Tokens, name: str) -> list[Any]:
    """The claim in the ID token, the access token, userinfo and introspection."""
    found = claims_of(tokens.id_token), claims_of(tokens.access_token)
    return [one.get(name) for one in (*found, shop.userinfo(tokens).json(), shop.introspect(tokens.access_token))]


@pytest.mark.also_on_postgresql
def test_a_scope_releases_a_mapped_attribute_everywhere_and_a_refresh_the_new_value(
    shop: RelyingParty, browser: WatchedClient, ada: str, work: Work, server: AuthorizationServer
) -> None:
    """N-325: a token keeps the claims it was issued with; a refreshed one has what the mapping says then."""
    declare_attribute(work, "customer_number")
    give_attributes(work, ada, customer_number="4711")
    map_claim(work, "shop", **SHOP)
    without = shop.sign_in(browser, scope="openid")
    assert seen(shop, without, "customer") == [None] * 4
    tokens = shop.sign_in(browser, scope="openid offline_access shop")
    assert seen(shop, tokens, "customer") == ["4711"] * 4
    give_attributes(work, ada, customer_number="4712")
    assert seen(shop, tokens, "customer") == ["4711", "4711", "4712", "4712"]
    refreshed = shop.refresh(tokens)
    assert seen(shop, refreshed, "customer") == ["4712"] * 4
    with work() as w:
        client = find_client(w, shop.client.client_id)
        assert client is not None
        shown = preview(w, server, client, user_id=ada, scope=("openid", "shop"))
        with pytest.raises(InvalidPreview):
            preview(w, server, client, user_id=ada, scope=("email",))
    assert shown.id_token is not None
    issued = claims_of(refreshed.id_token)
    assert shown.id_token.keys() == issued.keys() - {"at_hash", "nonce", "sid"}
    assert shown.access_token.keys() == claims_of(refreshed.access_token).keys() - {"jti", "sid", "grant_id"}
    assert shown.userinfo == shop.userinfo(refreshed).json()
    assert shown.introspection.keys() == shop.introspect(refreshed.access_token).keys() - {"jti", "sid"}
    with work() as w:
        delete_mapping(w, "shop")
    assert seen(shop, shop.refresh(refreshed), "customer") == [None] * 4


@pytest.mark.also_on_postgresql
def test_groups_and_roles_have_any_name_and_only_the_values_of_a_client(
    shop: RelyingParty, browser: WatchedClient, ada: str, work: Work, client_id: str, register: Register
) -> None:
    """N-326: a filter holds for the standard claim too, also if no group is left: it never falls back to all."""
    join_groups(work, ada, "k8s-dev", "k8s-ops", "staff")
    with work() as w:
        set_roles(w, user_id=ada, roles=["editor"])
    mine = {"client_id": client_id, "source": "groups"}
    map_claim(work, "k8s", claim="groups", prefix="k8s-", strip_prefix=True, **mine)
    map_claim(work, "minio", claim="policy", only={"k8s-ops": "consoleAdmin", "staff": "readonly"}, **mine)
    map_claim(work, "grafana", claim="grafana.role", client_id=client_id, source="roles", format="first")
    map_claim(work, "all", claim=r"https://x\.test/all.groups", format="comma", places=["userinfo"], **mine)
    map_claim(work, "none", claim="roles", client_id=client_id, source="roles", prefix="nothing-")
    tokens = shop.sign_in(browser, scope=SCOPE)
    assert seen(shop, tokens, "groups") == [["dev", "ops"]] * 4
    assert seen(shop, tokens, "policy") == [["consoleAdmin", "readonly"]] * 4
    assert seen(shop, tokens, "grafana") == [{"role": "editor"}] * 4
    assert seen(shop, tokens, "roles") == [None] * 4
    assert seen(shop, tokens, "https://x.test/all") == [None, None, {"groups": "k8s-dev,k8s-ops,staff"}, None]
    other = register(scope=SCOPE)
    assert seen(other, other.sign_in(browser, scope=SCOPE), "groups") == [["k8s-dev", "k8s-ops", "staff"]] * 4


def test_the_most_specific_mapping_wins(shop: RelyingParty, browser: WatchedClient, work: Work, client_id: str) -> None:
    given = {"claim": "tier", "source": "constant", "places": ["access_token"]}
    map_claim(work, "a", scope="shop", value="scope", description="See your tier", **given)
    tokens = shop.sign_in(browser, scope="openid shop")
    assert claims_of(tokens.access_token)["tier"] == "scope"
    map_claim(work, "b", client_id=client_id, value="client", **given)
    assert claims_of(shop.sign_in(browser, scope="openid shop").access_token)["tier"] == "client"
    map_claim(work, "c", client_id=client_id, scope="shop", value={"both": [1]}, description="See it", **given)
    assert claims_of(shop.sign_in(browser, scope="openid shop").access_token)["tier"] == {"both": [1]}
    assert claims_of(shop.sign_in(browser, scope="openid").access_token)["tier"] == "client"
    assert claims_of(shop.client_credentials(scope="roles").access_token)["tier"] == "client"


def test_an_expression_that_fails_leaves_its_claim_out_and_is_logged_once(
    shop: RelyingParty, browser: WatchedClient, ada: str, work: Work, client_id: str
) -> None:
    """N-327: a claim that loops, throws or is too large never fails a sign-in, and fills no log."""
    declare_attribute(work, "level", "number")
    give_attributes(work, ada, level=3)
    loop = "user.roles"
    for name in "abcde":
        loop = f"[1, 2, 3, 4, 5, 6, 7, 8, 9].map({name}, {loop})"
    for name, text in (
        ("good", "user.attributes.level > 2 ? 'gold ' + client.id : 'none'"),
        ("throws", "user.attributes.level + 'x' == '' ? 1 : 2"),
        ("absent", "user.nothing"),
        ("loops", loop),
        ("large", "[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,1,2,3,4].map(n, 'x" + "y" * 300 + "')"),
    ):
        map_claim(work, name, claim=name, client_id=client_id, source="expression", expression=text)
    map_claim(work, "clash", claim="good.member", client_id=client_id, source="constant", value=1)
    with capture_logs() as logs:
        tokens = shop.sign_in(browser, scope="openid")
        assert shop.userinfo(tokens).status_code == 200
    claims = claims_of(tokens.access_token)
    assert claims["good"] in ({"member": 1}, f"gold {client_id}")
    assert not claims.keys() & {"throws", "absent", "loops", "large"}
    found = [one for one in logs if one["event"] == "claim_mapping.left_out"]
    assert {one["mapping"] for one in found} >= {"throws", "absent", "loops", "large"}
    assert len(found) == len({one["mapping"] for one in found})
    assert all(set(one) == {"event", "log_level", "mapping", "place", "reason"} for one in found)


def test_mapped_claims_of_a_token_are_bounded(
    shop: RelyingParty, browser: WatchedClient, ada: str, work: Work, client_id: str
) -> None:
    """N-328: a token lists at most 200 names and has at most 4 KiB of mapped claims; userinfo has all."""
    join_groups(work, ada, *(f"group-{number:03}" for number in range(201)))
    mine = {"client_id": client_id, "source": "groups"}
    map_claim(work, "groups", claim="groups", **mine)
    map_claim(work, "teams", claim="teams", **mine)
    for number in range(3):
        map_claim(work, f"c{number}", claim=f"c{number}", client_id=client_id, source="constant", value="x" * 1900)
    tokens = shop.sign_in(browser, scope="openid")
    for token in (tokens.id_token, tokens.access_token):
        claims = claims_of(token)
        assert claims["hasgroups"] is True
        assert not claims.keys() & {"groups", "teams", "c2"}
        assert claims.keys() >= {"c0", "c1"}
    shown = shop.userinfo(tokens).json()
    assert (len(shown["groups"]), len(shown["teams"]), len(shown["c2"])) == (201, 201, 1900)
    assert LARGEST[Place.ACCESS_TOKEN] == 4096


def test_ours_wins_over_a_mapping_that_is_in_the_database(
    shop: RelyingParty, browser: WatchedClient, ada: str, work: Work, client_id: str
) -> None:
    """N-329: a row that no rule would have accepted, such as one of another release, changes no claim of ours."""
    with work() as w:
        for claim in ("sub", "email_verified", "active", "cnf.jkt"):
            given = parse_declaration({"claim": "x", "client_id": client_id, "source": "constant", "value": "evil"})
            row = asdict(given) | {"claim": claim, "name": claim.replace(".", "-")}
            store.add(w.db, ClaimMapping(**row, created_at=w.now, updated_at=w.now), [])
    tokens = shop.sign_in(browser, scope="openid")
    assert seen(shop, tokens, "sub") == [ada] * 4
    assert seen(shop, tokens, "cnf") == [None] * 4
    assert "evil" not in json.dumps(shop.introspect(tokens.access_token))


def test_consent_says_what_an_own_scope_releases(
    register: Register, person: Person, ada: str, work: Work, http: WatchedClient
) -> None:
    map_claim(work, "tier", claim="tier", scope="shop", source="constant", value=1, description=SHOP["description"])
    asking = register(first_party=False, scope="openid shop")
    browser = person(ada)
    asked = asking.ask(browser, scope="openid shop")
    page = browser.get("/consent", params={"request_uri": asked.request_uri})
    assert "See your customer number" in page.text
    http.get("/.well-known/openid-configuration")
    found = http.get("/.well-known/openid-configuration").json()
    assert "shop" in found["scopes_supported"]
    assert "tier" in found["claims_supported"]


class TestCached:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        usual = Settings.model_fields
        return settings_for(database_url, client_cache=usual["client_cache"].default, key_cache=10)

    def test_mappings_cost_no_statement(
        self,
        shop: RelyingParty,
        browser: WatchedClient,
        ada: str,
        work: Work,
        client_id: str,
        installation: Installation,
        server: AuthorizationServer,
    ) -> None:
        """N-330: a refresh, userinfo and introspection run as many statements with mappings as without."""
        tokens = shop.sign_in(browser, scope=SCOPE)

        def count(tokens: Tokens) -> tuple[list[int], Tokens]:
            counts = []
            with recorded(installation.database.engine) as refreshing:
                refreshed = shop.refresh(tokens)
            counts.append(len(refreshing))
            with recorded(installation.database.engine) as reading:
                shop.userinfo(refreshed)
            counts.append(len(reading))
            with recorded(installation.database.engine) as asking:
                shop.introspect(refreshed.access_token)
            return [*counts, len(asking)], refreshed

        before, tokens = count(tokens)
        declare_attribute(work, "customer_number")
        give_attributes(work, ada, customer_number="4711")
        map_claim(work, "shop", **SHOP)
        map_claim(work, "tier", claim="tier", client_id=client_id, source="expression", expression="user.groups")
        server.claim_mappings.forget()
        with work() as w:
            server.claim_mappings.find(w)
        after, tokens = count(tokens)
        assert after == before
        assert seen(shop, tokens, "customer") == ["4711"] * 4
