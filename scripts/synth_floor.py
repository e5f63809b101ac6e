"""Minimum work of CDKTF for a stack: ``python -m scripts.synth_floor cdk.tf.json``.

The program writes the blocks of the file as generic resources with overrides, without the bindings
of a provider. ``scripts/bench_synth.py`` compares the stack with it.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from cdktf import App, TerraformResource, TerraformStack


def synthesize(original: dict[str, Any]) -> None:
    """Write the stack to ``CDKTF_OUTDIR``, or to ``cdktf.out``."""
    app = App()
    stack = TerraformStack(app, "floor")
    for number, (type_, body) in enumerate(blocks(original)):
        block = TerraformResource(stack, f"block{number}", terraform_resource_type=type_)
        for key, value in body.items():
            if key != "//":  # CDKTF adds its own
                block.add_override(key, value)
    app.synth()


def blocks(original: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each block of a stack and its type, or the kind of a variable or output."""
    for section in ("resource", "data"):
        for type_, named in original[section].items():
            yield from ((type_, body) for body in named.values())
    for section in ("variable", "output"):
        yield from ((section, body) for body in original[section].values())


if __name__ == "__main__":
    synthesize(json.loads(Path(sys.argv[1]).read_text()))
