"""The base of the settings and of their parts."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the settings. Only `Settings`, which has the fields of all parts, builds its validator."""

    title: ClassVar[str]
    """The heading above these settings in the reference."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)

    @classmethod
    def own_fields(cls) -> list[str]:
        """Return the names of the settings of this part, in their order."""
        return [name for name in cls.__annotations__ if name in cls.model_fields]
