"""Apache Airflow with the auth manager of Flask-AppBuilder: name, email address and roles of users."""

from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench

RELEASE, PROVIDER, AUTHLIB = "3.3.2", "3.10.2", "1.6.5"
VERSION = f"Airflow {RELEASE}, FAB provider {PROVIDER}"


def check(bench: Workbench) -> None:
    packages = (f"apache-airflow=={RELEASE}", f"apache-airflow-providers-fab=={PROVIDER}", f"authlib=={AUTHLIB}")
    python = bench.cache.python("airflow", *packages)
    app = bench.app_at("https://airflow.example.com")
    bench.type_commands()
    bench.write("airflow.cfg", "airflow.cfg")
    bench.write("webserver_config.py", "webserver_config.py")
    env = {
        "AIRFLOW_HOME": str(bench.folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__FAB__CONFIG_FILE": str(bench.folder / "webserver_config.py"),
        "PATH": f"{python}:{bench.environment['PATH']}",
    }
    bench.run(python / "airflow", "db", "migrate", env=env)
    port = app.rpartition(":")[2]
    bench.start(
        python / "airflow", "api-server", "--host", "127.0.0.1", "--port", port, env=env,
        ready=f"{app}/api/v2/monitor/health",
    )  # fmt: skip

    ada = bench.person()
    ada.open(f"{app}/auth/login/")
    if not ada.page.url.startswith(bench.issuer):
        ada.page.get_by_text("signet", exact=False).first.click()
    bench.sign_in(ada)
    ada.open(f"{app}/auth/users/userinfo/")
    seen = ada.page.locator("body").inner_text()
    first, last = NAME.split()
    assert EMAIL in seen, seen
    assert first in seen, seen
    assert last in seen, seen
    assert "[Admin, Public]" in seen, seen

    other = bench.person()
    other.open(f"{app}/auth/login/")
    if not other.page.url.startswith(bench.issuer):
        other.page.get_by_text("signet", exact=False).first.click()
    bench.sign_in(other, email=OTHER_EMAIL)
    answer = other.page.request.get(f"{app}/api/v2/dags")
    assert answer.status == 403, (answer.status, answer.text())
