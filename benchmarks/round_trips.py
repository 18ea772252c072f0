"""Round trips to a PostgreSQL that is far away: how many each operation takes, and how long it takes with them.

Starts a PostgreSQL of its own behind a network that delays every byte, runs each operation in this process, and prints
a table. The number of round trips is the same on every machine; `tests/oauth/test_round_trips.py` keeps it.

    python benchmarks/round_trips.py --milliseconds 80
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from provider.app import create_app
from provider.config.settings import Settings
from provider.database.migrations import migrate
from provider.installation import open_installation
from provider.oauth.setting_up import create_keys_and_salt
from provider.ratelimits.counter import LimitCounter
from provider.work import unit_of_work
from tests.support.installation import settings_for
from tests.support.network import Network
from tests.support.operations import prepare
from tests.support.round_trips import measure
from tests.support.services import Services


def main() -> None:
    options = read_options()
    with network(options.milliseconds / 1000) as (between, settings):
        installation = open_installation(settings, counter=LimitCounter())
        app = create_app(installation)
        operations = prepare(app, installation, times=options.times)
        print(f"| operation | round trips | with {options.milliseconds} ms each |")
        print("|---|--:|--:|")
        for name, operation in operations.items():
            found = measure(between, operation, times=options.times)
            print(f"| {name} | {found.round_trips} | {found.seconds * 1000:.0f} ms |", flush=True)
        app.state.threads.close()
        installation.database.close()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=int, default=80, help="of one round trip between Signet and PostgreSQL")
    parser.add_argument("--times", type=int, default=5, help="how often each operation runs; the best is printed")
    return parser.parse_args()


@contextmanager
def network(round_trip: float) -> Iterator[tuple[Network, Settings]]:
    """Provide a network before a new database, and the settings that use it. `round_trip` is in seconds."""
    services = Services()
    try:
        url = services.require("PostgreSQL").format(name="postgres")
        migrate(settings_for(url))
        near = open_installation(settings_for(url))
        with unit_of_work(near) as work:
            create_keys_and_salt(work)
        near.database.close()
        between = Network.before(url, delay=round_trip / 2)
        caches = {name: Settings.model_fields[name].default for name in ("client_cache", "key_cache")}
        yield between, settings_for(between.url_of(url), **caches)
        between.close()
    finally:
        services.stop()


if __name__ == "__main__":
    main()
