"""What the proxy container runs at start, and the checks that it shares with operators."""
