// A small fixed set of calls, for tools/counts.py to count their instructions under callgrind. The
// first line names the compiler, each other one a call; the call itself is made by measured_call(),
// which callgrind watches, once it has been made before: nothing is done for the first time then.
#include <cstdio>
#include <vector>

#include "scan.h"
#include "target.h"

using namespace cumsum;

namespace {

struct alignas(64) Line {  // of the cache
  char bytes[64];
};

struct Case {
  const char* name;
  DType x, y;
  int64_t lines, length;
  int64_t x_line, x_scan, y_line, y_scan;  // strides in elements
  Precision precision = Precision::standard;
};
constexpr Case cases[] = {
    {"float32, 8", DType::float32, DType::float32, 1, 8, 8, 1, 8, 1},
    {"float32, 1000", DType::float32, DType::float32, 1, 1000, 1000, 1, 1000, 1},
    {"float32, 100000", DType::float32, DType::float32, 1, 100000, 100000, 1, 100000, 1},
    {"float32, 1000 lines of 33", DType::float32, DType::float32, 1000, 33, 33, 1, 33, 1},
    {"float32, (512, 512) columns", DType::float32, DType::float32, 512, 512, 1, 512, 1, 512},
    {"float32, (512, 512) transposed", DType::float32, DType::float32, 512, 512, 1, 512, 512, 1},
    {"float32, 100000, step 2", DType::float32, DType::float32, 1, 100000, 200000, 2, 100000, 1},
    {"float64, 8", DType::float64, DType::float64, 1, 8, 8, 1, 8, 1},
    {"float64, 100000", DType::float64, DType::float64, 1, 100000, 100000, 1, 100000, 1},
    {"float64, 100000, compensated", DType::float64, DType::float64, 1, 100000, 100000, 1, 100000,
     1, Precision::compensated},
    {"float16, 100000", DType::float16, DType::float16, 1, 100000, 100000, 1, 100000, 1},
    {"bfloat16, 100000", DType::bfloat16, DType::bfloat16, 1, 100000, 100000, 1, 100000, 1},
    {"bool to int64, 100000", DType::boolean, DType::int64, 1, 100000, 100000, 1, 100000, 1},
    {"int8 to int64, 100000", DType::int8, DType::int64, 1, 100000, 100000, 1, 100000, 1},
    {"int64, 1000", DType::int64, DType::int64, 1, 1000, 1000, 1, 1000, 1},
    {"int64, 100000", DType::int64, DType::int64, 1, 100000, 100000, 1, 100000, 1},
    {"complex64, 100000", DType::complex64, DType::complex64, 1, 100000, 100000, 1, 100000, 1},
};

bool scan(const Case& c, const char* x, char* y) {
  const int64_t x_size = item_size(c.x), y_size = item_size(c.y);
  const int64_t shape[] = {c.lines, c.length};
  const int64_t x_strides[] = {c.x_line * x_size, c.x_scan * x_size};
  const int64_t y_strides[] = {c.y_line * y_size, c.y_scan * y_size};
  Request request{c.x, c.y, 2, shape, x, x_strides, y, y_strides, 1};
  request.precision = c.precision;
  return scan(request, current_target()) == Status::done;
}

}  // namespace

extern "C" [[gnu::noinline]] bool measured_call(const Case& c, const char* x, char* y) {
  return scan(c, x, y);
}

int main(int, char** argv) {
  if (!argv[1] || !choose_target(argv[1])) {
    std::fputs("core_counts TARGET: one that this machine has\n", stderr);
    return 2;
  }
  std::puts(__VERSION__);
  for (const Case& c : cases) {
    const int64_t elements = c.lines * c.length;
    std::vector<Line> x_memory(2 * elements * item_size(c.x) / sizeof(Line) + 1);
    std::vector<Line> y_memory(elements * item_size(c.y) / sizeof(Line) + 1);
    char *x = x_memory[0].bytes, *y = y_memory[0].bytes;
    if (!scan(c, x, y) || !measured_call(c, x, y)) return 1;
    std::puts(c.name);
  }
}
