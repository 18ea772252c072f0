"""Hashes of other systems: each was made by the system or the library that is named beside it, not by Signet."""

import time

import pytest

from provider.crypto import foreign_hashes
from provider.crypto.foreign_hashes import CostlyHash, InvalidHash, parse_hash

PASSWORD = "correct horse battery staple"
HASHES = {
    "bcrypt": "{bcrypt}$2b$04$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    "bcrypt, as PHP writes it": "{bcrypt}$2y$04$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    "Django 5.2 PBKDF2": "pbkdf2_sha256$1000$aRHWTwvxfKF4xoSNDFJABh$RBeqLdtKFugHzWaAvwtV6nx7y2IlRBfcjwDoyw962YQ=",
    "Django 5.2 PBKDF2 SHA-1": "pbkdf2_sha1$1000$D5PG5Ym7H4ME3G9AvDueHu$xP0KotJbs0s5qZ1v8xu8DDSh6U8=",
    "Django 5.2 Argon2": "argon2$argon2id$v=19$m=64,t=1,p=2$TDQ4UU9nb1hiQ0VWYjNnOTh1UXBGbA$"
    "kzCoA6O3ynYXhkqEA9bXL8vYuny7QetKv1WqAD1EMho",
    "Django 5.2 bcrypt SHA-256": "bcrypt_sha256$$2b$04$ed4CadNIAFW3aflQHWA8sefvZUluSpRROuqnV6xYK9ar8gHaD1xGK",
    "Django 5.2 bcrypt": "bcrypt$$2b$04$zOOtOFKbpT5vLVIIPE3YSuO6ySNMX52msnqOwO/W1vOYqmv/V4Xna",
    "Django 5.2 scrypt": "scrypt$2$mg5mZtueKKMxSxtmyfpF6j$8$5$"
    "S0qb77O8JMH9ceVly2KwObsFd/J+Y26GlH0qnYLtQXcyFJPAMNvXwGxIhpjdbZvosEfh7yzeqE+FZLaeZt5nLQ==",
    "argon2-cffi i": "$argon2i$v=19$m=64,t=1,p=1$szCGReOZrk9kfv8aS2IAWw$U0EKjbc/U+rAs7F35pQipBJxYCIX8/T5bM9sIABJr2E",
    "argon2-cffi d": "$argon2d$v=19$m=64,t=1,p=1$Ha8TJqMlEYBqWWeQ6G2CEg$mne1ooq4fvQOSy7/c9nM9wysH2M8zUeB7l1rNy3Zsr4",
    "argon2-cffi id": "$argon2id$v=19$m=64,t=1,p=1$iRvARtROa+K9zO5bGi+5Bw$XYjyk3u4luk6QuJdHVI+7VoM582zUBLs978Hs5rK9DQ",
    "passlib scrypt": "$scrypt$ln=4,r=8,p=1$OMeYk1LK+R/jnHNOyflfaw$aTmZlcM0+AP8pQ+XuUq2Uplz47ZsPYAGwgSmaCEk5Nk",
    "passlib PBKDF2": "$pbkdf2$1000$LKUUQqhVqrX2vpcy5vx/Lw$ACS/EIVnz55.ej5yjgcpz1/h5lA",
    "passlib PBKDF2 SHA-512": "$pbkdf2-sha512$1000$S0kJgTCGkBJC6J0TgtC6Fw$"
    "YxeBa5ISSDPE/N5Jgimc/12IzT1g9ZEh4az4OG1NIgg4BJzRdPb3vKHMS3Dtz0qV/DSieJzP1RNF1TuMKA/P9w",
    "OpenSSL -6": "$6$abcdefgh$VN7LMkaLOrsMSWYHlf/ovyaWJao3Zm4TBZ4xfZWXb3l5At21Utq1nOJwr6vKh6Wgb2f1irZkd2TDXRV6cwWw51",
    "OpenSSL -5": "$5$abcdefgh$BWZ40aBGwHskxJEAPaQ7BeX5CsJQnxWro9FnP3/JCe5",
    "OpenSSL -1": "$1$abcdefgh$4/U5.w6NPtLkJ2WyrTwm91",
    "OpenSSL -apr1": "$apr1$abcdefgh$5MT.bUwCwhCf2blpqTwiG/",
}
SUM = "A" * 43


@pytest.mark.parametrize("hashed", HASHES.values(), ids=HASHES)
def test_a_hash_of_another_system_recognizes_its_password(hashed: str) -> None:
    parsed = parse_hash(hashed)
    assert parsed.is_of(PASSWORD)
    assert not parsed.is_of(PASSWORD + "r")
    assert not parsed.is_of("")
    assert not parsed.is_of("x" * 5000)


