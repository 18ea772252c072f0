"""The application. Run it with `uvicorn --factory web_app.app:app` in the folder above; see docs/connect/clients.md."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from jinja2 import Environment, FileSystemLoader
from joserfc.errors import InvalidKeyIdError, JoseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from web_app.logout import verify_logout_token
from web_app.sessions import ServerSessions, Session
from web_app.steps import challenge_of

HERE = Path(__file__).parent
PAGES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
API_ROUTES = {"hello": "Call the API", "vault": "Do something sensitive", "admin": "Open the admin area"}


@dataclass(frozen=True)
class Config:
    issuer: str
    client_id: str
    client_secret: str
    base_url: str
    api_url: str
    scope: str = "openid profile email roles offline_access"


def app() -> Starlette:
    """Create the application from environment variables."""
    env = os.environ
    base_url, api_url = env.get("BASE_URL", "http://localhost:8001"), env.get("API_URL", "http://localhost:8002")
    return create_app(Config(env["ISSUER"], env["CLIENT_ID"], env["CLIENT_SECRET"], base_url, api_url))


def create_app(config: Config) -> Starlette:
    oauth = OAuth()
    oauth.register(
        "signet",
        client_id=config.client_id,
        client_secret=config.client_secret,
        server_metadata_url=f"{config.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": config.scope, "code_challenge_method": "S256", "timeout": 10},
    )
    web = Starlette(
        routes=[
            Route("/", home),
            Route("/sign-in", sign_in),
            Route("/callback", callback),
            Route("/call/{route}", call_api),
            Route("/refresh", refresh, methods=["POST"]),
            Route("/sign-out", sign_out, methods=["POST"]),
            Route("/signed-out", signed_out),
            Route("/backchannel-logout", backchannel_logout, methods=["POST"]),
            Route("/style.css", lambda _request: FileResponse(HERE / "style.css")),
        ],
        middleware=[Middleware(ServerSessions, cookie="quill", secure=config.base_url.startswith("https:"))],
        exception_handlers={OAuthError: refused, JoseError: refused, httpx2.HTTPError: unreachable},
    )
    web.state.config = config
    web.state.provider = oauth.signet
    return web


async def home(request: Request) -> Response:
    return page(request, "home.html")


async def sign_in(request: Request) -> Response:
    """Code flow with PKCE S256, state and nonce, all made and kept by Authlib."""
    request.session.pop("waiting_call", None)
    return await authorize(request)


async def authorize(request: Request, **parameters: str) -> Response:
    config: Config = request.app.state.config
    redirect: Response = await request.app.state.provider.authorize_redirect(
        request, f"{config.base_url}/callback", **parameters
    )
    return redirect


async def callback(request: Request) -> Response:
    """Redeem the code and check the ID Token: signature, iss, aud, exp, nonce, at_hash (OIDC Core section 3.1.3.7)."""
    provider, config = request.app.state.provider, request.app.state.config
    metadata = await provider.load_server_metadata()
    # Mix-up defence (RFC 9207 section 2.4): the answer must say that it comes from the issuer that was asked.
    if metadata["issuer"] != config.issuer or request.query_params.get("iss") != config.issuer:
        raise OAuthError("mix_up", "The response came from a different issuer.")
    waiting = request.session.get("waiting_call")
    token = await provider.authorize_access_token(request)
    session_of(request).renew()
    await remember(request, token)
    if waiting:
        request.session["stepped_up"] = waiting
        return RedirectResponse(f"/call/{waiting}", 303)
    return RedirectResponse("/", 303)


async def remember(request: Request, token: dict[str, Any]) -> None:
    """Keep the tokens on the server, and the claims to show."""
    session = request.session
    if "userinfo" in token:
        session["id_token"], session["claims"] = token["id_token"], dict(token["userinfo"])
    session["access_token"] = token["access_token"]
    session["refresh_token"] = token.get("refresh_token", session.get("refresh_token"))
    session["scope"] = token.get("scope", "")
    userinfo = await request.app.state.provider.userinfo(token=token)
    if userinfo["sub"] != session["claims"]["sub"]:  # OIDC Core section 5.3.2
        raise OAuthError("invalid_token", "userinfo is about another user.")
    session["userinfo"] = dict(userinfo)


async def call_api(request: Request) -> Response:
    """Call the API as the person; turn its wish for a stronger sign-in into one, and then try once more."""
    route = request.path_params["route"]
    if route not in API_ROUTES or "access_token" not in request.session:
        return RedirectResponse("/", 303)
    has_stepped_up = request.session.pop("stepped_up", None) == route
    answer = await get_from_api(request, route)
    challenge = challenge_of(answer)
    if challenge and challenge.error == "invalid_token" and await try_refresh(request):
        answer = await get_from_api(request, route)
        challenge = challenge_of(answer)
    if challenge and challenge.is_step_up and not has_stepped_up:
        request.session["waiting_call"] = route
        return await authorize(request, **challenge.as_authorization_parameters())
    return page(request, "home.html", route=route, answer=answer, challenge=challenge)


async def get_from_api(request: Request, route: str) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=10) as http:
        authorization = {"authorization": f"Bearer {request.session['access_token']}"}
        return await http.get(f"{request.app.state.config.api_url}/{route}", headers=authorization)


async def refresh(request: Request) -> Response:
    """Trade the refresh token for new tokens (RFC 6749 section 6); the provider rotates it."""
    if not await try_refresh(request):
        session_of(request).renew()
        return await authorize(request)
    return page(request, "home.html", refreshed=True)


async def try_refresh(request: Request) -> bool:
    provider, refresh_token = request.app.state.provider, request.session.get("refresh_token")
    if refresh_token is None:
        return False
    try:
        token = await provider.fetch_access_token(grant_type="refresh_token", refresh_token=refresh_token)
    except OAuthError:
        return False
    if "id_token" in token:
        token["userinfo"] = await provider.parse_id_token(token, nonce=None)
        if token["userinfo"]["sub"] != request.session["claims"]["sub"]:  # OIDC Core section 12.2
            return False
    await remember(request, token)
    return True


async def sign_out(request: Request) -> Response:
    """End our session, then the provider's (OpenID Connect RP-Initiated Logout)."""
    id_token = request.session.get("id_token")
    session_of(request).renew()
    redirect: Response = await request.app.state.provider.logout_redirect(
        request, f"{request.app.state.config.base_url}/signed-out", id_token_hint=id_token
    )
    return redirect


