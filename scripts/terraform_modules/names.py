"""Names of blocks, inputs and outputs, as people who write Terraform expect them.

The convention: a name does not repeat the type of the resource, and a resource whose name would say
nothing more is ``this``. https://www.terraform-best-practices.com/naming
"""

import re
from collections import Counter
from collections.abc import Sequence

#: The name of a resource of which only the type can be told.
THIS = "this"
#: Types whose usual name is another.
NOUNS = {"lb": "load_balancer", "elb": "load_balancer"}
#: Services that nobody names together with their resources: a role, not an IAM role.
SERVICES = ("lb", "ecs", "iam", "s3", "secretsmanager", "cloudwatch")
#: Words of descriptions that are abbreviations.
ABBREVIATIONS = {word: word.upper() for word in ("arn", "dns", "http", "id", "vpc", "s3")}
ABBREVIATIONS["ids"] = "IDs"
NUMBER = re.compile(r"(.*?)(_\d+)?")


def noun(type_: str) -> str:
    """Return the usual word for a type: ``target_group`` for ``aws_lb_target_group``."""
    plain = type_.partition("_")[2]
    service, _, rest = plain.partition("_")
    return NOUNS.get(plain, rest if rest and service in SERVICES else plain)


def role(type_: str, name: str) -> str:
    """Return what a name says beyond the type and a number: ``private`` of ``private_subnet_0``."""
    found = NUMBER.fullmatch(name)
    words = found[1].split("_") if found else [name]
    said = {word.rstrip("s") for word in [THIS, *noun(type_).split("_")]}
    if len(words) == 1 and words[0].rstrip("s") in said:
        return ""
    # The first word stays: the lifecycle of a bucket named configuration is a configuration, too.
    while len(words) > 1 and words[-1].rstrip("s") in said:
        words.pop()
    return "_".join(words)


def block_names(labels: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names of a module's blocks, given their types and their names in the stack.

    A name does not depend on how many resources of the type there are: the same modules made in
    another shape keep the addresses. Blocks that would have the same name keep their own.
    """
    short = [(type_, _short(type_, name)) for type_, name in labels]
    count = Counter(short)
    return [
        new if count[type_, new] == 1 else old
        for (type_, new), (_, old) in zip(short, labels, strict=True)
    ]


def _short(type_: str, name: str) -> str:
    found = NUMBER.fullmatch(name)
    number = (found[2] or "") if found else ""
    more = role(type_, name)
    if not more:
        return name if number else THIS
    return f"{more}{number}"


def value_name(type_: str, name: str, attribute: str) -> str:
    """Return the name of an attribute outside of its module, such as ``task_role_arn``."""
    return joined(role(type_, name), noun(type_), attribute)


def joined(*parts: str) -> str:
    """Join names, each word once where two parts meet: ``images_bucket`` and ``bucket``."""
    words: list[str] = []
    for part in parts:
        new = [word for word in part.split("_") if word]
        if words and new and words[-1] == new[0]:
            new = new[1:]
        words += new
    return "_".join(words)


def description(type_: str, name: str, attribute: str) -> str:
    """Return what an attribute is, such as ``ARN of the task role``."""
    part = "name" if attribute == noun(type_).rpartition("_")[2] else attribute
    of = joined(role(type_, name), noun(type_) + ("s" if attribute.endswith("ids") else ""))
    return f"{_words(part, capital=True)} of the {_words(of)}"


def _words(name: str, *, capital: bool = False) -> str:
    words = [ABBREVIATIONS.get(word, word) for word in name.split("_")]
    text = " ".join(words)
    return text[0].upper() + text[1:] if capital else text
