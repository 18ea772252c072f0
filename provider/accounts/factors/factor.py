"""A kind of second factor: what `second_factor` needs to know of it, and what it can do."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from provider.accounts.throttle import Policy
from provider.languages.text import Text
from provider.refusals import Refusal
from provider.sessions.store import Session
from provider.work import UnitOfWork


class WrongSecondFactor(Refusal):
    """A wrong code, one of an old set or of another time: all get the same answer."""

    code = "wrong-second-factor"
    message = Text("That code is wrong. Enter the code your app shows now.")


class UsedSecondFactor(WrongSecondFactor):
    """A code that its owner used before. It is told after the first factor only, and counts as a failure all the same:
    whoever sends it may have watched the owner type it.
    """

    code = "used-second-factor"
    message = Text("You already used this code. Each code works only once, so enter a new one.")


def _no_owners(_work: UnitOfWork, _user_ids: Collection[str]) -> set[str]:
    """Return nobody: a fallback comes with another factor."""
    return set()


def _no_question(_work: UnitOfWork, _session: Session) -> None:
    """Ask nothing of the browser: the user types a code."""


def _never(_work: UnitOfWork, _session: Session, _answer: str) -> bool:
    """Return that no answer is known from before: those of a browser are never the same."""
    return False


def _no_setup(_work: UnitOfWork, _user_id: str) -> None:
    """Delete nothing: the factor is set up in one request."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A kind of second factor, as one value that joins `second_factor.FACTORS`.

    An `answer` is what proves the factor: a code that the user typed or, for a factor that the browser answers for,
    the JSON it sends in the same form field.
    """

    name: str
    """Its name in the query of the sign-in page (`method`) and in audit events."""
    template: str
    """The page that asks for it at a sign-in. Its form posts the answer as `code`."""
    offer: Text
    """The link to that page from the page of another factor."""
    policy: Policy
    """How many failures an account allows. All policies of factors share one count."""
    wrong: type[WrongSecondFactor]
    """Raised for a wrong answer."""
    signs_in: bool = False
    """Whether it also signs users in on its own. To have it does not turn two-factor authentication on."""
    is_fallback: bool = False
    """Whether it comes with another factor and only replaces that one. It is not set up by itself."""

    find_owners: Callable[[UnitOfWork, Collection[str]], set[str]] = _no_owners
    """Return which of these users have set it up."""
    question: Callable[[UnitOfWork, Session], Mapping[str, Any] | None] = _no_question
    """Return what the page has to tell the browser in order to ask for it (`question` in the template)."""
    recognizes: Callable[[str], bool]
    """Return whether an answer has the form of this factor's, for a field that takes any. A fallback is asked last."""
    prove: Callable[[UnitOfWork, Session, str], str | None]
    """Accept the answer of the user of this session; return its value of `amr` (RFC 8176 section 2).

    Returns None for a wrong answer, and then has written nothing. Each answer is accepted once, which one conditional
    UPDATE decides. `second_factor.prove` counts the failures.
    """
    was_used: Callable[[UnitOfWork, Session, str], bool] = _never
    """Return whether an answer that `prove` refused is one that this user gave before."""
    remove: Callable[[UnitOfWork, str], None]
    """Delete all that is stored of it for this user."""
    forget_setup: Callable[[UnitOfWork, str], None] = _no_setup
    """Delete a setup of this user that was not confirmed yet."""
    export: Callable[[UnitOfWork, str], dict[str, Any]]
    """Return what is stored of it, without secrets, for the user's copy of their data."""

    def is_set_up(self, work: UnitOfWork, user_id: str) -> bool:
        """Return whether the user has set it up. Always False for a fallback."""
        return user_id in self.find_owners(work, [user_id])
