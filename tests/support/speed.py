"""What makes the tests fast: each fixture keeps what every test would otherwise compute anew, for the whole run.

They replace parts of libraries and of the provider, and none of them changes what a test sees. To find out whether one
of them is to blame for a failure, run with `-p no:tests.support.speed`: slower, and otherwise the same.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import Any, ClassVar

import anyio.from_thread
import bcrypt
import pytest
from babel.messages import mofile
from httpx2 import _urlparse, _urls
from hypothesis.internal.conjecture import providers
from jinja2 import Environment, FileSystemBytecodeCache
from jinja2.bccache import Bucket
from limits.storage import memory
from qrcode.main import QRCode
from sqlalchemy import Engine, create_engine, event
from starlette import testclient
from starlette.routing import BaseRoute, Route
from starlette.testclient import TestClient
from starlette.types import Scope

from provider import app
from provider.api.openapi import Described
from provider.config.settings import Settings
from provider.database import engine
from provider.languages import catalogs
from provider.oauth.keys import key_pairs
from provider.routes import routing_table as build_table
from provider.web.endpoint import Endpoint
from provider.web.routing import RememberingRouter
from tests.support.effort import THOROUGH
from tests.support.in_process import InProcess


def pytest_configure() -> None:
    """Change what importing tests needs."""
    if not THOROUGH:
        # Hypothesis reads all our code for constants to try, in each process.
        providers._get_local_constants = lambda: providers._local_constants


@contextmanager
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


@contextmanager
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


def _remembers(route: BaseRoute) -> bool:
    return isinstance(route, Route) and route.app is route.endpoint and not isinstance(route.app, Endpoint | Described)


def _anew(route: Any) -> BaseRoute:
    """The route for one more app. An endpoint that remembers (the JWKS) has forgotten: the copied one never ran."""
    route = copy(route)
    route.endpoint = route.app = copy(route.endpoint)
    return route  # type: ignore[no-any-return]


class _Table:
    """The routes for some settings, which of them remember, and which answered what any app was asked before."""

    last: ClassVar["_Table"]
    """The one that the next router is made of."""

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes, self.size = routes, len(routes)
        self._remembering = [at for at, route in enumerate(routes) if _remembers(route)]
        self.answered: dict[tuple[str, str], int | Route] = {}
        """The place of the route in the table, or a route that was loaded on demand."""

    def for_one_more_app(self) -> list[BaseRoute]:
        _Table.last = self
        routes = list(self._routes)
        for at in self._remembering:
            routes[at] = _anew(routes[at])
        return routes


class _Router(RememberingRouter):
    """Looks for what any app with the same settings was asked before in its place: 1 ms for each page of each test."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._table = _Table.last

    def _find(self, scope: Scope, asked: tuple[str, str]) -> Any:
        if len(self.routes) != self._table.size:  # a test has added routes of its own
            return super()._find(scope, asked)
        place = self._table.answered.get(asked)
        if place is not None:
            route: Any = self.routes[place] if isinstance(place, int) else place
            self._known[asked] = route
            scope.update(route=route, endpoint=route.endpoint, path_params={})
            return route.app
        answer = super()._find(scope, asked)
        if (found := self._known.get(asked)) is not None:
            at = next((at for at, route in enumerate(self.routes) if route is found), None)
            self._table.answered[asked] = found if at is None else at
        return answer


@contextmanager
def _build_each_route_table_once() -> Iterator[None]:
    """Keep the routes for the settings they are made from, and with them the OpenAPI documents: 4 ms and 250 ms."""
    original = build_table
    tables: dict[Settings, _Table] = {}

    def table_of(settings: Settings) -> list[BaseRoute]:
        like = settings.model_copy(update={"database_url": ""})
        if like not in tables:
            tables[like] = _Table(original(settings))
        return tables[like].for_one_more_app()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "routing_table", table_of)
        patch.setattr(app, "RememberingRouter", _Router)
        yield


