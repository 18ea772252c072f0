"""What was just done is said once: on the page that a form led to, and not again after a reload."""

import re

from tests.admin.conftest import Console
from tests.support.factories import make_user
from tests.support.installation import Work


def toasts(html: str) -> list[str]:
    return re.findall(r'<div class="toast" role="status" tabindex="-1" autofocus>.*?<p>(.*?)</p>', html, re.DOTALL)


def test_a_toast_is_said_on_the_page_after_a_form_and_on_no_other(console: Console, work: Work) -> None:
    """It is part of the page, without a script; role `status` is announced politely (WAI-ARIA 1.2)."""
    with work() as w:
        user_id = make_user(w)
    assert toasts(console.open(f"/users/{user_id}").html) == []
    done = console.act(f"/users/{user_id}/suspend", why="spam")
    assert toasts(done.html) == ["Account suspended."]
    assert toasts(console.open(f"/users/{user_id}").html) == []
    assert toasts(console.open(f"/users/{user_id}?done=no-such-action").html) == []
