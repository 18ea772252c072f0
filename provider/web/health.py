"""Health checks: /health/live answers while the process runs; /health/ready says whether it can serve, or why not."""

import asyncio

from starlette.requests import Request

from provider.database.engine import OUTAGES
from provider.web.json_responses import JsonResponse


async def live(_request: Request) -> JsonResponse:
    """Answer 200 without using anything that could be unavailable."""
    return JsonResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def ready(request: Request) -> JsonResponse:
    """Answer 200, or 503 with the names of the problems, within the database's timeout."""
    state = request.app.state
    database = state.installation.database

    def ask() -> str | None:
        try:
            database.require_usable()
        except OUTAGES:
            return "unavailable"
        return None

    problems = {}
    if state.stopping:
        problems["process"] = "stopping"
    problem = await asyncio.get_running_loop().run_in_executor(None, ask)
    if problem is not None:
        problems["database"] = problem
    body = {"status": "ok"} if not problems else {"status": "not ready", "reasons": problems}
    return JsonResponse(body, status_code=503 if problems else 200, headers={"cache-control": "no-store"})
