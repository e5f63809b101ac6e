"""The sources of settings: ``wharf.toml`` and ``WHARF_…`` variables, for one or more environments.

A file with ``[environments.NAME]`` tables describes several environments. Settings above the tables
hold for all of them, settings in a table for its environment. A variable holds for all environments
and wins over the file.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from modules.errors import SettingsError
from modules.settings.settings import Settings
from modules.settings.shape import SECRETS

PREFIX = "WHARF_"
ENVIRONMENTS = "environments"

#: Settings that two environments cannot share: each names a resource that exists once.
UNSHARED = ("aws_registry_bucket", "nginx_config_bucket", "domain", "backend_workspace")


def load_environments(file: Path, variables: Mapping[str, str]) -> tuple[Settings, ...]:
    """Read the settings of every environment from a TOML file, if there is one, and variables.

    Lists in variables are separated by commas; tables are JSON.

    Raises:
        SettingsError: with one line for each setting that cannot be used, of all environments.
    """
    shared = _read(file)
    given = dict(_from_variables(variables))
    tables = shared.pop(ENVIRONMENTS, None)
    if tables is None:
        return (_one(shared | given),)
    _check_tables(file, tables, shared | given)
    found, problems = [], []
    for name, table in tables.items():
        try:
            found.append(_one({**shared, **table, **given, "name": name}))
        except SettingsError as error:
            problems.append((name, str(error).splitlines()))
    if problems:
        raise SettingsError("\n".join(_told_once(problems, len(tables))))
    _check_unshared(found)
    return tuple(found)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig")) if file.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file}: it cannot be read as TOML: {error}") from None


def _check_tables(file: Path, tables: Any, shared: Mapping[str, Any]) -> None:
    if not isinstance(tables, dict) or not tables:
        raise SettingsError(
            f"{file}: {ENVIRONMENTS} = {json.dumps(tables, default=str)}: it must be tables, "
            f"such as [{ENVIRONMENTS}.production]"
        )
    wrong = [name for name, table in tables.items() if not isinstance(table, dict)]
    if wrong:
        raise SettingsError(
            "\n".join(f"{ENVIRONMENTS}.{name}: it must be a table of settings" for name in wrong)
        )
    named = [table["name"] for table in (shared, *tables.values()) if "name" in table]
    if named:
        raise SettingsError(
            f"name = {json.dumps(named[0])}: the name of an environment is that of its table, "
            f"[{ENVIRONMENTS}.NAME]; remove it"
        )


def _told_once(problems: Sequence[tuple[str, list[str]]], environments: int) -> Iterable[str]:
    """Yield the lines of all environments, a line of all of them once and without a name."""
    of_all = set(problems[0][1]) if len(problems) == environments else set()
    for _, lines in problems:
        of_all &= set(lines)
    yield from (line for line in problems[0][1] if line in of_all)
    for name, lines in problems:
        yield from (f"{name}: {line}" for line in lines if line not in of_all)


def _check_unshared(environments: Sequence[Settings]) -> None:
    problems = []
    for field in UNSHARED:
        owners: dict[str, list[str]] = {}
        for settings in environments:
            owners.setdefault(getattr(settings, field), []).append(settings.name)
        problems += [
            f"{field} = {json.dumps(value)}: {' and '.join(names)} cannot share it; "
            "give each its own"
            for value, names in owners.items()
            if value and len(names) > 1
        ]
    if problems:
        raise SettingsError("\n".join(problems))


def _one(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise SettingsError("\n".join(map(_line, error.errors()))) from None


def _from_variables(variables: Mapping[str, str]) -> Iterable[tuple[str, Any]]:
    for variable, text in sorted(variables.items()):
        if variable.startswith(PREFIX):
            field = variable.removeprefix(PREFIX).lower()
            yield field, _parsed(field, text)


def _parsed(field: str, text: str) -> Any:
    """Return the text of a variable as the type of its field, or unchanged if it does not fit."""
    if field not in Settings.model_fields:
        return text
    annotation: Any = Settings.model_fields[field].annotation
    if getattr(annotation, "__origin__", None) is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if getattr(annotation, "__origin__", None) is dict:
        with suppress(json.JSONDecodeError):
            return json.loads(text)
    if annotation in (int, bool):
        try:
            return TypeAdapter(annotation).validate_strings(text)
        except ValidationError:
            return text
    return text


def _line(error: ErrorDetails) -> str:
    """Return an error as one line: field, value, remedy."""
    field = str(error["loc"][0])
    given = f"{field} = {json.dumps(error['input'], default=str)}"
    if error["type"] != "extra_forbidden":
        message = str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it must")
        return f"{given}: {message}"
    if field in SECRETS:
        return f"{field}: it is a secret, not a setting; give it to Terraform as TF_VAR_{field}"
    if len(error["loc"]) > 1:
        place = ".".join(map(str, error["loc"]))
        return f"{place} = {json.dumps(error['input'], default=str)}: unknown; see docs/settings.md"
    near = difflib.get_close_matches(field, [*Settings.model_fields, ENVIRONMENTS], n=1)
    hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(Settings.model_fields)
    return f"{given}: unknown setting; {hint}"
