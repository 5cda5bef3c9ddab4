// What the benchmark measures a scan with: a copy by the same threads.

#include <algorithm>
#include <cstring>

#include "claims.h"
#include "float_mode.h"
#include "functions.h"
#include "target.h"

namespace cumsum {
namespace {

constexpr int64_t page = 4096;
// A thread that loses its core delays no more than this.
constexpr int64_t most_bytes = 1 << 20;

// On up to so many threads; past the cache where the processor knows how.
Status copy(const Kernels& kernels, char* target, const char* source, int64_t bytes, int threads,
            bool past_cache, Interrupted interrupted, void* context) {
  Patience patience(interrupted, context);
  const auto copy = [&](int, int64_t first, int64_t last) {
    if (past_cache) {
      kernels.copy_past_cache(target + first, source + first, last - first);
    } else {
      std::memcpy(target + first, source + first, last - first);
    }
    return true;
  };
  const int64_t share = std::min((bytes / threads / page + 1) * page, most_bytes);
  claim_all(threads, bytes, share, patience, copy, finish_streams);
  return patience.status(false);
}

}  // namespace

PyObject* copy_bytes(PyObject*, PyObject* args) {
  Py_buffer target, source;
  int threads, past_cache;
  if (!PyArg_ParseTuple(args, "w*y*ip", &target, &source, &threads, &past_cache)) return nullptr;
  bool done = source.len <= target.len && threads >= 1;
  if (done) {
    done = run_released(source.len, [&](Interrupted stop, void* context) {
      return copy(current_target(), static_cast<char*>(target.buf),
                  static_cast<const char*>(source.buf), source.len, threads, past_cache, stop,
                  context);
    });
  } else {
    PyErr_SetString(PyExc_ValueError, "size or thread count out of range");
  }
  PyBuffer_Release(&target);
  PyBuffer_Release(&source);
  return done ? Py_NewRef(Py_None) : nullptr;
}

}  // namespace cumsum
