"""What a person says about themselves: every standard claim, checked, and absent rather than empty."""

import unicodedata
from typing import Any

import pytest

from provider.accounts import profile
from provider.accounts.profile import FIELDS, parse_profile
from provider.accounts.store import users
from provider.languages import regions
from provider.languages.catalogs import LANGUAGES
from provider.oauth.scopes import CLAIMS_OF_SCOPE
from tests.support.browser import Browser
from tests.support.cases import in_one_world
from tests.support.clock import Clock
from tests.support.factories import make_user
from tests.support.installation import Work
from tests.support.names import NAMES
from tests.support.people import find_user, sign_in

FILLED = {
    "name": "Ada King",
    "given_name": "Ada",
    "middle_name": "Augusta",
    "family_name": "King",
    "nickname": "Ada",
    "preferred_username": "ada",
    "profile": "https://example.test/ada",
    "website": "http://ada.example.test/?a=b",
    "gender": "female",
    "birthdate-day": "10",
    "birthdate-month": "12",
    "birthdate-year": "1815",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 (20) 7946-0018",
    "street_address": "12 St James's Square",
    "locality": "London",
    "region": "Middlesex",
    "postal_code": "SW1Y 4JH",
    "country": "United Kingdom",
}


@pytest.fixture
def ada(work: Work, browser: Browser) -> str:
    with work() as w:
        user_id = make_user(w, name="Ada", picture="https://elsewhere.example/ada.png", favourite_number=12)
    sign_in(browser)
    return user_id


def test_claims_that_were_imported_and_are_no_text_are_empty_fields(browser: Browser, work: Work) -> None:
    with work() as w:
        make_user(w, name=["Ada"], nickname=None, locale=7, address="12 St James's Square", picture=3)
    sign_in(browser)
    assert browser.open("/account").status == 200
    page = browser.open("/account/profile")
    assert [field.value for field in page.forms[0].fields if field.name in {"name", "street_address"}] == ["", ""]


def test_every_standard_claim_is_edited_on_one_page(browser: Browser, ada: str, work: Work, clock: Clock) -> None:
    """Replaces: profile, password, confirm-password."""
    clock.advance(minutes=1)
    browser.open("/account/profile")
    page = browser.submit(FILLED)
    assert page.path == "/account/profile"
    assert "Profile saved." in page.text
    user = find_user(work)
    assert user.claims["phone_number"] == "+442079460018"
    assert user.claims["phone_number_verified"] is False
    assert user.claims["address"]["locality"] == "London"
    assert user.claims["birthdate"] == "1815-12-10"
    standard = {*CLAIMS_OF_SCOPE["profile"], *CLAIMS_OF_SCOPE["address"], *CLAIMS_OF_SCOPE["phone"]} - {"updated_at"}
    assert standard <= user.claims.keys()
    assert user.updated_at == clock.now
    assert user.claims["favourite_number"] == 12
    shown = browser.open("/account/profile").form(action="/account/profile")
    assert [field.value for field in shown.fields if field.name == "zoneinfo"] == ["Europe/London"]


def test_an_emptied_field_is_a_claim_that_is_gone(browser: Browser, ada: str, work: Work) -> None:
    """OIDC Core section 5.3.2."""
    browser.open("/account/profile")
    browser.submit(FILLED)
    browser.open("/account/profile")
    browser.submit(dict.fromkeys(FILLED, " "))
    assert find_user(work).claims == {"picture": "https://elsewhere.example/ada.png", "favourite_number": 12}


@in_one_world(
    ("field", "value"),
    [
        ("name", "x" * 101),
        ("nickname", "two\u2028lines\u202e"),
        ("profile", "javascript:alert(1)"),
        ("website", "https://"),
        ("website", "https://a b.example"),
        ("website", "http://[::1"),
        ("zoneinfo", "Mars/Olympus"),
        ("zoneinfo", "../../etc/passwd"),
        ("locale", "english please"),
        ("locale", "e"),
        ("phone_number", "020 7946 0018"),
        ("phone_number", "+0123456789"),
        ("phone_number", "+1234567890123456"),
        ("postal_code", "x" * 21),
    ],
)
def test_what_is_no_such_claim_is_refused_and_kept_in_the_form(
    browser: Browser, ada: str, work: Work, field: str, value: str
) -> None:
    browser.open("/account/profile")
    page = browser.submit({field: value, "gender": "mine"})
    assert page.status == 400
    assert page.title.startswith("Error: ")
    assert f'href="#{field}"' in page.html
    assert "gender" not in find_user(work).claims
    kept = {one.name: one.value for one in page.form(action="/account/profile").fields}
    assert kept["gender"] == "mine"


