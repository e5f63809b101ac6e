"""The stack as Terraform modules: synthesized, taken apart by construct, written as HCL.

``synthesis`` makes the stack, ``partition`` takes it apart, ``references`` ties the parts together
with outputs and variables, ``files`` writes each part, with what ``hcl``, ``readme`` and
``examples`` know. None of them knows a resource by name.
"""
