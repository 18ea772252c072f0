"""The check of an installation before it serves, without the web application, so that `signet check` starts fast."""

from provider.accounts.passwords.breached_passwords import require_usable
from provider.config.environment import SettingsError
from provider.config.settings import Settings
from provider.crypto.vault import VaultError
from provider.database.engine import OUTAGES
from provider.database.migrations import require_current
from provider.federation.configuration import load_upstreams
from provider.installation import open_installation
from provider.oauth.keys.key_ring import KeyRing
from provider.oauth.tokens.server import open_server
from provider.work import unit_of_work


def require_ready(settings: Settings) -> KeyRing:
    """Return the signing keys. Raises SettingsError, one line, for anything that would make requests fail.

    It checks the schema, secret key, signing keys, salt, list of breached passwords, and file of upstreams.
    """
    require_usable(settings)
    load_upstreams(settings.upstreams)
    installation = open_installation(settings)
    try:
        require_current(installation.database)
        server = open_server(installation)
        with unit_of_work(installation) as work:
            ring = server.keys.ring(work)
            server.subjects.require_salt(work)
    except OUTAGES as error:
        raise SettingsError(
            f"cannot reach the database ({type(error).__name__}). Check that it is running, and SIGNET_DATABASE_URL"
        ) from None
    except VaultError:
        raise SettingsError(
            "SIGNET_SECRET_KEY cannot decrypt the signing keys. Set it to the key that encrypted them"
        ) from None
    finally:
        installation.database.close()
    return ring
