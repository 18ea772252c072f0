"""The token authenticator of the API server of Kubernetes, with a token from the sign-in that kubelogin does."""

import base64
import hashlib
import json
import shutil
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from tests.interop.apps.install import run
from tests.interop.apps.workbench import EMAIL, OTHER_EMAIL, Workbench
from tests.support.waiting import PATIENCE

RELEASE = "37.2"
VERSION = f"the token authenticator of Kubernetes 1.{RELEASE}"
VERIFIER = "of-a-test-of-a-test-of-a-test-of-a-test-of-a-test"


def build(folder: Path) -> None:
    """Build the program of kubernetes.go."""
    shutil.copy(Path(__file__).with_suffix(".go"), folder / "main.go")
    run(["go", "mod", "init", "program"], folder=folder)
    run(["go", "get", f"k8s.io/apiserver@v0.{RELEASE}"], folder=folder)
    run(["go", "mod", "tidy"], folder=folder)
    run(["go", "build", "-o", "program", "."], folder=folder)


def id_token(bench: Workbench, email: str) -> str:
    """Sign in as kubelogin does: in a browser, with an answer to a port of this computer and PKCE."""
    listens = bench.free_port()
    bench.start(
        sys.executable, "-m", "http.server", str(listens), "--bind", "127.0.0.1", ready=f"http://localhost:{listens}"
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    redirect_uri = f"http://localhost:{listens}"
    asked = {
        "response_type": "code",
        "client_id": "kubernetes",
        "redirect_uri": redirect_uri,
        "nonce": "n",
        "state": "s",
    }
    asked |= {
        "scope": "openid email roles offline_access",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    person = bench.person()
    person.open(f"{bench.issuer}/oauth2/authorize?{urlencode(asked)}")
    (code,) = parse_qs(urlsplit(bench.sign_in(person, email=email).url).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": VERIFIER}
    with httpx2.Client(verify=bench.trust, timeout=PATIENCE) as http:
        answer = http.post(f"{bench.issuer}/oauth2/token", data={**form, "client_id": "kubernetes"}).json()
    assert answer.get("refresh_token"), answer
    return str(answer["id_token"])


def check(bench: Workbench) -> None:
    program = (
        bench.cache.built("kubernetes", Path(__file__).with_suffix(".go").read_text(), RELEASE, build=build) / "program"
    )
    bench.type_commands()
    config = bench.write("/etc/kubernetes/authentication.yaml", "authentication.yaml")
    user = json.loads(bench.run(program, config, stdin=id_token(bench, EMAIL)))
    assert user == {"name": f"signet:{EMAIL}", "groups": ["signet:admin"], "uid": bench.user_id(EMAIL)}, user
    other = json.loads(bench.run(program, config, stdin=id_token(bench, OTHER_EMAIL)))
    assert (other["name"], other["groups"] or []) == (f"signet:{OTHER_EMAIL}", []), other
