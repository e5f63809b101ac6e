"""TOML files that users write, read into pydantic models with one line for each error."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from wharf_proxy.errors import ConfigurationError

Model = TypeVar("Model")


def load_toml(file: Path, error: type[Exception] = ConfigurationError) -> dict[str, Any]:
    """Return the table of a TOML file; a byte order mark is ignored, as some editors write it.

    Raises:
        error: the file cannot be read as TOML; the text is one line for the user.
    """
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as reason:
        raise error(f"{file}: {reason.strerror}: check the path and its permissions") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise error(f"{file}: it cannot be read as TOML: {reason}") from None


def read_toml(
    file: Path,
    model: type[Model],
    error: type[Exception] = ConfigurationError,
    defaults: Mapping[str, Any] | None = None,
) -> Model:
    """Return the model of a TOML file.

    Args:
        file: file to read.
        model: pydantic model, or another type that pydantic can validate.
        error: class of the exception.
        defaults: values that the file may omit; those in a table may be omitted one by one.

    Raises:
        error: the file cannot be read or is invalid; the text has a line for each error, with the
            file, the field, the value and the remedy.
    """
    try:
        return TypeAdapter(model).validate_python(_merged(defaults or {}, load_toml(file, error)))
    except ValidationError as invalid:
        lines = [f"{file}: {_line(each, model)}" for each in invalid.errors()]
        raise error("\n".join(lines)) from None


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **given}
    for name, table in defaults.items():
        if isinstance(table, dict) and isinstance(merged[name], dict):
            merged[name] = {**table, **merged[name]}
    return merged


def _line(error: ErrorDetails, model: Any) -> str:
    # Types in the place are the alternatives of a union.
    place = [part for part in error["loc"] if part not in ("int", "timedelta")]
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in place)
    message = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it must")
    if error["type"] == "missing":
        return f"{field}: it is missing: add it"
    if error["type"] == "extra_forbidden":
        return f"{field}: unknown; known are {', '.join(_known(model, place))}"
    if isinstance(error["input"], dict):
        return f"{field}: {message}"
    return f"{field} = {error['input']!r}: {message}"


def _known(model: Any, place: list[int | str]) -> list[str]:
    """Return the fields of the table that contains the place."""
    for part in place[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = model.model_fields[part].annotation
        while not hasattr(model, "model_fields"):
            # The model of a list, of the values of a dictionary, or of an optional field.
            (model, *_) = (each for each in get_args(model)[::-1] if each is not type(None))
    return list(model.model_fields)
