"""What nightly runs have left in an account, found by tag and removed."""
