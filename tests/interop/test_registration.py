"""The certified npm `openid-client` registers itself."""

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

from provider.installation import open_installation
from provider.oauth.clients.registration import issue_initial_token
from provider.work import unit_of_work
from tests.interop.conftest import HERE
from tests.support.installation import SECRET_KEY, settings_for
from tests.support.server_process import free_port, serving
from tests.support.waiting import PATIENCE


def test_openid_client_registers_itself_and_is_gone_when_it_says_so(
    openid_client: Path, node: str, sqlite_template: Path, tmp_path: Path
) -> None:
    """RFC 7591, RFC 7592; OIDC Registration section 3: with what it was given it is served at once."""
    database = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'signet.db')}"
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    installation = open_installation(settings_for(database, issuer=issuer))
    with unit_of_work(installation) as work:
        token, _ = issue_initial_token(work, uses=1, lifetime=timedelta(hours=1))
    installation.database.close()
    settings = {"SIGNET_ISSUER": issuer, "SIGNET_DATABASE_URL": database, "SIGNET_SECRET_KEY": SECRET_KEY}
    settings |= {"SIGNET_REGISTRATION": "token", "SIGNET_CLIENT_CACHE": "0"}
    shutil.copy(HERE / "register.mjs", openid_client)
    told = {"issuer": issuer, "initial_access_token": token}
    with serving(settings, "--drain", "0", port=port):
        command = [node, str(openid_client / "register.mjs"), json.dumps(told)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    learned = json.loads(done.stdout)
    client_id = learned["metadata"]["client_id"]
    assert learned["metadata"]["client_secret"]
    assert learned["token_type"] == "bearer"
    assert learned["read"] == [200, client_id]
    assert learned["deleted"] == 204
    assert learned["after"] == 401
    assert learned["refused"] == ["OAUTH_WWW_AUTHENTICATE_CHALLENGE", ["bearer"]]
