"""What the pages promise and can be checked without a browser: contrast, sizes, no third parties, honest forms."""

import re
from typing import Any

import pytest

from provider.resources import TEMPLATES
from provider.web.pages import environment

CSS = (TEMPLATES / "static" / "signet.css").read_text()


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.DOTALL)[:2]
    found = {
        name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for name, block in (("light", light), ("dark", dark))
    }
    return {"light": found["light"], "dark": {**found["light"], **found["dark"]}}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


TEXT = [
    ("ink", "paper"), ("ink", "card"), ("ink", "tint"), ("soft-ink", "paper"), ("soft-ink", "card"),
    ("soft-ink", "tint"),
    ("link", "paper"), ("link", "card"), ("link", "tint"), ("link", "note-tint"), ("link", "good-tint"),
    ("link-strong", "card"), ("on-accent", "accent"), ("on-accent", "accent-strong"),
    ("bad", "card"), ("bad", "bad-tint"), ("good", "good-tint"), ("ink", "note-tint"),
    ("ink", "bad-tint"), ("ink", "good-tint"), ("on-seal", "seal"),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXT, ids="-on-".join)
def test_text_stands_out(scheme: str, pair: tuple[str, str]) -> None:
    """WCAG 2.2 SC 1.4.3."""
    colours = palettes()[scheme]
    assert contrast(colours[pair[0]], colours[pair[1]]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("surface", ["card", "paper"])
def test_the_borders_of_fields_can_be_seen(scheme: str, surface: str) -> None:
    """WCAG 2.2 SC 1.4.11."""
    colours = palettes()[scheme]
    assert contrast(colours["field-line"], colours[surface]) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("strength", ["weak", "fair", "strong"])
def test_the_bar_beside_a_new_password_can_be_seen(scheme: str, strength: str) -> None:
    """WCAG 2.2 SC 1.4.11; its length and a word say the same as its colour (SC 1.4.1)."""
    colours = palettes()[scheme]
    assert contrast(colours[strength], colours["card"]) >= 3


def test_no_text_is_smaller_than_16_pixels() -> None:
    sizes = re.findall(r"(?:font-size: |font: (?:\d+ )?)(\d*\.?\d+)rem", CSS)
    assert sizes
    assert all(float(size) >= 1 for size in sizes)


def test_nothing_comes_from_another_site_and_it_is_small() -> None:
    files = [path for path in (TEMPLATES / "static").iterdir() if path.is_file()]
    assert files
    for path in files:
        text = path.read_text(errors="replace").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "http://" not in text
        assert "https://" not in text
        assert "@import" not in text
    assert sum(path.stat().st_size for path in files) < 85_000


def test_every_layout_can_be_mirrored() -> None:
    """For languages from right to left: where CSS has a logical property, no rule names a side (CSS Logical 1)."""
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    sides = r"[\w-]*-(?:left|right)(?:-[\w-]+)?|left|right|float|clear"
    named = re.findall(rf"(?<![\w-])(?:{sides}):[^;}}]+|text-align: (?:left|right)", rules)
    lengths = re.findall(r"(?<![\w-])((margin|padding|inset|border-(?:width|color|style)): ([^;}]+))", rules)
    four = [(rule, re.findall(r"(?:[^\s(]|\([^)]*\))+", value)) for rule, _, value in lengths]
    named += [rule for rule, values in four if len(values) == 4 and values[1] != values[3]]
    assert named == ["border-width: 0 2px 2px 0"]  # a corner that is turned to point down


def test_no_template_holds_inline_script_or_style() -> None:
    """The content security policy would drop them; letters are not pages."""
    pages = [path for path in TEMPLATES.rglob("*.html") if "mail" not in path.relative_to(TEMPLATES).parts]
    assert pages
    for path in pages:
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text), path
        assert not re.search(r"<script(?! nonce=)", text), path


# The macros


def macro(name: str, *arguments: Any, **named: Any) -> str:
    made = getattr(environment().get_template("macros/forms.html").module, name)
    return str(made(*arguments, **named))


def test_a_field_is_tied_to_its_label_hint_and_error() -> None:
    html = macro("field", "email", "Email", hint="Yours", error="Wrong", value='a"<b>', autocomplete="email")
    assert '<label for="email">Email</label>' in html
    assert 'aria-describedby="email-hint email-error"' in html
    assert 'aria-invalid="true"' in html
    assert 'value="a&#34;&lt;b&gt;"' in html
    assert 'id="email-error"' in html


def test_a_password_is_never_sent_back() -> None:
    html = macro("field", "password", "Password", type="password", value="secret", autocomplete="current-password")
    assert "secret" not in html
    assert 'spellcheck="false"' in html
    assert 'data-hide="Hide" aria-label="Show or hide password" hidden>Show</button>' in html


def test_further_attributes_are_escaped_and_may_be_bare() -> None:
    html = macro("field", "a", "A", attributes={"required": True, "title": '"x"'}, data_some=1, readonly=False)
    assert " required" in html
    assert 'title="&#34;x&#34;"' in html
    assert 'data-some="1"' in html
    assert "readonly" not in html


def test_the_error_summary_leads_to_the_fields() -> None:
    html = macro("error_summary", {"email": "Enter an <address>", "": "Try again"})
    assert 'role="alert"' in html
    assert "There is a problem" in html
    assert '<a href="#email">Enter an &lt;address&gt;</a>' in html
    assert "<li>Try again</li>" in html
    assert macro("error_summary", {}).strip() == ""
