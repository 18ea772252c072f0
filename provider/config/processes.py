"""The settings of the processes: threads, caches, logs and metrics."""

from typing import ClassVar, Literal

from pydantic import Field

from provider.config.durations import Seconds
from provider.config.ports import Port
from provider.config.section import Section


class Processes(Section):
    """Threads, caches, logs and metrics."""

    title: ClassVar[str] = "Processes"

    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Number of threads per process that answer requests, and of token requests that it answers at the "
        "same time. Each thread needs a database connection, and a process opens a few more. Unset: 4, or 2 with "
        "SQLite.",
    )
    password_threads: int = Field(
        1,
        ge=1,
        le=16,
        description="Number of threads per process that check passwords. Raise it if sign-ins are slow while "
        "CPU cores are idle.",
    )
    client_cache: Seconds = Field(
        1.0,
        ge=0,
        le=60,
        description="How long a process can use a cached copy of a client, in seconds. Changes to clients "
        "take effect within this time. Deleting a client takes effect immediately.",
    )
    key_cache: Seconds = Field(
        10.0, ge=0, le=300, description="How long a process can use a cached copy of the signing keys, in seconds."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Least severe level to log: debug, info, warning or error. Debug logs contain personal data.",
    )
    doctor_nightly: bool = Field(
        False,
        description="Whether the worker examines the installation once a night, between 03:00 and 04:00 UTC, as "
        "signet doctor does. The console shows the last result.",
    )
    metrics_address: Port | None = Field(
        None,
        description="Address and port of the Prometheus metrics, such as 127.0.0.1:9464. Anyone who can "
        "reach it can read them. Unset: no metrics. A worker on the same machine needs a different port.",
    )
