// A digest of the results for each pair of types, over a fixed table of arrays. It has to be the
// same for every layout, number of threads and target, and on every machine: `make bits` and `make
// neon` compare the list with tests/core/digests.txt.
//
// Long double is left out: it has 64 bits of precision on x86 and 113 on ARM, so its sums are
// different numbers.
#include <cfenv>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <optional>
#include <vector>

#include "policy.h"
#include "scan.h"
#include "target.h"
#include "values.h"

using namespace cumsum;

namespace {

struct Shape {
  int64_t lines, length;
};
// Groups, tiles and vectors that are full, lack one element or have one more.
constexpr Shape small_shapes[] = {{1, 1}, {40, 7}, {3, 8}, {9, 33}, {20, 70}, {1, 4097}};
constexpr Shape tile_shapes[] = {{1, 4095}, {2, 4097}, {5, 4096}, {2, 4104}, {1, 20011}};
// Bytes (read and written) for several threads to share the work.
constexpr int64_t shared_bytes = 1 << 20;
static_assert(shared_bytes > policy::parallel_bytes);

struct Layout {
  const char* name;
  bool x_columns, y_columns;  // neighbours in memory belong to different lines
  int x_step, y_step;         // elements from one to the next
  int shift;                  // bytes
  Direction direction;
  int threads;
  bool in_place, odd_settings;
  bool streamed = false;  // past the cache, as results too large for it are
};
constexpr auto forward = Direction::forward, reverse = Direction::reverse;
constexpr Layout layouts[] = {
    {"rows", false, false, 1, 1, 0, forward, 1, false, false},  // what the others are compared with
    {"rows, threads", false, false, 1, 1, 0, forward, 3, false, false},
    {"columns, threads", true, true, 1, 1, 0, forward, 3, false, false},
    {"streamed", false, false, 1, 1, 0, forward, 3, false, false, true},
    {"columns, streamed", true, true, 1, 1, 0, forward, 3, false, false, true},
    {"reversed, streamed", false, false, 1, 1, 0, reverse, 3, false, false, true},
    {"columns", true, true, 1, 1, 0, forward, 1, false, false},
    {"transposed", true, false, 1, 1, 0, forward, 1, false, false},
    {"transposed back", false, true, 1, 1, 0, forward, 1, false, false},
    {"strided", false, false, 2, 1, 1, forward, 1, false, false},
    {"both strided", false, false, 3, 2, 3, forward, 1, false, false},
    {"reversed", false, false, 1, 1, 0, reverse, 1, false, false},
    {"reversed columns", true, true, 1, 1, 1, reverse, 1, false, false},
    {"in place", false, false, 1, 1, 0, forward, 1, true, false},
    {"in place, columns", true, true, 1, 1, 0, forward, 1, true, false},
    {"odd settings", false, false, 1, 1, 0, forward, 1, false, true},
};
constexpr int large_layouts = 6;

// Line by line, without gaps.
std::vector<char> make_input(const Format& format, Values values, Shape shape) {
  std::vector<char> input(shape.lines * shape.length * item_size(format));
  for (size_t at = 0; at < input.size(); at += format.size) {
    const uint64_t bits = part_bits(format, values, at / format.size);
    std::memcpy(&input[at], &bits, format.size);  // the lowest bytes
  }
  return input;
}

// Where the elements of one array lie.
class Places {
 public:
  Places(const Format& format, Shape shape, bool columns, int step, const Layout& layout)
      : size(item_size(format)),
        line((columns ? 1 : shape.length) * step * size),
        scan((columns ? shape.lines : 1) * step * size),
        memory(shape.lines * shape.length * step * size + layout.shift + 128) {
    const auto address = reinterpret_cast<uintptr_t>(memory.data());
    first = memory.data() + (64 - address % 64) + layout.shift;
    // Element 0 in scan order is the last in memory.
    backwards = layout.direction == reverse ? shape.length - 1 : 0;
  }

  char* at(int64_t l, int64_t i) {
    return first + l * line + (backwards ? backwards - i : i) * scan;
  }

  bool dense() const { return scan == size && !backwards; }

  const int64_t size, line, scan;
  char* first;

 private:
  std::vector<char> memory;
  int64_t backwards;
};

// A thread's settings as a program may have changed them: round upwards, no subnormal numbers.
class OddSettings {
 public:
  OddSettings() {
    std::fegetenv(&before_);
    std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#elif defined(__aarch64__)
    uint64_t fpcr;
    asm volatile("mrs %0, fpcr" : "=r"(fpcr));
    asm volatile("msr fpcr, %0" : : "r"(fpcr | 1 << 24));
#endif
  }
  ~OddSettings() { std::fesetenv(&before_); }

 private:
  std::fenv_t before_;
};

struct Pair {
  const Format &x, &y;
  Precision precision;

