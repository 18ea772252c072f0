"""Refusals: expected errors that a user or a program is shown.

The writes before one are kept (see `work.unit_of_work`); any other exception undoes them all. The subclasses of
Refusal:

- `NotFound`: 404
- `Forbidden`: 403
- `TooManyRequests`: 429, with the time after which to retry
- `Unavailable`: 503, an outage; never a decision about the request
- `RedirectRequired`: a page to go to instead of a message
"""

from provider.languages.text import Text


class Refusal(Exception):
    """An expected error. `message` is for the user; details for a developer go to the log.

    `code` identifies the kind of refusal to programs: the problem type of an API ends in it, and metrics use it as a
    label. It is in kebab-case, unique, and stays the same when the class is renamed.
    """

    code = "refusal"
    status_code = 400
    title: str = Text("Request failed")
    message: str = Text("We couldn't complete your request.")

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class NotFound(Refusal):
    code = "not-found"
    status_code = 404
    title = Text("Page not found")
    message = Text("If you typed the web address, check that it is correct.")


class Forbidden(Refusal):
    code = "forbidden"
    status_code = 403
    title = Text("Not allowed")
    message = Text("You don't have permission to do this.")


class TooManyRequests(Refusal):
    """Too many attempts. `retry_after` is in whole seconds, for the Retry-After header."""

    code = "too-many-requests"
    status_code = 429
    title = Text("Too many attempts")

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__(_wait(self.retry_after))


class MethodNotAllowed(Refusal):
    code = "method-not-allowed"
    status_code = 405
    title = Text("Request not allowed")
    message = Text("This address doesn't accept this type of request.")


class Unavailable(Refusal):
    """An outage of a store or a service we depend on: 503 with Retry-After, never a decision about the request."""

    code = "unavailable"
    status_code = 503
    title = Text("Temporarily unavailable")
    message = Text("The service is not available right now. Nothing was changed. Try again in a moment.")
    retry_after = 5


class RedirectRequired(Refusal):
    """Another page to go to. `location` is a path of ours, built by the rule that raises this."""

    code = "go-elsewhere"
    status_code = 303

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__()


def _wait(seconds: int) -> Text:
    """Return the message with the time to wait, rounded up."""
    if seconds <= 90:
        return Text.counted(
            "Too many attempts. Wait a second and try again.",
            "Too many attempts. Wait %(count)s seconds and try again.",
            count=seconds,
        )
    return Text("Too many attempts. Wait %(minutes)s minutes and try again.", minutes=-(-seconds // 60))
