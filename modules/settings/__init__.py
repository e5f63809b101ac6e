"""The settings: what a user may choose, the rules of each value, and the variables they become."""
