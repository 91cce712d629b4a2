"""Writes each line that arrives on standard input to a file, on the disk before the next is read.

Usage: python kill_recorder.py FILE < lines
"""

import os
import sys

with open(sys.argv[1], "ab", buffering=0) as record:
    while chunk := os.read(0, 65536):
        record.write(chunk)
        os.fsync(record.fileno())
