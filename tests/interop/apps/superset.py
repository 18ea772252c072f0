"""Apache Superset: name, email address and roles of users, and sign-out at both."""

from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench

RELEASE = "6.1.0"
PACKAGES = ("authlib==1.9.10", "rich==15.0.0", "cachetools==6.2.2", "flask-caching==2.3.1")
"""What the guide has installed besides."""
VERSION = f"Superset {RELEASE}"
HERE = """
SECRET_KEY = "a secret of a test, long enough for everything"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
DATA_DIR = "{folder}"
TALISMAN_ENABLED = False
"""
"""Where this Superset keeps its data. It is not behind a proxy with HTTPS."""


def check(bench: Workbench) -> None:
    python = bench.cache.python("superset", f"apache-superset=={RELEASE}", *PACKAGES)
    app = bench.app_at("https://superset.example.com")
    bench.type_commands()
    config = bench.write("superset_config.py", "superset_config.py")
    config.write_text(HERE.format(folder=bench.folder) + config.read_text())
    env = {
        "SUPERSET_CONFIG_PATH": str(config),
        "SUPERSET_HOME": str(bench.folder),
        "FLASK_APP": "superset.app:create_app()",
    }
    bench.run(python / "superset", "db", "upgrade", env=env)
    bench.run(python / "superset", "init", env=env)
    port = app.rpartition(":")[2]
    bench.start(
        python / "superset", "run", "--host", "127.0.0.1", "--port", port, env=env, ready=f"{app}/health"
    )  # fmt: skip

    ada = bench.person()
    ada.open(f"{app}/login/signet")
    bench.sign_in(ada)
    seen = ada.page.request.get(f"{app}/api/v1/me/roles/").json()["result"]
    assert seen["email"] == EMAIL, seen
    assert seen["firstName"] == NAME, seen
    assert set(seen["roles"]) == {"Admin", "Public"}, seen

    ada.open(f"{app}/logout/")
    ada.press("Sign out")
    ada.page.wait_for_url(f"{app}/login/**")
    ada.open(f"{bench.issuer}/account")
    ada.page.get_by_label("Password", exact=True).wait_for()

    other = bench.person()
    other.open(f"{app}/login/signet")
    bench.sign_in(other, email=OTHER_EMAIL)
    answer = other.page.request.get(f"{app}/api/v1/me/roles/")
    assert answer.status == 403, answer.text()
