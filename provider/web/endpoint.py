"""Endpoints: the body is read and limited, then one plain function runs with a unit of work, in a
thread or in the event loop.

`@endpoint` is for pages: same-site checks on unsafe methods, errors as pages. `@machine_endpoint` is for programs: no
cookies, errors as JSON. Both answer 503 when the database is unavailable, and 500 with an error id for a bug.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Protocol, overload

from authlib.oauth2 import OAuth2Error
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from provider.database.engine import OUTAGES
from provider.database.outages import TransactionConflict, is_dangling
from provider.observability.logging import log
from provider.parameters import MalformedParameters
from provider.refusals import MethodNotAllowed, Refusal, Unavailable
from provider.runtime import greenlets
from provider.web import errors
from provider.web.bodies import MAX_BODY, Bodies, BodyTooLarge, CallerGone
from provider.web.call import Call
from provider.web.routing import methods_of
from provider.web.threads import Pool, Threads
from provider.work import Installation, NeedsNetwork, unit_of_work

RETRIES = 3
"""How often a request is repeated that lost against another transaction (F-3)."""
RETRY_PAUSE = 0.05
"""The longest pause before it is repeated, in seconds."""


class RenderRefusal(Protocol):
    def __call__(self, call: Call, error: Exception) -> Response: ...


class Endpoint:
    """An ASGI application that runs a plain function."""

    def __init__(
        self,
        function: Callable[[Call], Response],
        *,
        csrf_checked: bool,
        hashes_passwords: bool,
        render: RenderRefusal,
        max_body: int = MAX_BODY,
        form_on: str | None = None,
        refuses_head: bool = False,
        before_sign_in: bool = False,
        asks_again: bool = False,
        is_quick: bool = False,
    ) -> None:
        self.function = function
        self.is_quick = is_quick
        self.form_on = form_on
        self.refuses_head = refuses_head
        self.before_sign_in = before_sign_in
        self.asks_again = asks_again
        self.csrf_checked = csrf_checked
        self.hashes_passwords = hashes_passwords
        self.render = render
        self.max_body = max_body
        self._bodies = Bodies(max_body)
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["app"].state
        installation: Installation = state.installation
        threads: Threads = state.threads
        try:
            body = await self._bodies.read(receive) if scope["method"] not in {"GET", "HEAD"} else b""
        except CallerGone:
            return
        except BodyTooLarge:
            response = self.render(Call(scope, b"", installation), errors.TooLarge())
        except Unavailable as refusal:
            response = self.render(Call(scope, b"", installation), refusal)
        else:
            call = Call(scope, body, installation)
            call.takes_files = self.max_body > MAX_BODY
            try:
                response = await self._run(threads, self._pool_for(call, threads), call)
            except Unavailable as refusal:
                response = self.render(call, refusal)
        await response(scope, receive, send)

    def _pool_for(self, call: Call, threads: Threads) -> Pool:
        # Only a request that changes something hashes a password; showing the form is ordinary work.
        if self.hashes_passwords and call.method not in {"GET", "HEAD"}:
            return threads.hashing
        return threads.quick if self.is_quick else threads.ordinary

    async def _run(self, threads: Threads, pool: Pool, call: Call) -> Response:
        try:
            return await pool.run(self.answer, call)
        except NeedsNetwork:
            # Nothing was written. A server that is slow or dead holds up those who need it, and nobody else.
            return await threads.waiting.run(partial(self.answer, may_wait=True), _copy_for_retry(call))

    def _require_method(self, call: Call) -> None:
        if self.refuses_head and call.method == "HEAD":
            raise MethodNotAllowed

    def answer(
        self,
        call: Call,
        *,
        may_wait: bool = False,
        is_repeated: bool = False,
        retries: int = RETRIES,
    ) -> Response:
        """Return the response of the function, or of its error. Runs in a thread or a greenlet, and raises only
        NeedsNetwork.

        If the client or person was deleted while the request ran, it is run once more, which says so. A request that
        loses against another transaction runs again too, unless it may have committed something already.
        """
        try:
            with unit_of_work(call.installation, call.find_origin, may_wait=may_wait) as call.work:
                self._require_method(call)
                if self.csrf_checked and call.method not in {"GET", "HEAD"}:
                    call.require_csrf()
                response = self.function(call)
        except (Refusal, OAuth2Error, MalformedParameters) as error:
            response = self.render(call, error)
            if isinstance(error, MethodNotAllowed):
                call.set_header("allow", ", ".join(methods_of(call.scope)))
        except TransactionConflict as error:
            log.warning("database.conflict", error=str(error), path=call.path, retries=retries)
            if retries and not call.work.has_committed:
                greenlets.sleep(random.uniform(0.5, 1) * RETRY_PAUSE)  # noqa: S311  # so that two do not meet again
                again = _copy_for_retry(call, keeps=False)
                return self.answer(again, may_wait=may_wait, is_repeated=is_repeated, retries=retries - 1)
            response = self.render(call, Unavailable())
        except OUTAGES as error:
            log.error("database.unavailable", error=type(error).__name__, reason=str(error), path=call.path)
            response = self.render(call, Unavailable())
        except Exception as error:  # noqa: BLE001  # the last resort: a bug becomes a 500 with an id, never a stack trace
            if isinstance(error, IntegrityError) and is_dangling(error):
                log.warning("database.row_deleted", path=call.path)
                if not is_repeated:
                    call.services.forget_clients()
                    return self.answer(_copy_for_retry(call), may_wait=may_wait, is_repeated=True)
                response = self.render(call, Unavailable())
            else:
                log.exception("crash", path=call.path, method=call.method)
                response = self.render(call, error)
        call.apply(response)
        return response


def _copy_for_retry(call: Call, *, keeps: bool = True) -> Call:
    """Return the same request, with what `CallValue` values remember of it, unless that was undone (`keeps=False`)."""
    again = Call(call.scope, call.body, call.installation)
    again.takes_files = call.takes_files
    if keeps:
        again.state = call.state
    return again


@overload
def endpoint(function: Callable[[Call], Response], /) -> Endpoint: ...


@overload
def endpoint(
    *,
    csrf_checked: bool = True,
    hashes_passwords: bool = False,
    max_body: int = MAX_BODY,
    render: RenderRefusal = errors.as_page,
    form_on: str | None = None,
    refuses_head: bool = False,
    before_sign_in: bool = False,
    asks_again: bool = False,
    is_quick: bool = False,
) -> Callable[[Callable[[Call], Response]], Endpoint]: ...


def endpoint(
    function: Callable[[Call], Response] | None = None,
    /,
    *,
    csrf_checked: bool = True,
    hashes_passwords: bool = False,
    max_body: int = MAX_BODY,
    render: RenderRefusal = errors.as_page,
    form_on: str | None = None,
    refuses_head: bool = False,
    before_sign_in: bool = False,
    asks_again: bool = False,
    is_quick: bool = False,
) -> Endpoint | Callable[[Callable[[Call], Response]], Endpoint]:
    """Create an endpoint for pages.

    `csrf_checked=False` turns the CSRF check off. `hashes_passwords` runs its POSTs in their own pool. A larger
    `max_body` lets its form contain files. `render` renders errors, for responses that a script reads. `form_on` is the
    page of the form, for an endpoint that only accepts a form. A user who comes without the form, or with an expired
    one, is sent there. `refuses_head` is for an endpoint whose GET has effects, as its specification requires: HEAD
    must change nothing (RFC 9110 section 9.2.1).

    `before_sign_in` is for pages and forms on the way to a sign-in. Their forms belong to the browser and not to its
    session, so a form still works after a sign-in or sign-out in another tab. `asks_again` is for a question without
    typed text, such as consent: after a sign-in in another tab, the form shows the question again instead of an error.
    `is_quick` is as for `machine_endpoint`.
    """

    def wrap(function: Callable[[Call], Response]) -> Endpoint:
        return Endpoint(
            function,
            csrf_checked=csrf_checked,
            hashes_passwords=hashes_passwords,
            render=render,
            max_body=max_body,
            form_on=form_on,
            refuses_head=refuses_head,
            before_sign_in=before_sign_in,
            asks_again=asks_again,
            is_quick=is_quick,
        )

    return wrap if function is None else wrap(function)


def machine_endpoint(
    *, render: RenderRefusal, hashes_passwords: bool = False, is_quick: bool = False
) -> Callable[[Callable[[Call], Response]], Endpoint]:
    """Create an endpoint for programs. It reads no cookies, and `render` renders its errors.

    `is_quick` is for one that programs call all day and that reads and writes by key: it runs in the event loop.
    """

    def wrap(function: Callable[[Call], Response]) -> Endpoint:
        return Endpoint(
            function, csrf_checked=False, hashes_passwords=hashes_passwords, render=render, is_quick=is_quick
        )

    return wrap
