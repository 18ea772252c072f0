"""The protected sites of an application: their rules, the configuration of their proxies, and a preview for a user."""

from starlette.responses import Response

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import AmbiguousAddress, NoSuchUser, get_user
from provider.admin.guards import require_operator
from provider.admin.pages.clients.frame import client_page, find_client
from provider.oauth.forward_auth.preview import Verdict, preview
from provider.oauth.forward_auth.proxies import FILES, NAMES, configuration_for
from provider.oauth.forward_auth.sites import NoSuchSite
from provider.oauth.http.server import server_of
from provider.web.call import Call
from provider.web.endpoint import endpoint


@endpoint
def show_site(call: Call) -> Response:
    """Show the protected sites of a client: GET /admin/clients/client/site?client_id=&site=&user=&page=&network=.

    A preview also needs the permission `users:read`.
    """
    operator = require_operator(call, Permission.APPLICATIONS_READ)
    client = find_client(call, operator).value
    sites = client.metadata.protected_sites
    named = call.query.text("site")
    site = named if named in sites else next(iter(sites), None)
    typed = {name: call.query.text(name).strip() for name in ("user", "page", "network")}
    may_preview = operator.may(Permission.USERS_READ)
    errors: dict[str, str] = {}
    verdict: Verdict | None = None
    if site is not None and typed["user"] and may_preview:
        try:
            user = get_user(call.work, typed["user"])
            url = site + "/" + typed["page"].removeprefix("/")
            network = typed["network"] or None
            verdict = preview(call.work, server_of(call), user=user, url=url, network=network)
        except (NoSuchUser, AmbiguousAddress) as refusal:
            errors = {"user": refusal.message}
        except NoSuchSite as refusal:
            errors = {"page": refusal.message}
    proxies = [
        (f"{proxy}-{number}", f"{NAMES[proxy]}: {name}", text)
        for proxy in (FILES if site else ())
        for number, (name, text) in enumerate(
            configuration_for(proxy, site=site or "", issuer=call.settings.issuer).items()
        )
    ]
    return client_page(
        call,
        client,
        "admin/client_site.html",
        tab="site",
        status_code=400 if errors else 200,
        sites=sites,
        site=site,
        rules=client.metadata.protected_paths or {},
        proxies=proxies,
        may_preview=may_preview,
        typed=typed,
        errors=errors,
        verdict=verdict,
    )
