"""Kinds of files, read and written box by box as the engine does it."""

import contextlib
import functools
import http.server
import itertools
import threading

import numpy as np

from cumsum.files.store import Choice, Spec, is_url, kind_of

SHAPE = (23, 14, 9)


def example(dtype, shape=SHAPE):
    """Values of any dtype, with some of each sign."""
    rng = np.random.default_rng(7)
    values = rng.integers(-50, 50, shape)
    return (values % 2 if np.dtype(dtype).kind == "b" else values).astype(dtype)


def boxes(shape, step):
    """All boxes of `step`, in C order."""
    starts = [range(0, n, max(1, s)) for n, s in zip(shape, step, strict=True)]
    for corner in itertools.product(*starts):
        yield tuple(slice(c, min(c + s, n)) for c, s, n in zip(corner, step, shape, strict=True))


def read(path, step=None, **choice):
    """A whole array, box by box."""
    store = kind_of(path).open_input(str(path), Choice(**choice))
    out = np.zeros(store.shape, store.dtype)
    for where in boxes(store.shape, step or store.shape):
        store.read(where, out[where])
    store.close()
    return out


def write_like(source, path, values, step=None, *, again=False, **choice):
    """Write an array to `path`, like the one in `source`."""
    like = kind_of(source).open_input(str(source), Choice(**choice))
    spec = Spec(str(path), values.shape, values.dtype, like)
    kind = kind_of(path)
    store = (kind.reopen if again else kind.create)(str(path), spec)
    for where in boxes(values.shape, step or values.shape):
        store.write(where, values[where])
    store.sync()
    store.close()
    like.close()
    if is_url(path):
        kind.publish(str(path))


@contextlib.contextmanager
def served(folder):
    """The URL of a folder, while this process serves it."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Answers without a line for each request."""

    def log_message(self, *_):
        pass
