"""signet invalidate: shows first, changes nothing unasked."""

from provider.database.security_stamp import FIRST
from provider.sessions import lifecycle
from tests.cli.conftest import Signet
from tests.support.factories import make_user
from tests.support.installation import Work


def test_it_shows_what_it_would_do_and_changes_nothing_until_told_to(signet: Signet, work: Work) -> None:
    with work() as w:
        lifecycle.open_session(w, user_id=make_user(w), security_stamp=FIRST, factor="pwd")
    shown = signet("invalidate", "--before", "0s")
    assert shown.out.startswith("Issued before ")
    assert ": 1 sessions, 3 signing keys.\n" in shown.out
    assert shown.out.endswith("Nothing was changed. To revoke all of this, add --yes.\n")
    assert signet("invalidate", "--json").json["done"] is False
    done = signet("invalidate", "--keep-keys", "--yes", "--json").json
    assert (done["done"], done["ended"]["sessions"], done["ended"]["signing keys"]) == (True, 1, 0)
    assert signet("invalidate", "--yes").out.endswith(": 3 signing keys.\n")
    names = [event["name"] for event in signet("audit", "--json").json]
    assert names.count("installation.invalidated") == 2


def test_a_moment_that_is_to_come_is_a_mistake(signet: Signet) -> None:
    assert signet("invalidate", "--before", "2099-01-01T00:00Z", "--yes").status == 2