def test_firebase_s_own_example_is_recognized() -> None:
    """The example of https://github.com/firebase/scrypt."""
    text = foreign_hashes.firebase_hash(
        signer_key="jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
        separator="Bw==",
        rounds=8,
        mem_cost=14,
        salt="42xEC+ixf3L2lw==",
        wanted="lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    )
    assert parse_hash(text).is_of("user1password")
    assert not parse_hash(text).is_of("user2password")


def test_bcrypt_of_others_ends_at_72_bytes_and_at_no_nul() -> None:
    hashed = parse_hash(HASHES["bcrypt"])
    assert not hashed.is_of("x" * 100)
    assert not hashed.is_of(PASSWORD + "\0")


COSTLY = (
    "{bcrypt}$2b$15$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    "{bcrypt}$2b$31$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    f"pbkdf2_sha256$3000001$salt${SUM}=",
    f"pbkdf2_sha256$1500001$salt${'A' * 86}==",  # two blocks of output
    f"$pbkdf2-sha512$i=9999999999$c2FsdHNhbHQ${SUM}",
    f"$argon2id$v=19$m=131073,t=1,p=1$c2FsdHNhbHQ${SUM}",
    f"$argon2id$v=19$m=65536,t=9,p=1$c2FsdHNhbHQ${SUM}",
    f"$argon2id$v=19$m=4096,t=1,p=17$c2FsdHNhbHQ${SUM}",
    f"$scrypt$ln=18,r=8,p=1$c2FsdHNhbHQ${SUM}",
    f"$scrypt$ln=999999999,r=8,p=1$c2FsdHNhbHQ${SUM}",
    f"$scrypt$ln=14,r=8,p=17$c2FsdHNhbHQ${SUM}",
    f"scrypt$131072$salt$8$3${SUM}=",
    f"$firebase-scrypt$ln=20,r=8$c2FsdHNhbHQ$Bw${SUM}${SUM}",
    HASHES["OpenSSL -6"].replace("$6$", "$6$rounds=999999999$"),
)
MALFORMED = (
    "",
    "correct horse battery staple",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
    "$2b$04$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",  # Signet's own form
    "{bcrypt}$2b$03$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    "{bcrypt}$2x$04$/GXYH5mnHyqm4kEqZbRV.eaDuluhOw3tSRduWu9TDOm1I2SOl/m7K",
    HASHES["bcrypt"] + "\n",
    "pbkdf2_sha256$600000$salt$aGFzaA==",
    f"pbkdf2_sha256$0$salt${SUM}=",
    f"pbkdf2_sha256$-1$salt${SUM}=",
    f"pbkdf2_md5$1000$salt${SUM}=",
    f"pbkdf2_sha256$1000$${SUM}=",
    "pbkdf2_sha256$1000$salt$not base64, but long enough to be one====",
    f"$argon2id$v=16$m=64,t=1,p=1$c2FsdHNhbHQ${SUM}",
    f"$argon2id$v=19$m=64,t=1$c2FsdHNhbHQ${SUM}",
    f"$argon2id$v=19$m=64,t=1,p=1$c2FsdA${SUM}",
    f"$argon2x$v=19$m=64,t=1,p=1$c2FsdHNhbHQ${SUM}",
    f"scrypt$1000$salt$8$1${SUM}=",
    f"$firebase-scrypt$ln=14,r=8$c2FsdHNhbHQ$Bw$AAAA${SUM}",
    HASHES["OpenSSL -6"][:-1],
    HASHES["OpenSSL -5"].replace("$5$", "$6$"),
    HASHES["OpenSSL -6"].replace("$6$", "$6$rounds=10$"),
    "$1$abcdefgh$short",
    "pbkdf2_sha256$1000$" + "s" * 2000,
)


def test_a_hash_of_absurd_cost_is_rejected_before_it_costs_time() -> None:
    """N-291: memory, iterations, parallelism and rounds have bounds; nothing is computed to find out."""
    began = time.process_time()
    for text in COSTLY:
        with pytest.raises(CostlyHash):
            parse_hash(text)
    assert time.process_time() - began < 0.1


def test_a_malformed_hash_is_rejected_without_showing_it() -> None:
    """N-292."""
    for text in MALFORMED:
        with pytest.raises(InvalidHash) as rejected:
            parse_hash(text)
        assert not isinstance(rejected.value, CostlyHash), text
        assert not any(part in str(rejected.value) for part in text.split("$") if len(part) > 8)


def test_a_very_long_password_is_not_checked_with_crypt() -> None:
    """N-293: the time of SHA-crypt and MD5-crypt grows with the password, so a long one is wrong without work."""
    began = time.process_time()
    for name in ("OpenSSL -6", "OpenSSL -1"):
        assert not parse_hash(HASHES[name]).is_of("x" * 1000)
    assert time.process_time() - began < 0.1
