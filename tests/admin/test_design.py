"""The page with all parts that pages are made of, for those who develop Signet."""

import re

import pytest
from starlette.applications import Starlette

from provider.admin.pages.design import ICONS
from provider.config.settings import Settings
from provider.resources import TEMPLATES
from tests.admin.conftest import Console
from tests.support.browser import Browser
from tests.support.installation import settings_for

LOCAL = "http://127.0.0.1:8000"
PARTS = TEMPLATES / "demo/design_parts.html"


class TestInDevelopment:
    @pytest.fixture
    def settings(self, database_url: str) -> Settings:
        return settings_for(database_url, issuer=LOCAL)

    @pytest.fixture
    def browser(self, app: Starlette) -> Browser:
        return Browser(app, LOCAL)

    def test_every_part_is_shown_in_light_and_dark_and_on_a_narrow_screen(self, console: Console) -> None:
        page = console.open("/design")
        assert page.status == 200
        assert page.html.count('<iframe src="/admin/design/parts?scheme=light"') == 1
        assert page.html.count('<iframe class="narrow" src="/admin/design/parts?scheme=dark"') == 1
        for path in ("", "?scheme=light", "?scheme=dark"):
            parts = console.open(f"/design/parts{path}")
            assert parts.status == 200
            assert "frame-ancestors 'self'" in parts.response.headers["content-security-policy"]
            for icon in ICONS:
                assert f"<code>{icon}</code>" in parts.html, icon
        assert "preview.css?scheme=dark" in parts.html


def test_it_does_not_exist_in_production(console: Console) -> None:
    assert console.open("/design").status == 404
    assert console.open("/design/parts").status == 404


def test_every_field_and_notice_is_among_the_parts() -> None:
    used = PARTS.read_text("utf-8")
    for path in (TEMPLATES / "macros/forms.html", TEMPLATES / "macros/notices.html"):
        names = re.findall(r"{% macro ([a-z]\w*)\(", path.read_text("utf-8"))
        assert names, path
        for name in names:
            assert re.search(rf"{{{{ (.*\W)?{name}\(", used), f"show {name} of {path.name} in {PARTS.name}"