@contextmanager
def _hash_each_password_once() -> Iterator[None]:
    """Keep the hashes of the lowest cost, and give them one salt: each takes 1 ms, and few passwords differ."""
    salt = bcrypt.gensalt(4)

    def remembering(hash_: Callable[[bytes, bytes], Any]) -> Callable[[bytes, bytes], Any]:
        kept = lru_cache(maxsize=4096)(hash_)
        return lambda password, other: (kept if other.startswith(salt[:7]) else hash_)(password, other)

    with pytest.MonkeyPatch.context() as patch:
        make = bcrypt.gensalt
        patch.setattr(bcrypt, "gensalt", lambda rounds=12: salt if rounds == 4 else make(rounds))
        patch.setattr(bcrypt, "hashpw", remembering(bcrypt.hashpw))
        patch.setattr(bcrypt, "checkpw", remembering(bcrypt.checkpw))
        yield


@contextmanager
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


@contextmanager
def _compile_each_template_once(config: pytest.Config) -> Iterator[None]:
    """Share compiled templates with the other workers and the next run: compiling those of the pages takes 2.5 seconds,
    for each process and language.
    """
    assert config.cache is not None
    kept = _Templates(str(config.cache.mkdir("templates")))
    with pytest.MonkeyPatch.context() as patch:
        # A property of the class wins over what the constructor sets.
        patch.setattr(
            Environment, "bytecode_cache", property(lambda _self: kept, lambda _self, _given: None), raising=False
        )
        yield


@contextmanager
def _compile_each_catalog_once(config: pytest.Config) -> Iterator[None]:
    """Share compiled translations likewise: Babel takes a quarter of a second for each language and process."""
    assert config.cache is not None
    folder, original, write = config.cache.mkdir("catalogs"), catalogs._translations, mofile.write_mo

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


@contextmanager
def _parse_each_address_once() -> Iterator[None]:
    """Keep parsed URLs: the tests' HTTP client parses four for each request, in half a millisecond."""
    parse = lru_cache(maxsize=4096)(_urlparse.urlparse)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_urls, "urlparse", parse)
        patch.setattr(_urlparse, "urlparse", parse)
        yield


@contextmanager
def _load_no_authorities_of_the_system() -> Iterator[None]:
    """Leave out what takes 40 ms for each client: no server of a test has a certificate of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda _self: None)
        yield


class _NoTimer:
    def __init__(self, _seconds: float, _function: object) -> None: ...

    def start(self) -> None: ...

    def is_alive(self) -> bool:
        return True


@contextmanager
def _let_no_thread_sweep_counters() -> Iterator[None]:
    """Leave the counts of rate limits that are over where they are: sweeping starts a thread for every few requests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "threading", SimpleNamespace(RLock=threading.RLock, Timer=_NoTimer))
        yield


@contextmanager
def _share_one_event_loop() -> Iterator[None]:
    """Run all requests of all tests in one event loop; Starlette's client starts one for each request."""
    with anyio.from_thread.start_blocking_portal() as portal, pytest.MonkeyPatch.context() as patch:
        InProcess.loop = portal.call(asyncio.get_running_loop)
        patch.setattr(TestClient, "portal", portal)
        patch.setattr(testclient, "_TestClientTransport", InProcess)
        yield


@pytest.fixture(scope="session", autouse=True)
def _fast(pytestconfig: pytest.Config) -> Iterator[None]:
    """Keep what the functions above say. They are one fixture, because every test looks at each fixture it has."""
    with ExitStack() as kept:
        kept.enter_context(_compile_each_template_once(pytestconfig))
        kept.enter_context(_compile_each_catalog_once(pytestconfig))
        for keep in (
            _parse_each_key_once,
            _compile_each_statement_once,
            _build_each_route_table_once,
            _hash_each_password_once,
            _draw_qr_codes_with_any_mask,
            _parse_each_address_once,
            _load_no_authorities_of_the_system,
            _let_no_thread_sweep_counters,
            _share_one_event_loop,
        ):
            kept.enter_context(keep())
        yield
