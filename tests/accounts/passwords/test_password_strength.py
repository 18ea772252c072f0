"""How strong a new password looks: told to a script, at a bounded cost, and deciding nothing."""

import re
import string
from concurrent.futures import ThreadPoolExecutor
from math import prod
from types import SimpleNamespace
from urllib.parse import urlencode

import httpx2
import pytest
import zxcvbn_rs_py
from hypothesis import given
from hypothesis import strategies as st

from provider.accounts.pages.password_strength import password_strength
from provider.accounts.passwords.password_strength import LENGTH, LETTERS_OF_SIGNS, READINGS, Strength, strength_of
from provider.accounts.passwords.passwords import problem_of
from provider.ratelimits import LIMITS
from provider.routes import routes
from provider.work import Installation
from tests.oauth.store.test_indexes import executed
from tests.support import forking
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_user
from tests.support.inbox import Inbox
from tests.support.installation import Work, settings_for
from tests.support.people import ADDRESS, forgot_password, sign_in, sign_up

SETTINGS = settings_for("sqlite:///unused.db")
PATH = "/password-strength"


def score(password: str, *about: str) -> int:
    return strength_of(SETTINGS, password, about=about).score


# The estimate


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("", 0),
        ("kT7#pq2", 0),  # too short
        ("password1", 0),
        ("aaaaaaaaaaaaaaaaaaaa", 0),
        ("purple purple dog", 2),
        ("kT7#pq2w", 2),
        ("kT7#pq2w9X", 3),
        ("correct horse battery staple", 4),
        ("4@8({[<3691!|$5+%", 4),
        ("我的密码很长不好猜", 3),
    ],
)
def test_scores_are_those_of_zxcvbn(password: str, expected: int) -> None:
    assert score(password) == expected


def test_what_would_be_refused_is_as_weak_as_can_be() -> None:
    """The word beside the field must not praise what the form then refuses."""
    for password in ("lovelace.ada", "signet123", "x" * 5000, "\U0001f511" * 300, "P@ssw0rd"):
        assert problem_of(SETTINGS, password, about=("ada.lovelace@example.test",)) is not None
        assert score(password, "ada.lovelace@example.test") == 0


def test_the_words_around_a_person_make_a_password_weaker() -> None:
    password = "lovelace.turing.example"
    assert score(password, "ada.lovelace@example.test", "Alan Turing") < score(password)


@given(st.text(min_size=8, max_size=90), st.lists(st.text(max_size=30), max_size=4))
def test_every_text_has_a_strength(password: str, about: list[str]) -> None:
    assert 0 <= score(password, *about) <= 4


SIGNS = "".join(sorted(set("".join(LETTERS_OF_SIGNS))))


def test_the_signs_that_count_as_letters_are_those_of_the_library() -> None:
    """A sign counts when a word in which it replaces a letter is as easy to guess as that word."""
    found = {}
    for letter in string.ascii_lowercase:
        word = f"qj{letter}vkwyqh"
        easy = {sign for sign in string.punctuation + string.digits if guesses(f"qj{sign}vkwyqh", word) < 1e5}
        if easy:
            found[letter] = easy
    assert list(found) == list("abcegilostxz")
    assert list(found.values()) == [set(signs) for signs in LETTERS_OF_SIGNS]


def guesses(password: str, word: str) -> int:
    return zxcvbn_rs_py.zxcvbn(password, [word]).guesses


@given(st.text(st.sampled_from(SIGNS + "abcxyz \u0130"), min_size=12, max_size=2000))
def test_the_estimate_sees_little_and_few_readings_of_it(password: str) -> None:
    """Some 70 characters of signs that may stand for letters would hold every thread up for seconds."""
    seen: list[str] = []

    def watched(password: str, _words: list[str]) -> SimpleNamespace:
        seen.append(password)
        return SimpleNamespace(score=4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zxcvbn_rs_py, "zxcvbn", watched)
        strength = strength_of(SETTINGS, password, about=())
    for text in seen:
        assert len(text) == min(LENGTH, len(password))
        assert prod(max(1, len(set(signs) & set(text))) for signs in LETTERS_OF_SIGNS) <= READINGS
    assert (strength.score == 4) == bool(seen)


