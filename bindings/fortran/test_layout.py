# SPDX-License-Identifier: MIT
"""Every field of every type is where it is in C.  usage: test_layout.py C_PROGRAM FORTRAN_PROGRAM"""
import subprocess
import sys

in_c, in_fortran = (subprocess.run([program], capture_output=True, text=True, check=True).stdout.split("\n")
                    for program in sys.argv[1:])
different = [pair for pair in zip(in_c, in_fortran) if pair[0] != pair[1]]
print(*different or [f"{len(in_c)} offsets and sizes agree"], sep="\n")
sys.exit(bool(different) or len(in_c) != len(in_fortran) or len(in_c) < 100)
