"""Launch a tiny container without a container engine: a program of its own, made to be traced.

It makes the moves of podman, conmon and runc with real system calls, one program a role:
``engine``, ``monitor`` and ``runtime``. ``python -m forktrace.demo [-- COMMAND…]`` runs it. It
needs no privilege, leaves no process and no file behind, and imports nothing of forktrace.
"""
