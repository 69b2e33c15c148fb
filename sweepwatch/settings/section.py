"""A section of the settings."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections: frozen, and an unknown key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
