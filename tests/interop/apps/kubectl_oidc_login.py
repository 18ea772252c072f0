"""A plugin of kubectl that signs in as kubelogin does, because kubelogin cannot be installed here.

It takes the arguments that the guide has for `kubectl oidc-login get-token`. Instead of opening a browser, it writes
the address to open into the file that SIGN_IN_AT names. It uses the standard library only.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

answers: list[dict[str, list[str]]] = []


class Callback(BaseHTTPRequestHandler):
    """The page on this computer to which the provider sends the code."""

    def do_GET(self) -> None:
        answers.append(parse_qs(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"Authenticated")

    def log_message(self, *_: object) -> None:
        """Write nothing: stdout and stderr belong to kubectl."""


def fetch(url: str, form: dict[str, str] | None = None) -> dict[str, str]:
    body = None if form is None else urlencode(form).encode()
    with urllib.request.urlopen(url, body) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def main() -> None:
    """Sign a user in and print the ID token for kubectl."""
    known = argparse.ArgumentParser()
    known.add_argument("command", choices=["get-token"])
    known.add_argument("--oidc-issuer-url", required=True)
    known.add_argument("--oidc-client-id", required=True)
    known.add_argument("--oidc-extra-scope", action="append", default=[])
    given = known.parse_args()
    provider = fetch(f"{given.oidc_issuer_url}/.well-known/openid-configuration")
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    with HTTPServer(("127.0.0.1", 0), Callback) as server:
        redirect_uri = f"http://localhost:{server.server_port}"
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"response_type": "code", "client_id": given.oidc_client_id, "redirect_uri": redirect_uri}
        asked |= {"scope": " ".join(["openid", *given.oidc_extra_scope]), "state": state, "nonce": "of-a-test"}
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        file = Path(os.environ["SIGN_IN_AT"])
        file.with_suffix(".new").write_text(f"{provider['authorization_endpoint']}?{urlencode(asked)}")
        file.with_suffix(".new").rename(file)
        while not answers:
            server.handle_request()
    answer = answers[0]
    assert answer["state"] == [state], answer
    form = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": redirect_uri}
    form |= {"client_id": given.oidc_client_id, "code_verifier": verifier}
    tokens = fetch(provider["token_endpoint"], form)
    assert "refresh_token" in tokens, sorted(tokens)
    status = {"token": tokens["id_token"]}
    version = "client.authentication.k8s.io/v1"
    print(json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status}))


if __name__ == "__main__":
    main()
