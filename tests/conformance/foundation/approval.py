"""The user's phone: where the suite says that a backchannel request is to be allowed or denied."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.conformance.suite import Person, Provider
from tests.support.factories import PASSWORD

BUTTONS = {"allow": "Allow", "deny": "Deny"}


def answer_latest(provider: Provider, email: str, action: str) -> str:
    """Sign in, and answer the latest request on the account page. The heading that follows."""
    person = Person(provider)
    try:
        person.open(f"{provider.issuer}/login")
        person.submit({"username": email, "password": PASSWORD}, button="Sign in")
        page = person.open(f"{provider.issuer}/account")
        person.open(provider.issuer + re.findall(r'href="(/approve\?request=[^"]+)"', page.html)[0])
        return person.submit(button=BUTTONS[action]).heading
    finally:
        person.client.close()


@contextmanager
def approving(issuer: str, trusted: ssl.SSLContext) -> Iterator[str]:
    """Serve the phone's address until the block ends."""

    class Phone(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            try:
                status, text = 200, answer_latest(Provider(issuer, trusted), query["user"][0], query["action"][0])
            except (AssertionError, IndexError, KeyError) as error:
                status, text = 500, repr(error)
            self.send_response(status)
            self.send_header("content-type", "text/plain")
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815  # the name is that of http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Phone)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
