"""Changes of headers: of their bits, of the numbers in them, and of what a text says."""

import json
import re

NUMBERS = [
    *(0, 1, 2, 3, 7, 127, 128, 255, 256, 65535, 65536),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**26),
]
VALUES = [
    *(None, True, False, "", "x", "float64", "9" * 400, 1e308, -1e308, 0.5, float("nan")),
    *(
        [],
        [[]],
        {},
        [1] * 70,
        [0],
        [-1],
        [2**62, 16],
        {"name": "x"},
        [[1], [1, 2]],
        ["a"],
        "\ud800",
    ),
]
WORDS = [
    *("()", "[", "True", "None", "1j", "'", "0, " * 70, "\n", "\0"),
    *("|O", "<M8[s]", "|V8", ">f2", "<f16", "|S9", "[('a', '<f8')]"),
]


def changed(rng, content, sample):
    """The content of a file with a part of its header changed, some times."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if sample.how.endswith("json") and rng.random() < 0.6:
            content = change_json(rng, content, len(sample.how) > 4)
        elif sample.how == "text" and rng.random() < 0.6:
            content = change_text(rng, content, sample.span)
        else:
            content = change_bytes(rng, content, sample.span)
    return content


def change_bytes(rng, content, span):
    """Bits turned, bytes and numbers replaced, parts cut out, put in or moved."""
    start, stop, _ = span.indices(len(content))
    held = bytearray(content)
    if start >= stop:
        return rng.randbytes(rng.randrange(40))
    at, size = rng.randrange(start, stop), rng.choice((1, 2, 4, 8))
    end = min(at + rng.choice((1, 4, 16, 100)), len(held))
    match rng.randrange(8):
        case 0:
            for _ in range(rng.choice((1, 2, 8))):
                held[rng.randrange(start, stop)] ^= 1 << rng.randrange(8)
        case 1:
            held[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        case 2 | 3:
            number = rng.choice(NUMBERS) * rng.choice((1, -1))
            order = rng.choice(("little", "little", "big"))
            held[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, order)
        case 4:
            del held[at:]
        case 5:
            del held[at:end]
        case 6:
            held[at:at] = rng.choice((rng.randbytes(size), bytes(100), held[at:end] * 3))
        case 7:
            source = rng.randrange(start, stop)
            held[at:end] = held[source : source + end - at]
    return bytes(held)


def change_text(rng, content, span):
    """A word or a number of a text replaced; the length of the text stays, if it can."""
    head, rest = content[span], content[span.stop :]
    found = list(re.finditer(rb"[-\w.<>|]+|[(){}\[\],:']", head))
    if not found:
        return content
    word = rng.choice(found)
    number = rng.choice(NUMBERS)
    new = rng.choice((*WORDS, str(number), f"-{number}")).encode()
    text = head[: word.start()] + new + head[word.end() :]
    if len(text) > len(head):
        text = text.replace(b" " * (len(text) - len(head)), b"", 1)
    return text.ljust(len(head)) + rest


def change_json(rng, content, has_length):
    """A value replaced or left out, or a name written twice."""
    start = 8 if has_length else 0
    stop = start + int.from_bytes(content[:8], "little") if has_length else len(content)
    try:
        held = json.loads(content[start:stop])
    except (ValueError, RecursionError):
        return change_bytes(rng, content, slice(0, min(stop, 1000)))
    places = list(nodes(held))
    if not places:
        return content
    replace(rng, places)
    try:
        text = json.dumps(held).encode()
    except RecursionError:
        return content
    if rng.random() < 0.03:
        text = text.replace(b"{", b'{"shape": [1], "shape": [2], ', 1)
    length = len(text).to_bytes(8, "little") if has_length else b""
    return length + text + content[stop:]


def replace(rng, places):
    """Leave a value out, or put another one in its place."""
    parent, key = rng.choice(places)
    match rng.randrange(5):
        case 0:
            del parent[key]
        case 1:
            parent[key] = rng.choice(NUMBERS) * rng.choice((1, 1, -1))
        case 2:
            other, name = rng.choice(places)
            parent[key] = json.loads(json.dumps(other[name]))
        case 3:
            parent[key] = rng.choice(VALUES)
        case 4:
            for _ in range(rng.choice((3, 50, 400))):
                parent[key] = [parent[key]]


def nodes(held):
    """All places in a value of JSON: what has it, and its name or number there."""
    pairs = held.items() if isinstance(held, dict) else enumerate(held)
    for key, value in pairs:
        yield held, key
        if isinstance(value, dict | list):
            yield from nodes(value)
