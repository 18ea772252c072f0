"""Times of a JWT: exp, nbf and iat (RFC 7519 section 4.1), and how far other clocks may differ. Pure."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from joserfc.jwt import ClaimsOption

CLIENT_LEEWAY = timedelta(seconds=10)
"""The leeway for JWTs of clients. FAPI 2.0 Security Profile section 5.3.2.1 requires 10 seconds and forbids 60."""
UPSTREAM_LEEWAY = timedelta(seconds=60)
"""The leeway for ID tokens of upstream providers (F-11), for which no profile sets one. With less, a slightly wrong
clock could lock out all their users. The nonce prevents replays.
"""
OWN_LEEWAY = 60
"""The leeway for `iat` and `nbf` of access tokens, in seconds: the clocks of our nodes may differ."""
TOO_FAR = 253_402_300_800
"""The year 10000 in seconds since the epoch, which datetime cannot express."""


def is_numeric_date(value: object) -> TypeGuard[float]:
    """Return whether a JSON value is seconds since the epoch, with or without a fraction (RFC 7519 section 2).

    Python takes `true` for 1, reads NaN and Infinity, and turns 1e400 into infinity: none of them is a date.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < TOO_FAR


def is_ahead(moment: float, now: float) -> bool:
    """Return whether the `iat` or `nbf` of an access token is in the future. Both are seconds since the epoch."""
    return moment > now + OWN_LEEWAY


def problem_with_times(
    claims: Mapping[str, Any],
    now: datetime,
    *,
    leeway: timedelta,
    required: Collection[str] = (),
    longest: timedelta | None = None,
) -> str | None:
    """Return why the JWT with these claims is not valid now, or None if it is.

    `required` names the claims among exp, nbf and iat that must be present. `longest` is how far `exp` may be in the
    future.
    """
    times = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    odd = [name for name, value in times.items() if not is_numeric_date(value)]
    if odd:
        return f"its {' and '.join(odd)} is not a number of seconds since 1970"
    at = int(now.timestamp())
    seconds = int(leeway.total_seconds())
    from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError  # noqa: PLC0415
    from joserfc.jwt import JWTClaimsRegistry  # noqa: PLC0415  # slow to load

    essential: dict[str, ClaimsOption] = {name: {"essential": True} for name in required}
    try:
        JWTClaimsRegistry(at, seconds, **essential).validate(times)
    except MissingClaimError as missing:
        return f"it has no {missing.claim}"
    except ExpiredTokenError:
        return f"it expired {at - times['exp']:.0f} seconds ago"
    except ClaimError as ahead:
        return f"its {ahead.claim} is {times[ahead.claim] - at:.0f} seconds in the future"
    if longest is not None and "exp" in times and times["exp"] > at + longest.total_seconds() + seconds:
        return f"it expires in {times['exp'] - at:.0f} seconds, which is too late"
    return None


def end_of_second(issued: float) -> datetime:
    """Return the last moment in which a token with this `iat` may have been issued: ours have no fraction."""
    return datetime.fromtimestamp(int(issued), UTC) + timedelta(microseconds=999_999)


def remembered_until(exp: float, leeway: timedelta) -> datetime:
    """Return how long to remember a token that is valid once: as long as `problem_with_times` takes it to be valid.

    That compares whole seconds, so a fraction of `exp` counts as the whole second.
    """
    return datetime.fromtimestamp(ceil(exp), UTC) + leeway
