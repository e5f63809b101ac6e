"""Settings that are not variables of Terraform, and variables that are not settings."""

#: Settings that change which resources there are. All others become Terraform variables.
SHAPE = frozenset(
    {
        *("load_balancer", "zones", "blob_delivery", "host_network", "alarms", "replica_bucket"),
        *("acme_email", "acme_directory", "acme_trust"),
        *("backend", "backend_bucket", "backend_organization", "backend_workspace"),
        "backend_tags",
    }
)

#: Given to Terraform only (``TF_VAR_…``): a default would be written into the synthesized file.
SECRETS = {
    "aws_access_key": "AWS access key for the containers, of a user in the account of the stack; "
    "empty means the task role.",
    "aws_secret_access_key": "Secret of the AWS access key; empty means the task role.",
}
