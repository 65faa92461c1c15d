"""Settings of the server, from ``BELEG_…`` environment variables."""

from typing import Any

from pydantic import Field, SecretStr, ValidationError, ValidatorFunctionWrapHandler, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import BelegError
from rag.llm import LLMSettings

LEAST_PASSWORD = 8
EMBEDDED_AT_ONCE = 1
ENDPOINT_AT_ONCE = 24


class ServerSettingsError(BelegError):
    """A setting of the server that cannot be used."""


class ServerSettings(BaseSettings):
    """Who may come in, and how many questions are answered at once.

    >>> ServerSettings(password="einszweidrei").password
    SecretStr('**********')

    Raises:
        ServerSettingsError: A value cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_", env_ignore_empty=True, extra="ignore")

    password: SecretStr | None = None
    at_once: int | None = Field(default=None, ge=1)

    @field_validator("password")
    @classmethod
    def _is_long_enough(cls, password: SecretStr | None) -> SecretStr | None:
        if password and len(password.get_secret_value()) < LEAST_PASSWORD:
            length = len(password.get_secret_value())
            raise ServerSettingsError(f"BELEG_PASSWORD has {length} characters, expected {LEAST_PASSWORD} or more")
        return password

    @field_validator("at_once", mode="wrap")
    @classmethod
    def _is_positive(cls, count: object, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(count)
        except ValidationError as error:
            raise ServerSettingsError(f"BELEG_AT_ONCE is {count!r}, expected a whole number of 1 or more") from error

    @property
    def questions_at_once(self) -> int:
        """How many questions are answered at once: one by the embedded model, more by an endpoint."""
        return self.at_once or (ENDPOINT_AT_ONCE if LLMSettings().llm_base_url else EMBEDDED_AT_ONCE)
