"""The active access that apps have to an account."""

from datetime import timedelta

import pytest

from provider.database.base import new_id
from provider.database.security_stamp import FIRST
from provider.oauth.tokens.store import active_grants
from provider.oauth.tokens.store.grants import Grant, add
from provider.sessions import store as sessions
from provider.sessions.lifecycle import open_session
from tests.oauth.conftest import Register
from tests.support.installation import Work

PAYMENT = {"type": "payment", "amount": "10"}
REPORT = {"type": "report"}


@pytest.mark.both_databases
def test_the_grants_of_an_app_are_one_access_however_many_there_are(register: Register, ada: str, work: Work) -> None:
    """What they allow is put together. The database counts those that allow the same, so that a page stays fast."""
    client = register().client
    with work() as w:
        began = w.now

        def grant(number: int, scope: str, *resources: str, **changes: object) -> None:
            at = began + timedelta(seconds=number)
            given = {
                "session_id": new_id(),
                "scope": scope,
                "claims": {},
                "offline": True,
                "auth_time": at,
                "amr": "pwd",
            }
            given |= {"created_at": at, "expires_at": began + timedelta(hours=number + 1), "revoked_at": None}
            given |= {"revoke_reason": None, "resources": list(resources)}
            add(w.db, Grant(id=new_id(), user_id=ada, client_id=client.client_id, **given | changes))  # type: ignore[arg-type]

        for number in range(40):
            grant(number, "openid email")
        grant(50, "openid profile", "https://api.example", "https://other.example")
        grant(51, "openid", "https://api.example", authorization_details=[PAYMENT])
        asked = {"id_token": ["phone_number"], "userinfo": ["nickname"], "values": {}}
        grant(52, "openid", authorization_details=[PAYMENT, REPORT], claims=asked)
        grant(60, "openid phone", revoked_at=began)
        grant(-2, "openid address")  # has expired
        open_session(w, user_id=ada, security_stamp=FIRST, factor="pwd")
        twice = sessions.find_all(w.read, ada)[0].id
        grant(53, "openid", session_id=twice)
        grant(54, "openid", session_id=twice, offline=False)
    with work() as w:
        rows = w.db.execute(active_grants.SELECT_HELD, {"user_id": ada, "at": w.now}).all()
        assert len(rows) == 5  # not 45
        held = active_grants.find_held(w.read, ada, now=w.now)[client.client_id]
        holder = active_grants.find_holders(w.read, client.client_id, [ada], now=w.now)[ada]
    for found in (held, holder):
        assert found.families == 45
        assert set(found.scopes) == {"openid", "email", "profile"}
        assert set(found.resources) == {"https://api.example", "https://other.example"}
        assert sorted(each["type"] for each in found.details) == ["payment", "report"]
        assert set(found.claims) == {"phone_number", "nickname"}
        assert found.last_used == began + timedelta(seconds=54)
        assert found.expires_at == began + timedelta(hours=54)  # the session of the other one ends earlier
    with work() as w:
        uses = active_grants.find_uses(w.read, user_id=ada, client_id=client.client_id, now=w.now, limit=3)
        every = active_grants.find_uses(w.read, user_id=ada, client_id=client.client_id, now=w.now, limit=100)
    assert uses[0] == active_grants.Use(twice, since=began + timedelta(seconds=54), offline=True)
    assert [use.since - began for use in uses[1:]] == [timedelta(seconds=52), timedelta(seconds=51)]
    assert len(every) == 44
