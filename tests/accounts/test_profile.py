"""What a person says about themselves: every standard claim, checked, and absent rather than empty."""

import unicodedata
from typing import Any

import pytest

from provider.accounts import profile
from provider.accounts.profile import FIELDS, parse_profile
from provider.accounts.store import users
from provider.oauth.scopes import CLAIMS_OF_SCOPE
from tests.support.browser import Browser
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
    "birthdate": "1815-12-10",
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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 101),
        ("nickname", "two\u2028lines\u202e"),
        ("profile", "javascript:alert(1)"),
        ("website", "https://"),
        ("website", "https://a b.example"),
        ("website", "http://[::1"),
        ("birthdate", "1815-13-10"),
        ("birthdate", "1815-02-29"),
        ("birthdate", "0000"),
        ("birthdate", "10.12.1815"),
        ("birthdate", "١٨١٥"),
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


@pytest.mark.parametrize("point", TURNING, ids=[f"U+{point:04X}" for point in TURNING])
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