@pytest.mark.parametrize("password", ["P@$$w0rd!1", "p4ssw0rd@!|({", "qwerty!@#$%^", "$unf10w3r(["])
def test_a_weak_password_in_other_signs_stays_weak(password: str) -> None:
    assert score(password) <= int(zxcvbn_rs_py.zxcvbn(password).score) <= 2


def test_half_a_surrogate_pair_is_one_more_character() -> None:
    assert score("kT7#pq2w9X\ud83d", "\ud83d" * 3) >= 3


def test_estimates_at_the_same_time_do_not_mix_up_whose_words_count() -> None:
    people = [("lovelacexq7", "lovelacexq@example.test"), ("hopperbz3", "hopperbz@example.test")] * 40
    alone = {person: strength_of(SETTINGS, person[0] + " ox", about=(person[1],)) for person in set(people)}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: strength_of(SETTINGS, each[0] + " ox", about=(each[1],)), people))
    assert together == [alone[person] for person in people]


def test_each_score_has_a_word() -> None:
    assert [Strength(number).word for number in range(5)] == ["very weak", "weak", "fair", "good", "strong"]


def test_a_process_that_nobody_asks_does_not_load_the_lists() -> None:
    """They take 120 ms and 8 MB."""
    code = (
        "import sys; from provider import app, routes; from provider.config.settings import Settings; "
        "from provider.worker import background; routes.routes(Settings()); sys.exit('zxcvbn_rs_py' in sys.modules)"
    )
    assert forking.run([], code=code, env={}).returncode == 0


# What the page's script asks


