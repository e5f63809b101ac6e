"""Plots inside a page: SVG without anything around it."""

import io

from matplotlib.figure import Figure


def svg(figure: Figure) -> str:
    """Return the figure as an element of HTML."""
    file = io.StringIO()
    # A date would make each run's page another.
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
