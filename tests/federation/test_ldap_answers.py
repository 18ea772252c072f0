"""What a directory's answers mean, and how values go into a filter. Pure."""

import pytest

from provider.federation.ldap_answers import POLICY_CONTROL, DirectoryUnavailable, Verdict, verdict_of
from provider.federation.ldap_names import escape, escape_bytes, first_name, is_below

BASE = "ou=groups,dc=corp,dc=test"


def policy(value: bytes) -> dict[str, dict[str, bytes]]:
    return {POLICY_CONTROL: {"value": value}}


@pytest.mark.parametrize(
    ("code", "message", "control", "verdict"),
    [
        (0, "", None, Verdict.RIGHT),
        (0, "", b"\x30\x00", Verdict.RIGHT),
        (0, "", b"\x30\x03\x81\x01\x02", Verdict.EXPIRED),  # changeAfterReset
        (49, "", b"\x30\x03\x81\x01\x00", Verdict.EXPIRED),
        (49, "", b"\x30\x03\x81\x01\x01", Verdict.LOCKED),
        (49, "", b"\x30\x03\x81\x01\x07", Verdict.WRONG),
        (49, "", None, Verdict.WRONG),
        (48, "", None, Verdict.WRONG),
        (32, "", None, Verdict.WRONG),
        (19, "Exceed password retry limit. Please try later.", None, Verdict.LOCKED),  # 389 Directory Server
        (19, "Exceed password retry limit.", b"\x30\x03\x81\x01\x01", Verdict.LOCKED),
        (53, "Account inactivated. Contact system administrator.", None, Verdict.LOCKED),
        (53, "NDS error: log account expired (-220)", None, Verdict.LOCKED),  # eDirectory
        (49, "80090308: comment: AcceptSecurityContext error, data 52e, v4563", None, Verdict.WRONG),
        (49, "80090308: comment: AcceptSecurityContext error, data 773, v4563", None, Verdict.EXPIRED),
        (49, "80090308: comment: AcceptSecurityContext error, data 775, v4563", None, Verdict.LOCKED),
    ],
)
def test_answers_to_a_bind(code: int, message: str, control: bytes | None, verdict: Verdict) -> None:
    result = {"result": code, "description": "", "message": message}
    assert verdict_of(result if control is None else result | {"controls": policy(control)}) is verdict


@pytest.mark.parametrize("code", [1, 3, 8, 10, 51, 52, 80])
def test_other_results_are_outages(code: int) -> None:
    """N-367: also a referral (10), which is not followed."""
    with pytest.raises(DirectoryUnavailable):
        verdict_of({"result": code, "description": "other", "message": ""})


def test_values_are_escaped() -> None:
    assert escape("a*(b)\\c\0") == r"a\2a\28b\29\5cc\00"
    assert escape_bytes(b"\x00\xff") == r"\00\ff"


@pytest.mark.parametrize(
    ("dn", "below"),
    [
        (f"cn=a,{BASE}", True),
        (BASE, True),
        ("CN=a, OU = Groups , DC=corp,dc=TEST", True),
        ("cn=a,ou=people,dc=corp,dc=test", False),
        (f"cn=a\\,{BASE}", False),
        (f"cn=a,{BASE},dc=more", False),
        ("", False),
    ],
)
def test_groups_below_the_base(dn: str, *, below: bool) -> None:
    assert is_below(dn, BASE) is below


@pytest.mark.parametrize(
    ("dn", "name"),
    [("cn=a,dc=b", "a"), (r"cn=a\, b,dc=c", "a, b"), ("CN = a ,dc=b", "a"), ("", ""), ("a", "")],
)
def test_names_of_groups(dn: str, name: str) -> None:
    assert first_name(dn) == name
