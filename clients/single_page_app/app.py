"""The server of the files. Run it with `uvicorn --factory single_page_app.app:app` in the folder above."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Config:
    """What the page is told; nothing of it is secret."""

    issuer: str
    client_id: str
    api_url: str
    scope: str = "openid profile email roles"


def app() -> Starlette:
    """Create the application from environment variables."""
    env = os.environ
    return create_app(Config(env["ISSUER"], env["CLIENT_ID"], env.get("API_URL", "http://localhost:8002")))


def create_app(config: Config) -> Starlette:
    # Scripts are this site's own, and may speak to the provider and the API only: a stolen token would go nowhere.
    provider = urlsplit(config.issuer)
    policy = (
        f"default-src 'none'; connect-src 'self' {provider.scheme}://{provider.netloc} {config.api_url}; "
        "script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"content-security-policy": policy, "referrer-policy": "no-referrer", "cache-control": "no-store"}

    def page(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=headers)

    def about(_request: Request) -> Response:
        return JSONResponse(asdict(config))

    return Starlette(
        routes=[
            Route("/", page),
            Route("/callback", page),
            Route("/signed-out", page),
            Route("/config.json", about),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )
