"""What a launch means: small named passes over the graph, in one ordered list."""
