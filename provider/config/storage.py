"""The settings of where data is kept: database, Redis, and the key that encrypts secrets."""

from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from provider.config.durations import Seconds
from provider.config.redis_url import RedisUrl
from provider.config.section import Section
from provider.config.urls import DatabaseUrl, ReadUrl


class Storage(Section):
    """Database, Redis, and the key that encrypts secrets."""

    title: ClassVar[str] = "Storage"

    database_url: DatabaseUrl = Field(
        "sqlite:///signet.db",
        description="Database to use: sqlite:///FILE for one machine, or "
        "postgresql://USER:PASSWORD@HOST/NAME for more. With several servers, separate them with commas: "
        "HOST1:PORT,HOST2:PORT. Signet uses the one that can write.",
    )
    database_read_url: ReadUrl | None = Field(
        None,
        description="Replica of a PostgreSQL database, for reading only: postgresql://USER:PASSWORD@HOST/NAME. "
        "Lists in the console and searches in the audit log read from it while it is less than 10 seconds behind. "
        "Set it if they slow the primary down.",
    )
    redis_url: RedisUrl | None = Field(
        None,
        description="Redis for shared rate limits and the job queue: redis://HOST:6379/0, rediss:// with TLS, "
        "redis+sentinel://HOST,HOST/NAME/0 or redis+cluster://HOST,HOST. Set it if you run several nodes. "
        "Unset: each node keeps its own.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that encrypts secrets in the database, at least 32 characters. To rotate, put the "
        "new key before the old one: new,old.",
    )
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        "NORMAL",
        description="How safely SQLite stores changes: NORMAL survives a crash of the process, FULL also a "
        "power failure.",
    )
    database_timeout: Seconds = Field(
        2.0, gt=0, le=30, description="How long to wait for a database connection, lock or statement, in seconds."
    )

    @field_validator("secret_key")
    @classmethod
    def _strong_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return value
        keys = [key.strip() for key in value.get_secret_value().split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError("each key must have at least 32 characters; separate keys with commas")
        return SecretStr(",".join(keys))
