"""The configuration of proxies that we ship and document: what each of them must do for Signet."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import yaml

from provider.oauth.http.metadata import ALIASED
from provider.oauth.protected_resources import SCOPES_OF_RESOURCE
from tests.support.client_certificates import HEADER
from tests.support.nginx import BELOW_A_PATH, SHIPPED, WITH_CERTIFICATES, configuration_below_a_path, nginx
from tests.support.server_process import REPOSITORY, free_port
from tests.support.site_proxies import Proxy, caddy_with, site_at, with_caddy, with_envoy, with_nginx, with_traefik

FORWARD_AUTH = REPOSITORY / "deploy/forward-auth"
COMPOSE = REPOSITORY / "docker-compose.yml"
OF_SIGNET = re.compile(r"http://(signet|\$signet:8000|127\.0\.0\.1:8000)(/.*)?")
"""Where the files find Signet, as `proxy_pass` has it."""


@dataclass
class Block:
    """A block of nginx, such as `location / {`, with its directives in order."""

    name: tuple[str, ...]
    around: "Block | None" = None
    directives: list[tuple[str, ...]] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)

    def everywhere(self) -> Iterator["Block"]:
        yield self
        for block in self.blocks:
            yield from block.everywhere()

    def effective(self, name: str) -> list[tuple[str, ...]]:
        """As nginx inherits: those of the block itself, or else those around it."""
        own = [directive[1:] for directive in self.directives if directive[0] == name]
        return own or ([] if self.around is None else self.around.effective(name))


def read(text: str) -> Block:
    """Included files are put in their place."""
    top = block = Block(())
    words: list[str] = []
    for word in re.findall(r'"[^"]*"|[;{}](?=\s|$)|[^\s;"]+(?:;(?=\S)[^\s;"]+)*', re.sub(r"(?m)(^|\s)#.*$", "", text)):
        if word == "{":
            block.blocks.append(Block(tuple(words), block))
            block, words = block.blocks[-1], []
        elif word == "}":
            assert block.around is not None
            block = block.around
        elif word != ";":
            words.append(word.strip('"'))
            continue
        elif words[0] == "include":
            block.directives += read((FORWARD_AUTH / Path(words[1]).name).read_text()).directives
        else:
            block.directives.append(tuple(words))
        words = []
    return top


def text_of(file: Path) -> str:
    if file != COMPOSE:
        return file.read_text()
    content: str = yaml.safe_load(file.read_text())["configs"]["proxy"]["content"]
    return content.replace("$$", "$")


NGINX = (SHIPPED, WITH_CERTIFICATES, BELOW_A_PATH, FORWARD_AUTH / "nginx.conf", COMPOSE)


def to_signet(file: Path) -> list[Block]:
    """The blocks of a file that pass requests to Signet."""
    found = [
        block
        for block in read(text_of(file)).everywhere()
        if any(one[0] == "proxy_pass" and OF_SIGNET.fullmatch(one[1]) for one in block.directives)
    ]
    assert found, file
    return found


def test_every_shipped_nginx_replaces_the_certificate_that_clients_claim() -> None:
    """RFC 9440 section 4.1: a proxy must remove the field from requests, or set it."""
    files = {path for path in (REPOSITORY / "deploy").rglob("*.conf") if "proxy_pass " in path.read_text()}
    assert files | {COMPOSE} == set(NGINX)
    for file in NGINX:
        for block in to_signet(file):
            values = [value for name, value in block.effective("proxy_set_header") if name.lower() == HEADER]
            assert values == ["$ssl_client_escaped_cert" if file == WITH_CERTIFICATES else ""], (file, block.name)


def test_every_shipped_nginx_accepts_what_signet_accepts_and_sends() -> None:
    """An import of users, and the redirect to an app with a long state, as `signet doctor` recommends."""
    for file in NGINX:
        for block in to_signet(file):
            size = ("0",) if block.name == ("location", "=", "/signet-auth") else ("17m",)
            if file.parent != FORWARD_AUTH or size == ("0",):
                assert block.effective("client_max_body_size") == [size], (file, block.name)
            assert block.effective("proxy_buffer_size") == [("8k",)], (file, block.name)


def test_the_host_of_certificates_passes_on_all_that_takes_certificates_and_no_pages() -> None:
    """RFC 8705 section 3: a bound token works only where its certificate can be shown."""
    [block] = to_signet(WITH_CERTIFICATES)
    location, kind, pattern = block.name
    assert (location, kind) == ("location", "~")
    resources = {path for path in SCOPES_OF_RESOURCE if path}
    for path in (*ALIASED.values(), *resources, *(f"{path}/x" for path in resources - set(ALIASED.values()))):
        assert re.search(pattern, path), path
    for path in ("/login", "/account", "/admin", "/oauth2/authorize", "/oauth2/userinfo/x", "/ssfx", "/x/api/"):
        assert not re.search(pattern, path), path


@contextmanager
def nginx_below_a_path(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    with nginx(folder, port=port, signet_conf=configuration_below_a_path(port=port, node=signet, strips=True)):
        yield


@contextmanager
def documented_caddy(folder: Path, port: int, signet: int, site: int) -> Iterator[None]:
    """The Caddyfile of docs/operate/deploy.md."""
    page = (REPOSITORY / "docs/operate/deploy.md").read_text()
    [text] = re.findall(r"```text\n(id\.example\.com \{\n.*?)```", page, re.DOTALL)
    text = text.replace("id.example.com {", f"http://127.0.0.1:{port} {{\n    bind 127.0.0.1").replace(
        "8001", str(signet)
    )
    with caddy_with(folder, port, text.replace(" 127.0.0.1:8002", "")):
        yield


@pytest.mark.slow
@pytest.mark.parametrize(
    "proxy", [nginx_below_a_path, documented_caddy, with_nginx, with_caddy, with_traefik, with_envoy]
)
def test_no_client_claims_a_certificate_through_a_shipped_proxy(proxy: Proxy, tmp_path: Path) -> None:
    """N-625: what reaches Signet of a header that a client without the key sends, in several spellings."""
    port, signet = free_port(), free_port()
    with site_at(signet), proxy(tmp_path, port, signet, free_port()):
        url = f"http://127.0.0.1:{port}/{'auth/' if proxy is nginx_below_a_path else ''}.signet/x"
        forged = [("Client-Cert", "x"), ("CLIENT-CERT", "x"), ("client-cert", "x")]
        received = httpx2.get(url, headers=forged).json()
    assert received["uri"] == "/.signet/x"
    assert not [value for name, value in received["headers"] if name.lower() == HEADER and value]
