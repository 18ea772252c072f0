"""The page "Try it": an operator signs in to an application as themselves, and sees each step and the decoded tokens.

The request is a real one that is parked for the operator's browser; its rules are in `oauth.authorize.trials`.
"""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import OAuth2Error
from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.admin import trial as rule
from provider.admin.guards import Operator, require_operator
from provider.admin.pages.clients.frame import NEEDS, client_page, find_client_to_change
from provider.languages.text import Text
from provider.oauth.authorize import consent, parked_requests, trials
from provider.oauth.authorize.request import find_target, read_request
from provider.oauth.authorize.trials import Trial
from provider.oauth.checks import Checks
from provider.oauth.clients import clients
from provider.oauth.clients.clients import Client
from provider.oauth.http.server import server_of
from provider.oauth.response_types import CODE, ResponseMode
from provider.oauth.scopes import format_scope, in_words, parse_scope
from provider.parameters import Parameters
from provider.refusals import Refusal
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go

SHORT = 12
"""How many characters of a random value are shown. The whole value is of no use to anyone."""


class TrialOver(Refusal):
    """A trial that timed out, or that another operator or browser started."""

    code = "trial-over"
    title = Text("This trial is over")
    message = Text("It timed out, or it was started in another browser. Start it again from the application's page.")


@dataclass(frozen=True)
class Step:
    """One step of a sign-in: its name, what happened, and the values that were sent or received."""

    title: Text
    told: Text
    values: dict[str, Any]


@endpoint
def show_try(call: Call) -> Response:
    """Explain what a trial does: GET /admin/clients/client/try?client_id=."""
    return _ask(call, find_client_to_change(call).value)


@endpoint
def start_try(call: Call) -> Response:
    """Park the authorization request and go to the authorization endpoint: POST to the same URL."""
    subject = find_client_to_change(call)
    client, operator = subject.value, subject.operator
    if _obstacle(client) is not None:
        return _ask(call, client)
    work, server = call.work, server_of(call)
    had_consent = consent.granted(work, user_id=operator.user_id, client=client) is not None
    trial = trials.new_trial(
        client_id=client.client_id, user_id=operator.user_id, browser=call.browser, had_consent=had_consent
    )
    asked = [token for token in parse_scope(client.metadata.scope) if f"scope.{token}" in call.form]
    prompt = [name for name in ("login", "consent") if f"prompt.{name}" in call.form]
    given = Parameters(list(trials.request_of(work, trial, scope=format_scope(asked), prompt=" ".join(prompt)).items()))
    checks = Checks("authorization")
    try:
        request = read_request(work, server, checks, find_target(work, server, checks, given), given)
    except OAuth2Error as error:
        return _ask(call, client, problem=error.description or error.error)
    request_uri = parked_requests.park(work, request, given, browser=call.browser)
    return go(parked_requests.resume_url(request_uri, client_id=client.client_id))


@endpoint
def finish_try(call: Call) -> Response:
    """Handle the authorization response of a trial, and show each step: GET /admin/clients/try?code=&state=."""
    operator = require_operator(call, NEEDS)
    trial = trials.find_trial(call.work, call.query.get("state"))
    if trial is None or not trials.belongs_to(trial, user_id=operator.user_id, browser=call.browser):
        raise TrialOver
    client = clients.find_client(call.work, trial.client_id)
    if client is None:
        raise TrialOver
    if "code" not in call.query:
        return _ask(call, client, problem=call.query.text("error_description") or call.query.text("error"))
    try:
        outcome = rule.finish(call.work, server_of(call), trial, client, call.query["code"])
    except OAuth2Error as error:
        return _ask(call, client, problem=error.description or error.error)
    return client_page(
        call,
        client,
        "admin/client_tried.html",
        tab="try",
        steps=_steps(call, operator, trial, client, outcome),
        outcome=outcome,
    )


def _obstacle(client: Client) -> Text | None:
    """Return why no one can sign in to this application in a browser, or None."""
    metadata = client.metadata
    if client.disabled:
        return Text("This application is disabled. Enable it first.")
    if metadata.response_types and CODE not in metadata.response_types:
        return Text("This application isn't registered for response_type=code, which a trial uses.")
    if "authorization_code" not in metadata.grant_types:
        return Text("Users don't sign in to this application through the browser, so there is nothing to try.")
    if metadata.must_sign_requests:
        return Text("This application must sign its requests with its own key, so it can't be tried here.")
    return None


def _ask(call: Call, client: Client, *, problem: str = "") -> Response:
    return client_page(
        call,
        client,
        "admin/client_try.html",
        tab="try",
        status_code=400 if problem else 200,
        obstacle=_obstacle(client),
        scopes=[(token, in_words(token)) for token in parse_scope(client.metadata.scope)],
        problem=problem,
    )


def _steps(call: Call, operator: Operator, trial: Trial, client: Client, outcome: rule.Outcome) -> list[Step]:
    """Return the steps in the order in which they happened."""
    address = email_addresses.find_of_user(call.work.read, operator.user_id)
    grant = outcome.grant
    state = call.query["state"]
    request = {
        "response_type": CODE,
        "client_id": client.client_id,
        "redirect_uri": trials.redirect_uri_of(call.settings),
        "scope": grant.scope,
        "state": _short(state),
        "nonce": _short(trial.nonce),
        "code_challenge": trial.challenge,
        "code_challenge_method": "S256",
    }
    consented = (
        Text("Skipped, because this is a first-party application.")
        if client.metadata.first_party
        else Text("You allowed these permissions. The consent was removed again unless you had given it before.")
    )
    response = {"code": _short(call.query["code"]), "state": _short(state), "iss": call.query.text("iss")}
    modes = client.metadata.response_modes
    returned = Text("Signet sent the browser back with a code. Your app compares state and iss with what it expects.")
    if ResponseMode.QUERY not in modes:
        returned = Text(
            "Signet sent the browser back with a code in the query. Your app receives the same values with "
            "response_mode=%(mode)s, and compares state and iss with what it expects.",
            mode=modes[0],
        )
    token_request = {
        "grant_type": "authorization_code",
        "code": response["code"],
        "redirect_uri": request["redirect_uri"],
        "code_verifier": _short(trial.verifier),
    }
    return [
        Step(
            Text("Authorization request"),
            Text("Your app sends the same, with its own redirect URI."),
            request,
        ),
        Step(
            Text("Sign-in"),
            Text("You signed in with your own account."),
            {
                "email": address.address if address else operator.user_id,
                "auth_time": grant.auth_time.isoformat(timespec="seconds"),
                "amr": grant.amr.split(),
            },
        ),
        Step(Text("Consent"), consented, {"scope": grant.scope}),
        Step(
            Text("Authorization response"),
            returned,
            response,
        ),
        Step(
            Text("Token request"),
            Text("Your app authenticates here as well, with its secret or key if it has one."),
            token_request,
        ),
    ]


def _short(value: str) -> str:
    return value if len(value) <= SHORT else f"{value[:SHORT]}…"
