"""Throw-away users and clients, with which `signet doctor --probes` attacks the installation it runs on. Pure.

Their ids are reserved. So every part knows them without asking the database: they cause no emails and no webhooks, get
no accounts in apps, and are not counted as users or apps.
"""

DOMAIN = "signet-doctor.test"
"""The domain of their addresses and redirect URIs. No such name exists (RFC 6761 section 6.2); an address below
.invalid could not sign in.
"""
CLIENTS = "signet-doctor-"
"""The beginning of the client_id."""
FIRST_USER, LAST_USER = "d0c70000-0000-8000-8000-000000000000", "d0c70000-0000-8000-8000-ffffffffffff"
"""The ids of the users: a range of UUIDv8, which are for private use (RFC 9562 section 5.8)."""
THROW_AWAY_USERS = FIRST_USER, LAST_USER


def is_throw_away(identifier: object) -> bool:
    """Return whether this is the id of a throw-away user, or the client_id of a throw-away client."""
    text = str(identifier)
    return text.startswith(CLIENTS) or FIRST_USER <= text <= LAST_USER
