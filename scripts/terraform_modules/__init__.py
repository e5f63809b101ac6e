"""The stack as Terraform modules: a module of HCL for each construct.

``synthesis`` makes the stack, ``partition`` splits it by construct, ``references`` connects the
modules by outputs and variables, and ``files`` writes each module, with the help of ``hcl``,
``readme`` and ``examples``. No part depends on the name of a resource.
"""
