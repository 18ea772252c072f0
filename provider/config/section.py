"""The base of the settings and of their parts."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings. Only `Settings`, which has the fields of all parts, builds its validator."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)
