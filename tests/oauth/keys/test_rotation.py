"""Rotation of the signing keys: what is published, what signs and what verifies at each step, and who decides."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import update
from starlette.applications import Starlette

from provider.app import create_app
from provider.audit.events import Event
from provider.audit.store import find as find_events
from provider.config.settings import DOCUMENT_MAX_AGE, Settings
from provider.installation import open_installation
from provider.jose.algorithms import ES256, KEY_PAIRS, PS256, RS256
from provider.jose.signed_jwts import read_jwt
from provider.oauth.endpoints import jwks as jwks_endpoint
from provider.oauth.keys import rotation
from provider.oauth.keys import store as signing_keys
from provider.oauth.keys.key_ring import SignatureRefused
from provider.oauth.keys.refusals import TooSoon, UnknownKey
from provider.oauth.keys.rotation import Due, KeyStates, find_due_step
from provider.oauth.keys.store import SigningKeyRow, State
from provider.oauth.tokens.server import AuthorizationServer
from provider.ratelimits.counter import LimitCounter
from provider.work import Installation, unit_of_work
from provider.worker.jobs import rotate_keys
from tests.oauth.conftest import Unchanged
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import ISSUER, Work, settings_for
from tests.support.relying_party import RelyingParty
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("rsa_keys_made_before")

LEAD = timedelta(days=1)
INTERVAL = timedelta(days=90)
OVER = INTERVAL + timedelta(minutes=1)
"""The first keys are made once for all tests, in the very second the first of them begins."""


def kid_of(token: str) -> str:
    return str(read_jwt(token).kid)


def published(rp: RelyingParty) -> list[str]:
    return [key["kid"] for key in rp.jwks()["keys"]]


def rotate(work: Work, **how: Any) -> tuple[str, str]:
    with work() as w:
        return rotation.rotate(w, **how)


def rows(work: Work, pair: str | None = None) -> list[SigningKeyRow]:
    with work() as w:
        return [row for row in rotation.list_keys(w) if pair in {None, row.alg}]


def kids(work: Work, pair: str, state: State) -> list[str]:
    return [row.kid for row in rows(work, pair) if row.state == state]


def follow(work: Work, pair: str = ES256) -> Due | None:
    with work() as w:
        return rotation.follow_schedule(w, pair)


# By hand


def test_an_upcoming_key_is_published_before_it_signs(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """OIDC Core section 10.1.1."""
    before = kid_of(rp.sign_in(browser).id_token)
    current, upcoming = rotate(work)
    assert current == before
    assert upcoming in published(rp)
    assert kid_of(rp.sign_in(browser).id_token) == before


def test_the_next_rotation_signs_with_it_and_the_old_key_still_verifies(
    rp: RelyingParty, browser: WatchedClient, work: Work
) -> None:
    """OIDC Core section 10.1.1; A-108, oidcc-server-rotate-keys."""
    old = rp.sign_in(browser, scope="openid offline_access")
    _, upcoming = rotate(work)
    current, _ = rotate(work, at_once=True)
    assert current == upcoming
    new = rp.sign_in(browser)
    assert kid_of(new.id_token) == kid_of(new.access_token) == current != kid_of(old.id_token)
    assert {kid_of(old.id_token), current} < set(published(rp))
    assert rp.userinfo(old).status_code == 200
    assert rp.verify(old)
    assert rp.refresh(old).status == 200


def test_a_key_that_apps_cannot_know_yet_is_not_rotated_to(work: Work, clock: Clock, unchanged: Unchanged) -> None:
    """OIDC Core section 10.1.1: the lead; and how long to wait is said."""
    _, upcoming = rotate(work, alg=ES256)
    clock.advance(LEAD - timedelta(seconds=1))
    with unchanged(), pytest.raises(TooSoon, match=f"{upcoming} may sign from"):
        rotate(work, alg=ES256)
    clock.advance(seconds=1)
    assert rotate(work, alg=ES256)[0] == upcoming


@pytest.mark.both_databases
def test_a_retired_key_leaves_when_its_last_token_has_expired(
    rp: RelyingParty, browser: WatchedClient, work: Work, clock: Clock, server: AuthorizationServer
) -> None:
    """A-108: an hour for ID tokens, and the margin."""
    old = rp.sign_in(browser)
    rotate(work, at_once=True)
    clock.advance(timedelta(hours=1) + rotation.MARGIN - timedelta(seconds=1))
    assert kid_of(old.id_token) in published(rp)
    clock.advance(seconds=1)
    assert kid_of(old.id_token) not in published(rp)
    with work() as w, pytest.raises(SignatureRefused):
        server.keys.verify(w, str(old.id_token), typ="jwt")


def test_a_retired_key_outlives_what_a_process_signs_with_an_old_ring(work: Work, settings: Settings) -> None:
    """A-108: another process signs with it until it reads its ring again. The margin is for verifiers, and comes after
    that.
    """
    cached = settings.model_copy(update={"key_cache": 300.0})
    with work() as w:
        w.settings = cached
        now = w.now
        before = {row.kid for row in rotation.list_keys(w) if row.alg == ES256}
        rotation.rotate(w, alg=ES256, at_once=True)
    (retired,) = (row for row in rows(work, ES256) if row.kid in before)
    last_signed = now + timedelta(seconds=cached.key_cache)
    last_token_expires = last_signed + max(cached.access_token_lifetime, cached.id_token_lifetime)
    assert retired.expires_at == last_token_expires + rotation.MARGIN


def test_each_algorithm_rotates_by_itself(work: Work) -> None:
    """docs/reference/protocol.md, algorithms."""
    before = {pair: kids(work, pair, State.CURRENT) for pair in KEY_PAIRS}
    rotate(work, alg=ES256, at_once=True)
    after = {pair: kids(work, pair, State.CURRENT) for pair in KEY_PAIRS}
    assert {pair for pair in KEY_PAIRS if before[pair] != after[pair]} == {ES256}


def test_an_algorithm_that_shares_a_key_rotates_it(work: Work) -> None:
    """Decision 23: PS256 with the same RSA key."""
    current, _ = rotate(work, alg=PS256, at_once=True)
    assert kids(work, RS256, State.CURRENT) == [current]


def test_only_our_algorithms_rotate(work: Work, unchanged: Unchanged) -> None:
    with unchanged(), pytest.raises(UnknownKey, match="RS256, PS256, ES256, EdDSA, Ed25519"):
        rotate(work, alg="HS256")


# Emergencies


def test_a_revoked_key_verifies_nothing_at_once(rp: RelyingParty, browser: WatchedClient, work: Work) -> None:
    """A-108: and signing goes on with another."""
    old = rp.sign_in(browser)
    with work() as w:
        rotation.revoke(w, kid=kid_of(old.id_token))
    assert kid_of(old.id_token) not in published(rp)
    assert rp.userinfo(old).status_code == 401
    assert not rp.is_active(old.access_token)
    assert rp.log_out(browser, old).status_code == 400
    new = rp.sign_in(browser)
    assert rp.verify(new)
    assert rp.userinfo(new).status_code == 200


def test_after_a_revocation_the_key_that_apps_know_signs(work: Work) -> None:
    """OIDC Core section 10.1.1: an emergency needs no second outage."""
    _, upcoming = rotate(work, alg=ES256)
    (current,) = kids(work, ES256, State.CURRENT)
    with work() as w:
        rotation.revoke(w, kid=current)
    assert kids(work, ES256, State.CURRENT) == [upcoming]
    assert len(kids(work, ES256, State.UPCOMING)) == 1


def test_a_rotation_leaves_revoked_and_retired_keys_as_they_are(rp: RelyingParty, work: Work, clock: Clock) -> None:
    """N-572: only a current key retires. A revoked one would verify again, and a retired one for longer."""
    (first,) = kids(work, ES256, State.CURRENT)
    revoked, _ = rotate(work, alg=ES256, at_once=True)
    (until,) = (row.expires_at for row in rows(work, ES256) if row.kid == first)
    clock.advance(seconds=1)
    with work() as w:
        rotation.revoke(w, kid=revoked)
    rotate(work, alg=ES256, at_once=True)
    after = {row.kid: row for row in rows(work, ES256)}
    assert after[revoked].state == State.REVOKED
    assert (after[first].state, after[first].expires_at) == (State.RETIRED, until)
    assert revoked not in published(rp)
    with work() as w:  # as a worker that read the key before it was revoked
        assert not signing_keys.note_removed(w.db, revoked, now=w.now)
        assert not signing_keys.move_removal(w.db, after[revoked], to=w.now)


def test_of_two_workers_that_saw_the_same_removal_one_moves_it(work: Work) -> None:
    (first,) = kids(work, ES256, State.CURRENT)
    rotate(work, alg=ES256, at_once=True)
    (seen,) = (row for row in rows(work, ES256) if row.kid == first)
    with work() as w:
        later = [w.now + timedelta(days=days) for days in (3, 4)]
        assert [signing_keys.move_removal(w.db, seen, to=to) for to in later] == [True, False]
    assert [row.expires_at for row in rows(work, ES256) if row.kid == first] == later[:1]


def test_a_revoked_upcoming_key_is_replaced(work: Work) -> None:
    _, upcoming = rotate(work, alg=ES256)
    with work() as w:
        rotation.revoke(w, kid=upcoming)
    (fresh,) = kids(work, ES256, State.UPCOMING)
    assert fresh != upcoming


def test_a_revoked_key_keeps_no_private_part(work: Work) -> None:
    """A-104."""
    kid = rows(work)[0].kid
    with work() as w:
        rotation.revoke(w, kid=kid)
    row = next(row for row in rows(work) if row.kid == kid)
    assert (row.private, row.state) == (None, "revoked")


def test_a_key_is_revoked_by_any_of_its_names(rp: RelyingParty, work: Work) -> None:
    """The operator copies the kid of a token."""
    kid = next(key["kid"] for key in rp.jwks()["keys"] if key["alg"] == PS256)
    with work() as w:
        rotation.revoke(w, kid=kid)
    assert kid not in published(rp)
    assert kids(work, RS256, State.REVOKED) == [kid.partition(".")[0]]


@pytest.mark.parametrize("kid", ["x", "", "\x00", "x" * 43, "x" * 43 + ".PS256"])
def test_an_unknown_key_cannot_be_revoked(work: Work, kid: str) -> None:
    with work() as w, pytest.raises(UnknownKey):
        rotation.revoke(w, kid=kid)


@pytest.mark.both_databases
def test_a_key_is_revoked_once(work: Work) -> None:
    kid = rows(work)[0].kid
    with work() as w:
        rotation.revoke(w, kid=kid)
    with work() as w, pytest.raises(UnknownKey):
        rotation.revoke(w, kid=kid)


# First keys


@pytest.mark.both_databases
def test_first_keys_are_made_once(work: Work) -> None:
    with work() as w:
        assert rotation.create_missing(w) == []


def test_an_installation_made_before_gets_the_pairs_it_never_had(work: Work) -> None:
    """One current key of each, and those there were stay as they are."""
    with work() as w:
        w.db.execute(signing_keys.signing_keys.delete().where(signing_keys.signing_keys.c.alg == "EdDSA"))
    before = {row.kid for row in rows(work)}
    with work() as w:
        made = rotation.create_missing(w)
    assert {row.kid for row in rows(work)} - before == set(made)
    assert [(row.alg, row.state) for row in rows(work) if row.kid in made] == [("EdDSA", State.CURRENT)]


def test_a_lost_key_is_not_replaced_in_silence(work: Work) -> None:
    """F-12."""
    with work() as w:
        w.db.execute(update(signing_keys.signing_keys).values(state=State.RETIRED))
        assert rotation.create_missing(w) == []


# The schedule


def row(state: State, *, age: timedelta, now: datetime, signs: timedelta | None = None) -> SigningKeyRow:
    since = None if signs is None else now - signs
    return SigningKeyRow("kid", ES256, {}, "sealed", state, now - age, since, None)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("interval", "current", "upcoming", "due"),
    [
        (INTERVAL, HOUR, None, Due.PUBLISH),
        (timedelta(0), INTERVAL * 9, None, Due.PUBLISH),
        (INTERVAL, INTERVAL - HOUR, INTERVAL, None),
        (INTERVAL, INTERVAL, LEAD, Due.ROTATE),
        (INTERVAL, INTERVAL * 9, LEAD - HOUR, None),
        (timedelta(0), INTERVAL * 9, INTERVAL, None),
    ],
    ids=["nothing to rotate to", "the same, by hand", "not old enough", "old enough", "not known yet", "by hand"],
)
def test_what_is_due_is_decided_by_age_alone(
    clock: Clock, interval: timedelta, current: timedelta, upcoming: timedelta | None, due: Due | None
) -> None:
    settings = settings_for("sqlite:///unused.db", key_rotation=interval, key_lead=LEAD)
    now = clock.now
    # It was made long before it signed: what counts is since when it signs.
    signing = row(State.CURRENT, age=current + INTERVAL, signs=current, now=now)
    next_one = None if upcoming is None else row(State.UPCOMING, age=upcoming, now=now)
    assert find_due_step(KeyStates(signing, next_one), settings, now) == due


@pytest.mark.both_databases
def test_the_schedule_publishes_waits_rotates_and_publishes_again(work: Work, clock: Clock) -> None:
    """OIDC Core section 10.1.1; and doing it twice does nothing."""
    (first,) = kids(work, ES256, State.CURRENT)
    assert [follow(work), follow(work)] == [Due.PUBLISH, None]
    (second,) = kids(work, ES256, State.UPCOMING)
    clock.advance(OVER)
    assert [follow(work), follow(work)] == [Due.ROTATE, None]
    assert kids(work, ES256, State.CURRENT) == [second]
    assert kids(work, ES256, State.RETIRED) == [first]
    (third,) = kids(work, ES256, State.UPCOMING)
    clock.advance(INTERVAL - timedelta(seconds=1))
    assert follow(work) is None
    clock.advance(seconds=1)
    assert follow(work) == Due.ROTATE
    assert kids(work, ES256, State.CURRENT) == [third]


def test_the_worker_keeps_every_pair_on_schedule(installation: Installation, work: Work, clock: Clock) -> None:
    assert rotate_keys(installation) == list(KEY_PAIRS)
    assert rotate_keys(installation) == []
    clock.advance(OVER)
    assert rotate_keys(installation) == list(KEY_PAIRS)
    for pair in KEY_PAIRS:
        states = sorted(row.state for row in rows(work, pair))
        assert states == [State.CURRENT, State.RETIRED, State.UPCOMING]


def test_the_private_part_of_a_key_goes_with_its_last_token(work: Work, clock: Clock, rp: RelyingParty) -> None:
    """Kept without the private part; an old ID token is still a hint."""
    rotate(work, alg=ES256, at_once=True)
    (retired,) = kids(work, ES256, State.RETIRED)

    def has_private() -> bool:
        return next(row for row in rows(work) if row.kid == retired).private is not None

    clock.advance(hours=1)
    follow(work)
    assert has_private()
    clock.advance(rotation.MARGIN)
    follow(work)
    assert not has_private()
    assert rp.jwks()
    with work() as w:
        names = [event.name for event in find_events(w.read)]
    assert names.count(Event.KEY_ERASED) == 1


def test_every_change_is_told_to_the_audit_log(work: Work) -> None:
    rotate(work, alg=ES256, at_once=True)
    with work() as w:
        rotation.revoke(w, kid=kids(work, ES256, State.RETIRED)[0])
    with work() as w:
        events = find_events(w.read)
    assert sorted(event.name for event in events) == sorted(
        [Event.KEY_CREATED, Event.KEY_CREATED, Event.KEY_ROTATED, Event.KEY_REVOKED]
    )


# Several at once

WORKERS = 8


def all_at_once(installation: Installation, act: Callable[[Installation], object]) -> list[object]:
    """What each of several workers got, each with connections of its own."""
    line = threading.Barrier(WORKERS)
    answers: list[object] = [None] * WORKERS

    def run(index: int) -> None:
        mine = open_installation(installation.settings, clock=installation.clock, counter=LimitCounter())
        try:
            line.wait(PATIENCE)
            answers[index] = act(mine)
        finally:
            mine.database.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers


def follow_there(installation: Installation) -> Due | None:
    with unit_of_work(installation) as work:
        return rotation.follow_schedule(work, ES256)


@pytest.mark.both_databases
def test_however_many_workers_follow_the_schedule_it_happens_once(
    installation: Installation, work: Work, clock: Clock
) -> None:
    """Decision 2: one conditional statement and its row count decide."""
    for due in (Due.PUBLISH, Due.ROTATE):
        answers = all_at_once(installation, follow_there)
        assert sorted(answers, key=str) == sorted([due, *[None] * (WORKERS - 1)], key=str)
        assert len(kids(work, ES256, State.CURRENT)) == len(kids(work, ES256, State.UPCOMING)) == 1
        clock.advance(OVER)
    with work() as w:
        names = [event.name for event in find_events(w.read)]
    assert names.count(Event.KEY_ROTATED) == 1
    assert names.count(Event.KEY_CREATED) == 2


# Under load


class Node:
    """A process: what it signs with, and what it answers at the JWKS endpoint."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.app: Starlette = create_app(installation)
        self.http = WatchedClient(self.app, ISSUER)

    def sign(self) -> str:
        with unit_of_work(self.installation) as work:
            server: AuthorizationServer = self.app.state.oauth
            return server.keys.signer(work, ES256).sign({"sub": "ada"}, typ="JWT")


