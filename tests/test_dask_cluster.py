"""Scans on workers of their own: three processes, one of which may be killed in the middle."""

import os
import signal
import time

import dask.array as da
import numpy as np
import pytest

import cumsum
from bits import same_bits

distributed = pytest.importorskip("distributed")
LENGTH, CHUNKS = 100_000, 24


def numbers(block_info=None, seconds=0.0):
    """A chunk of numbers that take a while to make."""
    time.sleep(seconds)
    begin, end = block_info[None]["array-location"][0]
    return np.sin(np.arange(begin, end) * 0.37) * np.arange(begin, end) ** 0.5


def source(seconds=0.0):
    chunks = ((LENGTH,) * CHUNKS,)
    return da.map_blocks(
        numbers, seconds=seconds, chunks=chunks, dtype=float, meta=np.empty(0, float)
    )


@pytest.fixture(scope="module")
def expected():
    return cumsum.cumsum(source().compute(scheduler="synchronous"), 0)


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, memory_limit="1GiB", dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_bits(client, expected):
    assert len(client.run(os.getpid)) == 3
    assert same_bits(cumsum.cumsum(source(), 0).compute(), expected)
    spread = source().persist()
    distributed.wait(spread)
    kept = cumsum.cumsum(spread, 0).persist()
    assert same_bits(kept.compute(), expected)
    assert len(set(client.who_has(kept).values())) > 1


def test_options(client):
    x = source()[: 7 * LENGTH].rechunk(90_001)
    known = x.compute()
    starts = np.arange(len(known)) % 7919 == 5
    for options in (
        {"reverse": True, "exclusive": True},
        {"where": x > 0, "initial": 3, "include_initial": True},
        {"reset": da.from_array(starts, chunks=10_000)},
        {"dtype": np.int64, "overflow": "raise"},
    ):
        plain = {k: v.compute() if isinstance(v, da.Array) else v for k, v in options.items()}
        result = cumsum.cumsum(x, 0, **options).compute()
        assert same_bits(result, cumsum.cumsum(known, 0, **plain))


def test_short_chunks_in_turn(client):
    x = da.random.default_rng(3).standard_normal((6000, 400), chunks=(500, 100)).astype("f4")
    assert same_bits(cumsum.cumsum(x, 0).compute(), cumsum.cumsum(x.compute(), 0))


def test_errors_come_from_the_worker(client):
    x = da.full(1000, 20, dtype=np.int8, chunks=100)
    with pytest.raises(OverflowError, match="but int8 holds -128 to 127"):
        cumsum.cumsum(x, 0, dtype=np.int8, overflow="raise").compute()


def test_a_worker_is_killed(client, expected):
    """One that holds results, carries and aggregates, while others wait for them."""
    workers = client.run(os.getpid)
    kept = cumsum.cumsum(source(seconds=0.1), 0).persist()
    futures = distributed.futures_of(kept)
    deadline = time.monotonic() + 120
    while sum(future.done() for future in futures) < CHUNKS // 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    held = [who for who in client.who_has(futures).values() if who]
    victim = workers[held[0][0]]
    assert len(held) < CHUNKS
    os.kill(victim, signal.SIGKILL)
    assert same_bits(kept.compute(), expected)
    assert victim not in client.run(os.getpid).values()
