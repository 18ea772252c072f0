"""The sites around the provider: the sample apps, the sample API, and the mailbox with its SMTP server."""

import asyncio
import importlib
import sys
from contextlib import AsyncExitStack

from aiosmtpd.smtp import SMTP
from starlette.types import ASGIApp

from provider.config.settings import Settings
from provider.demo.addresses import Addresses
from provider.demo.mailbox import Mailbox, mailbox_site
from provider.demo.secrets import SINGLE_PAGE_APP_ID, WEB_APP_ID, Secrets
from provider.mail.smtp import DEMO_MAILBOX
from provider.resources import CLIENTS


def sample_sites(settings: Settings, addresses: Addresses, secrets: Secrets) -> dict[int, ASGIApp]:
    """Create the sample apps and the API; return them by port. They are in no package, so they are imported from their
    folder. All they know of the provider is its issuer.
    """
    if str(CLIENTS) not in sys.path:
        sys.path.append(str(CLIENTS))
    web_app = importlib.import_module("web_app.app")
    config = web_app.Config(
        issuer=settings.issuer,
        client_id=WEB_APP_ID,
        client_secret=secrets.web_app_secret,
        base_url=addresses.web_app.url,
        api_url=addresses.api.url,
    )
    pocket = importlib.import_module("single_page_app.app")
    told = pocket.Config(issuer=settings.issuer, client_id=SINGLE_PAGE_APP_ID, api_url=addresses.api.url)
    pages = [addresses.single_page_app.url]
    api = importlib.import_module("resource_server.app").create_app(settings.issuer, settings.issuer, pages)
    return {
        addresses.web_app.port: web_app.create_app(config),
        addresses.single_page_app.port: pocket.create_app(told),
        addresses.api.port: api,
    }


async def start_mailbox(stack: AsyncExitStack, addresses: Addresses, settings: Settings) -> ASGIApp:
    """Start receiving mail, until the stack is unwound. Returns the site that shows it."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(mailbox, enable_SMTPUTF8=True, ident=f"{DEMO_MAILBOX} {addresses.mailbox.url}", loop=loop),
        sock=addresses.smtp.sock,
    )
    stack.callback(smtp.close)
    return mailbox_site(mailbox, settings)
