"""What is read from the exports of each system, in the format that it publishes."""

import base64
import io
import json
from typing import Any

import pytest

from provider.accounts.importing.files import Row, UnreadableFile
from provider.accounts.importing.json_stream import read_entries
from provider.accounts.importing.moving import MovedIdentity
from provider.accounts.importing.sources.draft import Context
from provider.accounts.importing.sources.firebase import read_parameters
from provider.accounts.importing.sources.formats import READERS
from provider.crypto.foreign_hashes import parse_hash

UUID = "6f3b2c1d-8e4a-4c57-9d21-0a1b2c3d4e5f"
BCRYPT = "$2b$04$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K"
PBKDF2 = "pbkdf2_sha256$1000$aRHWTwvxfKF4xoSNDFJABh$RBeqLdtKFugHzWaAvwtV6nx7y2IlRBfcjwDoyw962YQ="
PASSWORD = "correct horse battery staple"
GOOGLE = "https://accounts.google.com"
KEY = b"twenty bytes of key!"


def read(source: str, content: Any, **options: Any) -> list[Row]:
    text = content if isinstance(content, str) else json.dumps(content)
    context = Context(source=source, rp_id="id.example.test", **options)
    return list(READERS[source](io.BytesIO(text.encode()), context))


def dump(model: str, pk: object, **fields: Any) -> dict[str, Any]:
    """One object of `manage.py dumpdata` (Django, JSON serialization format)."""
    return {"model": model, "pk": pk, "fields": fields}


def django_user(pk: int, **fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "password": PBKDF2,
        "last_login": None,
        "is_superuser": False,
        "username": "ada",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.test",
        "is_staff": False,
        "is_active": True,
        "date_joined": "2024-01-01T00:00:00Z",
        "groups": [],
        "user_permissions": [],
    }
    return dump("auth.user", pk, **{**values, **fields})


def test_django_users_come_with_groups_and_authenticator_apps() -> None:
    """Also devices and groups that follow the users in the file, and custom user models."""
    content = [
        django_user(1, groups=[7, ["editors"]], is_staff=True, user_permissions=[3]),
        django_user(2, username="grace", email="grace@example.test", password="!unusable", is_active=False),
        dump("auth.group", 7, name="staff"),
        dump("otp_totp.totpdevice", 1, user=1, name="Phone", confirmed=True, key=KEY.hex(), step=30, digits=6),
        dump("otp_totp.totpdevice", 2, user=["grace"], name="", confirmed=False, key=KEY.hex(), step=30, digits=6),
    ]
    ada, grace = read("django", content)
    assert ada.values["password_hash"] == PBKDF2
    assert (ada.values["given_name"], ada.values["preferred_username"]) == ("Ada", "ada")
    assert (ada.values["email_verified"], ada.values["id"], ada.moved.source_id) == (False, None, "1")
    assert ada.moved.groups == ["staff", "editors"]
    assert [(app.key, app.name) for app in ada.moved.totp] == [(base64.b32encode(KEY).decode(), "Phone")]
    assert [note.split(" ")[0] for note in ada.moved.notes] == ["is_staff", "user_permissions"]
    assert (grace.values["password_hash"], grace.moved.suspended_because) == (None, "Disabled in django")
    assert not grace.moved.totp
    [trusted] = read("django", [dump("shop.member", 1, **django_user(1)["fields"])], trust_emails=True)
    assert trusted.values["email_verified"] is True
    for wrong in ([dump("auth.group", 1, name="x")], [{"pk": 1}], [django_user(1), {**django_user(2), "model": "a.b"}]):
        with pytest.raises(UnreadableFile):
            read("django", wrong)


