"""The page for a user who may not sign in to the app that sent them here (RFC 6749 section 4.1.2.1)."""

from starlette.responses import Response

from provider.oauth.authorize.access_policy import find_denial, require_access
from provider.oauth.checks import Checks
from provider.oauth.errors import AccessDeniedError
from provider.oauth.http.access_denied import denied_page
from provider.oauth.http.authorization_errors import decline
from provider.oauth.http.parked_questions import find_question, resume_url
from provider.sessions.guards import page_to_switch
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go


@endpoint(asks_again=True)
def access_denied(call: Call) -> Response:
    """Show why the user may not sign in to the app (GET), or send them back to it (POST): /access-denied?request_uri=.

    Once an operator allows it, the page leads on to the app.
    """
    question = find_question(call, "authorization")
    if isinstance(question, Response):
        return question
    client, user_id = question.request.client, question.session.user_id
    denied = find_denial(call.work, client, user_id)
    if denied is None:
        return go(resume_url(call, question.parked))
    where = question.destination(call)
    if call.method == "POST":
        checks = Checks("authorization", client.client_id)
        try:
            require_access(checks, denied, error=AccessDeniedError)
        except AccessDeniedError as error:
            return decline(call, question.parked, question.target, error)
    return denied_page(
        call,
        client,
        denied,
        user_id=user_id,
        somebody_else=page_to_switch(call, where),
        app=where.app,
        form_targets=where.form_targets,
    )
