"""Two-factor authentication: check whether it is on, set it up (start, show key and QR code, confirm), turn it off."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, Field
from starlette.responses import Response

from provider.accounts.factors import authenticator_apps, recovery_codes, removal, second_factor, totp_enrolment
from provider.accounts.factors.authenticator_apps import TooManyAuthenticatorApps
from provider.accounts.factors.factor import UsedSecondFactor, WrongSecondFactor
from provider.accounts.factors.policy import RequiredByOperator
from provider.accounts.factors.qr_codes import qr_code, qr_code_png
from provider.accounts.factors.recovery_codes import WrongRecoveryCode
from provider.accounts.factors.removal import NotTurnedOn
from provider.accounts.factors.second_factor import SecondFactorLocked, SignInExpired
from provider.accounts.factors.store.totp import LONGEST_NAME
from provider.accounts.factors.totp_enrolment import Enrolment, EnrolmentGone, WrongFirstCode
from provider.api.bodies import Body
from provider.api.callers import Bearer
from provider.api.confirmation import find_own_session, require_confirmed
from provider.api.endpoints.recovery_codes import RecoveryCodes
from provider.api.operation import NO_STORE, by_person
from provider.api.problems import ConfirmationNeeded, SecondFactorNeeded
from provider.languages.free_text import clean_line
from provider.languages.text import Text
from provider.refusals import Refusal, TooManyRequests
from provider.web.accept import preferred
from provider.web.call import Call

SVG, PNG = "image/svg+xml", "image/png"
PICTURES = (SVG, PNG)
"""The media types of the QR code, the one that is sent without a preference in front."""
GUARDED = (ConfirmationNeeded, SecondFactorNeeded)


class SeveralAuthenticatorApps(Refusal):
    """This operation cannot know which of the apps the new one replaces."""

    code = "several-authenticator-apps"
    status_code = 409
    message = Text(
        "You have several authenticator apps. Choose the one that the new app replaces, or add the new app to them."
    )


class TwoFactor(Body):
    """The status of two-factor authentication."""

    enabled: bool = Field(description="Whether two-factor authentication is on.")
    setting_up: bool = Field(description="Whether this app has started a setup that isn't confirmed yet.")
    recovery_codes_left: int = Field(description="The number of unused recovery codes.")


class Key(Body):
    """The key for an authenticator app."""

    key: str = Field(description="The key to enter in an authenticator app.")
    uri: str = Field(description="The key as an otpauth URI.")


class FirstCode(Body):
    """The first code from an authenticator app, and a name for the app."""

    code: str = Field(description="The 6-digit code. Spaces are ignored.")
    name: Annotated[str, AfterValidator(partial(clean_line, most=LONGEST_NAME))] = Field(
        "", description="The name of the app, for example the device it is on. It has at most 60 characters."
    )


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


@by_person(gives=Key, status=201, problems=(*GUARDED, SeveralAuthenticatorApps))
def begin_two_factor(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Start setting up two-factor authentication. The new key has no effect until it is confirmed. An authenticator app
    in use stays until then and is replaced. If the user has several, `/authenticator-apps` says which one.
    """
    session = require_confirmed(call.work, bearer)
    held = authenticator_apps.find_of_user(call.work, bearer.user_id)
    if len(held) > 1:
        raise SeveralAuthenticatorApps
    totp_enrolment.begin_enrolment(call.work, session, replaces=held[0].id if held else None)
    return key_of(totp_enrolment.find_enrolment(call.work, session))


@by_person(gives=Key, problems=(*GUARDED, EnrolmentGone))
def two_factor_key(call: Call, bearer: Bearer, _body: Body) -> Key:
    """Get the setup key. It can't be read again once it is confirmed."""
    return key_of(totp_enrolment.find_enrolment(call.work, require_confirmed(call.work, bearer)))


@by_person(gives=PICTURES, problems=(*GUARDED, EnrolmentGone))
def two_factor_picture(call: Call, bearer: Bearer, _body: Body) -> Response:
    """Get the setup key as a QR code. The image is SVG, or PNG if the `Accept` header prefers it."""
    key = key_of(totp_enrolment.find_enrolment(call.work, require_confirmed(call.work, bearer)))
    media_type = preferred(call.header_list("accept"), PICTURES)
    picture = qr_code_png(key.uri) if media_type == PNG else str(qr_code(key.uri))
    return Response(picture, media_type=media_type, headers=NO_STORE | {"vary": "Accept"})


@by_person(
    takes=FirstCode, gives=RecoveryCodes, problems=(*GUARDED, EnrolmentGone, WrongFirstCode, TooManyAuthenticatorApps)
)
def confirm_two_factor(call: Call, bearer: Bearer, body: FirstCode) -> RecoveryCodes:
    """Confirm an authenticator app. The first one turns on two-factor authentication. The recovery codes are shown only
    in this response, and all other sessions end. If the app is added to others, there are no new recovery codes, and
    sessions stay.
    """
    session = require_confirmed(call.work, bearer)
    _, codes = totp_enrolment.confirm_enrolment(call.work, session, code=body.code, name=body.name)
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


def key_of(enrolment: Enrolment | None) -> Key:
    """Return what an authenticator app needs. Raises EnrolmentGone."""
    if enrolment is None:
        raise EnrolmentGone
    return Key(key=enrolment.key, uri=enrolment.uri)