def test_authentik_users_keep_their_uuid_and_their_factors() -> None:
    public_key = base64.urlsafe_b64encode(b"cose").decode()
    user = {
        "uuid": UUID,
        "username": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.test",
        "password": PBKDF2,
        "is_active": True,
        "type": "internal",
        "attributes": {"phone": "1"},
        "groups": ["b7"],
    }
    robot = {**user, "type": "service_account"}
    content = [
        dump("authentik_core.group", "b7", name="staff"),
        dump("authentik_core.user", 5, **user),
        dump("authentik_core.user", 6, **robot),
        dump("authentik_stages_authenticator_totp.totpdevice", 1, user=5, key=KEY.hex(), step=30, digits="6", name="a"),
        dump("authentik_stages_authenticator_totp.totpdevice", 2, user=5, key=KEY.hex(), step=30, digits="8", name="b"),
        dump(
            "authentik_stages_authenticator_webauthn.webauthndevice", 1, user=5, name="Laptop",
            credential_id="AAEC", public_key=public_key, sign_count=3, rp_id="id.example.test",
        ),
        dump(
            "authentik_stages_authenticator_webauthn.webauthndevice", 2, user=5, name="Other",
            credential_id="AAED", public_key=public_key, sign_count=3, rp_id="elsewhere.example.test",
        ),
    ]  # fmt: skip
    [row] = read("authentik", content)
    assert (row.values["id"], row.values["name"], row.moved.groups) == (UUID, "Ada Lovelace", ["staff"])
    assert [app.name for app in row.moved.totp] == ["a"]
    [passkey] = row.moved.passkeys
    assert (passkey.credential_id, passkey.public_key, passkey.sign_count) == ("AAEC", b"cose", 3)
    notes = " ".join(row.moved.notes)
    assert "it is for elsewhere.example.test" in notes
    assert "Attributes are skipped: phone." in notes


def test_auth0_users_get_the_hashes_of_the_other_export() -> None:
    """The export of users has one JSON object a line, and that of hashes names the database's users without prefix."""
    users = [
        {
            "user_id": "auth0|5dea9f9c82dd7c0e76e4ec93",
            "email": "ada@example.test",
            "email_verified": True,
            "name": "ada@example.test",
            "given_name": "Ada",
            "identities": [
                {"provider": "auth0", "user_id": "5dea9f9c82dd7c0e76e4ec93", "connection": "db", "isSocial": False},
                {"provider": "google-oauth2", "user_id": "117", "connection": "google-oauth2", "isSocial": True},
            ],
            "app_metadata": {"plan": "gold"},
        },
        {"user_id": "auth0|euclid", "email": "e@example.test", "email_verified": False, "blocked": True},
    ]
    hashes = [
        {"_id": {"$oid": "5dea9f9c82dd7c0e76e4ec93"}, "email": "ada@example.test", "passwordHash": BCRYPT},
        {"_id": {"$oid": "6"}, "alt_id": "euclid", "passwordHash": BCRYPT.replace("$2b$", "$2a$")},
    ]
    content = "\n".join(map(json.dumps, users))
    other = io.BytesIO("\n".join(map(json.dumps, hashes)).encode())
    ada, euclid = read("auth0", content, password_hashes=other, upstreams={"google-oauth2": GOOGLE})
    for row in (ada, euclid):
        assert parse_hash(row.values["password_hash"]).is_of(PASSWORD)
    assert list(ada.moved.identities) == [MovedIdentity(GOOGLE, "117")]
    assert "name" not in ada.values
    assert ada.moved.notes == ["Attributes are skipped: app_metadata.plan."]
    assert (euclid.moved.source_id, euclid.moved.suspended_because) == ("auth0|euclid", "Disabled in auth0")


def test_auth0_s_import_format_is_read_too() -> None:
    secret = base64.b32encode(KEY).decode()
    argon2 = "$argon2id$v=19$m=64,t=1,p=1$iRvARtROa+K9zO5bGi+5Bw$XYjyk3u4luk6QuJdHVI+7VoM582zUBLs978Hs5rK9DQ"
    content = [
        {"email": "a@example.test", "password_hash": BCRYPT, "mfa_factors": [{"totp": {"secret": secret}}]},
        {
            "email": "b@example.test",
            "custom_password_hash": {"algorithm": "argon2", "hash": {"value": argon2, "encoding": "utf8"}},
            "mfa_factors": [{"phone": {"value": "+12065551212"}}],
        },
        {"email": "c@example.test", "custom_password_hash": {"algorithm": "md5", "hash": {"value": "x"}}},
    ]
    first, second, third = read("auth0", content)
    assert [app.key for app in first.moved.totp] == [secret]
    assert parse_hash(second.values["password_hash"]).is_of(PASSWORD)
    assert second.moved.notes == ["A second factor is skipped: phone."]
    assert third.values["password_hash"] == "unsupported md5"


