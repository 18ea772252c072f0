"""The handler of each outbox topic, and its retry policy."""

from collections.abc import Mapping

from provider.federation import token_revocations
from provider.mail import transport
from provider.oauth.ciba import notifications as pings
from provider.oauth.logout import back_channel as logout
from provider.operators.bulk import actions as bulk
from provider.operators.bulk import matching as bulk_matching
from provider.operators.imports import jobs as imports
from provider.outbox.relay import Handler, RetryPolicy
from provider.outbox.topics import Topic
from provider.scim.outbound import jobs as provisioning
from provider.ssf import push as signals
from provider.webhooks import delivery

HANDLERS: Mapping[str, Handler] = {
    Topic.MAIL: transport.deliver,
    Topic.LOGOUT: logout.deliver,
    Topic.WEBHOOK: delivery.deliver,
    Topic.BACKCHANNEL_PING: pings.deliver,
    Topic.BULK: bulk.carry_out,
    Topic.BULK_MATCHING: bulk_matching.carry_out,
    Topic.USER_IMPORT: imports.carry_out,
    Topic.UPSTREAM_TOKEN_REVOCATION: token_revocations.deliver,
    Topic.PROVISIONING: provisioning.deliver,
    Topic.SIGNALS: signals.deliver,
}
"""The handler of each topic."""
POLICIES: Mapping[str, RetryPolicy] = {
    Topic.MAIL: transport.RETRIES,
    Topic.LOGOUT: logout.RETRIES,
    Topic.WEBHOOK: delivery.RETRIES,
    Topic.BACKCHANNEL_PING: pings.RETRIES,
    Topic.BULK: bulk.RETRIES,
    Topic.BULK_MATCHING: bulk.RETRIES,
    Topic.USER_IMPORT: bulk.RETRIES,
    Topic.UPSTREAM_TOKEN_REVOCATION: token_revocations.RETRIES,
    Topic.PROVISIONING: provisioning.RETRIES,
    Topic.SIGNALS: signals.RETRIES,
}
"""How long each topic's jobs are retried."""
