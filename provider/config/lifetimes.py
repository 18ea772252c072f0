"""The settings that are durations."""

from datetime import timedelta

from pydantic import Field

from provider.config.durations import Duration, Retention
from provider.config.section import Section


class Lifetimes(Section):
    """The settings that are durations: each a number of seconds, or a number with s, m, h or d (`durations`)."""

    code_lifetime: Duration = Field(timedelta(seconds=60), description="Of an authorization code.")
    access_token_lifetime: Duration = Field(timedelta(minutes=10), description="Of an access token.")
    id_token_lifetime: Duration = Field(timedelta(hours=1), description="Of an ID token.")
    refresh_idle_lifetime: Duration = Field(timedelta(days=14), description="A refresh token unused this long is dead.")
    refresh_absolute_lifetime: Duration = Field(timedelta(days=90), description="A token family lives no longer.")
    refresh_grace: Duration = Field(
        timedelta(seconds=10), description="A repeated refresh inside this gets the same successor. 0 is strict."
    )
    request_lifetime: Duration = Field(timedelta(hours=1), description="Of a parked authorization request.")
    pushed_request_lifetime: Duration = Field(
        timedelta(seconds=60),
        le=timedelta(minutes=10),
        description="Of a pushed authorization request, until a browser comes with it.",
    )
    device_code_lifetime: Duration = Field(
        timedelta(minutes=10), description="Of a device's code, and of the one a person types for it."
    )
    session_idle_lifetime: Duration = Field(
        timedelta(hours=1), description="A browser session unused this long is over."
    )
    session_absolute_lifetime: Duration = Field(timedelta(hours=24), description="A browser session lives no longer.")
    second_factor_lifetime: Duration = Field(
        timedelta(minutes=5), description="To finish a sign-in after the password."
    )
    verify_link_lifetime: Duration = Field(timedelta(hours=24), description="Of the link in a verification letter.")
    verify_code_lifetime: Duration = Field(timedelta(minutes=10), description="Of the code in a verification letter.")
    reset_link_lifetime: Duration = Field(timedelta(minutes=30), description="Of the link in a password letter.")
    invite_link_lifetime: Duration = Field(
        timedelta(days=7), description="Of the link in an invitation, with which somebody chooses their first password."
    )
    undo_link_lifetime: Duration = Field(
        timedelta(days=7), description="Of the link that undoes a change of the email address."
    )
    key_rotation: Duration = Field(
        timedelta(days=90), description="A signing key signs this long before the next one does. 0: only by hand."
    )
    key_lead: Duration = Field(
        timedelta(days=1),
        description="A signing key is published this long before it signs, for apps that keep the set.",
    )
    deletion_grace: Duration = Field(
        timedelta(days=14), description="From the wish to delete an account to its deletion; until then it can be kept."
    )
    unconfirmed_lifetime: Duration = Field(
        timedelta(days=30), ge=timedelta(days=1), description="Of an account whose address nobody confirmed."
    )
    unused_client_lifetime: Duration = Field(
        timedelta(days=90),
        ge=timedelta(days=2),
        description="An app that registered itself is deleted, unused this long.",
    )
    audit_retention: Retention = Field(
        timedelta(days=365),
        description="How long audit events are kept: 7d to 3650d, or 0 to keep them forever.",
    )
    recent_sign_in: Duration = Field(
        timedelta(minutes=15), description="Sensitive acts, on pages and by API, need a sign-in this fresh."
    )
