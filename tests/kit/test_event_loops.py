"""The kit beside event loops of others, and in process."""

import asyncio
from typing import Any

import anyio
import httpx2
import pytest
from signet_testing.signet import Signet

from tests.kit.conftest import App

DISCOVERY = "/.well-known/openid-configuration"


async def ask(signet: Signet) -> str:
    async with httpx2.AsyncClient(transport=signet.async_transport(), base_url=signet.issuer) as client:
        answers = [(await client.get(DISCOVERY)).json()["issuer"] for _ in range(2)]
    assert set(answers) == {signet.issuer}
    return str(answers[0])


@pytest.mark.parametrize("_turn", [1, 2])
def test_each_test_may_have_an_asyncio_loop_of_its_own(signet: Signet, _turn: int) -> None:
    assert asyncio.run(ask(signet)) == signet.issuer


def test_a_loop_of_trio_works(signet: Signet) -> None:
    pytest.importorskip("trio")
    assert anyio.run(ask, signet, backend="trio") == signet.issuer


def test_many_requests_at_the_same_time_are_answered(signet: Signet) -> None:
    async def all_of_them() -> list[str]:
        return list(await asyncio.gather(*(ask(signet) for _ in range(10))))

    assert set(asyncio.run(all_of_them())) == {signet.issuer}


def test_signing_in_works_from_within_a_loop(app: App) -> None:
    async def sign_in() -> Any:
        return app.signet.sign_in(app.begin(), app.signet.user())

    assert asyncio.run(sign_in()).code


def test_the_asgi_application_runs_in_the_loop_of_its_caller(signet: Signet) -> None:
    async def call() -> int:
        transport = httpx2.ASGITransport(app=signet.app)
        async with httpx2.AsyncClient(transport=transport, base_url=signet.issuer) as client:
            return (await client.get(DISCOVERY)).status_code

    assert asyncio.run(call()) == 200
