"""Hashing a password takes a quarter of a second: it happens in a pool of its own (F-15)."""

import asyncio
import threading

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from provider.crypto.passwords import hash_password
from provider.web.call import Call
from provider.web.endpoint import endpoint
from tests.conftest import ISSUER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATIENCE = 30


def test_a_storm_of_sign_ins_does_not_hold_up_a_token_request(app: Starlette) -> None:
    begun, over = threading.Event(), threading.Event()

    def hash_slowly(call: Call) -> Response:
        begun.set()
        assert over.wait(PATIENCE)
        return PlainTextResponse("done")

    slow = endpoint(csrf_checked=False, hashes_passwords=True)(hash_slowly)
    app.router.routes.insert(0, Route("/test/hash", slow, methods=["POST"]))

    async def run() -> tuple[int, list[bool], set[int]]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ISSUER) as client:
            storm = [asyncio.create_task(client.post("/test/hash")) for _ in range(50)]
            assert await asyncio.to_thread(begun.wait, PATIENCE)
            answer = await client.post("/oauth2/token", data={"grant_type": "client_credentials"})
            meanwhile = [one.done() for one in storm]
            over.set()
            return answer.status_code, meanwhile, {one.status_code for one in await asyncio.gather(*storm)}

    token, meanwhile, afterwards = anyio.run(run)
    assert token == 401  # there is no such client: it was looked up in the database, in a thread
    assert not any(meanwhile)
    assert afterwards == {200}


def test_the_tests_would_notice_a_hash_in_an_ordinary_thread(app: Starlette) -> None:
    """`conftest` watches every request of every test."""

    def hash_here(call: Call) -> Response:
        return PlainTextResponse(hash_password("x", cost=4))

    careless, careful = (endpoint(csrf_checked=False, hashes_passwords=own)(hash_here) for own in (False, True))
    app.router.routes.insert(0, Route("/test/careless", careless, methods=["POST"]))
    app.router.routes.insert(0, Route("/test/careful", careful, methods=["POST"]))
    client = TestClient(app, base_url=ISSUER)
    assert client.post("/test/careless").status_code == 500
    assert client.post("/test/careful").status_code == 200
