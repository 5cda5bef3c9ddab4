"""Triton's interpreter without what it does again and again: the same values in half the time.

It looks through all of triton.language before each call of a function within a kernel, as before
the kernel itself, and puts in place what is in place already.
"""

import inspect
from functools import cache
from types import SimpleNamespace

from triton import language
from triton.language import core
from triton.runtime import interpreter


@cache
def builtins_of(place):
    """What the interpreter puts its own functions in place of."""
    return [(name, one) for name, one in inspect.getmembers(place) if core.is_builtin(one)]


def patch_builtin(place, builder, scope):
    for name, one in builtins_of(place):
        if getattr(place, name) is one:
            interpreter._patch_attr(place, name, one, builder, scope)


def patch_language(_kernel):
    """Under both names by which kernels, and the functions that they call, know it."""
    return patch_known(SimpleNamespace(__globals__={"tl": language, "core": core}))


def call(function, *args, **kwargs):
    """A call within a kernel, for which the language is in place."""
    return function.rewrite()(*args, **kwargs)


patch_known = interpreter._patch_lang
dtype_of_all = interpreter._get_np_dtype
dtype_of_numbers = cache(dtype_of_all)


def numpy_dtype(kind):
    """That of a number or pointer, or of a block of them."""
    known = dtype_of_all if kind.scalar.is_ptr() else dtype_of_numbers
    return known(kind.scalar)


def hasten():
    """Put this in place, for good, before a kernel runs."""
    interpreter._patch_lang = patch_language
    interpreter._patch_builtin = patch_builtin
    interpreter._get_np_dtype = numpy_dtype
    interpreter.InterpretedFunction.__call__ = call
