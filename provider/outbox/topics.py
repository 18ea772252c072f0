"""The topics of jobs. Each has one handler (`provider.worker.handlers`), which delivers the email, logout notification
or webhook event, or does the work.
"""

from collections.abc import Mapping
from enum import StrEnum

from provider.languages.text import Text


class Topic(StrEnum):
    """Every topic. The values are stored. They are part of the admin API, the command line and the metrics."""

    MAIL = "mail"
    LOGOUT = "logout"
    WEBHOOK = "webhook"
    PROVISIONING = "provisioning"
    SIGNALS = "signals"
    BULK = "bulk"
    BULK_MATCHING = "bulk-matching"
    USER_IMPORT = "user-import"
    BACKCHANNEL_PING = "backchannel-ping"
    UPSTREAM_TOKEN_REVOCATION = "upstream-token-revocation"  # noqa: S105  # the name of a topic


TITLES: Mapping[str, Text] = {
    Topic.MAIL: Text("Emails"),
    Topic.LOGOUT: Text("Logout notifications"),
    Topic.WEBHOOK: Text("Webhook events"),
    Topic.PROVISIONING: Text("Provisioning"),
    Topic.SIGNALS: Text("Shared signals"),
    Topic.BULK: Text("Changes to users"),
    Topic.BULK_MATCHING: Text("Changes to all users that match"),
    Topic.USER_IMPORT: Text("Imports of users"),
    Topic.BACKCHANNEL_PING: Text("Approval on another device (CIBA)"),
    Topic.UPSTREAM_TOKEN_REVOCATION: Text("Tokens of upstream providers"),
}
"""What people read, in the order of lists."""
