"""Every table, imported once, so that Alembic and the tests see one metadata."""
# ruff: noqa: F401  # importing is the point

import provider.accounts.store.email_addresses
import provider.accounts.store.email_changes
import provider.accounts.store.failures
import provider.accounts.store.known_devices
import provider.accounts.store.linked_identities
import provider.accounts.store.links
import provider.accounts.store.passwords
import provider.accounts.store.pictures
import provider.accounts.store.recovery_codes
import provider.accounts.store.search_keys
import provider.accounts.store.totp
import provider.accounts.store.users
import provider.admin.store
import provider.audit.hourly
import provider.audit.store
import provider.federation.store
import provider.oauth.store.api_resources
import provider.oauth.store.authorization_codes
import provider.oauth.store.authorization_requests
import provider.oauth.store.client_origins
import provider.oauth.store.clients
import provider.oauth.store.consents
import provider.oauth.store.device_codes
import provider.oauth.store.grants
import provider.oauth.store.initial_access_tokens
import provider.oauth.store.installation_secrets
import provider.oauth.store.own_sessions
import provider.oauth.store.refresh_tokens
import provider.oauth.store.refusals
import provider.oauth.store.signing_keys
import provider.oauth.store.used_assertions
import provider.outbox.store
import provider.sessions.store
import provider.webhooks.store
from provider.database.base import metadata

__all__ = ["metadata"]
