"""pgAdmin 4 in server mode: the email address of a new user, the role that may sign in, and sign-out at both."""

from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench

RELEASE = "9.18"
VERSION = f"pgAdmin {RELEASE}"
HERE = """
SERVER_MODE = True
DEFAULT_SERVER = "127.0.0.1"
DEFAULT_SERVER_PORT = {port}
DATA_DIR = "{folder}/data"
LOG_FILE = "{folder}/pgadmin.log"
SQLITE_PATH = "{folder}/pgadmin4.db"
SESSION_DB_PATH = "{folder}/sessions"
STORAGE_DIR = "{folder}/storage"
AZURE_CREDENTIAL_CACHE_DIR = "{folder}/azure"
KERBEROS_CCACHE_DIR = "{folder}/kerberos"
UPGRADE_CHECK_ENABLED = False
MASTER_PASSWORD_REQUIRED = False
"""
"""Where this pgAdmin listens and keeps its data."""


def check(bench: Workbench) -> None:
    python = bench.cache.python("pgadmin", f"pgadmin4=={RELEASE}")
    app = bench.app_at("https://pgadmin.example.com")
    bench.type_commands()
    config = bench.write("config_local.py", "config_local.py")
    config.write_text(config.read_text() + HERE.format(port=app.rpartition(":")[2], folder=bench.folder))
    first = {"PGADMIN_SETUP_EMAIL": "first@example.com", "PGADMIN_SETUP_PASSWORD": "of a test"}
    bench.start(python / "pgadmin4", env={"PYTHONPATH": str(bench.folder), **first}, ready=f"{app}/misc/ping")

    ada = bench.person()
    ada.open(f"{app}/login")
    ada.page.get_by_text("Signet").click()
    bench.sign_in(ada)
    ada.page.wait_for_url(f"{app}/browser/**")
    ada.page.get_by_text(EMAIL).first.wait_for()

    ada.open(f"{app}/oauth2/logout")
    ada.page.wait_for_url(f"{app}/login**")
    ada.open(f"{bench.issuer}/account")
    ada.page.get_by_label("Password", exact=True).wait_for()

    other = bench.person()
    other.open(f"{app}/login")
    other.page.get_by_text("Signet").click()
    bench.sign_in(other, email=OTHER_EMAIL)
    other.page.wait_for_url(f"{app}/login**")
    refused = "The user is not authorized to login based on your identity profile. Please contact your administrator."
    assert bench.explained(refused) in other.page.content(), other.page.content()
