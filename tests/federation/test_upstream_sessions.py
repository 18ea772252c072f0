"""Which session of an upstream a session came from, as it is stored."""

import pytest

from provider.crypto.digests import digest
from provider.database.base import new_id
from provider.database.security_stamp import FIRST
from provider.federation.store import upstream_sessions
from provider.sessions import store as sessions
from provider.sessions.lifecycle import open_session
from provider.sessions.store import find_all
from tests.support.factories import make_user
from tests.support.installation import Work

pytestmark = pytest.mark.both_databases

ISSUER = "https://op.example.test"


def test_a_session_keeps_where_it_came_from_last_until_it_ends(work: Work) -> None:
    with work() as w:
        user_id = make_user(w)
        cookies = [open_session(w, user_id=user_id, security_stamp=FIRST, factor="fed") for _ in range(3)]
        for cookie, sid in (*zip(cookies, ("a", "b", None), strict=True), (cookies[0], "c")):
            upstream_sessions.put(
                w.db, digest(cookie), upstream="x", issuer=ISSUER, subject="ada", sid=sid, sealed_id_token=None
            )
        upstream_sessions.put(
            w.db, digest("unknown"), upstream="x", issuer=ISSUER, subject="ada", sid=None, sealed_id_token="t"
        )
    with work() as w:
        by_digest = {session.digest: session.id for session in find_all(w.read, user_id)}
        first, second, third = (by_digest[digest(cookie)] for cookie in cookies)
        found = upstream_sessions.find(w.read, [first, second, new_id()])
        assert {key: row.sid for key, row in found.items()} == {first: "c", second: "b"}

        def ending(subject: str | None = None, sid: str | None = None, issuer: str = ISSUER) -> set[str]:
            return set(upstream_sessions.find_to_end(w.db, issuer=issuer, subject=subject, sid=sid))

        assert ending("ada") == {first, second, third}
        assert ending(sid="b") == {second}
        assert ending("ada", "b") == {second, third}
        assert ending("bob", "b") == ending("ada", issuer="https://x.test") == ending(sid="a") == set()
        sessions.end(w.db, second, reason="x", now=w.now)
        assert ending("ada") == {first, third}
        upstream_sessions.remove(w.db, [first])
        assert ending("ada") == {third}
        sessions.purge(w.db, before=w.now.replace(year=w.now.year + 5), limit=10)
        assert upstream_sessions.find(w.db, [third]) == {}, "it is deleted with its session"
