"""Refusals: expected answers of "no". Their writes are kept (see `work.unit_of_work`); any other exception undoes all.

Refusal
|- NotFound               404
|- Forbidden              403
|- TooManyRequests        429, says when to come back
|- Unavailable            503, an outage, never a verdict
`- GoElsewhere            a place to go instead of a message
"""


class Refusal(Exception):
    """An expected "no". `message` is for the person at the screen; what helps a developer goes to the log."""

    status_code = 400
    title = "That did not work"
    message = "The request could not be carried out."

    def __init__(self, message: str | None = None) -> None:
        if message is not None:
            self.message = message
        super().__init__(self.message)


class NotFound(Refusal):
    status_code = 404
    title = "Page not found"
    message = "There is nothing at this address. Check that you typed it correctly."


class Forbidden(Refusal):
    status_code = 403
    title = "Not allowed"
    message = "You may not do this."


class TooManyRequests(Refusal):
    """`retry_after` is in whole seconds, for the Retry-After header."""

    status_code = 429
    title = "Too many attempts"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__(f"There were too many attempts. Wait {_in_words(self.retry_after)} and try again.")


class Unavailable(Refusal):
    """A store or a service we stand on is down. The contract: 503 and Retry-After, never a verdict."""

    status_code = 503
    title = "Temporarily unavailable"
    message = "The service is not available right now. Nothing was changed. Try again in a moment."
    retry_after = 5


class GoElsewhere(Refusal):
    """The way on is another page. `location` is a path of ours, built by the rule that raises this."""

    status_code = 303

    def __init__(self, location: str) -> None:
        self.location = location
        super().__init__()


def _in_words(seconds: int) -> str:
    """A wait, rounded up."""
    if seconds == 1:
        return "a second"
    return f"{seconds} seconds" if seconds <= 90 else f"{-(-seconds // 60)} minutes"
