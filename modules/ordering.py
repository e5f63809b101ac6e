"""What has to exist before something else, where no argument says so."""

from collections.abc import Iterable

from modules.aws import Construct, TerraformResource


def after(resource: TerraformResource, *constructs: Construct) -> None:
    """Let Terraform make a resource after everything in these constructs.

    CDKTF ignores ``node.add_dependency`` between the resources of a stack.
    """
    resource.depends_on = [*(resource.depends_on or ()), *_names(constructs)]


def _names(constructs: Iterable[Construct]) -> Iterable[str]:
    for construct in constructs:
        for child in construct.node.find_all():
            if isinstance(child, TerraformResource):
                yield f"{child.terraform_resource_type}.{child.friendly_unique_id}"
