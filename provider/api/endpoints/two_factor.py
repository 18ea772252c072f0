"""Two-factor authentication: check whether it is on, set it up (start, show key and QR code, confirm), turn it off."""

from pydantic import Field
from starlette.responses import Response

from provider.accounts.factors import recovery_codes, removal, second_factor, totp_enrolment
from provider.accounts.factors.factor import UsedSecondFactor, WrongSecondFactor
from provider.accounts.factors.policy import RequiredByOperator
from provider.accounts.factors.qr_codes import qr_code, qr_code_png
from provider.accounts.factors.recovery_codes import WrongRecoveryCode
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.factors.totp_enrolment import Enrolment, EnrolmentGone, WrongFirstCode
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import find_own_session, require_confirmed
from provider.api.endpoints.recovery_codes import RecoveryCodes
from provider.api.operation import NO_STORE, by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.refusals import TooManyRequests
from provider.web.accept import preferred
from provider.web.call import Call

SVG, PNG = "image/svg+xml", "image/png"
PICTURES = (SVG, PNG)
"""The media types of the QR code, the one that is sent without a preference in front."""
GUARDED = (ConfirmationNeeded, SecondFactorNeeded)


class TwoFactor(Body):
    """The status of two-factor authentication."""

    enabled: bool = Field(description="Whether two-factor authentication is on.")
    setting_up: bool = Field(description="Whether this app has started a setup that isn't confirmed yet.")
    recovery_codes_left: int = Field(description="The number of unused recovery codes.")


class Key(Body):
    """The key for an authenticator app."""

    key: str = Field(description="The key to enter in an authenticator app.")
    uri: str = Field(description="The key as an otpauth URI.")


class Code(Body):
    """A code from the authenticator app."""

    code: str = Field(description="The 6-digit code. Spaces are ignored.")


class AnyCode(Body):
    """A code from the authenticator app, or a recovery code."""

    code: str = Field(description="The code. Spaces are ignored.")


@by_person(gives=TwoFactor)
def two_factor(call: Call, bearer: Bearer, _body: Body) -> TwoFactor:
    """Get the two-factor authentication status."""
    return TwoFactor(
        enabled=second_factor.is_enabled(call.work, bearer.user_id),
        setting_up=_find_enrolment(call, bearer) is not None,
        recovery_codes_left=recovery_codes.count_left(call.work, bearer.user_id),
    )


@by_person(gives=Key, status=201, problems=GUARDED)
def begin_two_factor(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Start setting up two-factor authentication. The new key has no effect until it is confirmed. A factor in use
    stays until then.
    """
    session = require_confirmed(call.work, bearer)
    totp_enrolment.begin_enrolment(call.work, session)
    return _key(totp_enrolment.find_enrolment(call.work, session))


@by_person(gives=Key, problems=(*GUARDED, EnrolmentGone))
def two_factor_key(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Get the setup key. It can't be read again once it is confirmed."""
    return _key(totp_enrolment.find_enrolment(call.work, require_confirmed(call.work, bearer)))


@by_person(gives=PICTURES, problems=(*GUARDED, EnrolmentGone))
def two_factor_picture(call: Call, bearer: Bearer, _body: Body) -> Response:
    """Get the setup key as a QR code. The image is SVG, or PNG if the `Accept` header prefers it."""
    key = _key(totp_enrolment.find_enrolment(call.work, require_confirmed(call.work, bearer)))
    media_type = preferred(call.header_list("accept"), PICTURES)
    picture = qr_code_png(key.uri) if media_type == PNG else str(qr_code(key.uri))
    return Response(picture, media_type=media_type, headers=NO_STORE | {"vary": "Accept"})


@by_person(takes=Code, gives=RecoveryCodes, problems=(*GUARDED, EnrolmentGone, WrongFirstCode))
def confirm_two_factor(call: Call, bearer: Bearer, body: Code) -> RecoveryCodes:
    """Turn on two-factor authentication. This confirms the setup key with a code. The recovery codes are shown only in
    this response. All other sessions end.
    """
    session = require_confirmed(call.work, bearer)
    _, codes = totp_enrolment.confirm_enrolment(call.work, session, code=body.code)
    return RecoveryCodes(codes=codes)


@by_person(
    takes=AnyCode,
    problems=(
        *GUARDED,
        NotTurnedOn,
        RequiredByOperator,
        WrongSecondFactor,
        WrongRecoveryCode,
        UsedSecondFactor,
        SecondFactorLocked,
        SignInExpired,
        TooManyRequests,
    ),
)
def disable_two_factor(call: Call, bearer: Bearer, body: AnyCode) -> None:
    """Turn off two-factor authentication. A current code is required even in the confirm-password window. All other
    sessions end.
    """
    session = require_confirmed(call.work, bearer)
    removal.turn_off(call.work, session, factor=second_factor.factor_of(body.code), code=body.code)


def _find_enrolment(call: Call, bearer: Bearer) -> Enrolment | None:
    own = find_own_session(call.work, bearer)
    return None if own is None else totp_enrolment.find_enrolment(call.work, own)


def _key(enrolment: Enrolment | None) -> Key:
    if enrolment is None:
        raise EnrolmentGone
    return Key(key=enrolment.key, uri=enrolment.uri)
