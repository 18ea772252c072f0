"""Gitea, built from its module: full name, email address and administrator, and sign-out at both."""

from pathlib import Path

from tests.interop.apps.install import run
from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench

RELEASE = "1.26.4"
VERSION = f"Gitea {RELEASE}"
HERE = """
RUN_MODE = prod
RUN_USER = root
WORK_PATH = {folder}/work
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = {url}/
STATIC_ROOT_PATH = {source}
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = {folder}/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = of a test
INTERNAL_TOKEN = of-a-test-of-a-test-of-a-test
[cron.update_checker]
ENABLED = false
"""
"""Where this Gitea listens and keeps its data. Its module has no compiled style sheets and scripts: pages are plain."""


def build(folder: Path) -> None:
    run(["go", "build", "-tags", "sqlite sqlite_unlock_notify", "-o", "gitea", "."], folder=folder)


def check(bench: Workbench) -> None:
    source = bench.cache.go_source("gitea", "code.gitea.io/gitea", f"v{RELEASE}", build=build)
    app = bench.app_at("https://git.example.com")
    bench.type_commands()
    config = bench.write("app.ini", "app.ini")
    own = HERE.format(folder=bench.folder, source=source, url=app, port=app.rpartition(":")[2])
    config.write_text(own + config.read_text())
    env = {"GITEA_CUSTOM": str(bench.folder), "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT": "true"}
    bench.run(source / "gitea", "migrate", "--config", config, env=env)
    command = bench.write("Add Signet", "add-signet").read_text().replace("gitea admin", f"{source}/gitea admin", 1)
    bench.run("bash", "-euc", f"{command.rstrip()} --config {config}", env=env)
    bench.start(source / "gitea", "web", "--config", config, env=env, ready=f"{app}/api/healthz")

    ada = bench.person()
    ada.open(f"{app}/user/oauth2/signet")
    bench.sign_in(ada)
    ada.open(f"{app}/user/settings")
    settings = {name: ada.page.locator(f"[name={name}]").first.input_value() for name in ("name", "full_name")}
    assert settings == {"name": "ada", "full_name": NAME}, settings
    ada.open(f"{app}/user/settings/account")
    ada.page.get_by_text(EMAIL).first.wait_for()
    ada.open(f"{app}/-/admin/users")
    ada.page.get_by_text("ada", exact=True).first.wait_for()

    ada.open(f"{app}/user/logout")
    ada.press("Sign out")
    ada.page.wait_for_url(f"{app}/**")
    ada.open(f"{bench.issuer}/account")
    ada.page.get_by_label("Password", exact=True).wait_for()

    other = bench.person()
    other.open(f"{app}/user/oauth2/signet")
    bench.sign_in(other, email=OTHER_EMAIL)
    bench.wait_for_error(other, "Sign-In Prohibited")
    other.open(f"{app}/user/settings")
    assert other.page.url.startswith(f"{app}/user/login"), other.page.url
