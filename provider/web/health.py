"""Health checks: /health/live answers while the process runs; /health/ready says whether it can serve, or why not."""

import asyncio

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse

from provider.database.engine import OUTAGES


async def live(_request: Request) -> JSONResponse:
    """Answer 200 without using anything that could be unavailable."""
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def ready(request: Request) -> JSONResponse:
    """Answer 200, or 503 with the names of the problems, within the database's timeout."""
    state = request.app.state
    database = state.installation.database

    def ask() -> str | None:
        try:
            with database.connect() as connection:
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
