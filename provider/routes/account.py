"""The URLs of the pages of an account."""

from starlette.routing import BaseRoute, Route

from provider.accounts.pages import (
    activity,
    data,
    email_change,
    overview,
    passkeys,
    password,
    picture,
    profile,
    recovery_codes,
    security,
    sessions,
    totp,
)
from provider.config.settings import Settings
from provider.federation.pages import linked
from provider.oauth.endpoints.connected_apps import application, applications, withdraw


def account(settings: Settings) -> list[BaseRoute]:
    """Return the routes of a user's own pages. Routes of a disabled feature are left out."""
    get, post = ["GET"], ["POST"]
    table: list[BaseRoute] = [
        Route("/", overview.home, methods=get, name="home"),
        Route("/.well-known/change-password", overview.change_password, methods=get, name="change_password"),
        Route("/account", overview.account, methods=get, name="account"),
        Route("/account/security", security.security, methods=get, name="security"),
        Route("/account/sessions", sessions.sessions, methods=get, name="account_sessions"),
        Route("/account/sessions", sessions.end_sessions, methods=post, name="end_sessions"),
        Route("/account/applications", applications, methods=get, name="applications"),
        Route("/account/applications/app", application, methods=get, name="application"),
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
        Route("/account/linked", linked.show_linked, methods=get, name="show_linked"),
        Route("/account/linked", linked.begin, methods=post, name="link"),
        Route("/account/linked/unlink", linked.unlink, methods=post, name="unlink"),
        Route("/account/linked/disconnect", linked.disconnect, methods=post, name="disconnect_identity"),
        Route("/account/linked/confirm", linked.show_offer, methods=get, name="show_link_offer"),
        Route("/account/linked/confirm", linked.accept, methods=post, name="accept_link_offer"),
    ]
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
    if settings.has("passkeys"):
        table += [
            Route("/account/passkeys", passkeys.show_passkeys, methods=get, name="show_passkeys"),
            Route("/account/passkeys", passkeys.add_passkey, methods=post, name="add_passkey"),
            Route("/account/passkeys/rename", passkeys.rename_passkey, methods=post, name="rename_passkey"),
            Route("/account/passkeys/remove", passkeys.remove_passkey, methods=post, name="remove_passkey"),
        ]
    if settings.has("two-factor"):
        table += [
            Route("/account/two-factor", totp.two_factor, methods=get, name="two_factor"),
            Route("/account/two-factor/begin", totp.begin, methods=post, name="begin_two_factor"),
            Route("/account/two-factor/passkeys", totp.turn_on_with_passkeys, methods=post, name="two_factor_passkeys"),
            Route("/account/two-factor/set-up", totp.show_set_up, methods=get, name="show_two_factor_set_up"),
            Route("/account/two-factor/set-up", totp.set_up, methods=post, name="two_factor_set_up"),
            Route("/account/two-factor/rename", totp.rename_authenticator_app, methods=post, name="rename_totp"),
            Route("/account/two-factor/remove", totp.remove_authenticator_app, methods=post, name="remove_totp"),
            Route("/account/two-factor/turn-off", totp.turn_off, methods=post, name="two_factor_turn_off"),
            Route("/account/recovery-codes", recovery_codes.show_recovery_codes, methods=get, name="recovery_codes"),
            Route("/account/recovery-codes", recovery_codes.renew_recovery_codes, methods=post, name="renew_codes"),
        ]
    return table