def ask(browser: Browser, password: str, *, site: str = "same-origin", query: str = "", **form: str) -> httpx2.Response:
    """With the token of the page the browser is at."""
    if "csrf_token" not in form and browser.page is not None:
        found = re.search(r'name="csrf_token" value="([^"]+)"', browser.page.html)
        form["csrf_token"] = found[1] if found else ""
    headers = {"sec-fetch-site": site, "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"password": password, **form})
    return browser.client.post(PATH + query, content=body, headers=headers)


def test_the_answer_is_a_score_and_a_word_in_the_language_of_the_page(browser: Browser) -> None:
    browser.open("/signup")
    answer = ask(browser, PASSWORD)
    assert (answer.status_code, answer.json()) == (200, {"score": 4, "word": "strong"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert ask(browser, PASSWORD, query="?ui_locales=de").json() == {"score": 4, "word": "stark"}
    assert ask(browser, "", query="?ui_locales=fr").json() == {"score": 0, "word": "très faible"}
    assert ask(browser, "lovelace turing", email="ada.lovelace@example.test", name="Turing").json()["score"] == 0


@pytest.mark.parametrize(
    ("site", "form"),
    [("cross-site", {}), ("same-site", {}), ("same-origin", {"csrf_token": "x"}), ("same-origin", {"csrf_token": ""})],
)
def test_nobody_but_our_own_page_is_answered(browser: Browser, site: str, form: dict[str, str]) -> None:
    """A-29: as the form itself, so that no other site has a network's room used up."""
    browser.open("/signup")
    answer = ask(browser, PASSWORD, site=site, **form)
    assert answer.status_code == 403
    assert "score" not in answer.json()


def test_it_can_only_be_posted(browser: Browser) -> None:
    """A password does not get into an address."""
    assert browser.client.get(f"{PATH}?password=x").status_code == 405


def test_a_network_is_answered_a_hundred_and_twenty_times_a_minute(
    browser: Browser, installation: Installation
) -> None:
    browser.open("/signup")
    for _ in range(119):
        installation.counter.hit(LIMITS.password_strength, "password-strength:127.0.0.1")
    assert ask(browser, PASSWORD).status_code == 200
    refused = ask(browser, PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) <= 60
    # And it changes nothing for the form.
    assert browser.submit({"email": ADDRESS, "password": PASSWORD}).title.startswith("Check your email")


def test_nothing_is_asked_of_the_database_kept_or_logged(
    browser: Browser, installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    browser.open("/signup")
    with executed(installation.database.engine) as statements:
        assert ask(browser, "a very private thought", name="Secret Admirer").status_code == 200
    assert statements == {}
    told = "".join(capsys.readouterr())
    assert "private" not in told
    assert "Admirer" not in told


def test_it_works_on_the_pages_of_whoever_is_signed_in_or_resets(browser: Browser, work: Work, inbox: Inbox) -> None:
    with work() as w:
        make_user(w, name="Augusta King", nickname="Enchantress")
    forgot_password(browser)
    browser.open(inbox.latest(ADDRESS).link)
    assert ask(browser, PASSWORD, username=ADDRESS).json()["score"] == 4
    # The link of the letter shows whose password it is to be; while it works.
    token = inbox.latest(ADDRESS).link.partition("token=")[2]
    assert ask(browser, "augusta enchantress", token=token).json()["score"] == 0
    assert ask(browser, "augusta enchantress", token=token + "x").json()["score"] > 0
    browser.submit({"password": PASSWORD})
    browser.open("/signup")
    assert ask(browser, "augusta enchantress", token=token).json()["score"] > 0
    # Whoever knows an address does not learn a name by it.
    assert ask(browser, "augusta enchantress", username=ADDRESS).json()["score"] > 0
    sign_in(browser)
    browser.open("/account/password")
    assert ask(browser, "ada@example1", username=ADDRESS).json()["score"] == 0
    assert ask(browser, "augusta enchantress").json()["score"] == 0


def test_it_does_not_run_where_tokens_are_made() -> None:
    assert password_strength.hashes_passwords


@pytest.mark.parametrize("feature", ["registration", "reset-passwords", "update-passwords"])
def test_it_is_there_while_any_page_has_a_new_password(feature: str) -> None:
    def paths(features: set[str]) -> set[str]:
        settings = settings_for("sqlite:///unused.db", features=features)
        return {getattr(route, "path", "") for route in routes(settings)}

    assert PATH in paths({feature})
    assert PATH not in paths({"two-factor", "email-verification", "update-profile"})


# The fields it stands beside


FIELD = re.compile(r'<input[^>]*type="password"[^>]*>')


def test_password_fields_are_made_for_managers_and_for_paste(browser: Browser, work: Work, inbox: Inbox) -> None:
    """ASVS v5.0.0-6.2.6, 6.2.7; WCAG 2.2 SC 3.3.8: the right names, no limit that cuts, nothing in the way of paste."""
    with work() as w:
        make_user(w)
    pages = {
        "sign-up": (browser.open("/signup"), ["new-password"]),
        "sign-in": (browser.open("/login"), ["current-password"]),
    }
    forgot_password(browser)
    pages["reset"] = (browser.open(inbox.latest(ADDRESS).link), ["new-password"])
    sign_in(browser)
    pages["change"] = (browser.open("/account/password"), ["current-password", "new-password"])
    for name, (page, kinds) in pages.items():
        fields = FIELD.findall(page.html)
        assert len(fields) == len(kinds), name
        for field, kind in zip(fields, kinds, strict=True):
            assert f'autocomplete="{kind}"' in field, name
            assert "maxlength" not in field
            assert "pattern=" not in field
            assert 'spellcheck="false"' in field
            assert 'autocapitalize="off"' in field
            assert "readonly" not in field
            assert re.search(r'\sname="(password|current)"', field)
        # A manager stores the password with what stands beside it.
        assert re.search('autocomplete="username( webauthn)?"', page.html), name
        assert page.html.count("data-strength=") == kinds.count("new-password"), name
        assert not re.search(r"onpaste|oncopy|ondrop", page.html)


def test_without_scripts_there_is_nothing_to_see_of_it(browser: Browser) -> None:
    page = browser.open("/signup")
    [meter] = re.findall(r'<div class="strength"[^>]*>', page.html)
    assert meter.endswith(" hidden>")
    assert sign_up(browser).title.startswith("Check your email")
