"""A fresh installation for the driver: the schema, keys, the client `bench`, and sixteen people who may sign in.

Reads SIGNET_* like the service. Whatever the database held before is gone.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from sqlalchemy import make_url

from provider.accounts.registration import create_user
from provider.config.environment import load_settings
from provider.config.settings import Settings
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.clients import clients
from provider.oauth.clients.metadata import ClientMetadata
from provider.oauth.setting_up import create_keys_and_salt
from provider.work import unit_of_work

USERS = 16
PASSWORD = "bench-password-1"
CLIENT_ID = "bench"
CLIENT_SECRET = "bench-secret-0123456789abcdef0123456789abcdef"
CLIENT = ClientMetadata(
    client_name="Benchmark",
    redirect_uris=("http://127.0.0.1:9999/cb",),
    grant_types=("authorization_code", "refresh_token", "client_credentials"),
    scope="openid profile email offline_access api",
)


def main() -> None:
    settings = load_settings()
    start_empty(settings)
    migrate(settings)
    installation = open_installation(settings)
    with unit_of_work(installation) as work:
        create_keys_and_salt(work)
    for number in range(1, USERS + 1):
        claims = {"name": f"User {number}", "given_name": "User", "family_name": str(number)}
        with unit_of_work(installation) as work:
            create_user(work, email=f"user{number}@example.test", password=PASSWORD, verified=True, claims=claims)
    with unit_of_work(installation) as work:
        clients.create_client(work, CLIENT, client_id=CLIENT_ID, secret=CLIENT_SECRET)
    installation.database.close()


def start_empty(settings: Settings) -> None:
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        for suffix in ("", "-wal", "-shm"):
            Path(f"{url.database}{suffix}").unlink(missing_ok=True)
        return
    admin = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with connect_patiently(admin) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{url.database}"')


def connect_patiently(url: str) -> psycopg.Connection:
    """A port answers a moment before the database behind it does."""
    for _ in range(100):
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise SystemExit("the database does not answer")


if __name__ == "__main__":
    main()
