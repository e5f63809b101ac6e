"""The bindings: classes of AWS resources, of which the stack imports only those that it uses."""
