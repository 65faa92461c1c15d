"""Settings of the server, from ``BELEG_…`` environment variables."""

from pathlib import Path
from typing import Any

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import BelegError
from rag.llm import LLMSettings
from ui.users import LEAST_CHARACTERS

EMBEDDED_AT_ONCE = 1
ENDPOINT_AT_ONCE = 24


# The least characters of each secret, and how to come by one.
_SECRETS = {
    "password": (LEAST_CHARACTERS, ""),
    "session_key": (32, "; make one: openssl rand -hex 32"),
    "metrics_token": (16, ""),
}


class ServerSettingsError(BelegError):
    """A setting of the server that cannot be used."""


class ServerSettings(BaseSettings):
    """Who may come in and under which names, how many questions are answered at once, and what is told of them.

    >>> ServerSettings(password="einszweidrei").password
    SecretStr('**********')

    Raises:
        ServerSettingsError: A value cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="BELEG_", env_ignore_empty=True, extra="ignore")

    password: SecretStr | None = None
    users: Path | None = None
    session_key: SecretStr | None = None
    host_names: str = ""
    metrics_token: SecretStr | None = None
    stop_seconds: float = Field(default=30.0, ge=0)
    log: str = "text"
    at_once: int | None = Field(default=None, ge=1)

    @field_validator(*_SECRETS)
    @classmethod
    def _is_long_enough(cls, secret: SecretStr | None, field: ValidationInfo) -> SecretStr | None:
        least, remedy = _SECRETS[str(field.field_name)]
        if secret and (length := len(secret.get_secret_value())) < least:
            name = f"BELEG_{str(field.field_name).upper()}"
            raise ServerSettingsError(f"{name} has {length} characters, expected {least} or more{remedy}")
        return secret

    @field_validator("stop_seconds", mode="wrap")
    @classmethod
    def _is_a_time(cls, seconds: object, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(seconds)
        except ValidationError as error:
            raise ServerSettingsError(f"BELEG_STOP_SECONDS is {seconds!r}, expected a number of 0 or more") from error

    @field_validator("log")
    @classmethod
    def _is_a_form(cls, form: str) -> str:
        if form not in {"text", "json"}:
            raise ServerSettingsError(f"BELEG_LOG is {form!r}, expected 'text' or 'json'")
        return form

    @field_validator("at_once", mode="wrap")
    @classmethod
    def _is_positive(cls, count: object, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(count)
        except ValidationError as error:
            raise ServerSettingsError(f"BELEG_AT_ONCE is {count!r}, expected a whole number of 1 or more") from error

    @model_validator(mode="after")
    def _is_one_login(self) -> "ServerSettings":
        if self.password and self.users:
            raise ServerSettingsError("BELEG_PASSWORD and BELEG_USERS are both set; leave out one of them")
        return self

    @property
    def has_login(self) -> bool:
        """Whether a password is asked for."""
        return bool(self.password or self.users)

    @property
    def names(self) -> tuple[str, ...]:
        """Under which names the server answers beside this machine's own, in small letters."""
        return tuple(name.strip().lower() for name in self.host_names.split(",") if name.strip())

    @property
    def questions_at_once(self) -> int:
        """How many questions are answered at once: one by the embedded model, more by an endpoint."""
        return self.at_once or (ENDPOINT_AT_ONCE if LLMSettings().llm_base_url else EMBEDDED_AT_ONCE)
