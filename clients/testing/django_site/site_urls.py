"""A Django site that signs users in. Its tests are in `test_sign_in.py`."""

from typing import Any

import jwt
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class SignetBackend(OIDCAuthenticationBackend):
    """Users are known by `sub`, which never changes. It checks what the library leaves out."""

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """Check the ID token: the library itself accepts one for another app (OpenID Connect Core 3.1.3.7)."""
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[settings.OIDC_RP_SIGN_ALGO],
                issuer=settings.ISSUER,
                audience=settings.OIDC_RP_CLIENT_ID,
                options={"require": ["exp", "iat", "sub"], "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise SuspiciousOperation(f"The ID token is not valid: {error}") from error

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Check that userinfo is of the user who signed in (OpenID Connect Core 5.3.2)."""
        claims: dict[str, Any] = super().get_userinfo(access_token, id_token, payload)
        if claims.get("sub") != payload["sub"]:
            raise SuspiciousOperation("userinfo is of another user.")
        return claims

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        return self.UserModel.objects.filter(username=claims["sub"])

    def get_username(self, claims: dict[str, Any]) -> str:
        return str(claims["sub"])


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {request.user.email}" if request.user.is_authenticated else "Welcome")


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
