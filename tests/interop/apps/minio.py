"""MinIO: access keys for an ID token from a sign-in with Chromium, and the policy, name and email address in them."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2

from tests.interop.apps.guide import SECRET
from tests.interop.apps.workbench import EMAIL, NAME, OTHER_EMAIL, Workbench
from tests.support.waiting import PATIENCE

MODULE, RELEASE, CLIENT = "github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", "7.2.20"
VERSION = "MinIO of 12 February 2026"
USE = """
import io, sys
from minio import Minio
from minio.error import S3Error
host, key, secret, token = sys.argv[1:]
s3 = Minio(host, access_key=key, secret_key=secret, session_token=token, secure=False)
s3.make_bucket("reports")
s3.put_object("reports", "first", io.BytesIO(b"a report"), 8)
print(s3.get_object("reports", "first").read().decode())
"""
"""A program of a user. It creates a bucket, which needs the policy of the role."""


def id_token(bench: Workbench, console: str, email: str) -> str:
    """Sign in at Chromium as the console asks for it, and exchange the code for the ID token."""
    redirect_uri = f"{console}/oauth_callback"
    asked = {"response_type": "code", "client_id": "minio", "redirect_uri": redirect_uri, "state": "s"}
    person = bench.person()
    person.open(f"{bench.issuer}/oauth2/authorize?{urlencode({**asked, 'scope': 'openid profile email roles'})}")
    opened: list[str] = []
    person.page.on("request", lambda request: opened.append(request.url))
    bench.sign_in(person, email=email)
    answer = next(url for url in opened if url.startswith(f"{redirect_uri}?"))  # the console leads on from there
    (code,) = parse_qs(urlsplit(answer).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    with httpx2.Client(verify=bench.trust, timeout=PATIENCE) as http:
        tokens = http.post(f"{bench.issuer}/oauth2/token", data=form, auth=("minio", bench.stand_ins[SECRET])).json()
    return str(tokens["id_token"])


def check(bench: Workbench) -> None:
    program = bench.cache.go("minio", {MODULE: RELEASE}, MODULE) / "minio"
    python = bench.cache.python("minio", f"minio=={CLIENT}")
    server = bench.app_at("https://s3.example.com")
    console = bench.app_at("https://minio.example.com")
    bench.type_commands()
    config = bench.write("/etc/default/minio", "minio.env").read_text()
    env = dict(line.split("=", 1) for line in config.splitlines()) | {"MINIO_UPDATE": "off"}
    bench.start(
        program, "server", bench.folder / "data", "--address", f"127.0.0.1:{server.rpartition(':')[2]}",
        "--console-address", f"127.0.0.1:{console.rpartition(':')[2]}", env=env, ready=f"{server}/minio/health/ready",
    )  # fmt: skip

    def exchanged(email: str) -> str:
        command = bench.text_of("Get access keys")
        return bench.run("bash", "-euc", command, env={"ID_TOKEN": id_token(bench, console, email)})

    answer = exchanged(EMAIL)
    keys = [re.findall(f"<{name}>([^<]+)", answer)[0] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    payload = keys[2].split(".")[1]
    seen = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (seen["email"], seen["name"], seen["roles"]) == (EMAIL, NAME, "readwrite"), seen
    script = Path(bench.folder, "use.py")
    script.write_text(USE)
    assert bench.run(python / "python", script, server.removeprefix("http://"), *keys) == "a report\n"

    refused = exchanged(OTHER_EMAIL)
    assert bench.explained("roles claim missing from the JWT token") in refused, refused