@dataclass
class Verifier:
    """An app that keeps the key set as long as it may, and never asks sooner: not even for a kid it does not know."""

    node: Node
    clock: Clock
    fetched_at: datetime | None = None
    known: KeySet | None = None

    def accepts(self, token: str) -> bool:
        if self.fetched_at is None or self.clock.now - self.fetched_at >= DOCUMENT_MAX_AGE:
            self.known = KeySet.import_key_set(self.node.http.get("/oauth2/jwks").json())
            self.fetched_at = self.clock.now
        assert self.known is not None
        try:
            jwt.decode(token, self.known, algorithms=[ES256])
        except (JoseError, ValueError):
            return False
        return True


KEY_CACHE = 30.0
STEP = timedelta(seconds=13)
LIFETIME = timedelta(minutes=2)


@dataclass
class World:
    """Two nodes and their verifiers, as time goes by."""

    nodes: list[Node]
    verifiers: list[Verifier]
    clock: Clock
    tokens: list[tuple[datetime, str]] = field(default_factory=list)
    refused: int = 0
    kids: set[str] = field(default_factory=set)

    def live(self, until: datetime) -> None:
        """Every node signs, and every verifier sees the newest tokens and the oldest that have not expired."""
        while self.clock.now < until:
            made = [(self.clock.now, node.sign()) for node in self.nodes]
            self.kids |= {kid_of(token) for _, token in made}
            self.tokens = [(at, token) for at, token in self.tokens if self.clock.now < at + LIFETIME] + made
            for _, token in [*made, *self.tokens[:2]]:
                self.refused += sum(not verifier.accepts(token) for verifier in self.verifiers)
            self.clock.advance(STEP)


