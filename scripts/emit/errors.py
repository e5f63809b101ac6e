"""What ends the emission of modules."""


class EmitError(Exception):
    """The stack has something that the modules cannot express; the text names the remedy."""
