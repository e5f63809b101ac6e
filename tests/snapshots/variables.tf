# Written by `make modules` of Wharf. Change the stack there; changes here are lost.

variable "proxy_image" {
  description = "Image made from nginx-proxy/, where the hosts can pull it, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx-proxy:1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$", var.proxy_image))
    error_message = "proxy_image must be an image reference such as docker.io/library/registry:3, without https://."
  }

  validation {
    condition     = "public" != "endpoints" || can(regex(join("", ["^[0-9]{12}\\.dkr\\.ecr\\.", var.aws_region, "\\."]), var.proxy_image))
    error_message = "proxy_image must be an image in ECR of aws_region where host_network is endpoints; copy it there."
  }
}

variable "alarm_certificate_days" {
  description = "Days before the certificate expires at which an alarm is sent; with acme_email, of a certificate that lives less than four times as long, when a quarter of its life is left."
  type        = number
  default     = 21
  nullable    = false

  validation {
    condition     = var.alarm_certificate_days >= 1 && var.alarm_certificate_days <= 365 && floor(var.alarm_certificate_days) == var.alarm_certificate_days
    error_message = "alarm_certificate_days must be 1 to 365 days."
  }
}

variable "alarm_emails" {
  description = "Addresses that get the alarms; each has to be confirmed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.alarm_emails :
      can(regex("^[^@\\s,]+@[^@\\s,]+\\.([a-zA-Z]+|xn--[a-z0-9-]*[a-z0-9])$", value))
    ])
    error_message = "alarm_emails must be an address such as a@example.com."
  }
}

variable "allowed_networks" {
  description = "IPv4 networks that may reach the registry."
  type        = list(string)
  default = [
    "0.0.0.0/0",
  ]
  nullable = false

  validation {
    condition = alltrue([
      for value in var.allowed_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "allowed_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
  }

  validation {
    condition     = length(var.allowed_networks) >= 1 && length(var.allowed_networks) <= 1000
    error_message = "allowed_networks must have 1 to 1000 networks."
  }
}

variable "architecture" {
  description = "Architecture of the hosts and of the images."
  type        = string
  default     = "x86_64"
  nullable    = false

  validation {
    condition     = can(regex("^(x86_64|arm64)$", var.architecture))
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "aws_access_key" {
  description = "AWS access key for the containers, of a user in the account of the stack; empty means the task role."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
}

variable "aws_region" {
  description = "AWS region of the registry."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region such as eu-west-1."
  }
}

variable "aws_registry_bucket" {
  description = "S3 bucket for the images; empty makes a name from account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.aws_registry_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.aws_registry_bucket))
    error_message = "aws_registry_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}

variable "aws_secret_access_key" {
  description = "Secret of the AWS access key; empty means the task role."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true

  validation {
    condition     = (var.aws_access_key == "") == (var.aws_secret_access_key == "")
    error_message = "aws_access_key and aws_secret_access_key go together: give both or neither."
  }
}

variable "browser_origins" {
  description = "Origins of web pages that may use the registry from a browser (CORS), with the user's password, such as https://ui.example.com."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.browser_origins :
      can(regex("^(https://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|http://(localhost|127\\.0\\.0\\.1))(:[1-9][0-9]{0,4})?$", value)) && !can(regex("^https:.*:443$|^http:.*:80$", value))
    ])
    error_message = "browser_origins must be an origin as browsers send it, such as https://ui.example.com or http://localhost:8000, in lower case, without a path and without the port that its scheme has anyway."
  }

  validation {
    condition     = length(var.browser_origins) >= 0 && length(var.browser_origins) <= 50
    error_message = "browser_origins must have 0 to 50 origins."
  }
}

variable "cache_size" {
  description = "GiB of each host's disk for layers (blob_delivery cache); at most volume_size less 10, which the system needs."
  type        = number
  default     = 15
  nullable    = false

  validation {
    condition     = var.cache_size >= 1 && var.cache_size <= 16000 && floor(var.cache_size) == var.cache_size
    error_message = "cache_size must be 1 to 16000 GiB."
  }

  validation {
    condition     = var.cache_size <= var.volume_size - 10
    error_message = "cache_size must be at most volume_size less 10."
  }
}

variable "deletion_protection" {
  description = "Whether a network load balancer refuses to be deleted."
  type        = bool
  default     = false
  nullable    = false
}

variable "dns_zone_id" {
  description = "Zone of Route 53 that gets a record for domain; empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Z0-9]{0,32}$", var.dns_zone_id))
    error_message = "dns_zone_id must be the ID of a hosted zone such as Z0123456789."
  }

  validation {
    condition     = "" == "" || var.dns_zone_id != ""
    error_message = "dns_zone_id must be given where acme_email is given."
  }
}

