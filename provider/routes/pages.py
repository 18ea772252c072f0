"""The URLs of the pages for users."""

from starlette.routing import BaseRoute, Route

from provider.accounts.factors import passkey_origins
from provider.accounts.pages import (
    activity,
    data,
    email_change,
    language,
    overview,
    passkeys,
    password,
    password_reset,
    password_strength,
    picture,
    profile,
    recovery_codes,
    security,
    sessions,
    totp,
)
from provider.config.settings import Settings
from provider.federation.pages import linked, upstream
from provider.federation.pages import sign_out as upstream_sign_out
from provider.federation.pages.signals import receive_signal
from provider.login.pages import (
    email_code,
    email_verification,
    login,
    passkey,
    passkey_offer,
    second_factor,
    sign_out,
    sign_up,
    terms,
)
from provider.oauth.endpoints import backchannel_approval
from provider.oauth.endpoints.access_denied import access_denied
from provider.oauth.endpoints.account_chooser import account_chooser
from provider.oauth.endpoints.connected_apps import application, applications, withdraw
from provider.oauth.endpoints.consent import consent
from provider.oauth.endpoints.device_verification import answered, device
from provider.oauth.endpoints.start_again import start_again
from provider.web import health
from provider.web.assets import Static
from provider.web.documents import Document
from provider.web.look import find_brand_asset


def pages(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the pages. Routes of a disabled feature are left out."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    table: list[BaseRoute] = [
        # People on the way to an app
        Route("/consent", consent, methods=both, name="consent"),
        Route("/access-denied", access_denied, methods=both, name="access_denied"),
        Route("/select-account", account_chooser, methods=both, name="select_account"),
        Route("/start-again", start_again, methods=get, name="start_again"),
        Route("/device", device, methods=both, name="device"),
        Route("/device/answered", answered, methods=get, name="device_answered"),
        Route("/approve", backchannel_approval.approve, methods=both, name="approve"),
        Route("/approve/answered", backchannel_approval.answered, methods=get, name="approval_answered"),
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
        Route("/language", language.choose, methods=post, name="choose_language"),
        Route("/.well-known/change-password", overview.change_password, methods=get, name="change_password"),
        Route("/health/live", health.live, methods=get, name="health_live"),
        Route("/health/ready", health.ready, methods=get, name="health_ready"),
        Route(health.ECHO, health.echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE"], name="health_echo"),
        Route(health.ECHO + "/{path:path}", health.echo, methods=get, name="health_echo_of_a_path"),
        Route("/static/{name}", Static(find_brand_asset), methods=get, name="static"),
    ]
    if settings.email_code_sign_in:
        table += [
            Route(email_code.PATH, email_code.show_email_code, methods=get, name="show_email_code"),
            Route(email_code.PATH, email_code.request_email_code, methods=post, name="request_email_code"),
            Route(email_code.ENTER, email_code.show_enter_code, methods=get, name="show_enter_code"),
            Route(email_code.ENTER, email_code.enter_code, methods=post, name="enter_code"),
        ]
    if settings.terms_version is not None:
        table += [
            Route("/login/terms", terms.show_terms, methods=get, name="show_terms"),
            Route("/login/terms", terms.accept_terms, methods=post, name="accept_terms"),
        ]
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
    table += [
        Route("/login/upstream/{key}/start", upstream.start, methods=post, name="upstream_start"),
        Route("/login/upstream/{key}/callback", upstream.callback, methods=get, name="upstream_callback"),
        Route("/login/upstream/{key}/callback", upstream.answer_by_form, methods=post, name="upstream_form_post"),
        Route("/login/upstream/{key}/sign-up", upstream.sign_up, methods=post, name="upstream_sign_up"),
        Route("/login/upstream/sign-out", upstream_sign_out.leave, methods=get, name="upstream_sign_out"),
        Route("/login/upstream/{key}/signed-out", upstream_sign_out.come_back, methods=get, name="upstream_signed_out"),
        Route(
            "/login/upstream/{key}/backchannel-logout",
            upstream_sign_out.receive_logout,
            methods=post,
            name="upstream_backchannel_logout",
        ),
        Route("/login/upstream/{key}/signals", receive_signal, methods=post, name="upstream_signals"),
        Route("/account/linked", linked.show_linked, methods=get, name="show_linked"),
        Route("/account/linked", linked.begin, methods=post, name="link"),
        Route("/account/linked/unlink", linked.unlink, methods=post, name="unlink"),
        Route("/account/linked/disconnect", linked.disconnect, methods=post, name="disconnect_identity"),
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
    if settings.has("passkeys"):
        for path, content in passkey_origins.documents(settings).items():
            name = path.removeprefix("/.well-known/").replace("-", "_").replace(".", "_")
            table.append(Route(path, Document.of(content), methods=get, name=name))
        table += [
            Route("/login/passkey", passkey.passkey_options, methods=get, name="passkey_options"),
            Route("/login/passkey", passkey.login_with_passkey, methods=post, name="login_with_passkey"),
            Route(passkey_offer.PATH, passkey_offer.show_offer, methods=get, name="show_passkey_offer"),
            Route(passkey_offer.PATH, passkey_offer.accept_offer, methods=post, name="accept_passkey_offer"),
            Route(f"{passkey_offer.PATH}/decline", passkey_offer.decline_offer, methods=post, name="decline_passkey"),
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