def _seconds(clock: Clock) -> float:
    return clock.now.timestamp()


@pytest.fixture
def old_rings(settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """`old_rings(lead=...)`: nodes whose rings, and apps whose copies of the key set, get as old as they may."""
    monkeypatch.setattr(jwks_endpoint, "time", SimpleNamespace(monotonic=partial(_seconds, clock)))
    opened: list[Installation] = []

    def make(lead: timedelta) -> World:
        changes = {
            "key_cache": KEY_CACHE,
            "key_lead": lead,
            "key_rotation": timedelta(minutes=1),  # long over when the lead is
            "access_token_lifetime": LIFETIME,
            "id_token_lifetime": LIFETIME,
        }
        now = settings.model_copy(update=changes)
        opened.extend(open_installation(now, clock=clock, counter=LimitCounter()) for _ in range(2))
        nodes = [Node(installation) for installation in opened]
        verifiers = [Verifier(node, clock, None) for node in nodes for _ in range(3)]
        for number, verifier in enumerate(verifiers):  # they do not all fetch at the same moment
            clock.advance(seconds=17 * number)
            verifier.accepts("")
        return World(nodes, verifiers, clock)

    yield make
    for installation in opened:
        installation.database.close()


def go_through_a_rotation(world: World) -> None:
    installation = world.nodes[0].installation

    def follow() -> Due | None:
        return follow_there(installation)

    assert follow() == Due.PUBLISH
    due = None
    while due is None:
        world.live(world.clock.now + STEP)
        due = follow()
    assert due == Due.ROTATE
    world.live(world.clock.now + LIFETIME + timedelta(seconds=KEY_CACHE) + rotation.MARGIN + STEP)
    for node in world.nodes:
        node.app.state.threads.close()


def test_rotating_under_load_fails_no_verification(old_rings: Callable[..., World], settings: Settings) -> None:
    """OIDC Core section 10.1.1; A-108: with the shortest lead that the settings allow."""
    world = old_rings(lead=settings.model_copy(update={"key_cache": KEY_CACHE}).shortest_key_lead)
    go_through_a_rotation(world)
    assert len(world.kids) == 2
    assert world.refused == 0


def test_the_shortest_lead_is_not_longer_than_it_must_be(old_rings: Callable[..., World]) -> None:
    """The test above can fail: with half the age of the apps' copies it does."""
    world = old_rings(lead=DOCUMENT_MAX_AGE / 2)
    go_through_a_rotation(world)
    assert world.refused > 0


@pytest.mark.parametrize("key_cache", [0, 10, 300])
def test_the_lead_covers_every_copy_of_the_key_set(key_cache: float) -> None:
    """OIDC Core section 10.1.1: a ring read just before, served just before it lapsed, kept as long as it may be."""
    settings = settings_for("sqlite:///unused.db", key_cache=key_cache)
    oldest_ring = timedelta(seconds=settings.key_cache)
    oldest_document = timedelta(seconds=settings.key_cache)
    oldest_copy = DOCUMENT_MAX_AGE
    assert settings.shortest_key_lead > oldest_ring + oldest_document + oldest_copy
    assert settings.key_lead >= settings.shortest_key_lead
