"""What may be registered."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.oauth.clients.choices import TOKEN_EXCHANGE
from provider.oauth.clients.metadata import FIELDS, LISTS, MEMBERS, ClientMetadata, InvalidMetadata
from provider.oauth.clients.metadata_rules import parse_metadata
from tests.support.client_keys import Signatory, usual_key
from tests.support.names import FAMILY, PERSIAN

URI = "https://app.example.test/cb"
WEB = {"redirect_uris": [URI]}
JWKS = Signatory().jwks
PRIVATE_KEY = {"token_endpoint_auth_method": "private_key_jwt", "jwks": JWKS}
FAPI = {**PRIVATE_KEY, "profile": "fapi2", "id_token_signed_response_alg": "ES256"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"client_name": "Näme 名前"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"token_endpoint_auth_method": "none"},
        {"application_type": "native", "redirect_uris": ["com.example:/cb", "http://127.0.0.1/cb"]},
        {"redirect_uris": [URI, "cursor://x/cb"], "private_use_schemes": ["cursor"]},
        {"post_logout_redirect_uris": ["cursor://x/bye"], "private_use_schemes": ["cursor"]},
        {"id_token_signed_response_alg": "ES256"},
        {"default_max_age": 0},
        {"scope": "openid api:read https://api.test/write"},
        {"policy_uri": "https://app.example.test/privacy"},
        {"contacts": ["ops@example.test"]},
        {
            "backchannel_logout_uri": "https://other.example.test/logout?x=1",
            "backchannel_logout_session_required": True,
        },
        {
            "frontchannel_logout_uri": "https://app.example.test:443/logout",
            "frontchannel_logout_session_required": True,
        },
        {"unheard_of": {"anything": 1}},
        {"grant_types": ["client_credentials"], "redirect_uris": []},
        {"response_types": ["id_token", "token id_token"], "grant_types": ["implicit"]},
        {"response_types": ["code token id_token"], "grant_types": ["authorization_code", "implicit"]},
        {
            "response_types": ["id_token"],
            "grant_types": ["implicit"],
            "application_type": "native",
            "redirect_uris": ["com.example:/cb"],
        },
        {"grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"], "redirect_uris": []},
        {"introspection_signed_response_alg": "PS256"},
        {"response_modes": ["form_post"]},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256"},
        {"jwks": JWKS},
        {"jwks_uri": "https://app.example.test/jwks.json"},
        PRIVATE_KEY,
        {**PRIVATE_KEY, "token_endpoint_auth_signing_alg": "PS256", "request_object_signing_alg": "EdDSA"},
        {"request_uris": ["https://app.example.test/request.jwt#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"]},
        FAPI,
    ],
)
def test_these_may_be_registered(changes: dict[str, Any]) -> None:
    """RFC 7591 section 2."""
    parse_metadata({**WEB, **changes})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example.test/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"{URI}{i}" for i in range(51)]}, "invalid_redirect_uri"),
        ({"post_logout_redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["cursor://x/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["cursor://x/cb"], "private_use_schemes": ["raycast"]}, "invalid_redirect_uri"),
        ({"private_use_schemes": ["javascript"]}, "invalid_client_metadata"),
        ({"private_use_schemes": ["cursor://"]}, "invalid_client_metadata"),
        ({"redirect_uris": URI}, "invalid_client_metadata"),
        ({"redirect_uris": [5]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"jwks": JWKS, "jwks_uri": "https://app.example.test/jwks"}, "invalid_client_metadata"),
        ({"jwks": {"keys": [usual_key().as_dict(private=True)]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "x" * 43}]}}, "invalid_client_metadata"),
        ({"jwks": [JWKS]}, "invalid_client_metadata"),
        ({"jwks": "https://app.example.test/jwks"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "https://app.example.test/logout#x"}, "invalid_client_metadata"),
        ({"backchannel_logout_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"backchannel_logout_session_required": "yes"}, "invalid_client_metadata"),
        ({"frontchannel_logout_uri": "https://other.example.test/logout"}, "invalid_client_metadata"),
        ({"frontchannel_logout_uri": "https://app.example.test:8443/logout"}, "invalid_client_metadata"),
        ({"frontchannel_logout_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"jwks_uri": "file:///etc/passwd"}, "invalid_client_metadata"),
        ({"jwks_uri": "data:application/json,{}"}, "invalid_client_metadata"),
        ({"jwks_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"jwks_uri": "https://user@app.example.test/jwks"}, "invalid_client_metadata"),
        ({"jwks_uri": "https://app.example.test/jwks#key"}, "invalid_client_metadata"),
        ({"jwks_uri": "https:///jwks"}, "invalid_client_metadata"),
        ({"request_uris": ["ftp://app.example.test/r"]}, "invalid_client_metadata"),
        ({"request_uris": ["https://app.example.test/r#a#b"]}, "invalid_client_metadata"),
        ({"request_uris": ["https://app.example.test/" + "r" * 500]}, "invalid_client_metadata"),
        ({"request_uris": [f"https://app.example.test/{n}" for n in range(51)]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_signing_alg": "ES256"}, "invalid_client_metadata"),
        ({**PRIVATE_KEY, "token_endpoint_auth_signing_alg": "HS256"}, "invalid_client_metadata"),
        ({**PRIVATE_KEY, "token_endpoint_auth_signing_alg": "none"}, "invalid_client_metadata"),
        (
            {"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"},
            "invalid_client_metadata",
        ),
        ({"request_object_signing_alg": "none"}, "invalid_client_metadata"),
        ({"request_object_signing_alg": "HS256"}, "invalid_client_metadata"),
        ({"profile": "fapi1"}, "invalid_client_metadata"),
        ({"profile": "fapi2", "id_token_signed_response_alg": "ES256"}, "invalid_client_metadata"),
        ({**PRIVATE_KEY, "profile": "fapi2"}, "invalid_client_metadata"),
        ({**FAPI, "first_party": True, "authorization_challenge": True}, "invalid_client_metadata"),
        ({**FAPI, "require_pkce": False}, "invalid_client_metadata"),
        ({**FAPI, "token_endpoint_auth_signing_alg": "RS256"}, "invalid_client_metadata"),
        ({**FAPI, "request_object_signing_alg": "RS256"}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": ["implicit"], "redirect_uris": []}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"], "redirect_uris": ["http://127.0.0.1/cb"]}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"], "redirect_uris": ["https://localhost/cb"]}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"], "redirect_uris": ["com.example:/cb"]}, "invalid_redirect_uri"),
        ({"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
        ({"introspection_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"introspection_encrypted_response_alg": "RSA1_5"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": ["none"]}, "invalid_client_metadata"),
        ({"response_types": ["code code"]}, "invalid_client_metadata"),
        ({"response_types": ["id_token"]}, "invalid_client_metadata"),
        ({"response_types": ["code id_token"]}, "invalid_client_metadata"),
        ({"response_types": ["code token"], "grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"response_modes": ["web_message"]}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        ({"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata"),
        ({"application_type": "desktop"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none", "require_pkce": False}, "invalid_client_metadata"),
        ({"default_max_age": -1}, "invalid_client_metadata"),
        ({"default_max_age": 10**10}, "invalid_client_metadata"),
        ({"default_max_age": True}, "invalid_client_metadata"),
        ({"default_max_age": "60"}, "invalid_client_metadata"),
        ({"require_auth_time": "yes"}, "invalid_client_metadata"),
        ({"scope": 'a"b'}, "invalid_client_metadata"),
        ({"scope": "a " * 2000}, "invalid_client_metadata"),
        ({"client_name": "x" * 201}, "invalid_client_metadata"),
        ({"client_name": "a\x00b"}, "invalid_client_metadata"),
        ({"client_name": "a\u202eb"}, "invalid_client_metadata"),
        ({"client_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"logo_uri": "file:///etc/passwd"}, "invalid_client_metadata"),
        ({"tos_uri": "not a uri"}, "invalid_client_metadata"),
    ],
)
def test_these_may_not(changes: dict[str, Any], error: str) -> None:
    """RFC 7591 section 3.2.2; A-7, A-10."""
    with pytest.raises(InvalidMetadata) as refused:
        parse_metadata({**WEB, **changes})
    assert refused.value.error == error


VALUES = {
    "redirect_uris": "https://app.example.test/{}",
    "post_logout_redirect_uris": "https://app.example.test/{}",
    "allowed_origins": "https://app{}.example.test",
    "response_types": "code",
    "contacts": "ops{}@example.test",
    "request_uris": "https://app.example.test/{}",
    "private_use_schemes": "app{}",
    "resource_identifiers": "https://api.example.test/{}",
    "exchange_targets": "https://api.example.test/{}",
    "upstream_tokens": "upstream-{}",
    "authorization_details_types": "payment_{}",
    "allowed_roles": "role{}",
    "allowed_groups": "group{}",
    "allowed_networks": "10.0.0.{}",
    "protected_sites": "https://site{}.example.test",
    "assertion_subjects": "repo:octo-org/app{}",
}
"""A value of each list without choices. The numbers make it many."""
WITH: dict[str, dict[str, Any]] = {
    "exchange_targets": {"grant_types": ["authorization_code", TOKEN_EXCHANGE]},
    "upstream_tokens": {"grant_types": ["authorization_code", TOKEN_EXCHANGE]},
    "protected_sites": {"redirect_uris": []},  # each site has one
    "assertion_subjects": {"token_endpoint_auth_method": "federated_jwt", "assertion_issuer": "https://ci.test"},
}
"""What has to be registered together with a list."""


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_list_has_a_limit(name: str) -> None:
    """N-580, RFC 7591 section 3.2.2: so that no request or token grows with what was registered."""
    most, value = MEMBERS[name].most, VALUES.get(name) or MEMBERS[name].choices[0]
    values = [value.format(number) for number in range(most + 1)]
    sent = {**WEB, **WITH.get(name, {})}
    assert len(getattr(parse_metadata({**sent, name: values[:most]}), name)) == most
    with pytest.raises(InvalidMetadata, match=rf"^{name} can have at most {most} \w+, not {most + 1}\.$") as refused:
        parse_metadata({**sent, name: values})
    is_redirect = name in {"redirect_uris", "post_logout_redirect_uris"}
    assert refused.value.error == ("invalid_redirect_uri" if is_redirect else "invalid_client_metadata")


@pytest.mark.parametrize("name", [name for name, member in MEMBERS.items() if member.choices])
def test_every_member_with_choices_refuses_other_values(name: str) -> None:
    """RFC 7591 section 3.2.2: the error names them."""
    choices = ", ".join(MEMBERS[name].choices)
    with pytest.raises(InvalidMetadata) as refused:
        parse_metadata({**WEB, name: ["other"] if name in LISTS else "other"})
    assert str(refused.value) == f"{name} must be one of {choices}, not 'other'."


def test_the_json_of_metadata_has_every_member_with_a_value() -> None:
    for metadata in (ClientMetadata(), parse_metadata({**WEB, **FAPI, "scope": "", "contacts": ["ops@example.test"]})):
        assert metadata.as_json() == {name: value for name, value in asdict(metadata).items() if value is not None}


NO_URLS = (
    "https://[",
    "https://[::1",
    "https://a:x/",
    "https://a\u2100.test/",
    "//",
    "https://",
    "https://a.test/\x00",
)


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if name.endswith(("_uri", "_uris", "_identifiers", "_targets"))]
)
@pytest.mark.parametrize("grant_types", [["authorization_code"], ["authorization_code", "implicit"]])
def test_what_is_no_url_is_refused_wherever_it_stands(name: str, grant_types: list[str]) -> None:
    """A-2, A-101: whichever rule looks at it first."""
    for text in NO_URLS:
        value = [text] if name in LISTS else text
        with pytest.raises(InvalidMetadata):
            parse_metadata({**WEB, "subject_type": "pairwise", "grant_types": grant_types, name: value})


NOTHING: tuple[Any, ...] = (None, "", "  ", "\n", [], {}, [""], [None, " "], {"keys": []}, {"keys": None})
"""The ways in which clients write that a member has no value."""


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_member_may_be_sent_without_a_value(name: str) -> None:
    """RFC 7591 section 2: it counts as left out. Only a client without grants, response types or scopes is one."""
    usual = parse_metadata(WEB)
    for nothing in NOTHING:
        sent = {**WEB, name: nothing}
        if name == "redirect_uris":
            with pytest.raises(InvalidMetadata, match="redirect_uris is required"):
                parse_metadata(sent)
        elif (name, nothing) in [("grant_types", []), ("response_types", []), ("scope", ""), ("scope", "  ")]:
            assert not getattr(parse_metadata(sent), name)
        elif name != "scope" or nothing != "\n":
            assert parse_metadata(sent) == usual, nothing


def test_names_follow_the_rule_for_free_text() -> None:
    sent = {**WEB, "client_name": f"\ufeff{PERSIAN}\n{FAMILY}", "contacts": ["\u202aops@app.example.test\u202c"]}
    metadata = parse_metadata(sent)
    assert (metadata.client_name, metadata.contacts) == (f"{PERSIAN} {FAMILY}", ("ops@app.example.test",))
    for name, value in (("client_name", "Shop\u202e"), ("contacts", ["Shop\u202e"])):
        with pytest.raises(InvalidMetadata, match=rf"{name}: Remove this character: U\+202E RIGHT-TO-LEFT OVERRIDE"):
            parse_metadata({**WEB, name: value})


def test_blanks_in_a_list_are_left_out() -> None:
    """Forms that are split into lines leave them behind."""
    sent = {
        "redirect_uris": ["", URI, None, " "],
        "contacts": ["ops@app.example.test", ""],
        "response_types": ["code", ""],
    }
    metadata = parse_metadata(sent)
    assert (metadata.redirect_uris, metadata.contacts) == ((URI,), ("ops@app.example.test",))
    assert metadata.response_types == ("code",)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"redirect_uris": URI}, "redirect_uris must be a list of strings"),
        ({"redirect_uris": [URI, 5]}, "redirect_uris must be a list of strings; '5' is not one"),
        ({"jwks": "secret"}, "jwks must be a JSON object."),
        ({"default_max_age": "60"}, "default_max_age must be a whole number."),
        ({"require_auth_time": 0}, "require_auth_time must be true or false."),
        ({"client_name": False}, "client_name must be a string."),
    ],
)
def test_a_wrong_type_is_named_with_the_right_one(changes: dict[str, Any], problem: str) -> None:
    """RFC 7591 section 3.2.2; 0 and false are values. What could be a private key is not repeated."""
    with pytest.raises(InvalidMetadata) as refused:
        parse_metadata({**WEB, **changes})
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


names = st.sampled_from([*FIELDS, "x"])
values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.lists(st.text(max_size=20) | st.none(), max_size=3)
)


@given(st.dictionaries(names, values))
def test_no_metadata_raises_anything_but_a_refusal(given_metadata: dict[str, Any]) -> None:
    """RFC 7591 section 3.2.2."""
    try:
        parse_metadata(given_metadata)
    except InvalidMetadata as refused:
        assert refused.error in {"invalid_redirect_uri", "invalid_client_metadata"}  # noqa: PT017  # either is right
