"""An API that accepts Signet's access tokens, with FastAPI and PyJWT. Its tests are in `test_tokens.py`."""

from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

bearer = HTTPBearer(auto_error=False)


def create_app(issuer: str, audience: str) -> FastAPI:
    """Create the API for one provider."""
    app = FastAPI()
    keys = jwt.PyJWKClient(f"{issuer}/oauth2/jwks", timeout=2)

    def claims_of(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> dict[str, Any]:
        """Return the claims of the access token (RFC 9068 section 4)."""
        if credentials is None:
            raise HTTPException(401, headers={"www-authenticate": "Bearer"})
        token = credentials.credentials
        try:
            if jwt.get_unverified_header(token).get("typ") != "at+jwt":
                raise jwt.InvalidTokenError("This JWT is not an access token.")  # maybe an ID token
            claims: dict[str, Any] = jwt.decode(
                token,
                keys.get_signing_key_from_jwt(token),
                algorithms=["RS256"],
                audience=audience,
                issuer=issuer,
                options={"require": ["exp", "iat", "sub", "client_id"]},
            )
            if "cnf" in claims:
                raise jwt.InvalidTokenError("This token is bound to a key, whose proof this API does not check.")
        except jwt.PyJWKClientConnectionError:
            raise HTTPException(503, "The keys of the provider cannot be fetched.") from None
        except jwt.PyJWTError as error:
            raise HTTPException(401, str(error), {"www-authenticate": 'Bearer error="invalid_token"'}) from None
        return claims

    def require_scope(claims: dict[str, Any], scope: str) -> None:
        if scope not in claims.get("scope", "").split():
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, f"The scope {scope} is missing.", {"www-authenticate": challenge})

    @app.get("/orders")
    def orders(claims: Annotated[dict[str, Any], Depends(claims_of)]) -> dict[str, Any]:
        require_scope(claims, "orders:read")
        return {"orders_of": claims["sub"]}

    @app.delete("/orders")
    def delete_orders(claims: Annotated[dict[str, Any], Depends(claims_of)]) -> dict[str, str]:
        require_scope(claims, "orders:write")
        if claims.get("acr") != "aal2":
            raise HTTPException(401, headers={"www-authenticate": 'Bearer error="insufficient_user_authentication"'})
        return {"deleted": "all"}

    return app
