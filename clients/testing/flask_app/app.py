"""A Flask app that signs users in with Authlib. Its tests are in `test_sign_in.py`."""

from typing import Any

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, session, url_for
from joserfc.errors import JoseError


def create_app(issuer: str, client_id: str, client_secret: str) -> Flask:
    """Create the app for one provider."""
    app = Flask(__name__)
    app.secret_key = "of-the-tests"
    oauth = OAuth(app)
    oauth.register(
        "signet",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
    )

    @app.get("/")
    def home() -> str:
        user = session.get("user")
        return f"Hello, {user['name']}" if user else "Welcome"

    @app.get("/sign-in")
    def sign_in() -> Any:
        return oauth.signet.authorize_redirect(url_for("callback", _external=True))

    @app.get("/callback")
    def callback() -> Any:
        claims = oauth.signet.authorize_access_token()["userinfo"]
        userinfo = oauth.signet.userinfo()
        if userinfo["sub"] != claims["sub"]:  # OIDC Core section 5.3.2
            return "userinfo is of another user", 400
        session["user"] = {"sub": claims["sub"], "name": userinfo["name"]}
        return redirect(url_for("home"))

    @app.errorhandler(OAuthError)
    @app.errorhandler(JoseError)  # the ID token is not valid
    def sign_in_failed(error: OAuthError | JoseError) -> Any:
        return f"Sign-in failed: {error.error}", 400

    return app