variable "domain" {
  description = "Name of the registry, for which its certificate is."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+([a-z]{2,}|xn--[a-z0-9-]*[a-z0-9])$", var.domain))
    error_message = "domain must be a name such as registry.example.com."
  }

  validation {
    condition     = var.dns_zone_id == "" || var.domain != ""
    error_message = "domain must be given where dns_zone_id is given."
  }
}

variable "flow_log_bucket" {
  description = "Existing bucket for the flow logs of the VPC; empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.flow_log_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.flow_log_bucket))
    error_message = "flow_log_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}

variable "force_destroy" {
  description = "Whether destroying the stack may delete buckets that hold objects."
  type        = bool
  default     = false
  nullable    = false
}

variable "foreign_layer_urls" {
  description = "Prefixes of the URLs that a pushed manifest may name for layers that are stored elsewhere (foreign layers, as in images of Windows), such as https://mcr.microsoft.com/. Without any, such manifests get 400."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.foreign_layer_urls :
      can(regex("^https://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?/[A-Za-z0-9._~/-]{0,200}$", value))
    ])
    error_message = "foreign_layer_urls must be the beginning of an HTTPS URL, at least to the slash after its host, and after it up to 200 letters, digits and ._~/-, such as https://mcr.microsoft.com/."
  }

  validation {
    condition     = length(var.foreign_layer_urls) >= 0 && length(var.foreign_layer_urls) <= 50
    error_message = "foreign_layer_urls must have 0 to 50 beginnings."
  }
}

variable "idle_timeout" {
  description = "Seconds without traffic after which the load balancer closes a connection; under 300 it cuts the push of a large layer while the registry stores it."
  type        = number
  default     = 350
  nullable    = false

  validation {
    condition     = var.idle_timeout >= 300 && var.idle_timeout <= 3600 && floor(var.idle_timeout) == var.idle_timeout
    error_message = "idle_timeout must be 300 to 3600 seconds."
  }
}

variable "image_version_days" {
  description = "Days that a deleted image can be brought back; 0 keeps no versions."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.image_version_days >= 0 && var.image_version_days <= 3650 && floor(var.image_version_days) == var.image_version_days
    error_message = "image_version_days must be 0 to 3650 days."
  }

  validation {
    condition     = "" == "" || var.image_version_days > 0
    error_message = "image_version_days must be at least 1 where replica_bucket is given: S3 replicates versions."
  }
}

variable "index_validation" {
  description = "Images of an index that have to exist when a client pushes it: all or none. BuildKit before 0.21 needs 'none' for --cache-to type=registry."
  type        = string
  default     = "all"
  nullable    = false

  validation {
    condition     = can(regex("^(all|none)$", var.index_validation))
    error_message = "index_validation must be all or none."
  }
}

variable "instance_type" {
  description = "EC2 instance type of the hosts, of the same architecture."
  type        = string
  default     = "t3.medium"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type must be an instance type such as t3.medium."
  }
}

variable "intelligent_tiering" {
  description = "Whether layers that nobody pulls move to cheaper tiers of S3."
  type        = bool
  default     = false
  nullable    = false
}

variable "internal" {
  description = "Whether the load balancer has private addresses only, for clients that reach the VPC by peering, a transit gateway or a VPN; a change replaces it."
  type        = bool
  default     = false
  nullable    = false
}

