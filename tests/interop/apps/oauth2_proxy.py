"""oauth2-proxy in front of a server that shows which headers reach it."""

import sys

from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench

MODULE, RELEASE = "github.com/oauth2-proxy/oauth2-proxy/v7", "7.15.6"
VERSION = f"oauth2-proxy {RELEASE}"
APP = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Shows(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(dict(self.headers)).encode())
HTTPServer(("127.0.0.1", int(sys.argv[1])), Shows).serve_forever()
"""


def check(bench: Workbench) -> None:
    program = bench.cache.go("oauth2-proxy", {MODULE: f"v{RELEASE}"}, MODULE) / "oauth2-proxy"
    behind = bench.port_for("127.0.0.1:8080")
    listens = bench.port_for("127.0.0.1:4180")
    app = f"http://localhost:{listens}"
    bench.stand_ins |= {"https://app.example.com": app}
    for printed in ("https://id.example.com", "https://app.example.com"):
        quoted = printed.replace(":", "%3A").replace("/", "%2F")
        bench.stand_ins[quoted] = bench.stand_ins[printed].replace(":", "%3A").replace("/", "%2F")
    bench.type_commands()
    config = bench.write("oauth2-proxy.cfg", "oauth2-proxy.cfg")
    bench.start(sys.executable, "-c", APP, str(behind), ready=f"http://127.0.0.1:{behind}/")
    bench.start(program, "--config", config, ready=f"{app}/ping")

    ada = bench.person()
    ada.open(f"{app}/reports")
    ada.page.get_by_role("button", name="Sign in with Signet").click()
    bench.sign_in(ada)
    ada.page.wait_for_url(f"{app}/reports")
    seen = ada.page.evaluate("() => JSON.parse(document.body.innerText)")
    assert seen["X-Forwarded-Email"] == EMAIL, seen
    assert seen["X-Forwarded-Groups"] == "user", seen
    assert seen["X-Forwarded-User"] == bench.user_id(EMAIL), seen

    ada.open(bench.text_of("sign-out link").strip())
    ada.press("Sign out")
    ada.page.wait_for_url(f"{app}/**")
    ada.page.get_by_role("button", name="Sign in with Signet").wait_for()
    ada.open(f"{bench.issuer}/account")
    ada.page.get_by_label("Password", exact=True).wait_for()

    other = bench.person()
    other.open(f"{app}/oauth2/start")
    bench.sign_in(other, email=OTHER_EMAIL)
    other.page.locator(".card-toggle").click()  # More Info
    bench.wait_for_error(other, "You do not have permission to access this resource.")
