"""A second factor that no release has, to see what a factor gets by joining `second_factor.FACTORS`."""

from collections.abc import Collection
from typing import Any

from provider.accounts import throttle
from provider.accounts.factors import second_factor
from provider.accounts.factors.factor import Factor, WrongSecondFactor
from provider.languages.text import Text
from provider.sessions.store import Session
from provider.work import UnitOfWork

AMR = "hwk"


class WrongGesture(WrongSecondFactor):
    code = "wrong-gesture"
    message = Text("That is not the gesture.")


class FakeFactor:
    """Accepts JSON answers like those of a browser, each once. What a table would hold is in memory."""

    def __init__(self) -> None:
        self.answers: dict[str, set[str]] = {}
        """The answers that each owner can still give."""
        self.setups: set[str] = set()
        """Users who began to set it up."""
        self.factor = Factor(
            name="fake",
            template="login/second_factor/totp.html",
            offer=Text("Use a gesture"),
            policy=throttle.SECOND_FACTOR,
            wrong=WrongGesture,
            find_owners=self._find_owners,
            recognizes=lambda answer: answer.startswith("{"),
            prove=self._prove,
            remove=lambda _work, user_id: self._remove(user_id),
            forget_setup=lambda _work, user_id: self.setups.discard(user_id),
            export=self._export,
        )

    def set_up(self, user_id: str, *answers: str) -> None:
        self.answers[user_id] = set(answers)

    def join(self) -> tuple[Factor, ...]:
        """Return FACTORS with this one at the end."""
        return (*second_factor.FACTORS, self.factor)

    def _find_owners(self, _work: UnitOfWork, user_ids: Collection[str]) -> set[str]:
        return set(user_ids) & self.answers.keys()

    def _prove(self, _work: UnitOfWork, session: Session, answer: str) -> str | None:
        left = self.answers.get(session.user_id, set())
        if answer not in left:
            return None
        left.remove(answer)
        return AMR

    def _remove(self, user_id: str) -> None:
        self.answers.pop(user_id, None)

    def _export(self, _work: UnitOfWork, user_id: str) -> dict[str, Any]:
        return {"gestures": len(self.answers.get(user_id, ()))}
