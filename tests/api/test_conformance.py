"""The account API does what its document says, whatever it is sent: Schemathesis against the served document.

An operation may end what its caller stands on: a session, the password, the second factor. So before each case the
world is put right, and whoever can no longer call signs in again.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyotp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from provider.accounts.factors import recovery_codes
from provider.accounts.factors.store import totp
from provider.accounts.factors.store.totp import TotpCredential
from provider.accounts.factors.totp import SEED
from provider.accounts.store import passwords
from provider.accounts.store.failures import failure_counters
from provider.api import openapi
from provider.config.settings import Settings
from provider.crypto.passwords import hash_password
from provider.routes import routes
from provider.work import UnitOfWork
from tests.api.conftest import API, App, Caller
from tests.support.clock import Clock
from tests.support.effort import effort
from tests.support.factories import PASSWORD
from tests.support.inbox import Inbox
from tests.support.installation import ISSUER, Work
from tests.support.people import ADDRESS, code_of
from tests.support.relying_party import basic

CASES = effort(4, 8)
REAL_CASES = 2
OTHER = "another quiet afternoon"
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
load_all_checks()
CHECK_FUNCTIONS: list[Any] = [CHECKS.get_one(name) for name in CHECKED]
OPERATIONS = {
    described["operationId"]: described["security"] == [{"client": []}]
    for methods in openapi.document(Settings(), routes(Settings()))["paths"].values()
    for described in methods.values()
}
"""By name: is the caller the app itself?"""


@dataclass
class World:
    """Ada, with one factor or two, her app, and what she would send."""

    app: App
    work: Work
    clock: Clock
    inbox: Inbox
    ada: str
    two_factors: bool
    caller: Caller | None = None
    key: str = ""
    codes: tuple[str, ...] = ()

    def put_right(self) -> None:
        self.clock.advance(seconds=1)  # who was signed out a moment ago may sign in again
        with self.work() as w:
            w.db.execute(failure_counters.delete())
            passwords.replace(w.db, self.ada, hash_password(PASSWORD, cost=4), now=w.now)
            if self.two_factors:
                self._turn_on(w)
            else:
                totp.remove_all(w.db, self.ada)
        if self.caller is None or not self._is_signed_in(self.caller):
            self.caller = self._sign_in()

    def _is_signed_in(self, caller: Caller) -> bool:
        """With a token that counts, and a session to end."""
        answer = caller("GET", "/sessions")
        return answer.status_code == 200 and answer.json()["sessions"] != []

    def _turn_on(self, w: UnitOfWork) -> None:
        seed = w.vault.encrypt(pyotp.random_base32().encode(), purpose=SEED, context=self.ada)
        totp.remove_all(w.db, self.ada)
        totp.add(w.db, TotpCredential(self.ada, seed, w.now, 0))
        self.codes = tuple(recovery_codes.replace_codes(w, self.ada))

    def _sign_in(self) -> Caller:
        answer = self.app.challenge()
        if self.two_factors:
            session = answer.json()["auth_session"]
            answer = self.app.challenge(auth_session=session, recovery_code=self.codes[0])
        return Caller(self.app.http, self.app.redeem(answer)["access_token"])

    def real(self, operation: str) -> dict[str, str]:
        """What somebody would send who wants this operation to succeed, by member or path parameter."""
        assert self.caller is not None
        known = {"email": ADDRESS, "password": PASSWORD, "current_password": PASSWORD, "new_password": OTHER}
        known["client_id"] = self.app.rp.client_id
        if operation == "end_session":
            known["session_id"] = self.caller.get("/sessions")["sessions"][-1]["id"]
        elif operation in {"request_verification_letter", "confirm_address"}:
            address = f"g{len(self.inbox.letters())}@example.test"
            known["ticket"] = self.app.call("/register", email=address, password=PASSWORD).json()["ticket"]
            known["code"] = self.inbox.latest(address).code
        elif operation in {"check_reset_link", "set_forgotten_password"}:
            self.app.call("/forgot-password", email=ADDRESS)
            known |= {"token": self.inbox.latest(ADDRESS).link.partition("token=")[2], "password": OTHER}
        elif operation in {"two_factor_key", "two_factor_qr", "confirm_totp"}:
            self.key = self.caller("POST", "/two-factor").json()["key"]
            known["code"] = code_of(self.key, self.clock.now)
        elif self.two_factors:
            known["code"] = self.codes[1]
        return known

    def send(self, case: Case[Any], *, as_app: bool) -> None:
        """As it is on the wire, by the caller the document names; the answer is compared with the document."""
        assert self.caller is not None
        assert self.app.rp.secret is not None
        secret = basic(self.app.rp.client_id, self.app.rp.secret)
        case.headers["Authorization"] = secret if as_app else f"Bearer {self.caller.token}"
        wire = case.as_transport_kwargs(base_url=ISSUER)
        wanted: Any = requests.Request(**{name: value for name, value in wire.items() if value is not None}).prepare()
        answer = self.app.http.request(
            wanted.method, wanted.url, content=wanted.body or b"", headers=dict(wanted.headers)
        )

        case.validate_response(answer, checks=CHECK_FUNCTIONS)


@pytest.fixture
def world(
    app_of_ours: App, work: Work, clock: Clock, inbox: Inbox, ada: str, unlimited: None, two_factors: bool
) -> World:
    return World(app_of_ours, work, clock, inbox, ada, two_factors)


def examine(world: World, found: APIOperation[Any, Any, Any, Any], mode: GenerationMode, *, real: bool = False) -> None:
    """`real`: what the document only calls a string is what would succeed."""
    name = found.definition.raw["operationId"]

    @settings(
        max_examples=REAL_CASES if real else CASES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(found.as_strategy(mode))
    def examine_one(case: Case[Any]) -> None:
        world.put_right()
        if real:
            known = world.real(name)
            for members in (case.body, case.path_parameters):
                if isinstance(members, dict):
                    members |= {member: known[member] for member in members.keys() & known.keys()}
        world.send(case, as_app=OPERATIONS[name])

    examine_one()


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "two_factors"),
    [(name, False) for name in OPERATIONS] + [(name, True) for name, by_app in OPERATIONS.items() if not by_app],
)
def test_answers_are_as_described(world: World, name: str) -> None:
    """No 5xx, and status, media type and body of the answer are in the document."""
    found = _operations(world.app.http.get(f"{API}/openapi.json").text)[name]
    examine(world, found, GenerationMode.POSITIVE, real=True)
    examine(world, found, GenerationMode.POSITIVE)
    if any(body.media_type == "application/json" for body in found.body):  # any bytes can be called a picture
        examine(world, found, GenerationMode.NEGATIVE)


@cache
def _operations(document: str) -> dict[str, Any]:
    """The operations by name, read once: every test has the same document."""
    schema = schemathesis.openapi.from_dict(json.loads(document))
    found: list[Any] = [one.ok() for one in schema.get_all_operations()]  # type: ignore[union-attr]  # ours is valid
    return {one.definition.raw["operationId"]: one for one in found}
