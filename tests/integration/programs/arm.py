"""What i386.c does, on aarch64: become a 32-bit program of its own, without a C library.

As few machines have a compiler for it, here is what an assembler has made of it.
"""

import os
import struct

BASE = 0x10000
CODE = (
    0xE59D0000,  # ldr r0, [sp]
    0xE3500002,  # cmp r0, #2: with two arguments
    0x03A00003,  # moveq r0, #3
    0x03A07001,  # moveq r7, #1: exit
    0x0F000000,  # svceq #0
    0xE3A07002,  # mov r7, #2: fork
    0xEF000000,  # svc #0
    0xE1B04000,  # movs r4, r0
    0x1A000004,  # bne over the child's exec
    0xE28F0074,  # adr r0, the file name
    0xE28F105C,  # adr r1, the arguments
    0xE28F2064,  # adr r2, the environment
    0xE3A0700B,  # mov r7, #11: execve
    0xEF000000,  # svc #0
    0xE1A00004,  # mov r0, r4
    0xE3A01000,  # mov r1, #0
    0xE3A02000,  # mov r2, #0
    0xE3A03000,  # mov r3, #0
    0xE3A07072,  # mov r7, #114: wait4
    0xEF000000,  # svc #0
    0xE59F0030,  # ldr r0, the flags
    0xE3A04000,  # mov r4, #0
    0xE3A07078,  # mov r7, #120: clone
    0xEF000000,  # svc #0
    0xE1B04000,  # movs r4, r0
    0x03A00005,  # moveq r0, #5
    0x03A07001,  # moveq r7, #1: exit
    0x0F000000,  # svceq #0
    0xE3A01000,  # mov r1, #0
    0xE3A07072,  # mov r7, #114: wait4
    0xEF000000,  # svc #0
    0xE3A00000,  # mov r0, #0
    0xE3A07001,  # mov r7, #1: exit
    0xEF000000,  # svc #0
    0x200 | 0x400 | 17,  # CLONE_FS, CLONE_FILES, SIGCHLD
    *(BASE + 0x103, BASE + 0x10E, 0),  # argv: the second and the third text
    *(BASE + 0x113, 0),  # the environment: the fourth
)
TEXTS = b"/proc/self/exe\0thirty-two\0bits\0A=b\0"  # at 0xf4
HEADERS = 52 + 32
ENTRY = BASE + HEADERS
SIZE = HEADERS + 4 * len(CODE) + len(TEXTS)
# elf(5): class 32, little-endian; an executable (2) for ARM (40), EABI version 5, one segment.
ELF = b"\x7fELF\1\1\1" + bytes(9)
ELF += struct.pack("=HHIIIIIHHHHHH", 2, 40, 1, ENTRY, 52, 0, 5 << 24, 52, 32, 1, 0, 0, 0)
SEGMENT = struct.pack("=8I", 1, 0, BASE, BASE, SIZE, SIZE, 5, 0x1000)  # loaded, read and executed

binary = os.memfd_create("arm", 0)
os.write(binary, ELF + SEGMENT + struct.pack(f"={len(CODE)}I", *CODE) + TEXTS)
try:
    os.execve(binary, ["arm"], {})
except OSError:
    raise SystemExit(77) from None  # many a processor runs 64-bit programs alone
