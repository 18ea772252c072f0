"""How `signet serve` starts: what it loads before its first answer, and the memory that its processes share."""

import subprocess
import sys

from tests.support.server_process import environment

FOR_LATER = (
    "PIL",
    "alembic",
    "authlib.oidc",
    "dramatiq",
    "email_validator",
    "httpcore2",
    "joserfc.jwt",
    "psycopg",
    "qrcode",
    "redis",
    "rich",
    "webauthn",
    "zxcvbn_rs_py",
)
"""What some requests need, and every start would wait for."""


ASK_LOADED = """
import sys
import provider.serve
from provider.api.bodies import Body

def built(kind):
    return [kind] * kind.__pydantic_complete__ + [each for below in kind.__subclasses__() for each in built(below)]

print(*sys.modules)
print(*built(Body))
"""


def test_a_service_starts_without_what_its_first_answers_do_not_need() -> None:
    loaded, bodies = _ask(ASK_LOADED).splitlines()
    assert not set(FOR_LATER) & set(loaded.split())
    assert not bodies, "bodies of requests to the APIs are built at their first use"


ASK_COLLECTOR = """
import gc
from provider import garbage

garbage.collect_rarely()
garbage.collect_later()
before, kept = gc.isenabled(), [[]]
garbage.keep_what_exists()
print(before, gc.isenabled(), gc.get_threshold() == garbage.USUAL, any(each is kept for each in gc.get_objects()))
"""


def test_the_collector_does_not_look_at_what_a_service_started_with() -> None:
    assert _ask(ASK_COLLECTOR).split() == ["False", "True", "True", "False"]


def _ask(code: str) -> str:
    """What a new process prints that runs this code."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment({}), capture_output=True, text=True, check=True).stdout
