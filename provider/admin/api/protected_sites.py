"""Protected sites: the configuration of their proxies, and whether a user would see a page."""

from pydantic import Field

from provider.accounts.roles.permissions import Permission
from provider.accounts.users import NoSuchUser, get_user
from provider.admin.operation import by_operator
from provider.api.bodies import Body
from provider.api.callers import Operator
from provider.database.base import parse_id
from provider.languages.text import Text
from provider.oauth.forward_auth import preview
from provider.oauth.forward_auth.proxies import NoSuchProxy, configuration_for
from provider.oauth.forward_auth.sites import NoSuchSite, find_site
from provider.oauth.http.server import server_of
from provider.operators.authority import MorePermissions
from provider.web.call import Call

_CONFIGURATION = {
    "site": "The origin of the site, for example `https://wiki.example.com`.",
    "proxy": "The proxy: `nginx`, `caddy`, `traefik` or `envoy`.",
}
_PREVIEW = {
    "url": "The URL of a page of the site.",
    "user_id": "The ID of the user.",
    "network": "The IP address of the user. Without it, rules about networks are listed and not applied.",
}


class ProxyConfiguration(Body):
    """The configuration of a reverse proxy in front of a protected site."""

    files: dict[str, str] = Field(description="The files, by name.")


class SitePreview(Body):
    """Whether a user who is signed in would see a page of a protected site."""

    client_id: str = Field(description="The application that protects the site.")
    allowed: bool = Field(description="Whether the request would be allowed.")
    reason: str | None = Field(None, description="Why the request would be rejected.")
    rule: str | None = Field(None, description="The path in `protected_paths` whose rule applies.")
    needs_sign_in: bool = Field(description="False for a path with `bypass`.")
    level: str = Field(description="The level of assurance (`acr`) that the sign-in must have.")
    networks: list[str] = Field(description="The networks that the request must come from, if `network` is absent.")


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=ProxyConfiguration,
    asks=_CONFIGURATION,
    problems=(NoSuchSite, NoSuchProxy),
)
def show_proxy_configuration(call: Call, _operator: Operator, _body: Body) -> ProxyConfiguration:
    """Get the configuration of a proxy. Replace the addresses of Signet and of the site in it."""
    site, _ = find_site(call.work, server_of(call), call.query.text("site"))
    files = configuration_for(call.query.text("proxy"), site=site, issuer=call.settings.issuer)
    return ProxyConfiguration(files=files)


@by_operator(
    needs=Permission.APPLICATIONS_READ,
    gives=SitePreview,
    asks=_PREVIEW,
    problems=(NoSuchSite, NoSuchUser, MorePermissions),
)
def preview_site(call: Call, operator: Operator, _body: Body) -> SitePreview:
    """Check access to a page of a protected site. It also needs the permission `users:read`."""
    if Permission.USERS_READ not in operator.permissions:
        raise MorePermissions(Text("A preview also needs the permission users:read."))
    user_id = parse_id(call.query.get("user_id", ""))
    if user_id is None:
        raise NoSuchUser
    found = preview.preview(
        call.work,
        server_of(call),
        user=get_user(call.work, user_id),
        url=call.query.text("url"),
        network=call.query.text("network") or None,
    )
    return SitePreview(
        client_id=found.client_id,
        allowed=found.allowed,
        reason=None if found.reason is None else str(found.reason),
        rule=found.rule,
        needs_sign_in=found.needs_sign_in,
        level=found.level,
        networks=list(found.networks),
    )
