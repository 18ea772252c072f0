"""An import of every table, so that Alembic and the tests see one metadata."""
# importing is the point

import provider.accounts.factors.store.passkey_offers
import provider.accounts.factors.store.passkeys
import provider.accounts.factors.store.recovery_codes
import provider.accounts.factors.store.totp
import provider.accounts.factors.store.totp_setups
import provider.accounts.factors.store.two_factor_choices
import provider.accounts.factors.store.used_challenges
import provider.accounts.store.attribute_values
import provider.accounts.store.directories
import provider.accounts.store.email_addresses
import provider.accounts.store.email_changes
import provider.accounts.store.failures
import provider.accounts.store.group_tables
import provider.accounts.store.known_devices
import provider.accounts.store.linked_identities
import provider.accounts.store.links
import provider.accounts.store.passwords
import provider.accounts.store.pictures
import provider.accounts.store.remembered_devices
import provider.accounts.store.roles
import provider.accounts.store.search_keys
import provider.accounts.store.terms_acceptances
import provider.accounts.store.upstream_tokens
import provider.accounts.store.user_attributes
import provider.accounts.store.users
import provider.audit.active_users
import provider.audit.daily
import provider.audit.hourly
import provider.audit.store
import provider.federation.store.granted_groups
import provider.federation.store.granted_roles
import provider.federation.store.signal_states
import provider.federation.store.upstream_sessions
import provider.federation.store.used_states
import provider.oauth.authorization_details.store
import provider.oauth.authorize.store.authorization_codes
import provider.oauth.authorize.store.authorization_requests
import provider.oauth.authorize.store.consents
import provider.oauth.claim_mapping.store
import provider.oauth.client_authentication.store
import provider.oauth.clients.store.api_resources
import provider.oauth.clients.store.api_scopes
import provider.oauth.clients.store.client_origins
import provider.oauth.clients.store.client_secrets
import provider.oauth.clients.store.clients
import provider.oauth.clients.store.initial_access_tokens
import provider.oauth.clients.store.search_texts
import provider.oauth.first_party.store
import provider.oauth.grants.store.backchannel_requests
import provider.oauth.grants.store.device_codes
import provider.oauth.keys.requested_algorithms
import provider.oauth.keys.store
import provider.oauth.sender_constraint.store
import provider.oauth.store
import provider.oauth.tokens.store.delegations
import provider.oauth.tokens.store.grants
import provider.oauth.tokens.store.installation_secrets
import provider.oauth.tokens.store.refresh_tokens
import provider.oauth.tokens.store.revoked_access_tokens
import provider.oauth.trusted_issuers.store
import provider.operators.bulk.runs
import provider.operators.doctor_runs
import provider.operators.imports.store
import provider.operators.store
import provider.outbox.store
import provider.processes
import provider.provisioning.store.connections
import provider.provisioning.store.resources
import provider.saved_settings.branding
import provider.saved_settings.upstreams
import provider.sessions.store
import provider.signals.store.deliveries
import provider.signals.store.queue
import provider.signals.store.streams
import provider.signals.store.subjects
import provider.webhooks.store
from provider.accounts.store import search_keys
from provider.database import substrings
from provider.database.base import metadata
from provider.oauth.clients.store import search_texts

provider.accounts.store.email_addresses.declare_indexes()
provider.accounts.store.users.declare_indexes()
provider.audit.store.declare_index()
provider.oauth.keys.store.declare_index()
for table in (search_keys.search_texts, search_texts.search_texts):
    substrings.declare_index(table)

__all__ = ["metadata"]
