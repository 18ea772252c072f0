"""A program without a browser: its person signs in on another device (RFC 8628), then it calls the API for them.

ISSUER=... CLIENT_ID=... API_URL=... python device/sign_in.py
"""

import os
import time
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class Refused(Exception):
    """The text is the provider's."""


def begin(http: httpx2.Client, metadata: dict[str, Any], client_id: str) -> dict[str, Any]:
    """Two codes: one for us, and one for the person to type (section 3.1)."""
    asked = {"client_id": client_id, "scope": "openid profile offline_access"}
    return answer_of(http.post(metadata["device_authorization_endpoint"], data=asked))


def wait(http: httpx2.Client, metadata: dict[str, Any], client_id: str, codes: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens once the user has approved (RFC 8628 sections 3.4, 3.5). Raises Refused."""
    form = {"grant_type": DEVICE_CODE, "device_code": codes["device_code"], "client_id": client_id}
    interval = codes.get("interval", 5)
    while True:
        time.sleep(interval)
        response = http.post(metadata["token_endpoint"], data=form)
        error = response.json().get("error")
        if error == "slow_down":
            interval += 5
        elif error != "authorization_pending":
            return answer_of(response)


def verify(http: httpx2.Client, metadata: dict[str, Any], client_id: str, id_token: str) -> dict[str, Any]:
    """Return the claims of the ID token (OIDC Core section 3.1.3.7). There is no nonce, because no browser was
    involved.
    """
    keys = KeySet.import_key_set(answer_of(http.get(metadata["jwks_uri"])))
    claims: dict[str, Any] = jwt.decode(id_token, keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
    ).validate(claims)
    return claims


def answer_of(response: httpx2.Response) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    if "error" in body:
        raise Refused(f"{body['error']}: {body.get('error_description', '')}")
    response.raise_for_status()
    return body


def main(issuer: str, client_id: str, api_url: str) -> None:
    with httpx2.Client(timeout=10) as http:
        metadata = answer_of(http.get(f"{issuer}/.well-known/openid-configuration"))
        codes = begin(http, metadata, client_id)
        print(f"Open {codes['verification_uri']} on your phone or computer and enter {codes['user_code']}")
        print(f"or open {codes['verification_uri_complete']}", flush=True)
        tokens = wait(http, metadata, client_id, codes)
        claims = verify(http, metadata, client_id, tokens["id_token"])
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        person = answer_of(http.get(metadata["userinfo_endpoint"], headers=bearer))
        if person["sub"] != claims["sub"]:
            raise Refused("userinfo is about another user")
        print(f"Hello, {person.get('name', claims['sub'])}")
        print("The API says:", http.get(f"{api_url}/hello", headers=bearer).text)


if __name__ == "__main__":
    env = os.environ
    try:
        main(
            env.get("ISSUER", "http://localhost:8000"),
            env.get("CLIENT_ID", "quill-tv"),
            env.get("API_URL", "http://localhost:8002"),
        )
    except Refused as refused:
        raise SystemExit(str(refused)) from None
