"""What the suite's own browser does on the pages of Signet."""

from typing import Any

from tests.conformance.suite import EMAIL
from tests.support.factories import PASSWORD

Task = dict[str, Any]
PRESS = "//form[.//input[@name='password']]//button[@type='submit' and contains(@class, 'button')]"
ANYTHING = "(?s).*"
PROMPTED = ("oidcc-prompt-login", "oidcc-max-age-1")
"""The modules that want a picture of the second sign-in."""
DESCRIBED = ("oidcc-registration-logo-uri", "oidcc-registration-policy-uri", "oidcc-registration-tos-uri")
"""The modules that want a picture of what a page says about the app."""


class Pages:
    """The tasks for each page of an issuer, and for those of the suite as an app."""

    def __init__(self, issuer: str, app: str) -> None:
        self.issuer, self.app = issuer, app

    def _task(self, name: str, path: str, *commands: list[Any]) -> Task:
        match = f"{self.issuer}{path}*" if path.startswith("/") else f"{path}*"
        return {"task": name, "match": match, "optional": True, "commands": list(commands)}

    def _at(self, path: str, *tasks: Task) -> dict[str, Any]:
        """What to do when the suite opens this URL."""
        return {"match": f"{self.issuer}{path}*", "tasks": list(tasks)}

    def picture(self, path: str, text: str) -> Task:
        """A page with this text: it counts as the picture that the module wants, if it wants one."""
        wait: list[Any] = ["wait", "xpath", "//body", 10, f"(?s).*{text}.*", "update-image-placeholder-optional"]
        return self._task(text, path, wait)

    def sign_in(self, *before: list[Any]) -> Task:
        """The form for email address and password; the second time, the password only."""
        email: list[Any] = ["text", "css", "input[name=username]:not([readonly])", EMAIL, "optional"]
        fields = (email, ["text", "name", "password", PASSWORD])
        return self._task("Sign in", "/login", *before, *fields, ["click", "xpath", PRESS])

    @property
    def cancel(self) -> Task:
        """The way back to the app from the form."""
        return self._task("Cancel", "/login", ["click", "css", "form[action*='/authorize/cancel'] button"])

    @property
    def consent(self) -> Task:
        """The question whether the app may have access."""
        return self._task("Consent", "/consent", ["click", "css", "button[value=allow]"])

    @property
    def rejected(self) -> Task:
        """The page for a request that may not go back to the app."""
        return self.picture("/oauth2/authorize", "(Something is wrong with|This sign-in has expired)")

    @property
    def callback(self) -> Task:
        """The app's page, which hands a fragment over with a script."""
        return self._task("Complete", f"{self.app}/callback", ["wait", "id", "submission_complete", 20])

    @property
    def logout(self) -> dict[str, Any]:
        """Sign out, and arrive at the app or at a page that says so."""
        return self._at(
            "/oauth2/logout",
            self._task("Sign out", "/oauth2/logout", ["click", "css", "button[value=sign_out]", "optional"]),
            self._task(
                "Signed out", "/", ["wait", "xpath", "//body", 10, ANYTHING, "update-image-placeholder-optional"]
            ),
        )

    def all(self, sign_in: Task | None = None) -> dict[str, Any]:
        """The `browser` of a configuration: sign in, allow, and arrive, however the module asks."""
        steps = (self.rejected, sign_in or self.sign_in(), self.consent, self.callback)
        return {"browser": [self._at("/oauth2/authorize", *steps), self.logout]}

    @property
    def overrides(self) -> dict[str, Any]:
        """For modules in which the user does something else."""
        seen: list[Any] = ["wait", "xpath", "//body", 10, ANYTHING, "update-image-placeholder-optional"]
        pictured = self.all(self.sign_in(seen))
        described = {"browser": [self._at("/oauth2/authorize", self.picture("/login", "Sign in"))]}
        looked: dict[str, Any] = self._at("/oauth2/authorize", self.picture("/login", "Sign in"))
        twice = {"browser": [{**looked, "match-limit": 1}, *self.all()["browser"]]}
        fapi2 = "fapi2-security-profile-final"
        return {
            **dict.fromkeys(PROMPTED, pictured),
            **dict.fromkeys(DESCRIBED, described),
            f"{fapi2}-user-rejects-authentication": self.all(self.cancel),
            f"{fapi2}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": twice,
        }