variable "key_pair" {
  description = "EC2 key pair for SSH to the hosts; empty means that no key is installed."
  type        = string
  default     = ""
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key for buckets, disks, logs, secrets and alarms; its policy has to let these services use it. Empty means keys of AWS."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key such as arn:aws:kms:eu-west-1:123456789012:key/1234abcd."
  }
}

variable "log_retention_days" {
  description = "Days that CloudWatch Logs keeps the logs."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = can(regex("^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$", var.log_retention_days))
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "maximum_host_days" {
  description = "Days after which a host is replaced; 0 means never."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.maximum_host_days >= 0 && var.maximum_host_days <= 365 && floor(var.maximum_host_days) == var.maximum_host_days
    error_message = "maximum_host_days must be 0 to 365 days."
  }
}

variable "maximum_hosts" {
  description = "Maximum number of hosts; above 1 the autoscaling group scales."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.maximum_hosts >= 1 && var.maximum_hosts <= 100 && floor(var.maximum_hosts) == var.maximum_hosts
    error_message = "maximum_hosts must be 1 to 100 hosts."
  }

  validation {
    condition     = var.maximum_hosts >= var.minimum_hosts
    error_message = "maximum_hosts must be at least minimum_hosts."
  }

  validation {
    condition     = var.maximum_hosts <= 1 || var.minimum_hosts >= 2
    error_message = "maximum_hosts must be 1 where minimum_hosts is below 2: tasks change in half of the hosts at a time, and one host has no half."
  }
}

variable "metrics_networks" {
  description = "IPv4 networks whose Prometheus may scrape port 9113 of the hosts."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.metrics_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "metrics_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
  }
}

variable "minimum_hosts" {
  description = "Minimum number of hosts; with 2 the registry responds while containers change."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.minimum_hosts >= 0 && var.minimum_hosts <= 100 && floor(var.minimum_hosts) == var.minimum_hosts
    error_message = "minimum_hosts must be 0 to 100 hosts."
  }
}

variable "mirrors" {
  description = "Registries whose images this one mirrors, by host such as docker.io."
  type = map(object({
    url         = optional(string, ""),
    secret      = optional(string, ""),
    tag_seconds = optional(number, 300)
  }))
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for value in var.mirrors :
      can(regex("^$|^https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$", value.url))
    ])
    error_message = "Each url of mirrors must be a URL without a path such as https://registry.corp.example:5000."
  }

  validation {
    condition = alltrue([
      for value in var.mirrors :
      can(regex("^$|^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", value.secret))
    ])
    error_message = "Each secret of mirrors must be the ARN of a secret such as arn:aws:secretsmanager:eu-west-1:123456789012:secret:docker-hub-AbCdEf."
  }

  validation {
    condition = alltrue([
      for value in var.mirrors :
      value.tag_seconds >= 1 && value.tag_seconds <= 86400 && floor(value.tag_seconds) == value.tag_seconds
    ])
    error_message = "Each tag_seconds of mirrors must be 1 to 86400 seconds."
  }

  validation {
    condition     = length(var.mirrors) >= 0 && length(var.mirrors) <= 20
    error_message = "mirrors must have 0 to 20 hosts."
  }

  validation {
    condition     = "public" != "endpoints" || length(var.mirrors) == 0
    error_message = "mirrors must have no entry where host_network is endpoints: such hosts reach AWS only, so choose nat for a deployment with mirrors."
  }

  validation {
    condition = alltrue([
      for value in keys(var.mirrors) :
      can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?$", value))
    ])
    error_message = "Each key of mirrors must be the host of a registry such as docker.io, without a port."
  }
}

variable "name" {
  description = "Name of the environment, the first part of every name."
  type        = string
  default     = "wharf"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", var.name)) && !can(regex("^internal-|^xn--|^(sg|sthree|amzn-s3-demo)(-|$)", var.name))
    error_message = "name must be 2 to 20 lower-case letters, digits and hyphens, a letter first, no hyphen last, without the prefixes that AWS reserves (internal-, sg-, xn--, sthree-, amzn-s3-demo-)."
  }
}