@pytest.mark.parametrize("value", ["1815", "0000-02-29", "2000-02-29", "1815-12-10"])
def test_three_forms_of_a_birthdate(value: str) -> None:
    """OIDC Core section 5.1."""
    assert profile.parse_profile({"birthdate": value}) == ({"birthdate": value}, {})


@pytest.mark.parametrize("value", ["1815-13-10", "1815-02-29", "0000", "10.12.1815", "\u0661\u0668\u0661\u0665"])
def test_any_other_form_of_a_birthdate_is_refused(value: str) -> None:
    assert list(profile.parse_profile({"birthdate": value})[1]) == ["birthdate"]


def test_a_date_of_birth_is_typed_in_three_fields(browser: Browser, ada: str, work: Work) -> None:
    """OIDC Core section 5.1: with a year of 0000, or as a year alone."""
    for day, month, year, claim in (
        ("10", "12", "1815", "1815-12-10"),
        ("1", "2", "2000", "2000-02-01"),
        ("29", "02", "", "0000-02-29"),
        ("", "", "1815", "1815"),
        ("\u0661\u0660", "12", "1815", "1815-12-10"),
        ("", "", "", None),
    ):
        typed = {"birthdate-day": day, "birthdate-month": month, "birthdate-year": year}
        browser.open("/account/profile")
        assert "Profile saved." in browser.submit(typed).text
        assert find_user(work).claims.get("birthdate") == claim
        shown = {field.name: field.value for field in browser.open("/account/profile").form("birthdate-day").fields}
        expected = {"birthdate-day": day.lstrip("0"), "birthdate-month": month.lstrip("0"), "birthdate-year": year}
        assert {name: shown[name] for name in typed} == expected | ({"birthdate-day": "10"} if "\u0660" in day else {})


def test_a_date_that_does_not_exist_is_refused_and_kept_in_the_form(browser: Browser, ada: str, work: Work) -> None:
    for typed in (("29", "2", "1815"), ("10", "13", "1815"), ("10", "", "1815"), ("", "12", ""), ("a", "b", "c"),
                  ("1", "1", "15"), ("", "", "0000"), ("1-", "1", "2000")):  # fmt: skip
        browser.open("/account/profile")
        fields = dict(zip(("birthdate-day", "birthdate-month", "birthdate-year"), typed, strict=True))
        page = browser.submit(fields)
        assert page.status == 400, typed
        assert "Enter a real date" in page.text
        assert 'href="#birthdate"' in page.html
        assert page.html.count('id="birthdate"') == 1
        kept = {field.name: field.value for field in page.form("birthdate-day").fields}
        assert {name: kept[name] for name in fields} == fields
        assert "birthdate" not in find_user(work).claims


def test_values_that_no_field_offers_are_kept_until_they_are_changed(browser: Browser, ada: str, work: Work) -> None:
    """Imported claims may be in any form."""
    imported = {
        "birthdate": "10.12.1815",
        "zoneinfo": "Europe/Atlantis",
        "locale": "english",
        "phone_number": "020 7946 0018",
        "website": "ada.example",
        "address": {"country": "GB"},
    }
    with work() as w:
        users.set_claims(w.db, ada, imported, now=w.now)
    page = browser.open("/account/profile")
    assert '<option value="Europe/Atlantis" selected>' in page.html
    assert "Profile saved." in browser.submit({"nickname": "Ada"}).text
    claims = find_user(work).claims
    assert {name: claims[name] for name in imported} == imported
    browser.open("/account/profile")
    assert browser.submit({"website": "ada.example.test"}).status == 400


@pytest.mark.parametrize(
    ("tag", "country", "language", "zone"),
    [
        ("en", "Germany", '"fr-CA">Canadian French<', '"Europe/Berlin">Germany, Berlin<'),
        ("de", "Deutschland", '"fr-CA">Franz\u00f6sisch (Kanada)<', '"Africa/Cairo">\u00c4gypten, Kairo<'),
        ("fr", "Allemagne", '"fr-CA">fran\u00e7ais canadien<', '"Europe/London">Royaume-Uni, Londres<'),
    ],
)
def test_countries_languages_and_time_zones_are_in_the_language_of_the_page(
    browser: Browser, ada: str, tag: str, country: str, language: str, zone: str
) -> None:
    page = browser.open(f"/account/profile?ui_locales={tag}")
    assert f'<option value="{country}">' in page.html
    assert language in page.html
    assert zone in page.html
    assert len(page.html) < 100_000


