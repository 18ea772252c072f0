"""Run the demo: start listening, fill the installation in the background, and stop cleanly on Ctrl-C.

One event loop and one uvicorn server serve all sites, distinguished by port. The discovery document needs no database,
so it is served from the start. Every other request waits until the installation is ready.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from provider.accounts.passwords.breached_passwords import require_usable
from provider.config.environment import SettingsError, load_settings
from provider.config.settings import Settings
from provider.crypto.vault import create_key_file
from provider.demo.addresses import Addresses, take_addresses
from provider.demo.secrets import EMAIL, Secrets, read_secrets
from provider.observability.logging import configure_logging
from provider.web.connections import BoundedConnection
from provider.work import Installation

AT_ONCE = {"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/health/live"}
"""The paths that need no database and are therefore served from the start."""
DATABASE = "signet.db"
OURS = (*(f"{DATABASE}{end}" for end in ("", "-wal", "-shm", "-lock", "-migrate", ".key")), "demo.json", ".gitignore")


def run_demo(folder: Path, host: str, port: int, fresh: bool) -> None:  # noqa: FBT001  # called by the command line
    """Serve the demo from `folder` until Ctrl-C. Exits with a one-line message if it cannot start."""
    addresses = take_addresses(host, port)
    try:
        prepare_folder(folder, fresh=fresh)
        settings = demo_settings(os.environ, folder, addresses)
        require_usable(settings)
        create_key_file(settings.secret_key_file)
        configure_logging(settings.log_level)
        asyncio.run(Demo(settings, folder, addresses).serve())
    except (OSError, SettingsError) as error:
        raise SystemExit(f"signet demo: {error}") from None


def prepare_folder(folder: Path, *, fresh: bool) -> None:
    """Create the folder, which Git ignores because it holds secrets. With `fresh`, delete the files an earlier demo
    left there, and no others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if fresh:
        for name in OURS:
            (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        (folder / ".gitignore").write_text("*\n")


def demo_settings(environ: Mapping[str, str], folder: Path, addresses: Addresses) -> Settings:
    """Return the settings: those of the environment, overridden by what the demo needs. Raises SettingsError for an
    unknown SIGNET_* variable.
    """
    ours = {
        "SIGNET_ENV": "development",
        "SIGNET_ISSUER": addresses.provider.url,
        "SIGNET_DATABASE_URL": f"sqlite:///{folder.resolve() / DATABASE}",
        "SIGNET_SMTP_HOST": addresses.smtp.sock.getsockname()[0],
        "SIGNET_SMTP_PORT": str(addresses.smtp.port),
        "SIGNET_SMTP_TLS": "none",
        "SIGNET_OUTBOUND_ALLOW": "127.0.0.0/8,::1",  # the sample app, which hears of a sign-out
        "SIGNET_LOG_LEVEL": environ.get("SIGNET_LOG_LEVEL", "warning"),
    }
    outside = ("SIGNET_REDIS_URL", "SIGNET_SECRET_KEY", "SIGNET_SMTP_USER", "SIGNET_SMTP_PASSWORD")
    return load_settings({name: value for name, value in {**environ, **ours}.items() if name not in outside})


class DemoServer(uvicorn.Server):
    """A uvicorn server that leaves signals to the demo, because what runs beside it must stop after it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Demo:
    def __init__(self, settings: Settings, folder: Path, addresses: Addresses) -> None:
        self.settings = settings
        self.folder = folder
        self.addresses = addresses
        self.sites: dict[int, ASGIApp] = {}
        self.answering = asyncio.Event()
        self.ready = asyncio.Event()
        config = uvicorn.Config(
            self.dispatch,
            http=BoundedConnection,
            interface="asgi3",  # a bound method would be taken for ASGI 2
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        self.server = DemoServer(config)

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        async with AsyncExitStack() as stack:
            filling = asyncio.create_task(self.fill(stack))
            await self.server.serve([listener.sock for listener in self.addresses.sites])
            # Stopped while still filling: let the thread finish its transaction, then leave.
            await filling

    def stop(self) -> None:
        self.server.force_exit = self.server.should_exit
        self.server.should_exit = True

    async def dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the site of its port, once that site is ready."""
        port = scope["server"][1]
        at_once = port == self.addresses.provider.port and scope["path"] in AT_ONCE
        await (self.answering if at_once else self.ready).wait()
        site = self.sites.get(port)
        if site is None:
            site = PlainTextResponse("The demo could not start. See its output in the terminal.", 503)
        await site(scope, receive, send)

    async def fill(self, stack: AsyncExitStack) -> None:
        """Start the sites, the provider first."""
        try:
            await self._fill(stack)
        except BaseException:
            self.stop()
            raise
        finally:
            self.answering.set()
            self.ready.set()

    async def _fill(self, stack: AsyncExitStack) -> None:
        from provider.app import create_app  # noqa: PLC0415  # the sockets listen before this loads
        from provider.doctor import background as doctor  # noqa: PLC0415
        from provider.installation import open_installation  # noqa: PLC0415
        from provider.routes.console import for_demo  # noqa: PLC0415
        from provider.worker.background import BackgroundWorker  # noqa: PLC0415

        worker = BackgroundWorker(self.settings, tasks=doctor.TASKS)
        installation = open_installation(self.settings, wake=worker.wake)
        provider = create_app(installation, background=worker, further=for_demo())
        self.sites[self.addresses.provider.port] = provider
        self.answering.set()
        # In a thread, so that discovery is answered meanwhile.
        secrets = await asyncio.to_thread(self._plant, provider.state.installation)
        if self.server.should_exit:  # Ctrl-C came meanwhile, and the sockets are closed
            return

        from provider.demo.sample_apps import start_mailbox  # noqa: PLC0415
        from provider.demo.summary import print_summary  # noqa: PLC0415

        mailbox = await start_mailbox(stack, self.addresses, self.settings)
        self.sites[self.addresses.mailbox.port] = mailbox
        await stack.enter_async_context(provider.router.lifespan_context(provider))
        print_summary(self.addresses, self.settings, EMAIL, secrets.password)

    def _plant(self, installation: Installation) -> Secrets:
        from provider.demo.sample_apps import sample_sites  # noqa: PLC0415
        from provider.demo.seeds import plant  # noqa: PLC0415

        secrets = read_secrets(self.folder)
        places = {"web_app": self.addresses.web_app.url, "single_page_app": self.addresses.single_page_app.url}
        plant(installation, secrets, **places)
        self.sites.update(sample_sites(self.settings, self.addresses, secrets))
        return secrets