variable "network_cidr" {
  description = "IPv4 network of the VPC; each subnet gets a sixteenth of it."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.network_cidr)) && try(cidrsubnet(var.network_cidr, 0, 0) == var.network_cidr, false) && try(tonumber(split("/", var.network_cidr)[1]), -1) >= 16 && try(tonumber(split("/", var.network_cidr)[1]), -1) <= 24 && !startswith(var.network_cidr, "172.17.")
    error_message = "network_cidr must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero, the prefix /16 to /24, outside 172.17.0.0/16."
  }
}

variable "nginx_config_bucket" {
  description = "S3 bucket for nginx.htpasswd, domain.crt and domain.key; empty makes a name from account and region."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^$|^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.nginx_config_bucket)) && !can(regex("^xn--|^sthree-|^amzn-s3-demo-|-s3alias$|--ol-s3$|--x-s3$|--table-s3$", var.nginx_config_bucket))
    error_message = "nginx_config_bucket must be 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last, without the prefixes and suffixes that S3 reserves."
  }
}

variable "other_instance_types" {
  description = "Instance types to use as well, when instance_type is unavailable or dearer."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.other_instance_types :
      can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", value))
    ])
    error_message = "other_instance_types must be an instance type such as t3.medium."
  }
}

variable "page" {
  description = "Whether the registry shows a page at its address, for browsers and with the user's password: repositories, tags, images and hosts."
  type        = bool
  default     = true
  nullable    = false
}

variable "proxy_check_seconds" {
  description = "Seconds for which a host reuses the check that it may deliver a layer, or a manifest by digest. Meanwhile it may deliver a layer that another host has deleted. 0 checks each request."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.proxy_check_seconds >= 0 && var.proxy_check_seconds <= 60 && floor(var.proxy_check_seconds) == var.proxy_check_seconds
    error_message = "proxy_check_seconds must be 0 to 60 seconds."
  }
}

variable "proxy_connections_per_address" {
  description = "Maximum number of concurrent requests of a client address on a host; more get 429. Behind one address there may be hundreds of servers."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.proxy_connections_per_address >= 8 && var.proxy_connections_per_address <= 1000000 && floor(var.proxy_connections_per_address) == var.proxy_connections_per_address
    error_message = "proxy_connections_per_address must be 8 to 1000000 connections."
  }
}

variable "proxy_refresh_seconds" {
  description = "Seconds after which a host looks for a changed certificate, users or permissions in the configuration bucket."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.proxy_refresh_seconds >= 1 && var.proxy_refresh_seconds <= 3600 && floor(var.proxy_refresh_seconds) == var.proxy_refresh_seconds
    error_message = "proxy_refresh_seconds must be 1 to 3600 seconds."
  }
}

variable "proxy_remember_seconds" {
  description = "Seconds that a host remembers a password that it has verified."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.proxy_remember_seconds >= 1 && var.proxy_remember_seconds <= 3600 && floor(var.proxy_remember_seconds) == var.proxy_remember_seconds
    error_message = "proxy_remember_seconds must be 1 to 3600 seconds."
  }
}

variable "registry_image" {
  description = "Image of the CNCF distribution registry. The default is AWS's copy of the official image; Docker Hub itself limits pulls for all hosts behind one address."
  type        = string
  default     = "public.ecr.aws/docker/library/registry:3.1.1"
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?(@sha256:[0-9a-f]{64})?$", var.registry_image))
    error_message = "registry_image must be an image reference such as docker.io/library/registry:3, without https://."
  }

  validation {
    condition     = "public" != "endpoints" || can(regex(join("", ["^[0-9]{12}\\.dkr\\.ecr\\.", var.aws_region, "\\."]), var.registry_image))
    error_message = "registry_image must be an image in ECR of aws_region where host_network is endpoints; copy it there."
  }
}

variable "scale_cpu_percent" {
  description = "Average CPU use, in percent, that scaling keeps the hosts at."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.scale_cpu_percent >= 10 && var.scale_cpu_percent <= 90 && floor(var.scale_cpu_percent) == var.scale_cpu_percent
    error_message = "scale_cpu_percent must be 10 to 90 percent."
  }
}

