"""Where the lines of a real text begin among its words, and the letters of each so far."""

from importlib.metadata import metadata

import numpy as np

import cumsum

lines = [line.split() for line in metadata("numpy").get_payload().splitlines()]
words = [word for line in lines for word in line]
offsets = cumsum.offsets([len(line) for line in lines], dtype=np.int32)
print(f"{len(words)} words in {len(lines)} lines, empty ones included")
print(
    "the same words by offsets:",
    all(
        words[begin:end] == line
        for line, begin, end in zip(lines, offsets, offsets[1:], strict=False)
    ),
)

letters = np.array([len(word) for word in words])
so_far = cumsum.cumsum(letters, 0, offsets=offsets)  # begins anew with every line
longest = int(so_far.argmax())
at = int(np.searchsorted(offsets, longest, side="right")) - 1
print("most letters in a line:", so_far[longest])
print("as counted by a loop:", sum(map(len, lines[at])))
