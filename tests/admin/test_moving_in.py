"""Users who move here from another Signet: with their own id, and a password hash as Signet stores it."""

from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest
from sqlalchemy import func, select

from provider.accounts import registration
from provider.accounts.registration import IdTaken
from provider.accounts.store import passwords
from provider.accounts.store.users import users
from provider.crypto.passwords import hash_password, is_own_hash
from provider.database.base import NOBODY
from provider.work import Installation, unit_of_work
from tests.admin.conftest import Program
from tests.support.browser import Browser
from tests.support.inbox import Inbox
from tests.support.installation import Work
from tests.support.people import ADDRESS, sign_in

OWN = "6f3b2c1d-8e4a-4c57-9d21-0a1b2c3d4e5f"
HASH = "$2b$04$Uw8xO7USBAjKLrgFt6PcIe3/DUN3e4e2nHGi76GeP70fMGueaBoum"
"""Of PASSWORD, with the cost of the tests."""
SALTED = HASH.removeprefix("$2b$04$")


def problem(answer: object) -> str:
    return str(answer.json()["type"]).removeprefix("urn:signet:problem:")  # type: ignore[attr-defined]


@pytest.mark.also_on_postgresql
def test_a_user_brings_the_id_and_the_password_along(operator: Program, browser: Browser, inbox: Inbox) -> None:
    made = operator("POST", "/users", email=ADDRESS, id=OWN, password_hash=HASH)
    assert made.status_code == 201, made.text
    assert (made.json()["id"], made.json()["has_password"]) == (OWN, True)
    assert HASH not in made.text
    assert operator.get(f"/users/{OWN}")["email"] == ADDRESS
    assert sign_in(browser, password="not this one").status == 400
    assert sign_in(browser).path == "/account"
    assert inbox.letters() == []


def test_an_invited_user_may_bring_the_id(operator: Program, inbox: Inbox) -> None:
    assert operator("POST", "/users", email=ADDRESS, id=OWN, invite=True).json()["id"] == OWN
    assert inbox.latest(ADDRESS).subject == "You've been invited to Signet"


@pytest.mark.also_on_postgresql
def test_an_id_that_somebody_has_is_refused(operator: Program, ada: str, work: Work) -> None:
    """OIDC Core section 2: a `sub` is never given to another user."""
    refused = operator("POST", "/users", email="bob@example.test", id=ada, password_hash=HASH)
    assert (refused.status_code, problem(refused)) == (409, "id-taken")
    assert operator.get("/users?email=bob@example.test")["users"] == []
    with work() as w:
        assert passwords.find(w.read, ada) != HASH


@pytest.mark.also_on_postgresql
@pytest.mark.race
def test_of_two_users_with_one_id_at_once_one_is_created(installation: Installation, work: Work) -> None:
    def create(number: int) -> str:
        try:
            with unit_of_work(installation) as w:
                email = f"user{number}@example.test"
                return registration.create_user(w, email=email, password=None, verified=True, user_id=OWN)
        except IdTaken:
            return "taken"

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(create, range(4)))
    assert outcomes == [OWN, "taken", "taken", "taken"]
    with work() as w:
        assert w.read.scalar(select(func.count()).select_from(users)) == 1


def test_an_id_that_would_be_stored_otherwise_is_refused(operator: Program) -> None:
    for user_id in (
        "",
        "7",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        OWN.upper(),
        NOBODY,
        OWN.replace("-", ""),
        f"{{{OWN}}}",
        f" {OWN}",
    ):
        refused = operator("POST", "/users", email=ADDRESS, id=user_id)
        assert problem(refused) == "invalid-body"
        assert [error["member"] for error in refused.json()["errors"]] == ["id"]
    assert operator.get("/users")["users"] == []


OTHERS = (
    "",
    "correct horse battery staple",
    "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21l$e1bJrpHYjm1Jxq5lq1YJ8X3lJ5pOQvN4tLkmhFYVJq8",
    "pbkdf2_sha256$600000$salt$aGFzaA==",
    "$scrypt$ln=16,r=8,p=1$c2FsdA$aGFzaA",
    "{SSHA}0123456789012345678901234567890=",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    f"$2a$04${SALTED}",
    f"$2y$04${SALTED}",
    f"$2b$4${SALTED}",
    f"$2b$03${SALTED}",
    HASH[:-1],
    HASH + "\n",
    f" {HASH}",
    HASH[:-1] + "/",
)


def test_a_hash_of_another_kind_is_refused_and_leaves_nothing(operator: Program) -> None:
    for hashed in OTHERS:
        refused = operator("POST", "/users", email=ADDRESS, id=OWN, password_hash=hashed)
        assert (refused.status_code, problem(refused)) == (400, "unsupported-password-hash"), hashed
        assert not hashed or hashed not in refused.text
    assert operator.get("/users")["users"] == []


def test_a_hash_that_costs_more_than_ours_is_refused(operator: Program) -> None:
    """Checking it would tell a known account from an unknown one, or hold a thread for hours."""
    for cost in ("05", "16", "31"):
        refused = operator("POST", "/users", email=ADDRESS, password_hash=f"$2b${cost}${SALTED}")
        assert problem(refused) == "unsupported-password-hash"
        assert "SIGNET_BCRYPT_COST is 4" in refused.json()["detail"]


def test_an_invitation_and_a_hash_exclude_each_other(operator: Program, inbox: Inbox) -> None:
    refused = operator("POST", "/users", email=ADDRESS, password_hash=HASH, invite=True)
    assert problem(refused) == "invalid-body"
    assert operator.get("/users")["users"] == []
    assert inbox.letters() == []


def test_every_hash_that_signet_makes_has_the_form_it_accepts() -> None:
    assert all(is_own_hash(hash_password(f"password {number}", cost=4)) for number in range(50))
    assert is_own_hash(bcrypt.gensalt(31).decode() + "." * 31)
