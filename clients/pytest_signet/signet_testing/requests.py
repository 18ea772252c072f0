"""What the app under test sent, and assertions on how it signs users in."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

ENDPOINTS = {
    "/.well-known/openid-configuration": "discovery",
    "/.well-known/oauth-authorization-server": "discovery",
    "/oauth2/jwks": "jwks",
    "/oauth2/authorize": "authorize",
    "/oauth2/par": "par",
    "/oauth2/token": "token",
    "/oauth2/userinfo": "userinfo",
    "/oauth2/introspect": "introspect",
    "/oauth2/revoke": "revoke",
    "/oauth2/logout": "logout",
    "/oauth2/device_authorization": "device",
}
"""The names of endpoints. Others are named by their path."""
LONG_ENOUGH = 8
"""The fewest characters of a `state` or `nonce` that a test accepts. Real ones have more."""


def endpoint_of(path: str) -> str:
    return ENDPOINTS.get(path, path)


@dataclass
class Sent:
    """One request that Signet received, with the status of its answer."""

    method: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    status: int | None = None
    """None while it is being answered, and if the answer was lost."""

    @property
    def endpoint(self) -> str:
        return endpoint_of(self.path)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters, wherever they were sent."""
        return {**self.query, **self.form}

    @property
    def client_id(self) -> str | None:
        """The client that sent it, from its parameters or from HTTP Basic."""
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            return base64.b64decode(value + "==").decode("utf-8", "replace").partition(":")[0]
        return self.parameters.get("client_id")

    def __str__(self) -> str:
        shown = "&".join(f"{name}={value}" for name, value in self.parameters.items() if name != "client_secret")
        return f"{self.method} {self.path} {shown} -> {self.status or 'no answer'}"


def parameters_of(text: bytes) -> dict[str, str]:
    """Return the parameters of a query or of a form. Of a repeated one, the last."""
    return dict(parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Requests(Sequence[Sent]):
    """All requests since the test began, without those that `sign_in` made in place of a user."""

    _all: list[Sent] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, at: int) -> Sent:  # type: ignore[override]  # no slices
        return self._all[at]

    def __iter__(self) -> Iterator[Sent]:
        return iter(list(self._all))

    def __str__(self) -> str:
        return "\n".join(f"  {one}" for one in self) or "  nothing"

    def add(self, sent: Sent) -> None:
        self._all.append(sent)

    def clear(self) -> None:
        """Forget what was sent so far."""
        self._all.clear()

    def to(self, endpoint: str) -> list[Sent]:
        """Return the requests to an endpoint, by its name in ENDPOINTS or its path, oldest first."""
        return [one for one in self if endpoint in {one.endpoint, one.path}]

    def last(self, endpoint: str) -> Sent:
        """Return the last request to an endpoint. Raises AssertionError if there was none."""
        found = self.to(endpoint)
        assert found, f"the app sent nothing to {endpoint!r}. It sent:\n{self}"  # noqa: S101
        return found[-1]

    @property
    def sign_ins(self) -> list[Mapping[str, str]]:
        """The parameters of each authorization request, also of pushed ones (RFC 9126), oldest first."""
        started = [one for one in self if one.endpoint in {"authorize", "par"}]
        return [one.parameters for one in started if "response_type" in one.parameters]

    def last_sign_in(self) -> Mapping[str, str]:
        """Return the parameters of the last authorization request. Raises AssertionError if there was none."""
        found = self.sign_ins
        assert found, f"the app sent no authorization request. It sent:\n{self}"  # noqa: S101
        return found[-1]

    def assert_pkce(self) -> None:
        """Assert that the last sign-in used PKCE with S256, and that the verifier fitted (RFC 7636)."""
        asked = self.last_sign_in()
        challenge, method = asked.get("code_challenge"), asked.get("code_challenge_method")
        flow = asked.get("response_type", "")
        assert "code" in flow.split(), f"the app sent response_type={flow}: use code, because PKCE protects codes only"  # noqa: S101
        assert challenge, "the app sent no code_challenge: turn on PKCE in its OpenID Connect library (RFC 7636)"  # noqa: S101
        assert method == "S256", f"code_challenge_method is {method or 'missing (which means plain)'}: use S256"  # noqa: S101
        redeemed = [one for one in self.to("token") if one.form.get("grant_type") == "authorization_code"]
        if redeemed:
            verifier = redeemed[-1].form.get("code_verifier")
            assert verifier, "the app sent no code_verifier to the token endpoint (RFC 7636 section 4.5)"  # noqa: S101
            made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            assert made == challenge, "code_verifier is not the one that code_challenge was computed from"  # noqa: S101

    def assert_state(self) -> None:
        """Assert that the last sign-in had a `state` of its own (RFC 6749 section 10.12)."""
        self._assert_fresh("state", "another site could sign a user in to its own account")

    def assert_nonce(self) -> None:
        """Assert that the last sign-in had a `nonce` of its own (OIDC Core section 3.1.2.1)."""
        self._assert_fresh("nonce", "a stolen ID token could be used again")

    def _assert_fresh(self, name: str, why: str) -> None:
        *before, asked = [one.get(name) for one in self.sign_ins] or [self.last_sign_in().get(name)]
        assert asked, f"the app sent no {name}: {why}"  # noqa: S101
        assert len(asked) >= LONG_ENOUGH, f"{name} is {asked!r}, which can be guessed: use 128 random bits"  # noqa: S101
        assert asked not in before, f"{name} {asked!r} was used for two sign-ins: create one for each"  # noqa: S101

    def assert_redirect_uri(self, expected: str) -> None:
        """Assert that the last sign-in, and the exchange of its code, had exactly this redirect URI."""
        asked = self.last_sign_in().get("redirect_uri")
        assert asked == expected, f"redirect_uri is {asked!r}, not {expected!r}"  # noqa: S101
        redeemed = [one for one in self.to("token") if one.form.get("grant_type") == "authorization_code"]
        if redeemed:
            again = redeemed[-1].form.get("redirect_uri", expected)
            assert again == expected, f"redirect_uri at the token endpoint is {again!r}, not {expected!r}"  # noqa: S101

    def assert_safe_sign_in(self, redirect_uri: str | None = None) -> None:
        """Assert all of it: PKCE, `state`, the response type, no secret in the URL, and `redirect_uri` if it is given.

        `nonce` is not among it: with PKCE it is optional for the code flow.
        """
        self.assert_pkce()
        self.assert_state()
        asked = self.last_sign_in()
        kind = asked.get("response_type")
        assert kind == "code", f"response_type is {kind!r}: tokens in a URL end up in logs and histories. Use code"  # noqa: S101
        for one in self.to("authorize"):
            assert "client_secret" not in one.parameters, "the app sent its client_secret through the browser"  # noqa: S101
        if redirect_uri is not None:
            self.assert_redirect_uri(redirect_uri)
