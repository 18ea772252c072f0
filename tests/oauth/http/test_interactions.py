"""The interaction ID of FAPI at the userinfo endpoint (FAPI 1.0 Baseline sections 6.2.1-11 and 6.2.1-12)."""

from uuid import UUID

import pytest
from structlog.testing import capture_logs

from tests.oauth.conftest import Person, Register
from tests.oauth.watched_http import WatchedClient
from tests.support.dpop import Prover
from tests.support.installation import ISSUER
from tests.support.relying_party import USERINFO, RelyingParty

HEADER = "x-fapi-interaction-id"
OWN = "323aA1f6-1F25-4aFc-Bc4F-295fC18a713C"


@pytest.mark.parametrize("valid", [True, False])
def test_the_id_of_a_request_is_returned_as_it_was_sent_and_logged(
    client: WatchedClient, rp: RelyingParty, person: Person, ada: str, valid: bool
) -> None:
    """An error has it too: it is what an app looks for."""
    token = rp.sign_in(person(ada)).access_token if valid else "no-token"
    with capture_logs() as logs:
        answer = client.get(USERINFO, headers={"authorization": f"Bearer {token}", HEADER: OWN})
    assert answer.status_code == (200 if valid else 401)
    assert answer.headers[HEADER] == OWN
    assert [log["interaction_id"] for log in logs if log["event"] == "fapi.interaction"] == [OWN]


@pytest.mark.parametrize("sent", [None, "1", f"{OWN}\tx", OWN * 2])
def test_a_request_without_a_valid_id_gets_a_new_one_only_with_a_bound_token(
    client: WatchedClient, register: Register, rp: RelyingParty, person: Person, ada: str, sent: str | None
) -> None:
    """N-541: what is no UUID is neither returned nor logged."""
    headers = {} if sent is None else {HEADER: sent}
    plain = rp.sign_in(person(ada)).access_token
    assert HEADER not in client.get(USERINFO, headers={"authorization": f"Bearer {plain}", **headers}).headers
    bound, prover = register(dpop_bound_access_tokens=True), Prover()
    bound.prover = prover
    token = bound.sign_in(person(ada)).access_token
    answer = client.get(USERINFO, headers={**prover.headers("GET", ISSUER + USERINFO, token), **headers})
    assert answer.status_code == 200, answer.text
    assert UUID(answer.headers[HEADER]).version == 4