  const char* remark() const { return precision == Precision::compensated ? " compensated" : ""; }
};

// Of one scan, as if its result lay line by line. -1 if it fails.
uint64_t digest_scan(Pair pair, const Kernels& kernels, Shape shape, const Layout& layout,
                     Kind kind, const std::vector<char>& input) {
  Places x(pair.x, shape, layout.x_columns, layout.x_step, layout);
  Places other(pair.y, shape, layout.y_columns, layout.y_step, layout);
  Places& y = layout.in_place ? x : other;
  const char* next = input.data();
  const int64_t together = x.dense() ? shape.length : 1;
  for (int64_t l = 0; l < shape.lines; ++l) {
    for (int64_t i = 0; i < shape.length; i += together, next += together * x.size) {
      std::memcpy(x.at(l, i), next, together * x.size);
    }
  }
  const int64_t sizes[] = {shape.lines, shape.length};
  const int64_t x_strides[] = {x.line, x.scan}, y_strides[] = {y.line, y.scan};
  Request request{pair.x.dtype, pair.y.dtype, 2, sizes, x.first, x_strides, y.first, y_strides, 1};
  request.kind = kind;
  request.direction = layout.direction;
  request.precision = pair.precision;
  request.threads = layout.threads;
  Plan plan = make_plan(request, kernels);
  if (layout.streamed) plan.stream = !plan.pack_y;
  {
    std::optional<OddSettings> odd;
    if (layout.odd_settings) odd.emplace();
    if (run(plan, kernels, request) != Status::done) return -1;
  }
  uint64_t digest = 0xcbf29ce484222325u;
  for (int64_t l = 0; l < shape.lines; ++l) {
    for (int64_t i = 0; i < shape.length; ++i) {
      const char* p = y.at(l, i);
      for (int at = 0; at < y.size; at += pair.y.size) add_part(digest, pair.y, p + at);
    }
  }
  return digest;
}

int faults = 0;

// Of one array in some layouts, for which it is the same.
uint64_t digest_array(Pair pair, const Kernels& kernels, Shape shape, Values values, Kind kind,
                      int count) {
  const std::vector<char> input = make_input(pair.x, values, shape);
  const uint64_t digest = digest_scan(pair, kernels, shape, layouts[0], kind, input);
  for (int k = 1; k < count; ++k) {
    if (layouts[k].in_place && pair.x.dtype != pair.y.dtype) continue;
    if (digest_scan(pair, kernels, shape, layouts[k], kind, input) == digest) continue;
    ++faults;
    std::fprintf(stderr,
                 "%s: %s -> %s%s, %s, %s, %" PRId64 " lines of %" PRId64 ": not as in rows: %s\n",
                 kernels.name, pair.x.name, pair.y.name, pair.remark(), value_names[int(values)],
                 kind == Kind::exclusive ? "exclusive" : "inclusive", shape.lines, shape.length,
                 layouts[k].name);
  }
  return digest;
}

uint64_t digest_pair(Pair pair, const Kernels& kernels) {
  uint64_t digest = 0;
  const bool direct = set_of(kernels, pair.x.dtype, pair.y.dtype, pair.precision).fold != nullptr;
  for (int v = 0; v < (pair.x.exponent ? int(std::size(value_names)) : 1); ++v) {
    for (Kind kind : {Kind::inclusive, Kind::exclusive}) {
      auto add = [&](Shape shape) {
        add_word(digest, digest_array(pair, kernels, shape, Values(v), kind, std::size(layouts)));
      };
      for (Shape shape : small_shapes) add(shape);
      for (Shape shape : tile_shapes) {
        if (direct) add(shape);
      }
    }
  }
  if (!direct) return digest;
  const int64_t length = shared_bytes / (item_size(pair.x) + item_size(pair.y)) + 5;
  const Shape shapes[] = {{1, length}, {8, length / 8}, {length / 13, 13}, {length / 5, 5}};
  for (Shape shape : shapes) {
    add_word(digest,
             digest_array(pair, kernels, shape, Values::ordinary, Kind::inclusive, large_layouts));
  }
  return digest;
}

void compare_targets(Pair pair) {
  const Kernels* const* const targets = runnable_targets();
  const uint64_t digest = digest_pair(pair, *targets[0]);
  for (int t = 1; targets[t]; ++t) {
    if (digest_pair(pair, *targets[t]) == digest) continue;
    ++faults;
    std::fprintf(stderr, "%s -> %s%s: %s differs from %s\n", pair.x.name, pair.y.name,
                 pair.remark(), targets[t]->name, targets[0]->name);
  }
  std::printf("%s %s%s %016" PRIx64 "\n", pair.x.name, pair.y.name, pair.remark(), digest);
}

}  // namespace

int main() {
  for (const Format& x : formats) {
    for (const Format& y : formats) {
      compare_targets({x, y, Precision::standard});
      if (y.dtype == DType::float64 || y.dtype == DType::complex128) {
        compare_targets({x, y, Precision::compensated});
      }
    }
  }
  return faults != 0;
}
