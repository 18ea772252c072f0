"""Users whose password has the hash of another system: every page that checks it, and what becomes of the hash."""

import time

import pytest
from starlette.testclient import TestClient

from provider.accounts.passwords import imported_hashes, passwords
from provider.accounts.passwords.imported_hashes import missing_costs
from provider.accounts.passwords.passwords import is_password_of
from provider.accounts.registration import create_user
from provider.accounts.store import passwords as stored
from provider.crypto.passwords import decoy, hash_password, is_own_hash
from provider.crypto.passwords import is_password as is_password_of_hash
from provider.crypto.vault import Vault
from provider.work import Installation
from tests.support.browser import Browser
from tests.support.factories import PASSWORD, make_client
from tests.support.installation import Work
from tests.support.people import ADDRESS, sign_in
from tests.support.relying_party import challenge_of

ARGON2 = "$argon2id$v=19$m=64,t=1,p=1$iRvARtROa+K9zO5bGi+5Bw$XYjyk3u4luk6QuJdHVI+7VoM582zUBLs978Hs5rK9DQ"
DJANGO = "pbkdf2_sha256$1000$aRHWTwvxfKF4xoSNDFJABh$RBeqLdtKFugHzWaAvwtV6nx7y2IlRBfcjwDoyw962YQ="
NEW = "a brand new and long password"


@pytest.fixture
def ada(work: Work) -> str:
    with work() as w:
        return create_user(w, email=ADDRESS, password=None, verified=True, password_hash=ARGON2)


def find_stored(work: Work, user_id: str) -> stored.StoredPassword:
    with work() as w:
        found = stored.find_stored(w.read, user_id)
    assert found is not None
    return found


@pytest.mark.both_databases
def test_the_first_sign_in_replaces_the_hash_with_one_of_ours(browser: Browser, work: Work, ada: str) -> None:
    before = find_stored(work, ada)
    assert before.imported is not None
    assert ARGON2 not in before.imported  # it is encrypted: it may be weaker than ours
    assert sign_in(browser, password="not this one").status == 400
    assert find_stored(work, ada) == before
    assert sign_in(browser).path == "/account"
    after = find_stored(work, ada)
    assert after.imported is None
    assert is_own_hash(after.hash)
    assert is_password_of_hash(PASSWORD, after.hash)
    assert sign_in(browser).path == "/account"


def test_every_way_to_check_a_password_knows_an_imported_one(
    browser: Browser, client: TestClient, work: Work, ada: str, installation: Installation
) -> None:
    """The page, an app of ours (draft-ietf-oauth-first-party-apps), and the change of the password."""
    with work() as w:
        app, secret = make_client(w, first_party=True, authorization_challenge=True, scope="openid profile")
    form = {"client_id": app.client_id, "username": ADDRESS, "password": PASSWORD, "scope": "openid"}
    proof = {"code_challenge": challenge_of("v" * 43), "code_challenge_method": "S256", "response_type": "code"}
    auth = (app.client_id, secret or "")
    assert client.post("/oauth2/authorize-challenge", data={**form, **proof}, auth=auth).status_code == 200
    assert find_stored(work, ada).imported is None
    with work() as w:
        bob = create_user(w, email="bob@example.test", password=None, verified=True, password_hash=DJANGO)
        assert not is_password_of(w, bob, "wrong")
        assert is_password_of(w, bob, PASSWORD)
    assert sign_in(browser, "bob@example.test").path == "/account"
    with work() as w:  # as if it had not been replaced
        again = imported_hashes.stored_hash(w, bob, DJANGO)
        stored.remove(w.db, bob)
        stored.add_all(w.db, {bob: again}, now=w.now)
    browser.open("/account/password")
    assert "Wrong password" in browser.submit({"Current password": "wrong", "New password": NEW}).text
    browser.submit({"Current password": PASSWORD, "New password": NEW})
    changed = find_stored(work, bob)
    assert changed.imported is None
    assert is_password_of_hash(NEW, changed.hash)


def test_a_new_password_ends_the_imported_one_also_from_an_earlier_release(work: Work, ada: str) -> None:
    """N-294: a node of the release before replaces `hash` only."""
    with work() as w:
        row = stored.passwords.c
        hashed = hash_password(NEW, cost=4)
        w.db.execute(stored.passwords.update().where(row.user_id == ada).values(hash=hashed))
    with work() as w:
        assert not is_password_of(w, ada, PASSWORD)
        assert is_password_of(w, ada, NEW)
        assert passwords.stronger_hash(w, ada, NEW) is None


def test_an_imported_hash_is_of_one_user_only(work: Work, ada: str) -> None:
    """N-295: it can't be moved to another row of the table."""
    with work() as w:
        bob = create_user(w, email="bob@example.test", password=None, verified=True, password_hash=DJANGO)
        theirs = stored.find_stored(w.read, ada)
        assert theirs is not None
        stored.remove(w.db, bob)
        stored.add_all(w.db, {bob: theirs}, now=w.now)
    with work() as w, pytest.raises(Exception, match="cannot be decrypted"):
        is_password_of(w, bob, PASSWORD)


def test_what_is_missing_to_a_check_of_ours_is_made_up_for() -> None:
    """A-61: the work after a wrong password adds up to one check with our work factor."""
    for done in (0.0, 100.0, 1000.0, 3000.0):
        costs = missing_costs(done, probe=9, cost=12)
        total = done + 2**9 + sum(2**cost for cost in costs)
        assert 2**12 - 2**4 <= total <= 2**12, done
        assert len(set(costs)) == len(costs)
    assert missing_costs(10_000.0, probe=9, cost=12) == []
    assert missing_costs(0.0, probe=4, cost=4) == []


@pytest.mark.parametrize("hashed", [ARGON2, DJANGO])
def test_a_wrong_password_takes_as_long_as_for_an_unknown_account(
    work: Work, installation: Installation, monkeypatch: pytest.MonkeyPatch, hashed: str
) -> None:
    """N-296: processor time, so that a busy machine does not decide."""
    stronger = installation.settings.model_copy(update={"bcrypt_cost": 8})
    object.__setattr__(installation, "settings", stronger)
    monkeypatch.setattr(time, "perf_counter", time.thread_time)
    with work() as w:
        user_id = create_user(w, email=ADDRESS, password=None, verified=True, password_hash=hashed)
    decoy(8)

    def cost_of(whose: str | None) -> float:
        with work() as w:
            began = time.thread_time()
            assert not is_password_of(w, whose, "wrong")
            return time.thread_time() - began

    unknown = min(cost_of(None) for _ in range(3))
    assert 0.5 < min(cost_of(user_id) for _ in range(3)) / unknown < 2


def test_a_hash_that_can_not_be_decrypted_is_no_verdict(work: Work, ada: str, installation: Installation) -> None:
    """An outage never looks like a wrong password."""
    object.__setattr__(installation, "vault", Vault(("another key of the installation, which is long enough",)))
    with work() as w, pytest.raises(Exception, match="cannot be decrypted"):
        is_password_of(w, ada, PASSWORD)