async def signed_out(request: Request) -> Response:
    await request.app.state.provider.validate_logout_response(request)
    return page(request, "home.html", signed_out=True)


async def backchannel_logout(request: Request) -> Response:
    """Handle a logout token: the user signed out, maybe elsewhere (OpenID Connect Back-Channel Logout section 2.6)."""
    provider, config = request.app.state.provider, request.app.state.config
    token = str((await request.form()).get("logout_token"))
    try:
        try:
            claims = verify_logout_token(token, await provider.fetch_jwk_set(), config.issuer, config.client_id)
        except InvalidKeyIdError:  # the provider's keys were rotated since we looked
            keys = await provider.fetch_jwk_set(force=True)
            claims = verify_logout_token(token, keys, config.issuer, config.client_id)
    except (JoseError, ValueError):  # section 2.8
        return JSONResponse({"error": "invalid_request"}, 400, {"cache-control": "no-store"})
    request.scope["sessions"].end(claims)
    return Response(status_code=200, headers={"cache-control": "no-store"})


async def refused(request: Request, error: Exception) -> Response:
    """Show why a sign-in failed, with a link to start again."""
    reason = getattr(error, "error", None) or type(error).__name__
    if reason == "mismatching_state" and "claims" in request.session:
        return RedirectResponse("/", 303)  # another tab was faster, or the page was opened again
    return page(request, "refused.html", status_code=400, reason=reason, description=getattr(error, "description", ""))


def session_of(request: Request) -> Session:
    session: Session = request.scope["session"]
    return session


async def unreachable(request: Request, _error: Exception) -> Response:
    return page(request, "refused.html", status_code=502, reason="unreachable", description="No response. Try again.")


def page(request: Request, template: str, *, status_code: int = 200, **context: Any) -> Response:
    config: Config = request.app.state.config
    context = {"session": request.session, "config": config, "api_routes": API_ROUTES, **context}
    html = PAGES.get_template(template).render(context)
    provider = urlsplit(config.issuer)
    policy = (
        f"default-src 'none'; style-src 'self'; form-action 'self' {provider.scheme}://{provider.netloc}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store", "referrer-policy": "no-referrer"}
    return HTMLResponse(html, status_code, headers)
