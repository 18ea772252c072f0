"""The URLs of the pages of a sign-in, and of what every page needs."""

from starlette.routing import BaseRoute, Route

from provider.accounts.factors import passkey_origins
from provider.accounts.pages import language
from provider.config.settings import Settings
from provider.login.pages import email_code, login, passkey, passkey_offer, second_factor, sign_out, terms
from provider.oauth.endpoints.access_denied import access_denied
from provider.oauth.endpoints.account_chooser import account_chooser
from provider.oauth.endpoints.consent import consent
from provider.oauth.endpoints.start_again import start_again
from provider.web import health
from provider.web.assets import Static
from provider.web.documents import Document
from provider.web.look import find_brand_asset


def pages(settings: Settings) -> list[BaseRoute]:
    """Return the routes of these pages. Routes of a disabled feature are left out."""
    get, post, both = ["GET"], ["POST"], ["GET", "POST"]
    table: list[BaseRoute] = [
        # People on the way to an app
        Route("/consent", consent, methods=both, name="consent"),
        Route("/access-denied", access_denied, methods=both, name="access_denied"),
        Route("/select-account", account_chooser, methods=both, name="select_account"),
        Route("/start-again", start_again, methods=get, name="start_again"),
        # People: sign-in and sign-out
        Route("/login", login.show_login, methods=get, name="show_login"),
        Route("/login", login.login, methods=post, name="login"),
        Route("/login/second-factor", second_factor.show_second_factor, methods=get, name="show_second_factor"),
        Route("/login/second-factor", second_factor.second_factor, methods=post, name="second_factor"),
        Route("/sign-out", sign_out.sign_out, methods=post, name="sign_out"),
        Route("/signed-out", sign_out.signed_out, methods=get, name="signed_out"),
        Route("/language", language.choose, methods=post, name="choose_language"),
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
        ]
    return table
