"""Everything that touches a live process. It writes a trace and knows nothing of what follows."""