variable "scale_network_megabytes" {
  description = "Average megabytes a minute sent by a host that scaling keeps the hosts at (a t3.medium sustains about 1,900)."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.scale_network_megabytes >= 1 && var.scale_network_megabytes <= 1000000 && floor(var.scale_network_megabytes) == var.scale_network_megabytes
    error_message = "scale_network_megabytes must be 1 to 1000000 megabytes a minute."
  }
}

variable "scheduled_hosts" {
  description = "Minimum number of hosts at times, such as for a known deployment: for each cron expression (UTC) the number from then on, until the next expression."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value >= 0 && value <= 100 && floor(value) == value
    ])
    error_message = "scheduled_hosts must be 0 to 100 hosts."
  }

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value >= var.minimum_hosts
    ])
    error_message = "scheduled_hosts must be at least minimum_hosts."
  }

  validation {
    condition = alltrue([
      for value in var.scheduled_hosts :
      value <= var.maximum_hosts - 0
    ])
    error_message = "scheduled_hosts must be at most maximum_hosts."
  }

  validation {
    condition     = length(var.scheduled_hosts) == 0 || contains(values(var.scheduled_hosts), var.minimum_hosts)
    error_message = "scheduled_hosts must have a time for minimum_hosts, which ends the time of more hosts."
  }

  validation {
    condition = alltrue([
      for value in keys(var.scheduled_hosts) :
      can(regex("^[0-9A-Z*/,-]+( [0-9A-Z*/,-]+){4}$", value))
    ])
    error_message = "Each key of scheduled_hosts must be a cron expression of five fields such as \"30 8 * * MON-FRI\"."
  }
}

variable "spot_percent" {
  description = "Percent of the hosts above minimum_hosts that are Spot: cheaper, but AWS may take them back within two minutes."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.spot_percent >= 0 && var.spot_percent <= 100 && floor(var.spot_percent) == var.spot_percent
    error_message = "spot_percent must be 0 to 100 percent."
  }
}

variable "ssh_networks" {
  description = "IPv4 networks that may reach port 22 of the hosts, if there is a key pair."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.ssh_networks :
      can(cidrnetmask(value)) && try(cidrsubnet(value, 0, 0) == value, false) && try(tonumber(split("/", value)[1]), -1) >= 0 && try(tonumber(split("/", value)[1]), -1) <= 32
    ])
    error_message = "ssh_networks must be an IPv4 network such as 10.0.0.0/16 with all bits after the prefix zero."
  }
}

variable "tags" {
  description = "Tags of everything, beside Project and Environment, which win."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for value in var.tags :
      can(regex("^[A-Za-z0-9_ .:/=+@-]{0,256}$", value))
    ])
    error_message = "tags must be up to 256 letters, digits, spaces and .:/=+@-_."
  }

  validation {
    condition     = length(var.tags) >= 0 && length(var.tags) <= 45
    error_message = "tags must have 0 to 45 tags."
  }

  validation {
    condition     = length(distinct([for key in distinct(concat(keys(var.tags), ["Project", "Environment", "Name"])) : lower(key)])) == length(distinct(concat(keys(var.tags), ["Project", "Environment", "Name"])))
    error_message = "tags must have no keys that differ in case only, from each other or from Project, Environment, Name: IAM takes them for the same."
  }

  validation {
    condition = alltrue([
      for value in keys(var.tags) :
      can(regex("^[A-Za-z0-9_ .:/=+@-]{1,128}$", value)) && !can(regex("^aws:", value))
    ])
    error_message = "Each key of tags must be 1 to 128 letters, digits, spaces and .:/=+@-_, not beginning with aws:."
  }
}

variable "volume_size" {
  description = "Size of each host's disk in GiB; the ECS image needs 30."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.volume_size >= 30 && var.volume_size <= 16384 && floor(var.volume_size) == var.volume_size
    error_message = "volume_size must be 30 to 16384 GiB."
  }
}
