"""Password strength for the script of a page, while the user types. The page works without it."""

from starlette.responses import Response

from provider.accounts.passwords.password_change import known_about
from provider.accounts.passwords.password_reset import InvalidResetLink, ResetLinkUsed, require_open_link
from provider.accounts.passwords.password_strength import strength_of
from provider.config.sign_up import NAME_CLAIMS
from provider.ratelimits import LIMITS, hit, of_network
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import as_json
from provider.web.json_responses import JsonResponse

ABOUT = ("email", "username", *NAME_CLAIMS)
"""Fields of the form that an attacker may know. Names are never looked up by an address, only by a session or
by the token of an emailed link (the form's `token`).
"""
LONGEST = 254
"""The number of characters of each field that are used."""


# In the pool of the passwords: a long one takes as long, and tokens must not wait for it.
@endpoint(hashes_passwords=True, render=as_json)
def password_strength(call: Call) -> Response:
    """Answer with the password's score and its word: POST /password-strength.

    It needs the CSRF token of the form, like the form itself. Nothing is stored and nothing is decided here.
    """
    hit(call.work, LIMITS.password_strength, key=of_network(call.work, "password-strength"))
    about = [call.form.text(name)[:LONGEST] for name in ABOUT]
    for user_id in _whose(call):
        about += known_about(call.work, user_id)
    strength = strength_of(call.settings, call.form.get("password", ""), about=about)
    answer = {"score": strength.score, "word": call.language.say(strength.word)}
    return JsonResponse(answer, headers={"cache-control": "no-store"})


def _whose(call: Call) -> list[str]:
    """Return the ids of users whose password it may become, by the session and by the link's token."""
    session = find_session(call)
    found = [] if session is None else [session.user_id]
    try:
        return [*found, require_open_link(call.work, call.form.get("token")).user_id]
    except (InvalidResetLink, ResetLinkUsed):
        return found
