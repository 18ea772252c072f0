"""JupyterHub with OAuthenticator: user name, groups, administrators, and sign-out at both."""

from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench

HUB, AUTHENTICATOR, PROXY = "6.1.1", "17.4.0", "5.3.0"
VERSION = f"JupyterHub {HUB}, OAuthenticator {AUTHENTICATOR}"
HERE = """
from tests_port import hub_url, api_port, internal_url
c.JupyterHub.bind_url = hub_url
c.JupyterHub.hub_bind_url = internal_url
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{api_port}"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.default_url = "/hub/home"
"""
"""Where this hub listens, and what keeps it from starting notebooks."""


def check(bench: Workbench) -> None:
    python = bench.cache.python("jupyterhub", f"jupyterhub=={HUB}", f"oauthenticator=={AUTHENTICATOR}")
    proxy = bench.cache.npm("jupyterhub", f"configurable-http-proxy@{PROXY}")
    hub = bench.app_at("https://hub.example.com")
    bench.type_commands()
    config = bench.write("jupyterhub_config.py", "jupyterhub_config.py")
    places = {"hub_url": hub, "internal_url": f"http://127.0.0.1:{bench.free_port()}", "api_port": bench.free_port()}
    (bench.folder / "tests_port.py").write_text("".join(f"{name} = {value!r}\n" for name, value in places.items()))
    config.write_text(config.read_text() + HERE)
    path = f"{proxy}:{python}:{bench.environment['PATH']}"
    bench.start(
        python / "jupyterhub",
        "-f",
        config,
        env={"PATH": path, "PYTHONPATH": str(bench.folder)},
        ready=f"{hub}/hub/health",
    )

    ada = bench.person()
    ada.open(f"{hub}/hub/login")
    ada.page.get_by_text("Sign in with Signet").click()
    bench.sign_in(ada)
    ada.page.wait_for_url(f"{hub}/**")
    seen = ada.page.request.get(f"{hub}/hub/api/user", headers={"Referer": f"{hub}/hub/home"}).json()
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
