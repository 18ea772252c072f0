"""Keys that are still used: who is counted, what waits for them and for how long, and what never waits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from provider.audit import hourly
from provider.audit.events import Event
from provider.audit.hourly import KeyUse
from provider.audit.store import find as find_events
from provider.config.settings import Settings
from provider.inspection.inspector import inspect
from provider.inspection.reader import Reader
from provider.jose.algorithms import ES256, RS256
from provider.jose.signed_jwts import read_jwt
from provider.oauth.keys import copies, retirement, rotation, uses, waiting
from provider.oauth.keys.refusals import StillUsed, TokensStillValid, UnknownKey
from provider.oauth.keys.rotation import Due
from provider.oauth.keys.store import State, signing_keys
from provider.oauth.keys.waiting import KeyStatus
from provider.observability import counters
from provider.work import Installation, Origin
from tests.oauth.watched_http import WatchedClient
from tests.support.clock import Clock
from tests.support.installation import Work
from tests.support.relying_party import RelyingParty

pytestmark = pytest.mark.usefixtures("rsa_keys_made_before")

IDLE, MAX_WAIT = timedelta(minutes=30), timedelta(days=1)
INTERVAL = timedelta(days=90)


@pytest.fixture(autouse=True)
def _counters_are_empty() -> Iterator[None]:
    counters.take()
    yield
    counters.take()


def retire(work: Work, settings: Settings, alg: str = RS256) -> str:
    """Retire the current key as if its tokens expired after a second: their lifetime was shortened a moment ago."""
    with work() as w:
        old = rotation.key_states_of(rotation.list_keys(w), alg).current
        assert old is not None
        second = timedelta(seconds=1)
        w.settings = settings.model_copy(update={"access_token_lifetime": second, "id_token_lifetime": second})
        rotation.rotate(w, alg=alg, at_once=True)
    return old.kid


def status_of(work: Work, kid: str) -> KeyStatus:
    with work() as w:
        return next(status for status in waiting.find_statuses(w) if status.row.kid == kid)


def seen(work: Work, kid: str) -> dict[str, tuple[str, int]]:
    return {use.use: (use.source, use.count) for use in status_of(work, kid).uses}


def follow(work: Work, installation: Installation, alg: str = RS256) -> Due | None:
    """What the processes do each minute, and the worker every two."""
    hourly.flush(installation)
    with work() as w:
        return rotation.follow_schedule(w, alg)


def events(work: Work, *names: Event) -> list[tuple[str, dict[str, object]]]:
    with work() as w:
        found = [(event.name, event.details) for event in find_events(w.read, limit=100) if event.name in names]
    return found[::-1]


def published(rp: RelyingParty) -> set[str]:
    return {str(key["kid"]) for key in rp.jwks()["keys"]}


@pytest.mark.both_databases
def test_a_retired_key_stays_until_no_client_sends_valid_tokens_of_it(
    rp: RelyingParty, browser: WatchedClient, work: Work, settings: Settings, installation: Installation, clock: Clock
) -> None:
    """OIDC Core section 10.1.1. The private part goes with the last token that there should be."""
    tokens = rp.sign_in(browser)
    kid = retire(work, settings)
    due_at = clock.now + timedelta(seconds=1) + rotation.MARGIN
    clock.advance(minutes=4)
    assert rp.userinfo(tokens).status_code == 200
    assert rp.post("/oauth2/introspect", token=tokens.access_token).json()["active"]
    follow(work, installation)
    assert seen(work, kid) == {"access_token": (rp.client_id, 2)}
    assert events(work, Event.KEY_REMOVAL_DELAYED) == []
    clock.advance(minutes=5)  # now the last token should have expired, and this one has not
    assert rp.userinfo(tokens).status_code == 200
    follow(work, installation)
    follow(work, installation)
    assert events(work, Event.KEY_REMOVAL_DELAYED, Event.KEY_ERASED, Event.KEY_REMOVED) == [
        ("key.private_part.erased", {"kid": kid, "alg": RS256}),
        (
            "key.removal.delayed",
            {
                "kid": kid,
                "alg": RS256,
                "used_by": [rp.client_id],
                "at_the_latest": (due_at + MAX_WAIT).isoformat(),
            },
        ),
    ]
    status = status_of(work, kid)
    assert status.is_delayed
    assert status.removal == waiting.Removal(due_at, clock.now + IDLE, due_at + MAX_WAIT)
    clock.advance(IDLE - timedelta(seconds=1))
    follow(work, installation)
    assert kid in published(rp)
    clock.advance(seconds=1)
    follow(work, installation)
    follow(work, installation)
    assert kid not in published(rp)
    removed = {"kid": kid, "alg": RS256, "was_delayed": True}
    assert events(work, Event.KEY_REMOVED) == [("key.removed", removed)]


def test_only_tokens_that_the_removal_would_reject_delay_it(
    rp: RelyingParty,
    browser: WatchedClient,
    work: Work,
    settings: Settings,
    installation: Installation,
    clock: Clock,
    app: Starlette,
) -> None:
    """N-514: expired and forged tokens, ID tokens as hints, and tokens that an operator looks at."""
    tokens = rp.sign_in(browser)
    kid = retire(work, settings)
    signed, _, signature = tokens.access_token.rpartition(".")
    assert rp.userinfo(f"{signed}.{signature[::-1]}").status_code == 401
    with work() as w:
        assert inspect(Reader(w, app.state.oauth, sees_users=False), tokens.access_token).is_valid
    assert rp.http.get("/oauth2/logout", params={"id_token_hint": tokens.id_token}).status_code < 400
    clock.advance(minutes=4)
    follow(work, installation)
    assert seen(work, kid) == {"id_token": (rp.client_id, 1)}
    clock.advance(minutes=8)
    assert not status_of(work, kid).is_delayed
    # What is sent later is known to be ours no longer, except as a hint.
    assert rp.userinfo(tokens).status_code == 401
    follow(work, installation)
    assert kid not in published(rp)
    assert events(work, Event.KEY_REMOVAL_DELAYED) == []


def test_expired_tokens_are_shown_apart(
    rp: RelyingParty, browser: WatchedClient, work: Work, installation: Installation, clock: Clock
) -> None:
    """An app that does not refresh its tokens delays nothing."""
    tokens = rp.sign_in(browser)
    kid = str(read_jwt(tokens.access_token).kid)
    with work() as w:
        rotation.rotate(w, at_once=True)
    clock.advance(minutes=20)
    assert rp.userinfo(tokens).status_code == 401
    follow(work, installation)
    assert seen(work, kid) == {"expired_access_token": (rp.client_id, 1)}
    assert status_of(work, kid).waits_for == []


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("used", "idle", "until"),
    [
        (None, IDLE, NOON),
        (NOON - IDLE, IDLE, NOON),
        (NOON - timedelta(minutes=10), IDLE, NOON + timedelta(minutes=20)),
        (NOON + timedelta(hours=20), IDLE, NOON + timedelta(hours=20, minutes=30)),
        (NOON + timedelta(hours=23, minutes=45), IDLE, NOON + MAX_WAIT),
        (NOON + timedelta(days=9), IDLE, NOON + MAX_WAIT),
        (NOON, timedelta(0), NOON),
    ],
)
def test_waiting_has_bounds(settings: Settings, used: datetime | None, idle: timedelta, until: datetime) -> None:
    """N-515: never before the step is due, and never longer than SIGNET_KEY_MAX_WAIT after it."""
    found = [] if used is None else [KeyUse("kid", uses.Use.ACCESS_TOKEN, "shop", 3, used)]
    assert waiting.delayed_until(NOON, found, settings.model_copy(update={"key_idle": idle})) == until


def note_use(work: Work, kid: str, use: uses.Use, source: str = "shop") -> None:
    with work() as w:
        hourly.add_key_use(w.db, w.now, counters.use_of_key(kid, use, source), 1)


def test_an_operator_removes_a_retired_key_or_learns_who_uses_it(
    work: Work, settings: Settings, installation: Installation, clock: Clock, rp: RelyingParty
) -> None:
    """N-516."""
    kid = retire(work, settings, ES256)

    def remove(*, even_if_used: bool = False) -> None:
        with work() as w:
            retirement.remove(w, kid=kid, even_if_used=even_if_used)

    with pytest.raises(TokensStillValid, match="revoke the key"):
        remove(even_if_used=True)
    clock.advance(minutes=5)
    note_use(work, kid, uses.Use.ACCESS_TOKEN)
    follow(work, installation, ES256)
    clock.advance(minutes=5)
    with pytest.raises(StillUsed, match=r"shop \(1 time, last "):
        remove()
    assert kid in published(rp)
    remove(even_if_used=True)
    assert kid not in published(rp)
    with pytest.raises(UnknownKey):
        remove(even_if_used=True)
    follow(work, installation, ES256)
    assert len(events(work, Event.KEY_REMOVED)) == 1


def test_keys_that_an_earlier_release_retired_leave_when_it_said(
    work: Work, settings: Settings, installation: Installation, clock: Clock, rp: RelyingParty
) -> None:
    """They have no time of their own for their last token. Those that left before are not reported again."""
    kid = retire(work, settings, ES256)
    with work() as w:
        w.db.execute(signing_keys.update().values(tokens_expire_at=None))
    clock.advance(minutes=6)
    follow(work, installation, ES256)
    assert kid not in published(rp)
    with work() as w:
        w.db.execute(signing_keys.update().values(removed_at=None))
    follow(work, installation, ES256)
    assert len(events(work, Event.KEY_REMOVED, Event.KEY_ERASED)) == 2


def test_a_revocation_waits_for_no_one(work: Work, settings: Settings, clock: Clock, rp: RelyingParty) -> None:
    """N-517: in an emergency the key is gone, however much it is used."""
    kid = retire(work, settings, ES256)
    note_use(work, kid, uses.Use.ACCESS_TOKEN)
    with work() as w:
        rotation.revoke(w, kid=kid)
    assert kid not in published(rp)
    with work() as w:
        upcoming = rotation.key_states_of(rotation.list_keys(w), ES256).upcoming
        assert upcoming is not None
        note_use(work, upcoming.kid, uses.Use.KEY_SET, "192.0.2.0/24 curl")
        clock.advance(days=2)
        current = rotation.key_states_of(rotation.list_keys(w), ES256).current
        assert current is not None
        rotation.revoke(w, kid=current.kid)
    assert status_of(work, upcoming.kid).row.state == State.CURRENT


def test_the_next_key_signs_once_no_program_is_seen_that_lacks_it(
    http: WatchedClient, work: Work, installation: Installation, clock: Clock
) -> None:
    """N-518: RFC 9110 section 13.1.2. The ETag of a copy says which keys are in it, whoever kept it."""
    program = {"user-agent": "jwks-client/1.2 (linux)"}
    old = http.get("/oauth2/jwks").headers["etag"]
    clock.advance(seconds=1)
    assert follow(work, installation) == Due.PUBLISH
    http.get("/oauth2/jwks", headers={**program, "if-none-match": old})  # it may have that copy for some minutes
    with work() as w:
        upcoming = rotation.key_states_of(rotation.list_keys(w), RS256).upcoming
    assert upcoming is not None
    clock.advance(INTERVAL)
    newest = http.get("/oauth2/jwks").headers["etag"]
    for tag in (newest, f"W/{newest}", "*", '"foreign"', '"0123456789abcdef.ffffffffffffffff"'):
        http.get("/oauth2/jwks", headers={**program, "if-none-match": tag})
    http.get("/oauth2/jwks", headers={"user-agent": "Mozilla/5.0 (a browser)", "if-none-match": old})
    hourly.flush(installation)
    assert seen(work, upcoming.kid) == {}
    http.get("/oauth2/jwks", headers={**program, "if-none-match": f"{old}, {old}"})
    assert follow(work, installation) is None
    assert seen(work, upcoming.kid) == {"key_set": ("unknown network jwks-client", 1)}
    ((_, delayed),) = events(work, Event.KEY_ROTATION_DELAYED)
    assert delayed["used_by"] == ["unknown network jwks-client"]
    with work() as w, pytest.raises(StillUsed, match="lack the upcoming key"):
        rotation.rotate(w)
    clock.advance(IDLE)
    assert follow(work, installation) == Due.ROTATE
    assert status_of(work, upcoming.kid).row.delayed_at is None


def test_who_has_old_copies_is_noted_within_bounds() -> None:
    """N-519: anyone can send an old ETag, from many addresses and with any name of a program."""
    keys = (("kid", NOON),)
    noted = copies.Copies()
    old = copies.etag_of("0" * 64, NOON - timedelta(days=1)).encode()
    for number in range(300):
        origin = Origin(network=f"198.51.{number % 256}.7", user_agent="x" * 300)
        noted.note(old, keys, origin, now=NOON + timedelta(days=1), longest=timedelta(minutes=6))
    names = counters.take()
    assert len(names) == copies.MOST_SOURCES + 1
    assert sum(names.values()) == 300
    assert max(map(len, names)) < 128
    origin = Origin(network="2001:db8:1:2::3", user_agent="python-requests/2.32\r\n")
    assert copies.source_of(origin) == "2001:db8:1::/48 python-requests"
