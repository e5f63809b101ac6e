"""The order of resources, where no argument implies it."""

from collections.abc import Iterable

from modules.bindings.aws import Construct, TerraformResource


def after(resource: TerraformResource, *constructs: Construct) -> None:
    """Make Terraform create a resource after all resources of these constructs.

    CDKTF ignores ``node.add_dependency`` between the resources of a stack.
    """
    resource.depends_on = [*(resource.depends_on or ()), *_names(constructs)]


def _names(constructs: Iterable[Construct]) -> Iterable[str]:
    for construct in constructs:
        for child in construct.node.find_all():
            if isinstance(child, TerraformResource):
                yield f"{child.terraform_resource_type}.{child.friendly_unique_id}"
