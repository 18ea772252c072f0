"""The commands that run and maintain the service: demo, serve, worker, migrate and purge."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider.cli.garbage import collect_as_usual
from provider.cli.installation import opened
from provider.cli.output import Json, say
from provider.cli.progress import progress


def demo(
    folder: Annotated[Path, typer.Option(help="Where its database lives.")] = Path("signet-demo"),
    host: Annotated[str, typer.Option(help="A loopback address.")] = "localhost",
    port: Annotated[int, typer.Option(help="Of the provider; the samples use the ones after it.")] = 8000,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over with an empty database.")] = False,
) -> None:
    """Run a demo in a single process: the provider, sample apps and a mailbox.

    Example: signet demo --port 9000 --fresh
    """
    from provider.demo import run_demo

    collect_as_usual()
    run_demo(folder=folder, host=host, port=port, fresh=fresh)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=0, max=64, help="Processes; 0 is one per processor.")] = 0,
    drain: Annotated[float, typer.Option(min=0, max=60, help="Seconds between 'not ready' and the end.")] = 1.0,
    *,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate and its chain: serve https.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its private key.")] = None,
) -> int:
    """Run the web service: HTTP behind a proxy, or HTTPS with --tls-cert and --tls-key.

    Example: signet serve --host 127.0.0.1 --port 8001 --workers 2
    """
    from provider.config.environment import SettingsError, load_settings
    from provider.serve import serve as run
    from provider.web.tls import Tls

    if (tls_cert is None) != (tls_key is None):
        raise SettingsError("--tls-cert and --tls-key come together")
    collect_as_usual()
    tls = None if tls_cert is None or tls_key is None else Tls(tls_cert, tls_key)
    return run(load_settings(), host=host, port=port, workers=workers or os.cpu_count() or 1, drain=drain, tls=tls)


def worker(
    threads: Annotated[int, typer.Option(min=1, max=32, help="How many emails and messages are sent in parallel.")] = 8,
) -> None:
    """Run the background worker: it sends email, events and logout notifications, rotates keys and cleans up.

    Needed when SIGNET_REDIS_URL is set; several may run.

    Example: signet worker --threads 4
    """
    from provider.metrics import metered, meters
    from provider.observability.logging import configure_logging, log_ignored_variables
    from provider.worker.background import run_worker

    collect_as_usual()
    with opened() as installation, meters(installation.settings) as found, metered(installation, found):
        configure_logging(installation.settings.log_level)
        log_ignored_variables()
        run_worker(installation, threads=threads)


def migrate(
    to: Annotated[str, typer.Option(help="A revision, `head` or `base`.")] = "head",
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Print the statements instead of running them.")] = False,
    as_json: Json = False,
) -> None:
    """Migrate the database schema up or down. An empty database also gets signing keys, and in embedded mode a secret
    key file.

    Example: signet migrate --sql, then signet migrate
    """
    from provider.cli.setting_up import set_up
    from provider.config.environment import load_settings

    def show(step: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"{step}\n")

    done = set_up(load_settings(), to=to, sql=sql, on_step=show)
    if done is not None:
        say("\n".join(done.sentences), done.values, as_json=as_json)


def purge(*, as_json: Json = False) -> None:
    """Delete expired data, 500 rows at a time. The worker does this every hour.

    Example: signet purge --json
    """
    from provider.worker.jobs import purge as run

    with opened() as installation, progress("Purging") as advance:
        deleted = run(installation, pause=0.01, advance=advance)
    told = ", ".join(f"{count} {name}" for name, count in deleted.items() if count) or "nothing"
    say(f"Deleted: {told}.", deleted, as_json=as_json)