PARAMETERS = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}"""


def test_firebase_users_are_checked_with_the_key_of_their_project() -> None:
    """The example of https://github.com/firebase/scrypt; the text is what the Firebase console shows."""
    user = {
        "localId": "bXlVaWQ",
        "email": "ada@example.test",
        "emailVerified": True,
        "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "salt": "42xEC+ixf3L2lw==",
        "displayName": "Ada",
        "providerUserInfo": [
            {"providerId": "google.com", "rawId": "117", "email": "ada@gmail.example"},
            {"providerId": "password", "rawId": "ada@example.test"},
        ],
        "disabled": False,
        "customAttributes": '{"admin":true}',
    }
    [row] = read(
        "firebase",
        {"users": [user]},
        hash_parameters=read_parameters(PARAMETERS),
        upstreams={"google.com": GOOGLE},
    )
    assert parse_hash(row.values["password_hash"]).is_of("user1password")
    assert list(row.moved.identities) == [MovedIdentity(GOOGLE, "117", "ada@gmail.example")]
    with pytest.raises(UnreadableFile, match="--hash-parameters"):
        read("firebase", {"users": [user]})
    for wrong in (PARAMETERS.replace("SCRYPT", "BCRYPT"), PARAMETERS.replace("rounds: 8", "rounds: x"), ""):
        with pytest.raises(UnreadableFile):
            read_parameters(wrong)


def test_cognito_users_keep_their_sub_and_have_no_password() -> None:
    attributes = {
        "sub": UUID,
        "email": "ada@example.test",
        "email_verified": "true",
        "given_name": "Ada",
        "custom:plan": "gold",
        "identities": json.dumps([{"userId": "117", "providerName": "Google", "providerType": "Google"}]),
    }
    pairs = [{"Name": name, "Value": value} for name, value in attributes.items()]
    user = {"Username": "ada", "Attributes": pairs, "Enabled": False, "UserStatus": "CONFIRMED"}
    [row] = read("cognito", {"Users": [user]}, upstreams={"Google": GOOGLE})
    assert (row.values["id"], row.values["password_hash"], row.values["email_verified"]) == (UUID, None, True)
    assert list(row.moved.identities) == [MovedIdentity(GOOGLE, "117")]
    assert row.moved.suspended_because == "Disabled in cognito"
    assert row.moved.notes == ["Attributes are skipped: custom:plan."]


def test_a_bcrypt_hash_in_a_csv_file_is_one_of_the_password_itself() -> None:
    [row] = read("csv", f"email,password_hash\nada@example.test,{BCRYPT}\n")
    assert parse_hash(row.values["password_hash"]).is_of(PASSWORD)


@pytest.mark.parametrize("source", [source for source in READERS if source != "csv"])
def test_nothing_in_an_export_crashes_the_import(source: str) -> None:
    """N-303: a user without the form of the export is a row that fails."""
    odd: list[Any] = [
        None,
        7,
        "x",
        [],
        {},
        {"email": 7, "credentials": 7},
        {"email": {}, "Attributes": [1], "localId": "x"},
    ]
    content: Any = {"users": odd, "Users": odd}
    if source in {"django", "authentik"}:
        content = [dump("auth.user", 1, password=7, email=["x"], groups=7)]
    for row in read(source, content, hash_parameters=read_parameters(PARAMETERS)):
        assert row.problem is not None or row.values["email"] != "ada@example.test"


def test_a_large_document_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """N-304: numbers, escapes and letters of several bytes that are cut by the end of a piece."""
    from provider.accounts.importing import json_stream  # noqa: PLC0415

    monkeypatch.setattr(json_stream, "CHUNK", 3)
    users = [{"name": 'Zoë \U0001f511 \\ "', "n": 12345}, {"n": -1.5e10}, {}]
    text = json.dumps({"a": 1, "users": users, "z": [1, 2]}, ensure_ascii=False, indent=1)
    entries = list(read_entries(io.BytesIO(text.encode()), arrays={"users"}))
    assert [entry.value for entry in entries] == [1, *users, [1, 2]]
    assert [entry.line for entry in entries] == [2, 4, 8, 11, 13]
    for cut in range(len(text) - 1):
        with pytest.raises(UnreadableFile):
            list(read_entries(io.BytesIO(text[:cut].encode()), arrays={"users"}))
