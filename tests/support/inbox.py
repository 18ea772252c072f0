"""The letters an installation promised, decrypted: what people would find in their mailboxes."""

import json
import re
from dataclasses import dataclass

from sqlalchemy import select

from provider.outbox.messages import PURPOSE
from provider.outbox.store import outbox
from provider.work import Installation


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    text: str
    html: str

    @property
    def link(self) -> str:
        """The one link of ours in it."""
        links = re.findall(r"https?://\S+", self.text)
        assert links, f"no link in {self.text}"
        return str(links[0])

    @property
    def code(self) -> str:
        """The six digits to type."""
        found = re.search(r"\b(\d{6})\b", self.text.replace(self.link, "") if "http" in self.text else self.text)
        assert found, f"no code in {self.text}"
        return found[1]


class Inbox:
    """Letters not delivered yet, the oldest first. Tests run without a relay, so that is all of them."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def letters(self, to: str | None = None) -> list[Letter]:
        query = select(outbox.c.id, outbox.c.payload).where(outbox.c.topic == "mail", outbox.c.payload.is_not(None))
        with self._installation.database.engine.connect() as db:
            rows = db.execute(query.order_by(outbox.c.created_at, outbox.c.id)).all()
        opened = [self._installation.vault.decrypt(row.payload, purpose=PURPOSE, context=row.id) for row in rows]
        letters = [Letter(**json.loads(payload)) for payload in opened]
        return [letter for letter in letters if to is None or letter.to == to]

    def latest(self, to: str | None = None) -> Letter:
        letters = self.letters(to)
        assert letters, f"no letter for {to or 'anybody'}"
        return letters[-1]
