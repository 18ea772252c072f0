"""The consent page: which app asks, for what, and for which account. The user can allow, deny, or switch the account.

It takes only the request_uri (OIDC Core section 3.1.2.4).
"""

from starlette.responses import Response

from provider.accounts.store import email_addresses
from provider.oauth.authorization_details.wording import describe
from provider.oauth.authorize import consent as rule
from provider.oauth.authorize.store import authorization_requests
from provider.oauth.http.authorization_errors import decline
from provider.oauth.http.parked_questions import Question, find_question, resume_url
from provider.oauth.http.server import server_of
from provider.sessions.guards import page_to_switch
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.pages import go, page


@endpoint(asks_again=True)
def consent(call: Call) -> Response:
    """Show or submit the consent page: GET and POST /consent?request_uri=."""
    question = find_question(call, "consent")
    if isinstance(question, Response):
        return question
    if call.method == "POST":
        return _answer(call, question)
    address = email_addresses.find_of_user(call.work.read, question.session.user_id)
    where = question.destination(call)
    return page(
        call,
        "oauth/consent.html",
        form_targets=where.form_targets,
        image_sources=where.image_sources,
        app=where.app,
        account=address.address if address else question.session.user_id,
        permissions=rule.permissions_asked_for(call.work, question.request),
        details=describe(question.request.details.values, question.request.details.types),
        apis=rule.find_apis(call.work, server_of(call), question.request.resources),
    )


def _answer(call: Call, question: Question) -> Response:
    decision = call.form.get("decision")
    if decision == "switch":
        return go(page_to_switch(call, question.destination(call)))
    if decision == "deny":
        rule.deny(call.work, user_id=question.session.user_id, client_id=question.parked.client_id)
        return decline(call, question.parked, question.target)
    if decision == "allow":
        request, user_id = question.request, question.session.user_id
        rule.grant(
            call.work,
            user_id=user_id,
            client=request.client,
            scopes=request.scope,
            claims=request.claims.names,
            resources=request.resources,
            details=request.details,
        )
        authorization_requests.mark_consented(call.work.db, question.parked, user_id)
        return go(resume_url(call, question.parked))
    return go(call.path + "?" + call.scope["query_string"].decode("ascii", "replace"))
