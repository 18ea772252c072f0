"""The URLs of the pages on which people register, verify their address, and choose a new password."""

from starlette.routing import BaseRoute, Route

from provider.accounts.pages import password_reset, password_strength
from provider.config.settings import Settings
from provider.login.pages import email_verification, sign_up


def registration_and_recovery(settings: Settings) -> list[BaseRoute]:
    """Return the routes of these pages. Routes of a disabled feature are left out."""
    get, post = ["GET"], ["POST"]
    table: list[BaseRoute] = []
    if settings.has("registration"):
        table += [
            Route("/signup", sign_up.show_sign_up, methods=get, name="show_sign_up"),
            Route("/signup", sign_up.register, methods=post, name="sign_up"),
        ]
    if settings.has("email-verification"):
        table += [
            Route("/verify-email", email_verification.check_mail, methods=get, name="check_mail"),
            Route("/verify-email", email_verification.type_code, methods=post, name="type_code"),
            Route("/verify-email/resend", email_verification.send_again, methods=post, name="send_again"),
            Route("/verify-email/confirm", email_verification.show_link, methods=get, name="show_verify_link"),
            Route("/verify-email/confirm", email_verification.confirm, methods=post, name="confirm_email"),
            Route("/verify-email/confirmed", email_verification.confirmed, methods=get, name="email_confirmed"),
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
    if any(settings.has(feature) for feature in ("registration", "reset-passwords", "update-passwords")):
        strength = password_strength.password_strength
        table.append(Route("/password-strength", strength, methods=post, name="password_strength"))
    return table
