"""The order between modules: what a block waits for, without taking a value of it.

An output of the other module waits in its place (``depends_on``), one of those that the block takes
anyway, so that the order follows the references that a caller sees. Not ``depends_on`` of the
module call: it would put off the reading of every data source of the module, and Terraform would
plan changes that it does not make.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from wharf_proxy.errors import ConfigurationError

from scripts.terraform_modules.partition import ROOT, Block, Module
from scripts.terraform_modules.templates import references_in

#: For each address of a module the addresses that it names.
Graph = Mapping[str, set[str]]


class Wait(NamedTuple):
    """A block of one module that is made after one of another module."""

    user: Module
    block: Block
    owner: Module
    other: Block


def keep_order(modules: Mapping[str, Module], waits: Iterable[Wait]) -> None:
    """Let outputs wait for the blocks that other modules wait for.

    Raises:
        ConfigurationError: a block waits for a module of which it takes no value.
    """
    graphs = {
        name: {block.address: {*references_in(block.body)} for block in module.blocks}
        for name, module in modules.items()
    }
    for wait in waits:
        _wait(wait, graphs[wait.user.name], graphs[wait.owner.name])
    for name, module in modules.items():
        for output in module.outputs.values():
            if "depends_on" in output:
                output["depends_on"] = _last(output["depends_on"], graphs[name])


def _wait(wait: Wait, of_user: Graph, of_owner: Graph) -> None:
    user, owner, address = wait.user, wait.owner, wait.other.address
    if owner.name == ROOT:
        raise ConfigurationError(
            f"The construct {user.name} waits for {address}, which is in none: "
            "put it into a construct of its own"
        )
    if user.name == ROOT:
        waiting = wait.block.body.setdefault("depends_on", [])
        if f"module.{owner.name}" not in waiting:
            waiting.append(f"module.{owner.name}")
        return
    taken = [names for names in _taken(wait, of_user) if names]
    if not taken:
        raise ConfigurationError(
            f"The construct {user.name} waits for {address} of {owner.name}, but its "
            f"{wait.block.address} takes no value of {owner.name}: pass it one"
        )
    values = {
        name: {*references_in(owner.outputs[name]["value"])} for names in taken for name in names
    }
    if any(address in reached(found, of_owner) for found in values.values()):
        return  # the reference alone keeps the order
    behind = reached([address], of_owner)
    named = ([name for name in names if values[name] & behind] for names in taken)
    chosen = next(filter(None, named), [max(taken[0])])
    for name in chosen:
        output = owner.outputs[name]
        output["depends_on"] = sorted({*output.get("depends_on", ()), address})


def _taken(wait: Wait, graph: Graph) -> Iterator[list[str]]:
    """Yield the outputs of the owner that the block takes, those that it names itself first."""
    prefix = f"module.{wait.owner.name}."
    seen: set[str] = set()
    step = {wait.block.address}
    while step:
        seen |= step
        step = {name for address in step for name in graph.get(address, ())} - seen
        given = (wait.user.arguments.get(name.removeprefix("var."), "") for name in step)
        yield sorted(each.removeprefix(prefix) for each in given if each.startswith(prefix))


def reached(addresses: Iterable[str], graph: Graph) -> set[str]:
    """Return the addresses and all that they name, directly or not."""
    found: set[str] = set()
    todo = [*addresses]
    while todo:
        address = todo.pop()
        if address not in found:
            found.add(address)
            todo += graph.get(address, ())
    return found


def _last(addresses: Iterable[str], graph: Graph) -> list[str]:
    """Return the addresses that no other one of them waits for anyway."""
    found = sorted(addresses)
    return [
        each
        for each in found
        if not any(each in reached([other], graph) for other in found if other != each)
    ]
