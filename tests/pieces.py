"""SentencePiece's model file, piece by piece: the few forms of protobuf that it is written in."""
import struct


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def message(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def piece(text, score, kind):
    return message(1, message(1, text.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind]))
