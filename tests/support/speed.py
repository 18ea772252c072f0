"""What makes the tests fast: each fixture keeps what every test would otherwise compute anew, for the whole run.

They replace parts of libraries and of the provider, and none of them changes what a test sees. To find out whether one
of them is to blame for a failure, run with `-p no:tests.support.speed`: slower, and otherwise the same.
"""

import ssl
from collections.abc import Iterator
from copy import copy
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import anyio.from_thread
import pytest
from babel.messages import mofile
from httpx2 import _urls
from httpx2._urlparse import urlparse
from hypothesis.internal.conjecture import providers
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from qrcode.main import QRCode
from sqlalchemy import Engine, create_engine, event
from starlette import testclient
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient

from provider import app
from provider.api.openapi import Described
from provider.config.settings import Settings
from provider.database import engine
from provider.languages import catalogs
from provider.oauth.keys import key_pairs
from provider.routes import routing_table as build_table
from provider.web.endpoint import Endpoint
from tests.support.effort import THOROUGH
from tests.support.in_process import InProcess


def pytest_configure() -> None:
    """Change what importing tests needs."""
    if not THOROUGH:
        # Hypothesis reads all our code for constants to try, in each process.
        providers._get_local_constants = lambda: providers._local_constants


@pytest.fixture(scope="session", autouse=True)
def _parse_each_key_once() -> Iterator[None]:
    """Keep parsed keys: importing an RSA key takes 27 ms, and nearly every test has the same one."""
    original = key_pairs.import_key
    parsed: dict[str, Any] = {}

    def parse(jwk: dict[str, Any]) -> Any:
        name = f"{jwk['kid']} {'d' in jwk}"
        if name not in parsed:
            parsed[name] = original(jwk)
        return parsed[name]

    key_pairs.import_key = parse
    yield
    key_pairs.import_key = original


@pytest.fixture(scope="session", autouse=True)
def _compile_each_statement_once() -> Iterator[None]:
    """Share compiled statements: SQLAlchemy keeps them for each engine and dialect, and every test has an engine of its
    own.
    """
    original = create_engine
    first: dict[str, Engine] = {}

    def create(*given: Any, **options: Any) -> Engine:
        made = original(*given, **options)
        name = made.dialect.name
        if name in first:
            made.dialect.initialize = lambda connection: None  # type: ignore[method-assign]  # it asks what is known
            made.dialect = made.pool._dialect = first[name].dialect
            made._compiled_cache = first[name]._compiled_cache
        else:
            event.listen(made, "connect", lambda *_: first.setdefault(name, made))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "create_engine", create)
        yield


def _anew(route: BaseRoute) -> BaseRoute:
    """The route for one more app. An endpoint that remembers (the JWKS) has forgotten: the copied one never ran."""
    if isinstance(route, Route) and route.app is route.endpoint and not isinstance(route.app, Endpoint | Described):
        route = copy(route)
        route.endpoint = route.app = copy(route.endpoint)
    return route


@pytest.fixture(scope="session", autouse=True)
def _build_each_route_table_once() -> Iterator[None]:
    """Keep the routes for the settings they are made from, and with them the OpenAPI documents: 4 ms and 250 ms."""
    original = build_table
    tables: dict[Settings, list[BaseRoute]] = {}

    def table_of(settings: Settings) -> list[BaseRoute]:
        like = settings.model_copy(update={"database_url": ""})
        if like not in tables:
            tables[like] = original(settings)
        return [_anew(route) for route in tables[like]]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "routing_table", table_of)
        yield


@pytest.fixture(scope="session", autouse=True)
def _draw_qr_codes_with_any_mask() -> Iterator[None]:
    """Take the first of the eight masks, which every reader can read: finding the best takes 16 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QRCode, "best_mask_pattern", lambda _self: 0)
        yield


class _Templates(FileSystemBytecodeCache):
    """Compiled templates. Constants are translated when a template is compiled, so each language has its own."""

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        spoken, layout = (environment.globals.get(part) for part in ("language", "layout"))
        kind = (
            f"{filename} {getattr(spoken, 'tag', spoken)} {layout} {environment.autoescape} {environment.trim_blocks}"
        )
        return super().get_bucket(environment, name, kind, source)


@pytest.fixture(scope="session", autouse=True)
def _compile_each_template_once(pytestconfig: pytest.Config) -> Iterator[None]:
    """Share compiled templates with the other workers and the next run: compiling those of the pages takes 2.5 seconds,
    for each process and language.
    """
    assert pytestconfig.cache is not None
    kept = _Templates(str(pytestconfig.cache.mkdir("templates")))
    with pytest.MonkeyPatch.context() as patch:
        # A property of the class wins over what the constructor sets.
        patch.setattr(
            Environment, "bytecode_cache", property(lambda _self: kept, lambda _self, _given: None), raising=False
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def _compile_each_catalog_once(pytestconfig: pytest.Config) -> Iterator[None]:
    """Share compiled translations likewise: Babel takes a quarter of a second for each language and process."""
    assert pytestconfig.cache is not None
    folder, original, write = pytestconfig.cache.mkdir("catalogs"), catalogs._translations, mofile.write_mo

    @cache
    def translations(name: str) -> NullTranslations:
        source, code = Path(catalogs.__file__).with_name(f"{name}.po"), Path(catalogs.__file__)
        if not source.exists():
            return original(name)
        kept = folder / f"{sha256(source.read_bytes() + code.read_bytes()).hexdigest()}.mo"
        if not kept.exists():
            with pytest.MonkeyPatch.context() as patch, NamedTemporaryFile(dir=folder, delete=False) as new:
                patch.setattr(mofile, "write_mo", lambda stream, catalog: (write(new, catalog), write(stream, catalog)))
                original(name)
            Path(new.name).replace(kept)
        with kept.open("rb") as stream:
            return GNUTranslations(stream)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogs, "_translations", translations)
        yield


@pytest.fixture(scope="session", autouse=True)
def _parse_each_address_once() -> Iterator[None]:
    """Keep parsed URLs: the tests' HTTP client parses four for each request, in half a millisecond."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_urls, "urlparse", lru_cache(maxsize=2048)(urlparse))
        yield


@pytest.fixture(scope="session", autouse=True)
def _load_no_authorities_of_the_system() -> Iterator[None]:
    """Leave out what takes 40 ms for each client: no server of a test has a certificate of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda _self: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _share_one_event_loop() -> Iterator[None]:
    """Run all requests of all tests in one event loop; Starlette's client starts one for each request."""
    with anyio.from_thread.start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "portal", portal)
        patch.setattr(testclient, "_TestClientTransport", InProcess)
        yield
