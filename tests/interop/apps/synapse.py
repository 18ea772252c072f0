"""Matrix Synapse: name, email address and display name of a new user, and sign-out that begins at Signet."""

from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench
from tests.support.waiting import PATIENCE, wait_until

RELEASE = "1.163.2"
VERSION = f"Synapse {RELEASE}"
HERE = """
server_name: matrix.example.com
listeners:
  - port: {port}
    type: http
    bind_addresses: [127.0.0.1]
    resources: [{{names: [client]}}]
database: {{name: sqlite3, args: {{database: {folder}/homeserver.db}}}}
media_store_path: {folder}/media
signing_key_path: {folder}/signing.key
report_stats: false
trusted_key_servers: []
macaroon_secret_key: of a test
"""
"""Where this server listens and keeps its data."""


def check(bench: Workbench) -> None:
    python = bench.cache.python("synapse", f"matrix-synapse[oidc]=={RELEASE}")
    server = bench.app_at("https://matrix.example.com")
    bench.type_commands()
    config = bench.write("homeserver.yaml", "homeserver.yaml")
    more = bench.write("homeserver.yaml, Signet only", "signet-only.yaml")
    port = server.rpartition(":")[2]
    config.write_text(HERE.format(port=port, folder=bench.folder) + config.read_text() + more.read_text())
    bench.run(python / "python", "-m", "synapse.app.homeserver", "-c", config, "--generate-keys")
    bench.start(python / "python", "-m", "synapse.app.homeserver", "-c", config, ready=f"{server}/health")

    flows = httpx2.get(f"{server}/_matrix/client/v3/login", timeout=PATIENCE).json()["flows"]
    assert "m.login.password" not in {flow["type"] for flow in flows}, flows

    ada = bench.person()
    ada.open(start := f"{server}/_matrix/client/v3/login/sso/redirect/oidc-signet?redirectUrl={server}/_matrix/static/")
    bench.sign_in(ada)
    ada.page.get_by_role("link", name="Continue").click()
    ada.page.wait_for_url("**/_matrix/static/**")
    (token,) = parse_qs(urlsplit(ada.page.url).query)["loginToken"]
    answer = httpx2.post(
        f"{server}/_matrix/client/v3/login", json={"type": "m.login.token", "token": token}, timeout=PATIENCE
    )
    session = answer.json()
    user = "@ada:matrix.example.com"
    assert session["user_id"] == user, session

    def asked(path: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {session['access_token']}"}
        return httpx2.get(f"{server}/_matrix/client/v3/{path}", headers=headers, timeout=PATIENCE)

    assert asked(f"profile/{user}").json()["displayname"] == NAME
    assert [each["address"] for each in asked("account/3pid").json()["threepids"]] == [EMAIL]

    other = bench.person()
    other.open(start)
    bench.sign_in(other, email=OTHER_EMAIL)
    assert "Continue" not in other.page.content(), other.page.content()
    bench.wait_for_error(other, "You are not allowed to log in here.")

    ada.open(f"{bench.issuer}/account")
    ada.press("Sign out")
    wait_until(lambda: asked("account/whoami").status_code == 401, what="Synapse heard of no sign-out", every=0.3)
