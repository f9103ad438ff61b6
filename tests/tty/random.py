#!/usr/bin/env python3
"""Writes a script of random cases for record.py: settings, typing, writing, reading.

    random.py SEED COUNT > SCRIPT

Linux answers a few of them differently each time (a key that flushes output races with the work queue that hands
output on): record twice, and leave out what differs.
"""
import random
import sys

FLAGS = """PARMRK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IUTF8 OPOST OLCUC ONLCR OCRNL ONOCR ONLRET XTABS ISIG ICANON
ECHO ECHOE ECHOK ECHONL NOFLSH ECHOCTL ECHOPRT ECHOKE IEXTEN EXTPROC""".split()
KEYS = "VINTR VQUIT VERASE VKILL VEOF VSTART VSTOP VSUSP VEOL VREPRINT VWERASE VLNEXT VEOL2".split()
BYTES = b"\x03\x1c\x7f\x15\x04\x11\x13\x1a\x12\x17\x16\n\r\t\x08\0\xff\xc3\xa9\x80\x1b"


def chance(share):
    return random.random() < share


def settings():
    words = [random.choice("+-") + flag for flag in FLAGS if chance(0.25)]
    if chance(0.3):
        for _ in range(random.randint(1, 3)):
            words.append("%s=%d" % (random.choice(KEYS), random.choice([0, 97, 98, 10, 13, 255, 127, 3])))
    if chance(0.2):
        words.append("VMIN=%d" % random.choice([0, 1, 3, 10]))
    return words


def data():
    some = [random.choice(BYTES) if chance(0.45) else random.choice(b"abcAB z_-.;") for _ in range(random.randint(1, 12))]
    plain = [chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\x%02x" % b for b in some]
    return '"' + "".join(plain) + '"'


def step():
    kind = random.choices("set type write count read flush flow poll screen".split(), [25, 40, 10, 5, 5, 3, 2, 3, 7])[0]
    argument = {
        "set": lambda: " ".join(random.choice([[], ["drain"], ["flush"]]) + (settings() or ["-ECHO"])),
        "type": data,
        "write": data,
        "read": lambda: random.choice(["1", "3", "100"]),
        "flush": lambda: random.choice(["in", "out", "both"]),
        "flow": lambda: random.choice(["ooff", "oon", "ioff", "ion"]),
    }.get(kind, lambda: "")()
    return (kind + " " + argument).strip()


random.seed(int(sys.argv[1]))
for number in range(int(sys.argv[2])):
    print("case random %d" % number)
    for _ in range(random.randint(3, 8)):
        print(step())
    print("\n".join("screen signals count poll mpoll".split() + ["read 100"] * 3 + ["screen"]), end="\n\n")
