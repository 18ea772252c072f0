"""JupyterHub with OAuthenticator: user name, groups by roles and by a claim mapping, administrators, and sign-out."""

from typing import Any

from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench
from tests.support.chromium import Person

HUB, AUTHENTICATOR, PROXY = "6.1.1", "17.4.0", "5.3.0"
VERSION = f"JupyterHub {HUB}, OAuthenticator {AUTHENTICATOR}"
HERE = """
from tests_port import places
c.JupyterHub.bind_url = places["hub_url"]
c.JupyterHub.hub_bind_url = places["internal_url"]
c.JupyterHub.db_url = places["db_url"]
c.ConfigurableHTTPProxy.api_url = places["api_url"]
c.ConfigurableHTTPProxy.pid_file = places["pid_file"]
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.default_url = "/hub/home"
"""
"""Where this hub listens, and what keeps it from starting notebooks."""


def check(bench: Workbench) -> None:
    hub = bench.app_at("https://hub.example.com")
    bench.type_commands()
    config = bench.text_of("jupyterhub_config.py")
    start(bench, hub, config)

    ada = bench.person()
    ada.open(f"{hub}/hub/login")
    ada.page.get_by_text("Sign in with Signet").click()
    bench.sign_in(ada)
    seen = signed_in(ada, hub)
    assert seen["name"] == EMAIL, seen
    assert seen["admin"] is True, seen
    assert set(seen["groups"]) == {"admin", "user"}, seen
    ada.open(f"{hub}/hub/admin")
    ada.page.get_by_text(EMAIL).first.wait_for()

    ada.open(f"{hub}/hub/logout")
    ada.press("Sign out")
    ada.page.wait_for_url(f"{hub}/**")
    ada.open(f"{bench.issuer}/account")
    ada.page.get_by_label("Password", exact=True).wait_for()

    other = bench.person()
    other.open(f"{hub}/hub/oauth_login")
    bench.sign_in(other, email=OTHER_EMAIL)
    bench.wait_for_error(other, "Sorry, you are not currently authorized to use this hub.")

    second = f"http://localhost:{bench.free_port()}"
    bench.signet("client", "update", "jupyterhub", "--redirect-uri", f"{second}/hub/oauth_callback")
    start(bench, second, config.replace(hub, second) + bench.text_of("Groups of Signet"))
    ada.open(f"{second}/hub/oauth_login")
    bench.sign_in(ada)
    seen = signed_in(ada, second)
    assert (seen["admin"], seen["groups"]) == (True, ["admins"]), seen


def start(bench: Workbench, hub: str, config: str) -> None:
    """Start a hub of its own at this URL."""
    python = bench.cache.python("jupyterhub", f"jupyterhub=={HUB}", f"oauthenticator=={AUTHENTICATOR}")
    proxy = bench.cache.npm("jupyterhub", f"configurable-http-proxy@{PROXY}")
    folder = bench.folder / hub.rpartition(":")[2]
    folder.mkdir()
    places = {
        "hub_url": hub,
        "internal_url": f"http://127.0.0.1:{bench.free_port()}",
        "api_url": f"http://127.0.0.1:{bench.free_port()}",
        "db_url": f"sqlite:///{folder}/hub.db",
        "pid_file": f"{folder}/proxy.pid",
    }
    (folder / "tests_port.py").write_text(f"places = {places!r}\n")
    (folder / "jupyterhub_config.py").write_text(config + HERE)
    env = {"PATH": f"{proxy}:{python}:{bench.environment['PATH']}", "PYTHONPATH": str(folder)}
    bench.start(python / "jupyterhub", "-f", folder / "jupyterhub_config.py", env=env, ready=f"{hub}/hub/health")


def signed_in(person: Person, hub: str) -> Any:
    """Return what the hub says about somebody who comes back to it."""
    person.page.wait_for_url(f"{hub}/**")
    return person.page.request.get(f"{hub}/hub/api/user", headers={"Referer": f"{hub}/hub/home"}).json()
