"""Every URL the provider answers, on one page."""

from starlette.routing import BaseRoute, Route

from provider.accounts.pages import (
    activity,
    data,
    email_addresses,
    email_change,
    language,
    overview,
    password,
    password_reset,
    password_strength,
    picture,
    profile,
    recovery_codes,
    registration,
    sessions,
    totp,
)
from provider.admin.api import identities as admin_identities
from provider.admin.api import links as admin_links
from provider.admin.api import sessions as admin_sessions
from provider.admin.api import users as admin_users
from provider.api import openapi
from provider.api.endpoints import confirm_password as api_confirm_password
from provider.api.endpoints import consents as api_consents
from provider.api.endpoints import email as api_email
from provider.api.endpoints import email_verification as api_email_verification
from provider.api.endpoints import password as api_password
from provider.api.endpoints import password_reset as api_password_reset
from provider.api.endpoints import picture as api_picture
from provider.api.endpoints import profile as api_profile
from provider.api.endpoints import recovery_codes as api_recovery_codes
from provider.api.endpoints import registration as api_registration
from provider.api.endpoints import sessions as api_sessions
from provider.api.endpoints import two_factor as api_two_factor
from provider.federation.pages import linked, upstream
from provider.login.pages import login, second_factor, sign_out
from provider.oauth.endpoints.account_chooser import account_chooser
from provider.oauth.endpoints.authorization import authorization, cancel
from provider.oauth.endpoints.authorization_challenge import authorization_challenge
from provider.oauth.endpoints.connected_apps import applications, withdraw
from provider.oauth.endpoints.consent import consent
from provider.oauth.endpoints.discovery import discovery
from provider.oauth.endpoints.end_session import end_session
from provider.oauth.endpoints.introspection import introspection
from provider.oauth.endpoints.jwks import Jwks
from provider.oauth.endpoints.preflight import preflight
from provider.oauth.endpoints.revocation import revocation
from provider.oauth.endpoints.token import token
from provider.oauth.endpoints.userinfo import userinfo
from provider.settings import Settings
from provider.web import health
from provider.web.assets import Static
from provider.web.look import look_of


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of these settings: those of a feature that is off do not exist."""
    get, post, both, options = ["GET"], ["POST"], ["GET", "POST"], ["OPTIONS"]
    metadata = discovery(settings)
    table: list[BaseRoute] = [
        # Programs
        Route("/.well-known/openid-configuration", metadata, methods=get, name="openid_configuration"),
        Route("/.well-known/oauth-authorization-server", metadata, methods=get, name="oauth_authorization_server"),
        Route("/oauth2/jwks", Jwks(), methods=get, name="jwks"),
        Route("/oauth2/authorize", authorization, methods=both, name="authorize"),
        Route("/oauth2/authorize/cancel", cancel, methods=post, name="authorize_cancel"),
        Route("/oauth2/authorize-challenge", authorization_challenge, methods=post, name="authorize_challenge"),
        Route("/oauth2/token", token, methods=post, name="token"),
        Route("/oauth2/token", preflight, methods=options, name="token_preflight"),
        Route("/oauth2/userinfo", userinfo, methods=both, name="userinfo"),
        Route("/oauth2/userinfo", preflight, methods=options, name="userinfo_preflight"),
        Route("/oauth2/introspect", introspection, methods=post, name="introspect"),
        Route("/oauth2/revoke", revocation, methods=post, name="revoke"),
        Route("/oauth2/revoke", preflight, methods=options, name="revoke_preflight"),
        Route("/oauth2/logout", end_session, methods=both, name="logout"),
        # People on the way to an app
        Route("/consent", consent, methods=both, name="consent"),
        Route("/select-account", account_chooser, methods=both, name="select_account"),
        # People: sign-in and sign-out
        Route("/", overview.home, methods=get, name="home"),
        Route("/login", login.show_login, methods=get, name="show_login"),
        Route("/login", login.login, methods=post, name="login"),
        Route("/login/second-factor", second_factor.show_second_factor, methods=get, name="show_second_factor"),
        Route("/login/second-factor", second_factor.second_factor, methods=post, name="second_factor"),
        Route("/sign-out", sign_out.sign_out, methods=post, name="sign_out"),
        Route("/signed-out", sign_out.signed_out, methods=get, name="signed_out"),
        # People: their account
        Route("/account", overview.account, methods=get, name="account"),
        Route("/account/sessions", sessions.sessions, methods=get, name="account_sessions"),
        Route("/account/sessions", sessions.end_sessions, methods=post, name="end_sessions"),
        Route("/account/applications", applications, methods=get, name="applications"),
        Route("/account/applications", withdraw, methods=post, name="withdraw_application"),
        Route("/account/activity", activity.activity, methods=get, name="activity"),
        Route("/account/activity/not-me", activity.show_not_me, methods=get, name="show_not_me"),
        Route("/account/activity/not-me", activity.not_me, methods=post, name="not_me"),
        Route("/account-secured", activity.secured, methods=get, name="account_secured"),
        Route("/account/data", data.data, methods=get, name="data"),
        Route("/account/data/export.json", data.export, methods=get, name="export_data"),
        Route("/account/delete", data.show_delete, methods=get, name="show_delete"),
        Route("/account/delete", data.delete, methods=post, name="delete_account"),
        Route("/account-leaving", data.leaving, methods=get, name="account_leaving"),
        Route("/keep-account", data.keep, methods=post, name="keep_account"),
        Route("/language", language.choose, methods=post, name="choose_language"),
        Route("/.well-known/change-password", overview.change_password, methods=get, name="change_password"),
        # Operators
        Route("/health/live", health.live, methods=get, name="health_live"),
        Route("/health/ready", health.ready, methods=get, name="health_ready"),
        Route("/static/{name}", Static(look_of(settings).assets), methods=get, name="static"),
    ]
    if settings.has("registration"):
        table += [
            Route("/signup", registration.show_sign_up, methods=get, name="show_sign_up"),
            Route("/signup", registration.register, methods=post, name="sign_up"),
        ]
    if settings.has("email-verification"):
        table += [
            Route("/verify-email", email_addresses.check_mail, methods=get, name="check_mail"),
            Route("/verify-email", email_addresses.type_code, methods=post, name="type_code"),
            Route("/verify-email/resend", email_addresses.send_again, methods=post, name="send_again"),
            Route("/verify-email/confirm", email_addresses.show_link, methods=get, name="show_verify_link"),
            Route("/verify-email/confirm", email_addresses.confirm, methods=post, name="confirm_email"),
            Route("/verify-email/confirmed", email_addresses.confirmed, methods=get, name="email_confirmed"),
        ]
    if settings.has("reset-passwords"):
        table += [
            Route("/forgot-password", password_reset.show_forgot_password, methods=get, name="show_forgot_password"),
            Route("/forgot-password", password_reset.forgot_password, methods=post, name="forgot_password"),
            Route("/forgot-password/sent", password_reset.reset_sent, methods=get, name="reset_sent"),
            Route("/reset-password", password_reset.show_reset_password, methods=get, name="show_reset_password"),
            Route("/reset-password", password_reset.reset_password, methods=post, name="reset_password"),
            Route("/reset-password/done", password_reset.reset_done, methods=get, name="reset_done"),
        ]
    if settings.upstreams is not None:
        table += [
            Route("/login/upstream/{key}/start", upstream.start, methods=post, name="upstream_start"),
            Route("/login/upstream/{key}/callback", upstream.callback, methods=get, name="upstream_callback"),
            Route("/account/linked", linked.show_linked, methods=get, name="show_linked"),
            Route("/account/linked", linked.begin, methods=post, name="link"),
            Route("/account/linked/unlink", linked.unlink, methods=post, name="unlink"),
            Route("/account/linked/confirm", linked.show_offer, methods=get, name="show_link_offer"),
            Route("/account/linked/confirm", linked.accept, methods=post, name="accept_link_offer"),
        ]
    if any(settings.has(feature) for feature in ("registration", "reset-passwords", "update-passwords")):
        strength = password_strength.password_strength
        table.append(Route("/password-strength", strength, methods=post, name="password_strength"))
    if settings.has("update-profile") and settings.has("email-verification"):
        table += [
            Route("/account/email", email_change.show_email, methods=get, name="show_email"),
            Route("/account/email", email_change.request_change, methods=post, name="change_email"),
            Route("/account/email/code", email_change.type_code, methods=post, name="type_change_code"),
            Route("/account/email/cancel", email_change.cancel, methods=post, name="cancel_change"),
            Route("/account/email/confirm", email_change.show_link, methods=get, name="show_change_link"),
            Route("/account/email/confirm", email_change.confirm, methods=post, name="confirm_change"),
            Route("/undo-email-change", email_change.show_undo, methods=get, name="show_undo"),
            Route("/undo-email-change", email_change.undo, methods=post, name="undo_email_change"),
        ]
    if settings.has("update-profile"):
        table += [
            Route("/account/profile", profile.show_profile, methods=get, name="show_profile"),
            Route("/account/profile", profile.change, methods=post, name="change_profile"),
            Route("/account/picture", picture.show_picture, methods=get, name="show_picture"),
            Route("/account/picture", picture.change, methods=post, name="change_picture"),
            Route("/pictures/{picture_id}", picture.picture, methods=get, name="picture"),
        ]
    if settings.has("update-passwords"):
        table += [
            Route("/account/password", password.show_password, methods=get, name="show_password"),
            Route("/account/password", password.change, methods=post, name="account_password"),
        ]
    if settings.has("two-factor"):
        table += [
            Route("/account/two-factor", totp.two_factor, methods=get, name="two_factor"),
            Route("/account/two-factor/begin", totp.begin, methods=post, name="begin_two_factor"),
            Route("/account/two-factor/set-up", totp.show_set_up, methods=get, name="show_two_factor_set_up"),
            Route("/account/two-factor/set-up", totp.set_up, methods=post, name="two_factor_set_up"),
            Route("/account/two-factor/turn-off", totp.turn_off, methods=post, name="two_factor_turn_off"),
            Route("/account/recovery-codes", recovery_codes.show_recovery_codes, methods=get, name="recovery_codes"),
            Route("/account/recovery-codes", recovery_codes.renew_recovery_codes, methods=post, name="renew_codes"),
        ]
    table += account_api(settings)
    table += admin_api()
    table.append(
        Route("/api/account/openapi.json", openapi.Described(settings, table), methods=get, name="account_api")
    )
    of_operators = openapi.Described(settings, table, openapi.ADMIN_API)
    table.append(Route("/api/admin/openapi.json", of_operators, methods=get, name="admin_api"))
    return table


def account_api(settings: Settings) -> list[BaseRoute]:
    """The same for first-party apps, as JSON; docs/account-api.json describes it."""
    get, post, put, delete = ["GET"], ["POST"], ["PUT"], ["DELETE"]
    password, two_factor, codes = api_confirm_password, api_two_factor, api_recovery_codes
    table: list[BaseRoute] = [
        Route("/api/account/confirm-password", password.confirmation_status, methods=get, name="confirmation_status"),
        Route("/api/account/confirm-password", password.confirm_password, methods=post, name="confirm_password"),
        Route("/api/account/profile", api_profile.show_profile, methods=get, name="profile_by_api"),
        Route("/api/account/sessions", api_sessions.list_sessions, methods=get, name="list_sessions"),
        Route("/api/account/sessions", api_sessions.end_other_sessions, methods=delete, name="end_other_sessions"),
        Route("/api/account/sessions/{session_id}", api_sessions.end_one_session, methods=delete, name="end_session"),
        Route("/api/account/consents", api_consents.list_consents, methods=get, name="list_consents"),
        Route(
            "/api/account/consents/{client_id:path}",
            api_consents.withdraw_consent,
            methods=delete,
            name="withdraw_consent",
        ),
    ]
    if settings.has("registration"):
        table.append(Route("/api/account/register", api_registration.register, methods=post, name="register"))
    if settings.has("email-verification"):
        letter, confirm = api_email_verification.request_letter, api_email_verification.confirm_address
        table += [
            Route("/api/account/verify-email/letter", letter, methods=post, name="request_verification_letter"),
            Route("/api/account/verify-email/confirm", confirm, methods=post, name="confirm_address"),
        ]
    if settings.has("update-profile") and settings.has("email-verification"):
        email = api_email
        table += [
            Route("/api/account/email", email.show_email, methods=get, name="email_by_api"),
            Route("/api/account/email", email.request_change, methods=post, name="request_email_change"),
            Route("/api/account/email/confirm", email.confirm_change, methods=post, name="confirm_email_change"),
            Route("/api/account/email/cancel", email.cancel_change, methods=post, name="cancel_email_change"),
        ]
    if settings.has("reset-passwords"):
        reset = api_password_reset
        table += [
            Route("/api/account/forgot-password", reset.forgot_password, methods=post, name="request_reset"),
            Route("/api/account/reset-password/check", reset.check_link, methods=post, name="check_reset_link"),
            Route("/api/account/reset-password", reset.reset_password, methods=post, name="set_forgotten_password"),
        ]
    if settings.has("update-profile"):
        table += [
            Route("/api/account/profile", api_profile.put_profile, methods=put, name="put_profile"),
            Route("/api/account/picture", api_picture.put_picture, methods=put, name="put_picture"),
            Route("/api/account/picture", api_picture.remove_picture, methods=delete, name="remove_picture"),
        ]
    if settings.has("update-passwords"):
        change = api_password.change_password
        table.append(Route("/api/account/password", change, methods=put, name="change_password_by_api"))
    if settings.has("two-factor"):
        table += [
            Route("/api/account/two-factor", two_factor.two_factor, methods=get, name="two_factor_status"),
            Route("/api/account/two-factor", two_factor.begin_two_factor, methods=post, name="enable_two_factor"),
            Route("/api/account/two-factor/key", two_factor.two_factor_key, methods=get, name="two_factor_key"),
            Route("/api/account/two-factor/qr-code", two_factor.two_factor_picture, methods=get, name="two_factor_qr"),
            Route("/api/account/two-factor/confirm", two_factor.confirm_two_factor, methods=post, name="confirm_totp"),
            Route("/api/account/two-factor/disable", two_factor.disable_two_factor, methods=post, name="disable_totp"),
            Route("/api/account/recovery-codes", codes.codes_left, methods=get, name="recovery_codes_left"),
            Route("/api/account/recovery-codes", codes.renew_codes, methods=post, name="renew_recovery_codes"),
        ]
    return table


def admin_api() -> list[BaseRoute]:
    """What operators may do with everybody's accounts, as JSON; docs/admin-api.json describes it."""
    get, post, patch, delete = ["GET"], ["POST"], ["PATCH"], ["DELETE"]
    user, session = "/api/admin/users/{user_id}", "/api/admin/sessions/{session_id}"
    return [
        Route("/api/admin/users", admin_users.find_users, methods=get, name="find_users"),
        Route("/api/admin/users", admin_users.create_user, methods=post, name="create_user"),
        Route(user, admin_users.show_user, methods=get, name="show_user"),
        Route(user, admin_users.change_user, methods=patch, name="change_user"),
        Route(user, admin_users.delete_user, methods=delete, name="delete_user"),
        Route(f"{user}/suspend", admin_users.suspend_user, methods=post, name="suspend_user"),
        Route(f"{user}/restore", admin_users.restore_user, methods=post, name="restore_user"),
        Route(f"{user}/identities", admin_identities.list_identities, methods=get, name="list_identities"),
        Route(f"{user}/identities", admin_identities.link_identity, methods=post, name="link_identity"),
        Route(
            f"{user}/identities/{{identity_id}}",
            admin_identities.unlink_identity,
            methods=delete,
            name="unlink_identity",
        ),
        Route(f"{user}/sessions", admin_sessions.list_sessions, methods=get, name="sessions_of_user"),
        Route(session, admin_sessions.show_session, methods=get, name="show_session"),
        Route(session, admin_sessions.change_session, methods=patch, name="change_session"),
        Route(session, admin_sessions.end_session, methods=delete, name="end_session_by_operator"),
        Route(f"{user}/links", admin_links.issue, methods=post, name="issue_link"),
        Route("/api/admin/links/use", admin_links.use, methods=post, name="use_link"),
    ]
