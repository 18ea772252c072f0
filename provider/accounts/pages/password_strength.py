"""Tells the script of a page how strong the password is that somebody types. The page works without it."""

from starlette.responses import JSONResponse, Response

from provider.accounts.password_change import known_about
from provider.accounts.password_strength import strength_of
from provider.ratelimits import LIMITS, hit
from provider.sessions.cookie import find_session
from provider.web.call import Call
from provider.web.endpoint import endpoint
from provider.web.errors import as_json

ABOUT = ("email", "username", "name")
"""Fields of the form it is typed into that somebody who guesses may know. Nobody's name is looked up by an address."""
LONGEST = 254
"""Characters of each that are looked at."""


# In the pool of the passwords: a long one takes as long, and tokens must not wait for it.
@endpoint(hashes_passwords=True, render=as_json)
def password_strength(call: Call) -> Response:
    """The token of the form is needed as for the form itself. Nothing is kept and nothing decided."""
    hit(call.work, LIMITS.password_strength, key=f"password-strength:{call.origin.network}")
    session = find_session(call)
    about = [call.form.text(name)[:LONGEST] for name in ABOUT]
    if session is not None:
        about += known_about(call.work, session.user_id)
    strength = strength_of(call.settings, call.form.get("password", ""), about=about)
    answer = {"score": strength.score, "word": call.language.say(strength.word)}
    return JSONResponse(answer, headers={"cache-control": "no-store"})
