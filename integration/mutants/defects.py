"""The deliberate defects, as tables of TOML that people review: ``defects/KIND.toml``."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from integration.console.errors import HarnessError
from scripts.toml_file import read_toml

REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = Path(__file__).parent / "defects"
KINDS = sorted(table.stem for table in TABLES.glob("*.toml"))
#: What catches a defect with which no registry comes up.
BRINGING_UP = "bringing up"


class DefectError(HarnessError):
    """Error of a defect: unknown name, or text not found; the message has the remedy."""


class Defect(BaseModel):
    """A change for the worse of one file.

    Attributes:
        kind: the table that it stands in.
        name: what it is known by.
        file: what is changed, from the root of the repository.
        old: a text that the file holds exactly once.
        new: what stands in its place.
        caught_by: the test that must fail, as pytest names it, or ``bringing up``.
        says: a part of what the failure says; another failure does not count.
        why: what the defect would do in production.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = ""
    name: str
    file: str
    old: str
    new: str
    caught_by: str
    says: str
    why: str

    @property
    def needs_cloud(self) -> bool:
        """Return whether the defect shows on a running registry only."""
        return not self.caught_by.startswith(("tests/", "nginx-proxy/tests/"))

    @property
    def shapes_stack(self) -> bool:
        """Return whether the defect changes what Terraform applies."""
        return self.file.startswith("modules/")

    def applied(self, text: str) -> str:
        """Return the text of the file with the defect in it.

        Raises:
            DefectError: it is no longer what the defect was written for.
        """
        found = text.count(self.old)
        if found != 1:
            raise DefectError(
                f"Defect {self.name}: its old text is in {self.file} {found} times, not once; "
                f"correct it in {TABLES.relative_to(REPOSITORY)}/{self.kind}.toml"
            )
        return text.replace(self.old, self.new)

    @classmethod
    def all(cls) -> list["Defect"]:
        """Return all of them, by kind.

        Raises:
            DefectError: a table is not as it has to be.
        """
        return [defect for kind in KINDS for defect in cls._of(kind)]

    @classmethod
    def _of(cls, kind: str) -> list["Defect"]:
        table = TABLES / f"{kind}.toml"
        defects = read_toml(table, _Table, DefectError).defect
        return [defect.model_copy(update={"kind": kind}) for defect in defects]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    defect: list[Defect]
