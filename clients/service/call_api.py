"""A program that acts for itself: client_credentials (RFC 6749 section 4.4), then a call to the API.

ISSUER=... CLIENT_ID=... CLIENT_SECRET=... API_URL=... python service/call_api.py
"""

import os

import httpx2
from authlib.integrations.httpx_client import OAuth2Client


def call_api(issuer: str, client_id: str, client_secret: str, api_url: str) -> httpx2.Response:
    """Get a token for `reports:read` and read the reports with it."""
    discovery = httpx2.get(f"{issuer}/.well-known/openid-configuration", timeout=10)
    token_endpoint = discovery.raise_for_status().json()["token_endpoint"]
    with OAuth2Client(client_id, client_secret, scope="reports:read", token_endpoint=token_endpoint) as client:
        # The client keeps the token and fetches another when it is about to expire.
        client.fetch_token(grant_type="client_credentials")
        return client.get(f"{api_url}/reports")


if __name__ == "__main__":
    env = os.environ
    answer = call_api(
        env["ISSUER"], env["CLIENT_ID"], env["CLIENT_SECRET"], env.get("API_URL", "http://localhost:8002")
    )
    print(answer.status_code, answer.text)
