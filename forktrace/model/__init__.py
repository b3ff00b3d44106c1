"""The launch as a graph: processes, their images, and who was whose parent when."""
