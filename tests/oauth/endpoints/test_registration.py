"""An application registers itself: what it gets, what it may not get, and what is told to it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.config.settings import Settings
from provider.crypto.digests import digest
from provider.oauth.clients import clients, registration
from provider.oauth.clients.choices import DEVICE_CODE
from provider.oauth.clients.clients import find_client
from provider.oauth.clients.metadata import FIELDS, POLICY, REGISTRABLE
from provider.oauth.clients.store import initial_access_tokens
from provider.oauth.http.metadata import provider_metadata
from tests.oauth.conftest import Explain, Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.cases import in_one_world
from tests.support.client_keys import Signatory
from tests.support.clock import Clock
from tests.support.foreign_server import ForeignServer, answer, raw
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.limits import Lower
from tests.support.relying_party import RelyingParty

REGISTER = "/oauth2/register"
URI = "https://app.example.test/callback"
WEB: dict[str, Any] = {"redirect_uris": [URI], "client_name": "Example app"}
JWKS = Signatory().jwks


@pytest.fixture
def changes(outbound_settings: dict[str, Any]) -> dict[str, Any]:
    return {"registration": "open", **outbound_settings}


@pytest.fixture
def settings(database_url: str, changes: dict[str, Any]) -> Settings:
    return settings_for(database_url, **changes)


def register(http: WatchedClient, token: Any = None, **metadata: Any) -> httpx2.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return http.post(REGISTER, json={**WEB, **metadata}, headers=headers)


def assert_refused(response: httpx2.Response, error: str, status: int = 400) -> str:
    """RFC 7591 section 3.2.2. Its error id."""
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    return str(response.json()["error_id"])


def restrict(work: Work, client_id: str, **changes: Any) -> None:
    with work() as w:
        client = find_client(w, client_id)
        assert client is not None
        clients.update_client(w, client_id, replace(client.metadata, **changes))


class TestOpen:
    def test_a_page_of_any_site_registers_and_manages_its_app(self, http: WatchedClient) -> None:
        """The Fetch standard's CORS protocol: what comes back, also an error, depends on no cookie of the browser."""
        page = {"origin": "https://inspector.test"}
        asked = {
            **page,
            "access-control-request-method": "PUT",
            "access-control-request-headers": "authorization,mcp-protocol-version",
        }
        registered = http.post(REGISTER, json={**WEB, "allowed_origins": ["Capacitor://localhost/"]}, headers=page)
        refused = http.post(REGISTER, json={"redirect_uris": ["x"]}, headers=page)
        told = registered.json()
        own = told["registration_client_uri"].removeprefix(ISSUER)
        read = http.get(own, headers={**page, "authorization": f"Bearer {told['registration_access_token']}"})
        stranger = http.get(own, headers=page)
        assert [each.status_code for each in (registered, refused, read, stranger)] == [201, 400, 200, 401]
        for each in (registered, refused, read, stranger):
            assert each.headers["access-control-allow-origin"] == "*"
        assert told["allowed_origins"] == read.json()["allowed_origins"] == ["capacitor://localhost"]
        for url, methods in ((REGISTER, "POST"), (own, "DELETE, GET, HEAD, PUT")):
            preflight = http.options(url, headers=asked)
            assert preflight.headers["access-control-allow-methods"] == methods
            assert "mcp-protocol-version" in preflight.headers["access-control-allow-headers"]
            assert http.options(url).headers["allow"] == ", ".join(sorted(["OPTIONS", *methods.split(", ")]))
        assert_refused(register(http, allowed_origins=["null"]), "invalid_client_metadata")

    @in_one_world(
        ("number", "stored"),
        [("3600.0", 3600), ("3.6e3", 3600), ("0.0", 0), ("1.5", None), ("NaN", None), ("1e999", None), ("true", None)],
    )
    def test_a_number_is_what_json_means_by_it(self, http: WatchedClient, number: str, stored: int | None) -> None:
        """RFC 8259 section 6."""
        body = f'{{"redirect_uris": ["{URI}"], "default_max_age": {number}}}'
        response = http.post(REGISTER, content=body, headers={"content-type": "application/json"})
        if stored is None:
            assert_refused(response, "invalid_client_metadata")
        else:
            assert response.json()["default_max_age"] == stored

    @pytest.mark.parametrize("scope", ["offline_access", "openid offline_access", None, ""])
    def test_offline_access_without_the_refresh_grant_is_ignored(self, http: WatchedClient, scope: str | None) -> None:
        """OIDC Core section 11: a scope of nothing else counts as none."""
        told = register(http, scope=scope).json()["scope"]
        assert told == ("openid" if scope == "openid offline_access" else "openid profile email address phone")

    def test_it_is_told_everything_it_is_registered_as(self, http: WatchedClient, work: Work, clock: Clock) -> None:
        """RFC 7591 section 3.2.1, RFC 7592 section 3; oidcc-3rd_party-init-login."""
        wished = {
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "contacts": ["ops@app.example.test"],
            "client_uri": "https://app.example.test/",
            "logo_uri": "https://app.example.test/logo.png",
            "policy_uri": "https://app.example.test/privacy",
            "tos_uri": "https://app.example.test/terms",
            "initiate_login_uri": "https://app.example.test/start",
            "post_logout_redirect_uris": ["https://app.example.test/bye"],
            "request_uris": ["https://app.example.test/request.jwt#hash"],
            "jwks": JWKS,
            "token_endpoint_auth_method": "client_secret_post",
            "subject_type": "pairwise",
            "default_max_age": 3600,
        }
        response = register(http, **wished, unheard_of={"deep": [1]}, tos_uri_hint=None)
        told = response.json()
        assert response.status_code == 201
        assert told.items() >= {**WEB, **wished}.items()
        assert told["client_id_issued_at"] == int(clock.now.timestamp())
        assert told["client_secret_expires_at"] == 0
        assert told["registration_client_uri"] == f"{ISSUER}{REGISTER}/{told['client_id']}"
        assert "unheard_of" not in told
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        assert client.has_secret(told["client_secret"])
        assert client.registration_digest == digest(told["registration_access_token"])

    def test_what_it_leaves_out_is_as_the_specification_has_it(self, http: WatchedClient, work: Work) -> None:
        """RFC 7591 section 2, OIDC Registration section 2; the standard scopes need not be named."""
        told = register(http, client_name=None).json()
        assert told["grant_types"] == ["authorization_code"]
        assert told["response_types"] == ["code"]
        assert told["token_endpoint_auth_method"] == "client_secret_basic"
        assert (told["application_type"], told["subject_type"]) == ("web", "public")
        assert told["id_token_signed_response_alg"] == "RS256"
        assert told["scope"] == "openid profile email address phone"
        assert "client_name" not in told
        lasting = register(http, grant_types=["authorization_code", "refresh_token"]).json()
        assert lasting["scope"] == "openid profile email address phone offline_access"
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        assert client.metadata.require_pkce

    def test_a_public_client_gets_no_secret(self, http: WatchedClient) -> None:
        """RFC 7591 section 3.2.1."""
        told = register(http, token_endpoint_auth_method="none").json()
        assert not {"client_secret", "client_secret_expires_at"} & told.keys()

    def test_registration_ignores_metadata_reserved_for_operators(self, http: WatchedClient, work: Work) -> None:
        """RFC 7591 section 5; A-101: the rest of the request is taken, and the answer tells what was made of it."""
        told = register(
            http,
            scope="openid account admin:read admin:write roles api:read email",
            first_party=True,
            authorization_challenge=True,
            claims_in_id_token=True,
            require_pkce=False,
            profile="fapi2",
            client_id="chosen",
            client_secret="chosen" * 10,
        ).json()
        assert told["scope"] == "openid email"
        assert told["client_id"] != "chosen"
        assert not told["client_secret"].startswith("chosen")
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        for name in FIELDS.keys() - set(REGISTRABLE):
            assert getattr(client.metadata, name) == FIELDS[name].default, name

    def test_what_weakens_a_client_or_opens_data_is_for_operators_only(self) -> None:
        """RFC 7591 section 5. A new member is out of reach until its declaration says who may set it."""
        consent = {"first_party", "authorization_challenge", "verify_uri", "reset_uri"}
        protection = {"require_pkce", "private_use_schemes", "profile", "required_factor", "protected_paths"}
        reach = {
            "resource_identifiers",
            "exchange_targets",
            "upstream_tokens",
            "id_jag_audiences",
            "assertion_subjects",
        }
        assert (consent | protection | reach).isdisjoint(REGISTRABLE)

    @in_one_world(
        ("metadata", "error"),
        [
            ({"redirect_uris": ["https://app.example.test/cb#x"]}, "invalid_redirect_uri"),
            ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
            ({"redirect_uris": []}, "invalid_redirect_uri"),
            ({"redirect_uris": [f"{URI}{n}" for n in range(1000)]}, "invalid_redirect_uri"),
            ({"redirect_uris": URI}, "invalid_client_metadata"),
            ({"post_logout_redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
            ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
            ({"policy_uri": "JaVaScRiPt:alert(1)"}, "invalid_client_metadata"),
            ({"tos_uri": " javascript:alert(1)"}, "invalid_client_metadata"),
            ({"client_uri": "data:text/html,x"}, "invalid_client_metadata"),
            ({"logo_uri": "https://10.0.0.1/logo.png"}, "invalid_client_metadata"),
            ({"logo_uri": "https://[::ffff:169.254.169.254]/"}, "invalid_client_metadata"),
            ({"jwks_uri": "https://169.254.169.254/jwks"}, "invalid_client_metadata"),
            ({"jwks_uri": "file:///etc/passwd"}, "invalid_client_metadata"),
            ({"request_uris": ["https://192.168.0.1/r"]}, "invalid_client_metadata"),
            ({"initiate_login_uri": "http://app.example.test/go"}, "invalid_client_metadata"),
            ({"initiate_login_uri": "http://localhost/go"}, "invalid_client_metadata"),
            ({"jwks": JWKS, "jwks_uri": "https://app.example.test/jwks"}, "invalid_client_metadata"),
            ({"contacts": ["x" * 300]}, "invalid_client_metadata"),
            ({"client_name": "\u202eevil"}, "invalid_client_metadata"),
            ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
            ({"grant_types": ["implicit"], "response_types": ["id_token"]}, "invalid_client_metadata"),
            ({"grant_types": ["password"]}, "invalid_client_metadata"),
            ({"grant_types": [], "redirect_uris": []}, "invalid_redirect_uri"),
            ({"response_types": ["code id_token"]}, "invalid_client_metadata"),
            ({"response_types": ["none"]}, "invalid_client_metadata"),
            ({"scope": "account admin:write"}, "invalid_client_metadata"),
            ({"client_uri": "https://["}, "invalid_client_metadata"),
            ({"logo_uri": "https://a\u2100.test/"}, "invalid_client_metadata"),
            ({"initiate_login_uri": "https://[::1"}, "invalid_client_metadata"),
            ({"redirect_uris": ["https://["], "grant_types": ["implicit"]}, "invalid_redirect_uri"),
            (
                {"grant_types": ["authorization_code", DEVICE_CODE], "subject_type": "pairwise"},
                "invalid_client_metadata",
            ),
            ({"software_statement": "e30.e30.x"}, "unapproved_software_statement"),
            ({"software_statement": 5}, "invalid_software_statement"),
        ],
    )
    def test_what_is_refused_is_named_explained_and_not_stored(
        self, http: WatchedClient, unchanged: Unchanged, explain: Explain, metadata: dict[str, Any], error: str
    ) -> None:
        """RFC 7591 section 3.2.2; A-10, A-101; oidcc-redirect-uri-regfrag, oidcc-3rd_party-init-login-nohttps."""
        with unchanged():
            error_id = assert_refused(register(http, **metadata), error)
        assert explain(error_id).endpoint == "registration"

    @in_one_world("nothing", [None, "", " ", [], {}, [""], {"keys": []}])
    def test_members_without_a_value_count_as_left_out(self, http: WatchedClient, nothing: Any) -> None:
        """RFC 7591 section 2, RFC 7592 section 2.2: in a registration and in its update."""
        plain = register(http).json()
        secrets = {name for name in plain if name.startswith(("client_id", "client_secret", "registration_"))}
        usual = {name: value for name, value in plain.items() if name not in secrets}
        blank = dict.fromkeys({*REGISTRABLE, "software_statement"} - WEB.keys(), nothing)
        told = register(http, **blank).json()
        assert {name: value for name, value in told.items() if name not in secrets} == usual, told
        body = {**WEB, **blank, "client_id": told["client_id"], **dict.fromkeys(secrets - {"client_id"}, nothing)}
        headers = {"authorization": f"Bearer {told['registration_access_token']}"}
        updated = http.put(told["registration_client_uri"], json=body, headers=headers)
        assert updated.status_code == 200, updated.text
        assert {name: value for name, value in updated.json().items() if name not in secrets} == usual

    @pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
    @pytest.mark.parametrize(
        ("bad", "reason"),
        [
            ("http://app.example.test/cb", "must be https unless"),
            ("https://app.example.test/cb#x", "must not have a fragment"),
            ("app.example.test/cb", "Add the scheme"),
            ("http://localhost:*/cb", "any port is accepted"),
            ("cursor://oauth/cb", "scheme without a dot"),
            ("javascript:alert(1)", "must be https"),
            ("https://app.example.test/" + "x" * 2000, "must have 1 to 2000 characters"),
        ],
    )
    def test_one_bad_uri_among_good_ones_is_named_with_its_member(
        self, http: WatchedClient, name: str, bad: str, reason: str
    ) -> None:
        """RFC 7591 section 3.2.2."""
        response = register(http, **{name: [URI, bad, "http://127.0.0.1/cb"]})
        assert_refused(response, "invalid_redirect_uri")
        told = response.json()["error_description"]
        assert told.startswith(f"{name}: '{bad[:100]}")
        assert reason in told
        assert URI not in told

    @in_one_world(
        "body",
        [
            b"",
            b"[]",
            b'"x"',
            b"{",
            b"\xff",
            b'{"redirect_uris": [], "redirect_uris": ["https://app.example.test/"]}',
            b'{"redirect_uris": ["https://app.example.test/"], "client_name": "\\ud800"}',
            b'{"redirect_uris": ["https://app.example.test/"], "jwks": {"x": 1e999}}',
            b'{"x": NaN}',
            b"[" * 50_000,
            json.dumps({**WEB, "jwks": {"keys": [JWKS["keys"][0] | {"x-own": "DEEP"}]}})
            .replace('"DEEP"', "[" * 800 + "]" * 800)
            .encode(),
        ],
    )
    def test_a_body_must_be_one_json_object(self, http: WatchedClient, unchanged: Unchanged, body: bytes) -> None:
        """RFC 7591 section 3.1; A-89."""
        with unchanged():
            as_json = {"content-type": "application/json"}
            assert_refused(http.post(REGISTER, content=body, headers=as_json), "invalid_client_metadata")

    def test_a_form_is_no_registration_and_five_megabytes_are_too_much(self, http: WatchedClient) -> None:
        """RFC 7591 section 3.1; A-101."""
        assert_refused(http.post(REGISTER, data={"redirect_uris": URI}), "invalid_client_metadata")
        assert register(http, client_name="x" * 5_000_000).status_code == 413

    @given(
        metadata=st.dictionaries(
            st.sampled_from([*REGISTRABLE, "software_statement"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            ),
            max_size=4,
        )
    )
    def test_no_metadata_crashes_it(self, http: WatchedClient, metadata: dict[str, Any]) -> None:
        """A-89."""
        body = json.dumps({**WEB, **metadata})
        response = http.post(REGISTER, content=body, headers={"content-type": "application/json"})
        assert response.status_code in {201, 400, 429}

    def test_a_client_that_registered_itself_signs_people_in(
        self, http: WatchedClient, browser: WatchedClient, work: Work, hosts: set[str]
    ) -> None:
        """OIDC Registration section 3.2: at once; with PKCE, and after consent."""
        hosts.add("app.example.test")
        told = register(http, grant_types=["authorization_code", "refresh_token"]).json()
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        rp = RelyingParty(http, client, told["client_secret"])
        assert rp.ask(browser).page == "/consent"
        assert rp.ask(browser, code_challenge=None, code_challenge_method=None).error == "invalid_request"

    def test_registrations_from_one_place_are_counted_once_each(
        self, http: WatchedClient, foreign_server: ForeignServer, lower: Lower
    ) -> None:
        """docs/reference/throttling.md; also where the call begins anew, to ask the app's server."""
        lower(registration="2/hour")
        foreign_server.behaviour = answer(json.dumps([URI]))
        for _ in range(2):
            assert register(http, sector_identifier_uri=foreign_server.url("/uris")).status_code == 201
        refused = register(http)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0


class TestSchemes:
    """SIGNET_REGISTRATION_SCHEMES: private-use schemes without a dot (RFC 8252 section 8.4)."""

    CURSOR = "cursor://anysphere.cursor-retrieval/oauth/callback"

    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        others = tuple(f"scheme{number}" for number in range(100))  # more than a client can have
        return {"registration": "open", "registration_schemes": ("cursor", "raycast", *others)}

    def test_an_allowed_scheme_signs_people_in(self, http: WatchedClient, browser: WatchedClient, work: Work) -> None:
        told = register(http, redirect_uris=[URI, self.CURSOR], token_endpoint_auth_method="none").json()
        assert "private_use_schemes" not in told
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        assert client.metadata.private_use_schemes == ("cursor",), "and no other that was allowed then"
        asked = RelyingParty(http, client, None).ask(browser, redirect_uri=self.CURSOR)
        page = browser.get(asked.location)
        assert "form-action 'self' cursor:" in page.headers["content-security-policy"]
        assert "anysphere" not in page.text, "behind such a scheme an app may write any host"

    def test_another_scheme_is_refused(self, http: WatchedClient, unchanged: Unchanged) -> None:
        with unchanged():
            refused = register(http, redirect_uris=["vscode://oauth"], private_use_schemes=["vscode"])
            assert_refused(refused, "invalid_redirect_uri")

    def test_what_an_operator_allowed_one_client_stays_when_it_updates_itself(
        self, http: WatchedClient, work: Work
    ) -> None:
        told = register(http).json()
        with work() as w:
            client = find_client(w, told["client_id"])
            assert client is not None
            wanted = replace(client.metadata, private_use_schemes=("vscode",), redirect_uris=("vscode://oauth",))
            clients.update_client(w, client.client_id, wanted)
        body = {"client_id": told["client_id"], "redirect_uris": ["vscode://other"]}
        headers = {"authorization": f"Bearer {told['registration_access_token']}"}
        response = http.put(told["registration_client_uri"], json=body, headers=headers)
        assert response.status_code == 200, response.text
        assert response.json()["redirect_uris"] == ["vscode://other"]

    def test_an_update_of_its_own_leaves_what_an_operator_restricted(self, http: WatchedClient, work: Work) -> None:
        """N-618: a policy has to hold (RFC 7592 section 2.2, decision 422); what was granted goes."""
        keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
        told = register(http, **keys, id_token_signed_response_alg="PS256").json()
        policy: dict[str, Any] = {
            "required_factor": "two-factor",
            "allowed_roles": ("staff",),
            "allowed_groups": ("finance",),
            "allowed_networks": ("10.0.0.0/8",),
            "profile": "fapi2",
            "require_pkce": True,
        }
        assert policy.keys() == POLICY.keys(), "a new one needs a value here"
        restrict(work, told["client_id"], **policy, claims_in_id_token=True)
        headers = {"authorization": f"Bearer {told['registration_access_token']}"}
        given = http.get(told["registration_client_uri"], headers=headers).json()
        body = {name: value for name, value in given.items() if name in {"client_id", *REGISTRABLE}}
        response = http.put(told["registration_client_uri"], json=body, headers=headers)
        assert response.status_code == 200, response.text
        with work() as w:
            client = find_client(w, told["client_id"])
        assert client is not None
        assert {name: getattr(client.metadata, name) for name in POLICY} == policy
        assert not client.metadata.claims_in_id_token
        headers = {"authorization": f"Bearer {response.json()['registration_access_token']}"}
        less = {name: value for name, value in body.items() if name not in keys}
        assert_refused(http.put(told["registration_client_uri"], json=less, headers=headers), "invalid_client_metadata")

    def test_a_policy_of_this_moment_holds_too(self, http: WatchedClient, work: Work) -> None:
        """An operator restricts the client after its update was read, and before it is stored."""
        told = register(http).json()
        with work() as w:
            client = find_client(w, told["client_id"])
            assert client is not None
            metadata = registration.read_metadata(w, WEB, before=client)
        restrict(work, client.client_id, allowed_groups=("finance",))
        with work() as w:
            assert registration.update(w, client, metadata) is not None
        with work() as w:
            after = find_client(w, client.client_id)
        assert after is not None
        assert after.metadata.allowed_groups == ("finance",)


class TestSector:
    """sector_identifier_uri: OIDC Registration section 5."""

    def test_a_document_that_holds_every_redirect_uri_vouches_for_them(
        self, http: WatchedClient, foreign_server: ForeignServer
    ) -> None:
        """oidcc-registration-sector-uri."""
        other = "https://other.example.test/callback"
        foreign_server.behaviour = answer(json.dumps([other, URI]))
        uri = foreign_server.url("/uris.json")
        response = register(http, redirect_uris=[URI, other], subject_type="pairwise", sector_identifier_uri=uri)
        assert response.status_code == 201, response.text
        assert [request.target for request in foreign_server.requests] == ["/uris.json"]

    @pytest.mark.parametrize(
        ("behaviour", "reason"),
        [
            (answer(json.dumps(["https://app.example.test/other"])), "does not list"),
            (answer("<html>", "text/html"), "text/html"),
            (answer("gone", status="404 Not Found"), "404"),
            (answer("", status="302 Found", Location="https://127.0.0.1/"), "302"),
            (raw(b""), "HTTP"),
        ],
    )
    def test_another_document_or_none_does_not(
        self,
        http: WatchedClient,
        foreign_server: ForeignServer,
        unchanged: Unchanged,
        explain: Explain,
        behaviour: Any,
        reason: str,
    ) -> None:
        """oidcc-registration-sector-bad; A-101, A-103: what went wrong there is told to operators."""
        foreign_server.behaviour = behaviour
        with unchanged():
            response = register(http, sector_identifier_uri=foreign_server.url("/uris"))
            error_id = assert_refused(response, "invalid_client_metadata")
        assert "sector_identifier_uri" in response.json()["error_description"]
        assert reason in explain(error_id).checks[-1]["got"]

    class TestPrivate:
        @pytest.fixture
        def changes(self) -> dict[str, Any]:
            return {"registration": "open"}

        def test_no_document_is_asked_for_at_a_private_address(
            self, http: WatchedClient, foreign_server: ForeignServer, unchanged: Unchanged
        ) -> None:
            """A-101: no connection, no row, and no word about our network."""
            with unchanged():
                response = register(http, sector_identifier_uri=foreign_server.url("/uris"))
            assert_refused(response, "invalid_client_metadata")
            assert foreign_server.connections == 0
            assert "127" not in response.json()["error_description"]


class TestScopesOfApis:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        scopes = ("openid", "offline_access", "notes:read", "notes:write")
        return {"registration": "token", "registration_scopes": scopes}

    @pytest.mark.parametrize(
        ("grant_types", "asked", "registered"),
        [
            (["authorization_code"], "notes:read", "notes:read notes:write"),
            (["authorization_code"], "openid", "openid"),
            (["authorization_code", "client_credentials"], "notes:read", "notes:read"),
        ],
    )
    def test_an_app_that_names_one_may_ask_its_users_for_all(
        self, http: WatchedClient, work: Work, grant_types: list[str], asked: str, registered: str
    ) -> None:
        """RFC 7591 section 3.2.1: mcp-remote registers before it knows what a tool needs."""
        with work() as w:
            token = registration.issue_initial_token(w, uses=1, lifetime=timedelta(hours=1))[0]
        assert register(http, token, grant_types=grant_types, scope=asked).json()["scope"] == registered


class TestWithToken:
    """SIGNET_REGISTRATION=token."""

    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {"registration": "token", "registration_scopes": ("openid", "email", "api:read", "account")}

    @pytest.fixture
    def token(self, work: Work) -> str:
        with work() as w:
            return registration.issue_initial_token(w, uses=2, lifetime=timedelta(hours=1))[0]

    def test_a_token_is_good_for_its_uses_and_stored_by_digest(
        self, http: WatchedClient, token: str, work: Work, unchanged: Unchanged
    ) -> None:
        """RFC 7591 sections 1.2 and 3; A-104: a refused registration uses nothing up."""
        with unchanged():
            assert_refused(register(http, token, redirect_uris=["x"]), "invalid_redirect_uri")
        assert [register(http, token).status_code for _ in range(2)] == [201, 201]
        with unchanged():
            refused = register(http, token)
        assert_refused(refused, "invalid_token", 401)
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        with work() as w:
            rows = w.read.execute(initial_access_tokens.initial_access_tokens.select()).all()
        assert [(bytes(row.digest), row.uses_left) for row in rows] == [(digest(token), 0)]

    def test_registration_requires_an_initial_access_token(self, http: WatchedClient, token: str, clock: Clock) -> None:
        """RFC 6750 section 3: no code when no token came; A-101."""
        none = register(http)
        assert_refused(none, "invalid_token", 401)
        assert none.headers["www-authenticate"] == 'Bearer realm="signet"'
        assert_refused(register(http, "another"), "invalid_token", 401)
        clock.advance(hours=1)
        assert_refused(register(http, token), "invalid_token", 401)

    @pytest.mark.both_databases
    def test_an_initial_access_token_allows_client_credentials_and_more_scopes_but_no_admin_scopes(
        self, http: WatchedClient, token: str
    ) -> None:
        """RFC 6749 section 4.4; SIGNET_REGISTRATION_SCOPES."""
        told = register(http, token, grant_types=["client_credentials"], redirect_uris=[]).json()
        assert (told["grant_types"], told["response_types"]) == (["client_credentials"], [])
        assert told["scope"] == "openid email api:read"
        credentials = (told["client_id"], told["client_secret"])
        form = {"grant_type": "client_credentials", "scope": "api:read"}
        assert http.post("/oauth2/token", data=form, auth=credentials).json()["scope"] == "api:read"

    def test_a_client_cannot_register_itself_as_an_api(
        self, http: WatchedClient, token: str, rp: RelyingParty, browser: WatchedClient
    ) -> None:
        """RFC 7662 section 4; A-57: a client without redirect URIs is an API only when an operator says so."""
        told = register(http, token, grant_types=["client_credentials"], redirect_uris=[]).json()
        form = {"token": rp.sign_in(browser).access_token}
        answer = http.post("/oauth2/introspect", data=form, auth=(told["client_id"], told["client_secret"]))
        assert answer.json() == {"active": False}


class TestClosed:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {}

    def test_closed_registration_has_no_endpoint(self, http: WatchedClient, settings: Settings) -> None:
        """RFC 8414 section 2: what is not there is not published."""
        assert register(http).status_code == 404
        assert http.get(f"{REGISTER}/x").status_code == 404
        assert "registration_endpoint" not in provider_metadata(settings)
        for mode in ("open", "token"):
            metadata = provider_metadata(settings.model_copy(update={"registration": mode}))
            assert metadata["registration_endpoint"] == ISSUER + REGISTER


class TestWithoutPkce:
    @pytest.fixture
    def changes(self) -> dict[str, Any]:
        return {"registration": "open", "registration_require_pkce": False, "legacy_response_types": True}

    def test_for_certification_confidential_clients_may_do_without_and_old_flows_may_be_had(
        self, http: WatchedClient, work: Work
    ) -> None:
        """OIDC Registration section 2."""
        hybrid = {"response_types": ["code id_token"], "grant_types": ["authorization_code", "implicit"]}
        confidential, public = register(http, **hybrid), register(http, token_endpoint_auth_method="none")
        with work() as w:
            found = [find_client(w, response.json()["client_id"]) for response in (confidential, public)]
        assert [client is not None and client.metadata.require_pkce for client in found] == [False, True]
