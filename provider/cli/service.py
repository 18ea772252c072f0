"""The commands that run and maintain the service: demo, serve, worker, migrate and purge."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider.cli.installation import opened
from provider.cli.output import Json, say
from provider.cli.progress import progress
from provider.runtime.garbage import collect_later, keep_what_exists


def demo(
    folder: Annotated[Path, typer.Option(help="Folder for the demo's data.")] = Path("signet-demo"),
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "localhost",
    port: Annotated[
        int, typer.Option(help="Port of the provider. The sample apps and the mailbox use the ports after it.")
    ] = 8000,
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="Delete the demo's data and start again.")] = False,
) -> None:
    """Run a local demo with sample apps and a mailbox. It is reachable only from this machine.

    Example: signet demo --port 9000 --fresh
    """
    collect_later()
    from provider.demo import run_demo

    keep_what_exists()
    run_demo(folder=folder, host=host, port=port, fresh=fresh)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on. 0 picks a free port.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Number of worker processes. 0 starts one per CPU core.")
    ] = 0,
    drain: Annotated[
        float,
        typer.Option(min=0, max=60, help="Seconds to keep serving on shutdown, after /health/ready has begun to fail."),
    ] = 1.0,
    *,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM file with the certificate and its chain, to serve HTTPS. Needs --tls-key.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file with the private key of --tls-cert.")] = None,
) -> int:
    """Run the web server. Serves HTTP behind a reverse proxy, or HTTPS with --tls-cert and --tls-key.

    Example: signet serve --host 127.0.0.1 --port 8001 --workers 2
    """
    collect_later()
    from provider.config.environment import SettingsError, load_settings
    from provider.serve import serve as run
    from provider.web.tls import Tls

    if (tls_cert is None) != (tls_key is None):
        raise SettingsError("--tls-cert and --tls-key must be used together")
    tls = None if tls_cert is None or tls_key is None else Tls(tls_cert, tls_key)
    return run(load_settings(), host=host, port=port, workers=workers or os.cpu_count() or 1, drain=drain, tls=tls)


def worker(
    threads: Annotated[
        int, typer.Option(min=1, max=32, help="Number of emails and notifications to send in parallel.")
    ] = 8,
) -> None:
    """Run the background worker. It sends emails, webhooks and logout notifications, rotates signing keys and deletes
    expired data.

    Needed when SIGNET_REDIS_URL is set. You can run several workers.

    Example: signet worker --threads 4
    """
    collect_later()
    from provider.doctor import background as doctor
    from provider.metrics import metered, meters
    from provider.observability.logging import configure_logging, log_ignored_variables
    from provider.worker.background import run_worker

    keep_what_exists()
    with opened() as installation, meters(installation.settings) as found, metered(installation, found):
        configure_logging(installation.settings.log_level)
        log_ignored_variables()
        run_worker(installation, threads=threads, tasks=doctor.TASKS)


def migrate(
    to: Annotated[str, typer.Option(help="Target revision: an ID, `head` (newest) or `base` (empty).")] = "head",
    *,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL statements instead of running them.")] = False,
    as_json: Json = False,
) -> None:
    """Create or upgrade the database schema. A new database also gets signing keys, and with SQLite a secret key file.

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
    """Delete expired data now. The worker does this every hour.

    Example: signet purge --json
    """
    from provider.worker.jobs import purge as run

    with opened() as installation, progress("Purging") as advance:
        deleted = run(installation, pause=0.01, advance=advance)
    deleted_rows = ", ".join(f"{count} {name}" for name, count in deleted.items() if count) or "nothing"
    say(f"Deleted {deleted_rows}.", deleted, as_json=as_json)
