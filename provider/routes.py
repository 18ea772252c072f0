"""Every URL the provider answers, on one page."""

from starlette.routing import BaseRoute, Route

from provider.accounts.pages import (
    email_addresses,
    overview,
    password_reset,
    recovery_codes,
    registration,
    sessions,
    totp,
)
from provider.login.pages import login, second_factor, sign_out
from provider.oauth.endpoints.account_chooser import account_chooser
from provider.oauth.endpoints.authorization import authorization, cancel
from provider.oauth.endpoints.consent import consent
from provider.oauth.endpoints.discovery import discovery
from provider.oauth.endpoints.end_session import end_session
from provider.oauth.endpoints.introspection import introspection
from provider.oauth.endpoints.jwks import Jwks
from provider.oauth.endpoints.revocation import revocation
from provider.oauth.endpoints.token import token
from provider.oauth.endpoints.userinfo import userinfo
from provider.settings import Settings
from provider.web import health
from provider.web.assets import static


def routes(settings: Settings) -> list[BaseRoute]:
    """The routes of these settings: those of a feature that is off do not exist."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    metadata = discovery(settings)
    table: list[BaseRoute] = [
        # Programs
        Route("/.well-known/openid-configuration", metadata, methods=get, name="openid_configuration"),
        Route("/.well-known/oauth-authorization-server", metadata, methods=get, name="oauth_authorization_server"),
        Route("/oauth2/jwks", Jwks(), methods=get, name="jwks"),
        Route("/oauth2/authorize", authorization, methods=both, name="authorize"),
        Route("/oauth2/authorize/cancel", cancel, methods=post, name="authorize_cancel"),
        Route("/oauth2/token", token, methods=post, name="token"),
        Route("/oauth2/userinfo", userinfo, methods=both, name="userinfo"),
        Route("/oauth2/introspect", introspection, methods=post, name="introspect"),
        Route("/oauth2/revoke", revocation, methods=post, name="revoke"),
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
        Route("/.well-known/change-password", overview.change_password, methods=get, name="change_password"),
        # Operators
        Route("/health/live", health.live, methods=get, name="health_live"),
        Route("/health/ready", health.ready, methods=get, name="health_ready"),
        Route("/static/{name}", static, methods=get, name="static"),
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
    return table