def test_every_choice_is_a_value_that_the_claim_may_have() -> None:
    for language in LANGUAGES.values():
        for name, choices in (("locale", regions.languages(language)), ("zoneinfo", regions.time_zones(language))):
            for value in choices:
                assert parse_profile({name: value}) == ({name: value}, {}), value
        for country in regions.countries(language):
            assert parse_profile({"country": country}) == ({"address": {"country": country}}, {}), country


@pytest.mark.parametrize("value", ["en", "fr-CA", "zh-Hant-TW", "de-DE-1996", "sl-rozaj-biske", "en-u-ca-gregory"])
def test_shapes_of_a_language_tag(value: str) -> None:
    """RFC 5646 section 2.1."""
    assert profile.parse_profile({"locale": value}) == ({"locale": value}, {})


def test_a_verified_number_stays_so_while_it_is_the_same(work: Work, ada: str) -> None:
    def say(number: str) -> dict[str, Any]:
        with work() as w:
            profile.change_profile(w, user_id=ada, claims=profile.parse_profile({"phone_number": number})[0])
        return find_user(work).claims

    with work() as w:
        verified = {"phone_number": "+442079460018", "phone_number_verified": True}
        users.set_claims(w.db, ada, verified, now=w.now)
    assert say("+44 20 7946 0018")["phone_number_verified"] is True
    assert say("+44 20 7946 0019")["phone_number_verified"] is False
    assert "phone_number_verified" not in say("")


@pytest.mark.parametrize("payload", ["<svg onload=alert(1)>", "{{7*7}}", '"><script>x</script>', "${7*7}"])
def test_what_a_person_writes_is_text_on_every_page(browser: Browser, ada: str, payload: str) -> None:
    """A-95."""
    browser.open("/account/profile")
    assert browser.submit({"name": payload}).status == 200
    for path in ("/account/profile", "/account"):
        page = browser.open(path)
        assert "<svg onload" not in page.html
        assert "<script>x" not in page.html
    assert payload in page.text


def test_a_signed_out_visitor_is_sent_to_sign_in(browser: Browser) -> None:
    assert browser.open("/account/profile").path == "/login"


TURNING = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2062, 0xE0041, 0x3164, 0xE000]


@in_one_world("point", TURNING)
def test_no_name_turns_the_text_around_it(browser: Browser, ada: str, work: Work, point: int) -> None:
    """N-37: marks of direction and letters nobody sees make one name look like another, or a page read backwards."""
    name, before = f"Ada{chr(point)}Lovelace", find_user(work).claims
    browser.open("/account/profile")
    page = browser.submit({"name": name})
    assert page.status == 400
    assert f"Remove this character: U+{point:04X}" in page.text
    assert find_user(work).claims == before
    for field in FIELDS:
        claims, errors = parse_profile({field.name: name})
        assert not claims, field.name
        assert errors, field.name


def test_the_names_that_people_have_are_kept_as_they_are(browser: Browser, ada: str, work: Work) -> None:
    for name in NAMES.values():
        browser.open("/account/profile")
        assert browser.submit({"name": f"\ufeff{name}", "nickname": name}).path == "/account/profile"
        kept = find_user(work).claims
        assert kept["name"] == kept["nickname"] == unicodedata.normalize("NFC", name)


def test_a_phone_number_is_read_as_phones_paste_it() -> None:
    for typed in ("\u202a+44 20 7946\u00a00018\u202c", "\uff0b44 (20) 7946\u20110018", "+\u0664\u0664 20 79460018."):
        assert parse_profile({"phone_number": typed}) == ({"phone_number": "+442079460018"}, {}), typed


def test_a_form_changes_what_it_shows_and_nothing_else(browser: Browser, ada: str, work: Work) -> None:
    """N-38: what an operator or a proof decides is not the person's to say (A-59)."""
    page = browser.open("/account/profile")
    csrf = page.form(action="/account/profile").find("csrf_token")
    assert csrf is not None
    said = {
        "csrf_token": csrf.value,
        "name": "Ada King",
        "email": "eve@example.test",
        "email_verified": "true",
        "phone_number_verified": "true",
        "sub": "somebody",
        "roles": "admin",
        "status": "ACTIVE",
        "picture": "https://evil.example/x.png",
        "updated_at": "0",
        "favourite_number": "13",
    }
    assert browser.client.post("/account/profile", data=said).status_code == 303
    user = find_user(work)
    assert user.claims == {"name": "Ada King", "picture": "https://elsewhere.example/ada.png", "favourite_number": 12}
    assert user.roles == []
