"""TensorBoard event files with wall time = step, so that equal curves give equal bytes."""

import struct

CRC = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
    CRC.append(byte)


def checksum(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value):
    data = b""
    while value >= 0x80:
        data, value = data + bytes([value & 0x7F | 0x80]), value >> 7
    return data + bytes([value])


def text(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def record(event):
    length = struct.pack("<Q", len(event))
    return length + checksum(length) + event + checksum(event)


def write(path, rows):
    """Writes rows of curves.jsonl as scalars `<split>/<measure>`."""
    with open(path, "wb") as file:
        file.write(record(b"\x09" + struct.pack("<d", 0) + text(3, b"brain.Event:2")))
        for row in rows:
            scalars = [(f"{row['split']}/{name}", x) for name, x in row.items() if name not in ("step", "split")]
            summary = b"".join(
                text(1, text(1, tag.encode()) + b"\x15" + struct.pack("<f", x)) for tag, x in scalars)
            event = b"\x09" + struct.pack("<d", row["step"]) + b"\x10" + varint(row["step"])
            file.write(record(event + text(5, summary)))
