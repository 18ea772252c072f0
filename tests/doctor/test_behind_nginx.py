"""signet doctor against a real service behind a real nginx with TLS, as it is shipped and broken in many ways."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from provider.doctor import limits
from provider.doctor.examination import Case
from provider.doctor.registry import EXAMINATIONS
from provider.doctor.resolver import SystemResolver
from provider.doctor.transport import NetworkTransport
from provider.installation import open_installation
from tests.support.certificates import Authority
from tests.support.doctor import found_by
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.nginx import configuration, find_nginx, nginx
from tests.support.server_process import free_port, serving, signet

pytestmark = [pytest.mark.slow, pytest.mark.race]

OUTSIDE = tuple(each for each in EXAMINATIONS if each.group in {"address", "tls", "proxy", "browser", "metadata"})
ALWAYS = {"tls.no-http2"}
"""The shipped file has no HTTP/2, because the line for it differs between versions of nginx."""
XFF = "proxy_set_header X-Forwarded-For $remote_addr;"
HOST = "proxy_set_header Host $http_host;"
PASS = "proxy_pass http://signet;"
KEY_CACHE = 10
"""Seconds."""
VERSIONS = "ssl_protocols TLSv1.2 TLSv1.3;"


@dataclass(frozen=True)
class Place:
    case: Case
    conf: str
    folder: Path
    port: int


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    find_nginx()
    folder = tmp_path_factory.mktemp("doctor")
    authority = Authority(folder)
    certificate = authority.issue_file("localhost", expires=timedelta(days=90))
    port, node = free_port(), free_port()
    database_url = f"sqlite:///{folder}/signet.db"
    settings = {
        "SIGNET_ISSUER": f"https://localhost:{port}",
        "SIGNET_DATABASE_URL": database_url,
        "SIGNET_SECRET_KEY": SECRET_KEY,
        "SIGNET_TRUSTED_PROXIES": "127.0.0.2",
        "SIGNET_BCRYPT_COST": "4",
        "SIGNET_KEY_CACHE": str(KEY_CACHE),
    }
    assert signet("migrate", settings=settings).returncode == 0
    conf = configuration(port=port, http_port=free_port(), nodes=(node, node), certificate=certificate)
    # The proxy has an address of its own, as if it were another machine than the doctor's.
    conf = conf.replace(PASS, f"{PASS} proxy_bind 127.0.0.2;")
    own = settings_for(
        database_url,
        issuer=settings["SIGNET_ISSUER"],
        trusted_proxies=frozenset({"127.0.0.2"}),
        key_cache=KEY_CACHE,  # as the service has it, or keys that it does not publish yet would be missed
    )
    installation = open_installation(own)
    case = Case(
        url=settings["SIGNET_ISSUER"],
        transport=NetworkTransport(str(authority.file)),
        resolver=SystemResolver(),
        installation=installation,
    )
    with serving(settings, port=node):
        yield Place(case, conf, folder, port)
    installation.database.close()


def found(place: Place, conf: str) -> set[str]:
    with nginx(place.folder, port=place.port, signet_conf=conf):
        return set(found_by(place.case, OUTSIDE)) - ALWAYS


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 2.0)


def test_the_shipped_configuration_is_fit(place: Place) -> None:
    assert found(place, place.conf) == set()


def test_http2_is_asked_with_a_request(place: Place) -> None:
    """RFC 9113: nginx answers it."""
    with nginx(place.folder, port=place.port, signet_conf=place.conf.replace(" ssl;", " ssl http2;")):
        found = found_by(place.case, [each for each in OUTSIDE if each.name == "versions"])
    assert found == {}


def test_several_breakages_are_named_together(place: Place) -> None:
    """The one of these tests that runs for each change."""
    conf = place.conf.replace("client_max_body_size 17m;", "").replace(XFF, "")
    lines = "proxy_hide_header Strict-Transport-Security; proxy_cookie_path / /auth; gzip on; gzip_proxied any;"
    conf = conf.replace(PASS, f"{lines} add_header X-Frame-Options SAMEORIGIN; proxy_buffer_size 2k; {PASS}")
    conf = conf.replace("location / {", "location /static/ { return 404; } location / {")
    assert found(place, conf) == {
        "proxy.upload-limit",
        "proxy.client-address-can-be-claimed",
        "proxy.response-header-limit",
        "tls.hsts-is-lost",
        "browser.cookie-is-changed",
        "browser.pages-are-compressed",
        "browser.security-headers-are-doubled",
        "browser.files-are-missing",
    }


def swapped(old: str, new: str) -> Callable[[str], str]:
    def swap(conf: str) -> str:
        assert old in conf
        return conf.replace(old, new)

    return swap


def beside(line: str) -> Callable[[str], str]:
    return swapped(PASS, f"{line} {PASS}")


@pytest.mark.parametrize(
    ("broken", "names"),
    [
        (swapped("client_max_body_size 17m;", "client_max_body_size 10k;"), {"proxy.form-limit", "proxy.upload-limit"}),
        (swapped("client_max_body_size 17m;", ""), {"proxy.upload-limit"}),
        (swapped(HOST, ""), {"address.host-is-changed", "proxy.host-is-changed"}),
        (swapped(XFF, ""), {"proxy.client-address-can-be-claimed"}),
        (swapped(XFF, 'proxy_set_header X-Forwarded-For "";'), {"proxy.client-address-can-be-claimed"}),
        (swapped("proxy_bind 127.0.0.2;", "proxy_bind 127.0.0.3;"), {"proxy.is-not-trusted"}),
        (beside("proxy_hide_header Strict-Transport-Security;"), {"tls.hsts-is-lost"}),
        (beside("proxy_hide_header Set-Cookie;"), {"browser.cookie-is-lost"}),
        (beside("proxy_cookie_path / /auth;"), {"browser.cookie-is-changed"}),
        (beside("proxy_cookie_flags ~ nosecure;"), {"browser.cookie-is-changed"}),
        (beside("add_header X-Frame-Options SAMEORIGIN;"), {"browser.security-headers-are-doubled"}),
        (beside("proxy_hide_header Content-Security-Policy;"), {"browser.security-headers-are-lost"}),
        (beside("gzip on; gzip_proxied any;"), {"browser.pages-are-compressed"}),
        (beside("add_header Access-Control-Allow-Origin * always;"),
         {"browser.pages-are-open-to-other-sites", "metadata.cors-is-doubled"}),
        (beside("proxy_read_timeout 1s;"), {"proxy.timeout"}),
        (swapped("client_max_body_size 17m;", "client_max_body_size 17m; large_client_header_buffers 2 2k;"),
         {"proxy.request-header-limit"}),
        (beside("proxy_buffer_size 2k; proxy_busy_buffers_size 8k;"), {"proxy.response-header-limit"}),
        (swapped(VERSIONS, "ssl_protocols TLSv1.2;"), {"tls.no-1.3"}),
        (swapped(VERSIONS, "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers DEFAULT:@SECLEVEL=0;"),
         {"tls.old-version"}),
        (swapped(VERSIONS, f"{VERSIONS} ssl_ciphers ALL:eNULL:@SECLEVEL=0;"), {"tls.weak-suites"}),
        (swapped(XFF, f'{XFF} proxy_set_header Authorization "";'), {"proxy.headers-are-lost"}),
        (swapped("location / {", "location /static/ { return 404; } location / {"), {"browser.files-are-missing"}),
        (swapped("location / {", "location = /oauth2/jwks { return 404; } location / {"),
         {"metadata.no-keys", "metadata.not-json"}),
        (swapped(PASS, "return 502;"), {"address.no-node"}),
        (swapped("proxy_pass http://signet;", "proxy_pass http://signet/;"), {"proxy.paths-are-changed"}),
        (swapped("location / {", "location = /device { return 404; } location / {"), {"proxy.paths-are-missing"}),
        (swapped("location / {", "location = /oauth2/par { return 301 /oauth2/par/; } location / {"),
         {"proxy.paths-are-redirected"}),
        (beside('if ($http_user_agent ~ "python|Go-http") { return 403; }'), {"proxy.apps-are-blocked"}),
        (beside("if ($request_method = HEAD) { return 405; }"), {"proxy.head-is-blocked"}),
        (beside("if ($request_method = OPTIONS) { return 405; }"),
         {"proxy.options-is-blocked", "metadata.cors-is-lost"}),
        (beside("proxy_redirect / http://127.0.0.1:8001/;"), {"browser.redirects-are-changed"}),
        (beside("proxy_http_version 1.0;"), {"proxy.http-1.0"}),
        (beside("add_header Clear-Site-Data '\"cookies\"';"), {"browser.cookies-are-cleared"}),
        (swapped(PASS, "return 301 https://www.example.com;"), {"address.is-redirected"}),
    ],
)  # fmt: skip
@pytest.mark.nightly
def test_a_broken_nginx_is_named(place: Place, broken: Callable[[str], str], names: set[str]) -> None:
    assert found(place, broken(place.conf)) - {"doctor.no-answer"} == names
