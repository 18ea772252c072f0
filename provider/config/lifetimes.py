"""The settings that are durations."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from provider.config.durations import Duration, Retention
from provider.config.section import Section


class Lifetimes(Section):
    """The settings that are durations: each a number of seconds, or a number with s, m, h or d (`durations`).

    SIGNET_KEEP_SIGNED_IN_DAYS is a number of days, as users see it.
    """

    title: ClassVar[str] = "Lifetimes"

    code_lifetime: Duration = Field(
        timedelta(seconds=60),
        description="How long an authorization code is valid. RFC 6749 recommends at most 10 minutes.",
    )
    access_token_lifetime: Duration = Field(
        timedelta(minutes=10),
        description="How long an access token is valid. APIs may accept a revoked token until it expires, so "
        "keep it short.",
    )
    id_token_lifetime: Duration = Field(timedelta(hours=1), description="How long an ID token is valid.")
    refresh_idle_lifetime: Duration = Field(
        timedelta(days=14), description="How long a refresh token is valid without being used."
    )
    refresh_absolute_lifetime: Duration = Field(
        timedelta(days=90),
        description="Maximum lifetime of a refresh token family, however often it is used. After it, users "
        "sign in again.",
    )
    refresh_grace: Duration = Field(
        timedelta(seconds=10),
        description="How long an app can repeat a refresh and get the same new token, for example after a "
        "lost response. 0 turns it off.",
    )
    request_lifetime: Duration = Field(
        timedelta(hours=1),
        description="How long a user can take to sign in: the lifetime of a pending authorization request.",
    )
    pushed_request_lifetime: Duration = Field(
        timedelta(seconds=60),
        le=timedelta(minutes=10),
        description="How long an app can use a pushed authorization request (PAR), at most 10m. Apps with a FAPI 2.0 "
        "profile have to use it within less than 10m.",
    )
    device_code_lifetime: Duration = Field(
        timedelta(minutes=10), description="How long a device code, and the user code that belongs to it, are valid."
    )
    backchannel_request_lifetime: Duration = Field(
        timedelta(minutes=10),
        le=timedelta(hours=24),
        description="How long a user can take to answer a backchannel authentication request (CIBA), at most 24h. "
        "Apps can ask for less with requested_expiry.",
    )
    session_idle_lifetime: Duration = Field(
        timedelta(hours=1), description="How long a user stays signed in without using the session."
    )
    session_absolute_lifetime: Duration = Field(
        timedelta(hours=24), description="How long a user stays signed in at most. After it, they sign in again."
    )
    keep_signed_in_days: int = Field(
        0,
        ge=0,
        le=365,
        description="For how many days users can choose to stay signed in after closing the browser, up to 365. They "
        "tick a box when they sign in. 0 removes it.",
    )
    kept_session_idle_lifetime: Duration = Field(
        timedelta(days=14),
        description="How long a user who chose to stay signed in does so without using the session. It has an effect "
        "with SIGNET_KEEP_SIGNED_IN_DAYS only.",
    )
    second_factor_lifetime: Duration = Field(
        timedelta(minutes=5), description="How long a user can take to enter the second factor after the password."
    )
    verify_link_lifetime: Duration = Field(
        timedelta(hours=24), description="How long the link in a verification email is valid."
    )
    verify_code_lifetime: Duration = Field(
        timedelta(minutes=10), description="How long the code in a verification email is valid."
    )
    reset_link_lifetime: Duration = Field(
        timedelta(minutes=30), description="How long the link in a password reset email is valid."
    )
    invite_link_lifetime: Duration = Field(
        timedelta(days=7), description="How long the link in an invitation email is valid."
    )
    undo_link_lifetime: Duration = Field(
        timedelta(days=7),
        description="How long a user can undo a change of their email address, with the link sent to the old address.",
    )
    key_rotation: Duration = Field(
        timedelta(days=90),
        description="How long a signing key is in use before the next one replaces it. 0 turns automatic rotation off.",
    )
    key_lead: Duration = Field(
        timedelta(days=1),
        description="How long a new signing key is published before it is used, so that apps have time to load it.",
    )
    key_idle: Duration = Field(
        timedelta(minutes=30),
        description="How long a retired signing key must be unused before it is removed from the key set, at least 5m. "
        "In the same way, the next key signs only when no app that does not know it was seen for this time. 0 turns "
        "waiting off.",
    )
    key_max_wait: Duration = Field(
        timedelta(days=1),
        le=timedelta(days=30),
        description="How long the rotation waits at most for those who still use a key, at most 30d.",
    )
    deletion_grace: Duration = Field(
        timedelta(days=14), description="How long a user can cancel the deletion of their account before it is final."
    )
    unconfirmed_lifetime: Duration = Field(
        timedelta(days=30),
        ge=timedelta(days=1),
        description="How long an account with an unverified email address is kept, at least 1d.",
    )
    unused_client_lifetime: Duration = Field(
        timedelta(days=90),
        ge=timedelta(days=2),
        description="How long a self-registered app is kept without being used, at least 2d.",
    )
    audit_retention: Retention = Field(
        timedelta(days=365),
        description="How long audit events are kept: 7d to 3650d, or 0 to keep them forever.",
    )
    rejected_request_retention: Retention = Field(
        timedelta(days=7),
        description="How long rejected requests can be explained: 7d to 3650d, or 0 to keep them forever. Anyone can "
        "cause them.",
    )
    outbox_retention: Retention = Field(
        timedelta(days=30),
        description="How long emails, logout notifications and webhook events are listed after they were sent or given "
        "up: 7d to 3650d, or 0 to keep them forever.",
    )
    session_retention: Retention = Field(
        timedelta(days=30),
        description="How long sessions, authorizations and the links of emails are kept after they end: 7d to 3650d, "
        "or 0 to keep them forever.",
    )
    recent_sign_in: Duration = Field(
        timedelta(minutes=15),
        description="How recent a sign-in must be for sensitive actions, on pages and by API. Older sessions "
        "confirm the password first.",
    )
