"""A Django site that signs users in. Its tests are in `test_sign_in.py`."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend


class BySubject(OIDCAuthenticationBackend):
    """Users are known by `sub`, which never changes."""

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        return self.UserModel.objects.filter(username=claims["sub"])

    def get_username(self, claims: dict[str, Any]) -> str:
        return str(claims["sub"])


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Hello, {request.user.email}" if request.user.is_authenticated else "Welcome")


urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]
