"""/health/live: the process answers. /health/ready: it can serve, or why not."""

import asyncio

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse

from provider.database.engine import OUTAGES


async def live(_request: Request) -> JSONResponse:
    """Answers without touching anything that can be away."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def ready(request: Request) -> JSONResponse:
    """200, or 503 with the reason by name, within the database's time-out."""
    state = request.app.state
    database = state.installation.database

    def ask() -> str | None:
        try:
            with database.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OUTAGES:
            return "unavailable"
        return None

    problems = {}
    if getattr(state, "stopping", False):
        problems["process"] = "stopping"
    problem = await asyncio.get_running_loop().run_in_executor(None, ask)
    if problem is not None:
        problems["database"] = problem
    body = {"status": "ok"} if not problems else {"status": "not ready", "reasons": problems}
    return JSONResponse(body, status_code=503 if problems else 200, headers={"cache-control": "no-store"})
