"""The programs of the proxy container, and the checks that it shares with operators."""
