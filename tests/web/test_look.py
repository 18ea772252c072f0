"""A brand on the pages: a stylesheet of custom properties, a logo, an icon, the color of the browser's frame."""

import io
import re
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from provider.branding.logo import Image as Logo
from provider.branding.palette import DARK, LIGHT, ON_SEAL, SEAL
from provider.config.settings import Settings
from provider.web.look import Look, look_of
from tests.support.installation import settings_for
from tests.support.server_process import REPOSITORY
from tests.test_look import CSS, contrast, palettes

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def brand() -> dict[str, Any]:
    """What the test's installation has of its own."""
    return {
        "brand": "<b>Kestrel",
        "brand_accent": "#ffd500",
        "brand_paper": "#fff8e1",
        "brand_logo": Logo(".svg", "image/svg+xml", SVG),
        "brand_logo_dark": Logo(".png", "image/png", png()),
    }


@pytest.fixture
def settings(database_url: str, brand: dict[str, Any]) -> Settings:
    return settings_for(database_url, **brand)


def asset_urls(page: str) -> list[str]:
    return re.findall(r'(?:href|src|srcset)="(/static/[^"]+)"', page)


def test_a_page_refers_to_everything_by_its_content(client: TestClient, settings: Settings) -> None:
    """So that it may be kept for ever (A-98), and a changed brand is seen at once."""
    page = client.get("/login").text
    names = ["favicon.svg", "newsreader.woff2", "signet.css", "brand.css", "signet.js", "logo-dark.png", "logo.svg"]
    urls = asset_urls(page)
    assert [re.match(r"/static/([a-z0-9.-]+)\?v=[0-9a-f]{12}$", url)[1] for url in urls] == names  # type: ignore[index]
    assert page.index("signet.css") < page.index("brand.css")
    for url in urls:
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
    other = look_of(settings.model_copy(update={"brand_accent": "#0b3d2e"}))
    assert {asset.url for asset in other.assets}.isdisjoint(urls[0:4:3])


def test_the_colors_are_custom_properties_and_nothing_else(client: TestClient) -> None:
    answer = client.get("/static/brand.css")
    assert answer.headers["content-type"].startswith("text/css")
    left = re.sub(r"--[a-z-]+: (#[0-9a-f]{6}|var\(--tint\));", "", answer.text)
    assert set(re.sub(r"@media screen( and \(prefers-color-scheme: dark\))?|:root|[{}\s]", "", left)) == set()
    own = re.findall(r"--([a-z-]+):", answer.text)
    assert set(own) <= set(re.findall(r"--([a-z-]+):", CSS))
    light, dark = answer.text.split("@media screen and")
    assert "--accent: #ffd500;" in light
    assert "--paper: #fff8e1;" in light
    assert f"--paper: {DARK.paper};" in dark


def test_the_logo_stands_for_the_brand(client: TestClient) -> None:
    page = client.get("/login").text
    assert re.search(r'<img class="logo" src="/static/logo.svg\?v=\w+" alt="&lt;b&gt;Kestrel">', page)
    assert re.search(
        r'<source srcset="/static/logo-dark.png\?v=\w+" media="screen and \(prefers-color-scheme: dark', page
    )
    assert 'class="seal"' not in page


@pytest.mark.parametrize("name", ["logo.svg", "favicon.svg"])
def test_a_drawing_that_is_opened_by_itself_can_do_nothing(client: TestClient, name: str) -> None:
    """A-95: an SVG file is a document."""
    answer = client.get(f"/static/{name}")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def test_the_png_logo_is_served_as_one(client: TestClient) -> None:
    answer = client.get("/static/logo-dark.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == png()


def test_the_frame_of_the_browser_follows_the_paper_and_the_icon_the_accent(client: TestClient) -> None:
    page = client.get("/login").text
    assert '<meta name="theme-color" content="#fff8e1" media="(prefers-color-scheme: light)">' in page
    assert f'<meta name="theme-color" content="{DARK.paper}" media="(prefers-color-scheme: dark)">' in page
    icon = client.get("/static/favicon.svg").text
    assert 'fill="#ffd500"' in icon
    assert "&lt;</text>" in icon


@pytest.mark.parametrize("brand", [{}])
def test_without_a_brand_the_pages_are_ours(client: TestClient, brand: dict[str, Any]) -> None:
    page = client.get("/login").text
    assert "brand.css" not in page
    assert "<picture" not in page
    assert '<span class="seal" aria-hidden="true">S</span>' in page
    assert f'content="{LIGHT.paper}"' in page
    assert client.get("/static/brand.css").status_code == 404
    assert client.get("/static/logo.svg").status_code == 404
    icon = client.get("/static/favicon.svg").text
    assert SEAL in icon
    assert ">S</text>" in icon
    assert (palettes()["light"]["seal"], palettes()["light"]["on-seal"]) == (SEAL, ON_SEAL)
    assert contrast(SEAL, ON_SEAL) >= 4.5


@pytest.mark.parametrize(
    "brand", [{"brand_paper_dark": "#000000"}, {"brand_accent_dark": "#ffd500"}, {"brand_accent": "#0b3d2e"}]
)
def test_one_color_leaves_the_others_ours(settings: Settings, brand: dict[str, Any]) -> None:
    css = stylesheet(look_of(settings))
    light, dark = css.split("@media screen and")
    assert ("--accent:" in light) == ("brand_accent" in brand)
    assert ("--accent:" in dark) == ("brand_paper_dark" not in brand)
    assert f"--paper: {brand.get('brand_paper_dark', DARK.paper)};" in dark


@pytest.mark.parametrize("name", ["../layout.html", "..%2flayout.html", "nothing.css", "brand.css.map", "%00"])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    """A-96."""
    assert client.get(f"/static/{name}").status_code == 404


def test_the_contract_names_every_property_there_is(database_url: str) -> None:
    """docs/guides/branding.md: a name that goes, or comes, goes and comes there too."""
    documented = (REPOSITORY / "docs/guides/branding.md").read_text()
    assert set(re.findall(r"`--([a-z-]+)`", documented)) == set(re.findall(r"--([a-z-]+):", CSS))
    blocks = re.findall(r"{% block (\w+) %}", (REPOSITORY / "templates/layout.html").read_text())
    assert blocks
    for block in blocks:
        assert f"`{block}`" in documented


def stylesheet(look: Look) -> str:
    assert look.stylesheet is not None
    return look.stylesheet.content.decode()


def test_text_is_sent_compressed_to_those_who_accept_it(client: TestClient) -> None:
    """RFC 9110 section 8.4.1.3. A cache keeps both apart (section 12.5.5)."""
    urls = asset_urls(client.get("/login").text)
    assert urls
    for url in urls:
        plain = client.get(url, headers={"accept-encoding": "identity"})
        packed = client.get(url, headers={"accept-encoding": "br, gzip"})
        assert plain.content == packed.content
        assert "content-encoding" not in plain.headers
        is_text = url.split("?")[0].endswith((".css", ".js", ".svg")) and len(plain.content) > 200
        assert packed.headers.get("content-encoding") == ("gzip" if is_text else None), url
        if is_text:
            assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
            assert int(packed.headers["content-length"]) < len(plain.content)


def test_pages_are_not_compressed(client: TestClient) -> None:
    """What is secret in them could be told by their length (BREACH)."""
    assert "content-encoding" not in client.get("/login", headers={"accept-encoding": "gzip"}).headers
