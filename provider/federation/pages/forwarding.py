"""The page that sends a browser to an upstream, and the page shown when that fails."""

from starlette.responses import Response

from provider.accounts.email.home_realms import find_home_realm
from provider.destination import Destination
from provider.federation import exchange, states
from provider.federation.exchange import UpstreamDeclined
from provider.federation.pages.upstreams_of import upstreams_of
from provider.federation.upstreams import Upstream, UpstreamUnavailable
from provider.login.pages.keep import FIELD as KEEP
from provider.login.pages.keep import ON, wants_to_stay
from provider.refusals import NotFound, Refusal
from provider.web import errors
from provider.web.call import Call
from provider.web.pages import page


def find_upstream(call: Call) -> Upstream:
    """Return the upstream whose key is in the path. Raises NotFound."""
    upstreams = upstreams_of(call)
    found = upstreams.get(call.path_params["key"])
    if found is None:
        raise NotFound
    return found


def forward(
    call: Call,
    upstream: Upstream,
    where: Destination,
    *,
    must_prove: bool = False,
    link_to: str | None = None,
    keep: bool = False,
    login_hint: str | None = None,
) -> Response:
    """Return a page that continues to the upstream by itself.

    It is not a redirect. `form-action` would have to name every host that the upstream redirects to, because Chromium
    applies it to all redirects. With `keep`, the user chose to stay signed in after closing the browser.
    """
    state = states.new_state(
        call.work,
        upstream=upstream.settings.key,
        browser=call.browser,
        destination=where.parameters | ({KEEP: ON} if keep else {}),
        must_prove=must_prove,
        link_to=link_to,
    )
    try:
        sealed = states.seal(call.work, state)
        max_age = where.app.max_age if where.app else None
        url = exchange.authorization_url(
            call.work, upstream, state, sealed=sealed, max_age=max_age, login_hint=login_hint
        )
    except UpstreamUnavailable as refusal:
        return failed_page(call, upstream, where, refusal, linking=link_to is not None)
    return page(call, "federation/forwarding.html", name=upstream.settings.name, url=url, where=where)


def must_prove(where: Destination) -> bool:
    """Return whether the upstream has to ask the user again."""
    return where.again or (where.app is not None and where.app.accepts_session is not None)


def forward_home(call: Call, where: Destination, typed: str, *, only_required: bool) -> Response | None:
    """Return the page that continues to the upstream of this address's domain. None if the domain has none, or with
    `only_required` if its users may also sign in here.
    """
    realm = find_home_realm(call.work, typed)
    upstream = None if realm is None else upstreams_of(call).get(realm.key)
    if realm is None or upstream is None or (only_required and not realm.is_required):
        return None
    hint = typed.strip()[:254]
    again = must_prove(where)
    return forward(call, upstream, where, must_prove=again, keep=wants_to_stay(call), login_hint=hint)


def failed_page(
    call: Call, upstream: Upstream, where: Destination, refusal: Refusal, *, linking: bool = False
) -> Response:
    """Return the page that says what went wrong, and how to continue: try again or choose another way."""
    response = page(
        call,
        "federation/stopped.html",
        status_code=refusal.status_code,
        offers_languages=False,
        title=refusal.title,
        message=refusal.message,
        details=refusal.details if isinstance(refusal, UpstreamDeclined) else [],
        upstream=upstream.settings,
        where=where,
        linking=linking,
        error_id=call.request_id,
    )
    response.headers.update(errors.headers_of(refusal))
    return response
