"""The stack: a private Docker registry on AWS, one construct per file."""
