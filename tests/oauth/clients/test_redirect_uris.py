"""Which redirect URIs may be registered, and which of those that come are registered ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.config.uri_schemes import NEVER, problem_with_scheme
from provider.oauth.clients.redirect_uris import NO_DOT, csp_source, csp_sources, host_of, is_registered, problem_with

REGISTERED = "https://app.test/cb"
NATIVE = ("http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.test/cb",
        "https://app.test/cb?tenant=1&x=%20",
        "https://app.test:8443/cb",
        "https://app.test",
        "https://app.test/a%23b",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
        "com.example.app:/cb",
        "com.example.app://host/cb",
    ],
)
def test_these_may_be_registered(uri: str) -> None:
    """RFC 6749 section 3.1.2, RFC 8252 section 7."""
    assert problem_with(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "app.test/cb",
        "//app.test/cb",
        "https:///cb",
        "https://app.test/cb#",
        "https://app.test/cb#x",
        "http://app.test/cb",
        "http://127.0.0.2/cb",
        "http://0.0.0.0/cb",
        "http://2130706433/cb",
        "https://*.app.test/cb",
        "https://app.test/*",
        "https://evil@app.test/cb",
        "https://app.test@evil.test/cb",
        "https://a@b@app.test/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "https://app.test\\@evil.test/cb",
        "https://app.test:99999/cb",
        "https://[::1/cb",
        "https://app.test/c b",
        "https://app.test/cb\n",
        "https://äpp.test/cb",
        "https://app.test/<cb>",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://app.test/x",
        "myapp:/cb",
        " javascript:alert(1)",
        "\tjavascript:alert(1)",
        "\njavascript:alert(1)",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://app.test/" + "x" * 2000,
    ],
)
def test_these_may_not_be_registered(uri: str) -> None:
    """RFC 9700 section 2.1, RFC 8252 section 8.4; A-2, A-7, A-8, A-10."""
    assert problem_with(uri) is not None


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("cursor://anysphere.cursor-retrieval/oauth/callback", "cursor"),
        ("Cursor://callback", "cursor"),
        ("raycast://oauth?package_name=x", "raycast"),
        ("msal1234:/auth", "msal1234"),
        ("web+app:cb", "web+app"),
    ],
)
def test_a_private_use_scheme_without_a_dot_needs_an_operators_word(uri: str, scheme: str) -> None:
    """RFC 8252 section 8.4."""
    assert problem_with(uri, schemes=("other",)) == NO_DOT
    assert problem_with(uri, schemes=("other", scheme)) is None


@pytest.mark.parametrize(
    "scheme", [*sorted(NEVER), "", "cursor:", "cursor://", "Cursor", "1cursor", "cur sor", "*", "ä"]
)
def test_what_belongs_to_no_app_cannot_be_allowed(scheme: str) -> None:
    """RFC 8252 section 8.4; A-10: not even by an operator."""
    assert problem_with_scheme(scheme) is not None
    if scheme not in {"http", "https"}:
        assert problem_with(f"{scheme}:alert(1)", schemes=(scheme,)) is not None


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.test.evil.test/cb",
        "https://evilapp.test/cb",
        "https://app.test:444/cb",
        "https://app.test:443/cb",
        "http://app.test/cb",
        "https://appxtest/cb",
        "https://app.test@evil.test/cb",
        "https://evil@app.test/cb",
        "https://app.test/cb/",
        "https://app.test/cb/../x",
        "https://app.test/cb/%2e%2e/x",
        "https://app.test/cb/..;/x",
        "https://app.test/cb%252f..%252fx",
        "https://app.test/cb;p=1",
        "https://APP.test/cb",
        "HTTPS://app.test/cb",
        "https://app.test/%63b",
        "https://app.test/CB",
        "https://app.test/cb#x",
        "https://app.test/cb#",
        "https://app.test/cb?",
        "https://app.test/cb?x=1",
        " https://app.test/cb",
        "https://app.test/cb\x00",
    ],
)
def test_what_only_looks_like_the_registered_uri_is_refused(uri: str) -> None:
    """RFC 9700 section 2.1: characters are compared, nothing else; A-1, A-2, A-3, A-6, A-7."""
    assert not is_registered(uri, (REGISTERED,))


def test_the_registered_uri_itself_is_accepted() -> None:
    """RFC 9700 section 2.1."""
    assert is_registered(REGISTERED, ("https://other.test/cb", REGISTERED))


@given(position=st.integers(0, len(REGISTERED) - 1), byte=st.integers(0, 255))
def test_any_one_changed_byte_is_refused(position: int, byte: int) -> None:
    """RFC 9700 section 2.1."""
    changed = REGISTERED[:position] + chr(byte) + REGISTERED[position + 1 :]
    assert is_registered(changed, (REGISTERED,)) == (changed == REGISTERED)


@given(position=st.integers(0, len(REGISTERED)), inserted=st.characters())
def test_any_one_inserted_character_is_refused(position: int, inserted: str) -> None:
    """RFC 9700 section 2.1."""
    assert not is_registered(REGISTERED[:position] + inserted + REGISTERED[position:], (REGISTERED,))


@pytest.mark.parametrize(
    ("registered", "uri"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65535/cb"),
        ("http://127.0.0.1:8400/cb", "http://127.0.0.1:8401/cb"),
        ("http://127.0.0.1:8400/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:0/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1:/cb", "http://127.0.0.1:49152/cb"),
        ("http://127.0.0.1", "http://127.0.0.1:33418"),
        ("http://127.0.0.1/", "http://127.0.0.1:33418"),
        ("http://127.0.0.1:33418", "http://127.0.0.1:33418/"),
        ("http://127.0.0.1/cb/", "http://127.0.0.1:8400/cb/"),
        ("http://127.0.0.1/cb?tool=x&y=%7e", "http://127.0.0.1:8400/cb?tool=x&y=%7e"),
        ("http://127.0.0.1?tool=x", "http://127.0.0.1:8400/?tool=x"),
        ("http://[::1]/cb", "http://[::1]:49152/cb"),
        ("http://[::1]:8400", "http://[::1]:8401/"),
        ("http://localhost/cb", "http://localhost:49152/cb"),
        ("http://localhost:3000/oauth/callback", "http://localhost:3001/oauth/callback"),
        ("http://localhost", "http://localhost:49152/"),
    ],
)
def test_a_loopback_uri_is_accepted_at_any_port(registered: str, uri: str) -> None:
    """RFC 8252 section 7.3 (MUST), RFC 9700 section 2.1 for localhost; whatever else is registered beside it."""
    assert problem_with(registered) is None
    assert is_registered(uri, ("https://app.test/cb", registered))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:8000/cb/",
        "https://127.0.0.1:8000/cb",
        "http://127.0.0.2:8000/cb",
        "http://0.0.0.0:8000/cb",
        "http://localhost:8000/cb",
        "http://LOCALHOST:8000/cb",
        "http://localhost.evil.test:8000/cb",
        "http://localhost@evil.test:8000/cb",
        "http://localhost.:8000/cb",
        "http://[0:0:0:0:0:0:0:1]:8000/cb",
        "http://127.0.0.1:8000/cb?x=1",
        "http://127.0.0.1:8000/cb#x",
        "http://127.0.0.1:8000\\@evil.test/cb",
        "http://127.0.0.1:8000//cb",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/cb\n",
        "http://127.0.0.1:000000080/cb",
        "http://2130706433:8000/cb",
        "http://0x7f.1:8000/cb",
        "http://0177.0.0.1:8000/cb",
        "http://127.1:8000/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:٣/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://[::1%25eth0]:80/cb",
        "com.example.app:8000/cb",
    ],
)
def test_a_loopback_uri_is_compared_in_everything_but_the_port(uri: str) -> None:
    """RFC 8252 section 7.3; A-8."""
    assert not is_registered(uri, NATIVE)


@pytest.mark.parametrize("uri", ["https://localhost:8000/cb", "https://127.0.0.1:8000/cb", "https://app.test:8000/cb"])
def test_an_https_uri_has_no_freedom_of_port(uri: str) -> None:
    """RFC 9700 section 2.1; A-8."""
    assert not is_registered(uri, ("https://localhost/cb", "https://127.0.0.1/cb", "https://app.test/cb"))


@pytest.mark.parametrize("uri", ["http://127.0.0.1:*/cb", "http://localhost:*/cb", "HTTP://[::1]:*/cb"])
def test_a_wildcard_for_the_port_is_refused_with_what_to_do(uri: str) -> None:
    """RFC 8252 section 7.3: no port is needed."""
    assert "any port is accepted" in str(problem_with(uri))


@given(st.text(max_size=60))
def test_no_text_makes_the_comparison_fail(text: str) -> None:
    assert problem_with(text) is None or isinstance(problem_with(text), str)
    assert is_registered(text, (REGISTERED,)) == (text == REGISTERED)


def test_a_page_may_send_its_form_to_the_origin_of_the_redirect_uri_only() -> None:
    """RFC 9700 section 4.16; A-52."""
    assert csp_source("https://app.test:8443/cb?x=1") == "https://app.test:8443"
    assert csp_source("com.example.app:/cb") == "com.example.app:"


def test_an_ipv6_address_is_no_csp_source_so_its_scheme_is_named() -> None:
    """CSP Level 3 section 2.3.1: browsers drop the source, and would keep the person from the app."""
    assert csp_source("http://[::1]:8080/cb") == "http:"


def test_sources_of_many_uris_are_named_once_and_fit_into_a_header() -> None:
    """Nginx answers 502 to response headers of more than 4 kB, unless it is told otherwise."""
    few = [f"https://app{number % 20}.example.test/{number}" for number in range(200)]
    assert csp_sources(few) == tuple(f"https://app{number}.example.test" for number in range(20))
    many = [f"https://app{number}.example.test/cb" for number in range(200)]
    assert csp_sources(["com.example.app:/cb", *many, "http://[::1]/cb"]) == ("com.example.app:", "https:", "http:")
    assert csp_sources([]) == ()


@given(st.text(alphabet="https://a.b;,'[]:@-", max_size=30).map(lambda text: f"https://{text}"))
def test_no_redirect_uri_writes_into_the_policy(uri: str) -> None:
    """CSP Level 3 section 2.2: `;` ends a directive, `,` a policy, a space a source."""
    if problem_with(uri) is None:
        assert not {" ", ";", ","} & set(csp_source(uri))


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://app.test:8443/cb", "app.test"),
        ("http://[::1]:80/cb", "::1"),
        ("com.example.app://bank.test/cb", ""),
        ("cursor://bank.test/cb", ""),
        ("com.example.app:/cb", ""),
        ("", ""),
    ],
)
def test_only_a_web_address_has_a_host_that_a_user_can_check(uri: str, host: str) -> None:
    """RFC 9700 section 4.11: behind a private-use scheme an app may write the name of a bank."""
    assert host_of(uri) == host
