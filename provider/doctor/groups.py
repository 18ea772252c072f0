"""The groups of examinations. The command line loads this file alone."""

from enum import StrEnum


class Group(StrEnum):
    """The groups of examinations, in the order of the report."""

    ADDRESS = "address"
    TLS = "tls"
    PROXY = "proxy"
    BROWSER = "browser"
    METADATA = "metadata"
    CLOCK = "clock"
    MAIL = "mail"
    REDIS = "redis"
    DATABASE = "database"
    INSTALLATION = "installation"
    CONNECTED = "connected"
    ATTACK = "attack"
