// Every pair of types that has kernels, on random shapes and strides, against the order of
// additions written out plainly. Built with sanitizers by `make sanitize`.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <thread>
#include <type_traits>
#include <vector>

#include "segments.h"
#include "states.h"
#include "target.h"
#include "totals.h"

using namespace cumsum;

namespace {

std::mt19937_64 random_bits(20260719);

int64_t uniform(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(random_bits);
}

// The sums of one line in the order of docs/accuracy.md.
template <class A>
std::vector<A> reference(const std::vector<A>& x, Kind kind) {
  std::vector<A> y(x.size());
  A carry{}, chain{}, before{};
  for (size_t begin = 0; begin < x.size(); begin += group_size) {
    A prefix[group_size] = {};
    for (size_t i = 0; i < group_size && begin + i < x.size(); ++i) prefix[i] = x[begin + i];
    for (int d = 1; d < group_size; d *= 2) {
      for (int i = 0; i < group_size; ++i) {
        if (i & d) prefix[i] += prefix[i / d * d - 1];
      }
    }
    for (size_t i = 0; i < group_size && begin + i < x.size(); ++i) {
      A sum = carry + (chain + prefix[i]);
      y[begin + i] = kind == Kind::exclusive ? before : sum;
      before = sum;
    }
    chain += prefix[group_size - 1];
    if ((begin + group_size) % tile_size == 0) {
      carry += chain;
      chain = A{};
    }
  }
  return y;
}

struct Array {
  std::vector<char> memory;
  std::vector<int64_t> strides;
  char* first;
};

// An array of any layout: axes permuted, steps and signs at random, odd alignment. Its last element
// ends where its memory ends.
Array make_array(const std::vector<int64_t>& shape, int size, bool plain) {
  Array array;
  array.strides.resize(shape.size());
  std::vector<int> order(shape.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  if (!plain) std::shuffle(order.begin(), order.end(), random_bits);
  int64_t stride = size, offset = plain ? 0 : uniform(0, 3);
  for (size_t k = order.size(); k-- > 0;) {
    if (!plain) stride *= uniform(1, 4) == 1 ? 2 : 1;
    array.strides[order[k]] = stride;
    stride *= std::max<int64_t>(1, shape[order[k]]);
  }
  int64_t end = offset + size;
  for (size_t d = 0; d < shape.size(); ++d) {
    end += (shape[d] - 1) * array.strides[d];
    if (!plain && uniform(0, 3) == 0) {
      offset += (shape[d] - 1) * array.strides[d];
      array.strides[d] = -array.strides[d];
    }
  }
  array.memory.assign(end, 0);
  array.first = array.memory.data() + offset;
  return array;
}

// The states after some whole tiles, from the totals of those.
bool pass_tiles(Request request, const Kernels& kernels, const std::vector<char>& states,
                std::vector<char>& after) {
  const DType dtype = request.y_dtype;
  const int64_t lines = states.size() / state_size(request);
  const int64_t tiles = request.shape[request.axis] / tile_size;
  std::vector<char> totals(tiles * lines * total_size(dtype, request.precision, kernels));
  request.after = totals.data();
  return add_up(request, kernels, nullptr, nullptr) == Status::done &&
         advance(dtype, request.precision, kernels, states.data(), lines, totals.data(), tiles,
                 nullptr, after.data()) == Status::done;
}

// The same scan chunk by chunk, each from the states that the one before has left.
bool scan_in_chunks(const Request& whole, const Kernels& kernels) {
  Request r = whole;
  std::vector<int64_t> shape(r.shape, r.shape + r.dims);
  int64_t bytes = state_size(r);
  for (int d = 0; d < r.dims; ++d) bytes *= d == r.axis ? 1 : shape[d];
  std::vector<char> states(bytes), after(bytes);
  r.shape = shape.data();
  int64_t& length = shape[r.axis];
  for (int64_t left = length; left > 0; left -= length) {
    const bool tiles = r.position % tile_size == 0 && left >= tile_size && uniform(0, 1);
    length = std::min(left, uniform(0, 3) ? uniform(1, 40) : uniform(1, 40000));
    if (tiles) length = tile_size * uniform(1, left / tile_size);
    Request chunk = r;
    chunk.initial.data = states.data();
    chunk.after = after.data();
    chunk.state_size = state_size(r);
    if (scan(chunk, kernels) != Status::done) return false;
    if (tiles && !pass_tiles(r, kernels, states, after)) return false;
    states.swap(after);
    r.x += length * r.x_strides[r.axis];
    r.y += length * r.y_strides[r.axis];
    r.position += length;
  }
  return true;
}

// Offsets of segments of few elements and many, some of none.
std::vector<int64_t> random_offsets(int64_t size) {
  std::vector<int64_t> offsets{0};
  const int64_t most = uniform(0, 1) ? 12 : uniform(1, 3000);
  while (offsets.back() < size) {
    offsets.push_back(std::min(size, offsets.back() + uniform(0, most)));
  }
  return offsets;
}

// The sums of each segment of a line, in the order of the scan.
template <class A>
std::vector<A> reference(const std::vector<A>& x, Kind kind, const std::vector<int64_t>& offsets,
                         bool reverse) {
  std::vector<A> y;
  for (size_t s = 0; s + 1 < offsets.size(); ++s) {
    const size_t at = reverse ? offsets.size() - 2 - s : s;
    const int64_t length = offsets[at + 1] - offsets[at];
    const auto begin = x.begin() + static_cast<int64_t>(y.size());
    for (A sum : reference(std::vector<A>(begin, begin + length), kind)) y.push_back(sum);
  }
  return y;
}

template <class X>
X value_at(const char* p) {
  X value;
  std::memcpy(&value, p, sizeof(X));
  return value;
}

// Without the padding of x87 numbers.
template <class Y>
constexpr size_t value_bytes =
    std::is_same_v<Y, long double> && std::numeric_limits<Y>::digits == 64 ? 10 : sizeof(Y);

// X and Y are the parts of the elements (two parts to a complex number).
template <class X, class Y, class A>
int check(DType x_dtype, DType y_dtype, int parts, const Kernels& kernels, int rounds) {
  int failures = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<int64_t> shape;
    const bool big = round % 8 == 0;
    const int dims = static_cast<int>(uniform(1, 3));
    for (int d = 0; d < dims; ++d) shape.push_back(uniform(1, 18));
    const int axis = static_cast<int>(uniform(0, dims - 1));
    shape[axis] = uniform(0, 3) ? uniform(1, 300) : uniform(4000, 9000);
    if (big) shape[axis] = uniform(30000, 60000);
    Array x = make_array(shape, sizeof(X) * parts, uniform(0, 1));
    for (size_t i = (x.first - x.memory.data()) % sizeof(X); i + sizeof(X) <= x.memory.size();
         i += sizeof(X)) {
      X value = static_cast<X>(uniform(-1000, 1000) * (sizeof(X) > 2 ? 0.37 : 0.1));
      std::memcpy(&x.memory[i], &value, sizeof(X));
    }
    Array y = make_array(shape, sizeof(Y) * parts, uniform(0, 1));
    const Kind kind = uniform(0, 1) ? Kind::inclusive : Kind::exclusive;
    const Direction direction = uniform(0, 1) ? Direction::forward : Direction::reverse;
    const int threads = static_cast<int>(uniform(1, 5));
    Request request{x_dtype, y_dtype,          dims, shape.data(), x.first,  x.strides.data(),
                    y.first, y.strides.data(), axis, kind,         direction};
    request.threads = threads;
    std::vector<int64_t> offsets = random_offsets(shape[axis]);
    const auto segments = static_cast<int64_t>(offsets.size()) - 1;
    int64_t fault;
    failures += find_fault(offsets.data(), segments, shape[axis], threads, fault) != Status::done ||
                fault != -1;
    if (uniform(0, 2) == 0) {
      request.offsets = offsets.data();
      request.segments = segments;
      failures += scan(request, kernels) != Status::done;
    } else {
      offsets = {0, shape[axis]};
      if (direction == Direction::forward && uniform(0, 1)) {
        failures += !scan_in_chunks(request, kernels);
      } else {
        failures += scan(request, kernels) != Status::done;
      }
    }

    int64_t lines = 1;
    for (int d = 0; d < dims; ++d) lines *= d == axis ? 1 : shape[d];
    for (int64_t line = 0; line < lines; ++line) {
      int64_t rest = line, x_at = 0, y_at = 0;
      for (int d = 0; d < dims; ++d) {
        if (d == axis) continue;
        x_at += rest % shape[d] * x.strides[d];
        y_at += rest % shape[d] * y.strides[d];
        rest /= shape[d];
      }
      for (int part = 0; part < parts; ++part) {
        std::vector<A> values(shape[axis]);
        auto index = [&](int64_t i) {
          return direction == Direction::reverse ? shape[axis] - 1 - i : i;
        };
        for (int64_t i = 0; i < shape[axis]; ++i) {
          const char* p = x.first + x_at + index(i) * x.strides[axis] + part * sizeof(X);
          values[i] = static_cast<A>(static_cast<Y>(value_at<X>(p)));
        }
        const bool reverse = direction == Direction::reverse;
        std::vector<A> sums = reference(values, kind, offsets, reverse);
        for (int64_t i = 0; i < shape[axis]; ++i) {
          const char* p = y.first + y_at + index(i) * y.strides[axis] + part * sizeof(Y);
          Y got = value_at<Y>(p), want = static_cast<Y>(sums[i]);
          if (std::memcmp(&got, &want, value_bytes<Y>) != 0) {
            if (failures++ < 3) {
              std::printf("%s: dtype %d -> %d, length %lld, %lld lines, element %lld: %g != %g\n",
                          kernels.name, int(x_dtype), int(y_dtype), (long long)shape[axis],
                          (long long)lines, (long long)i, double(got), double(want));
            }
            break;
          }
        }
      }
    }
  }
  return failures;
}

int check_all(const Kernels& k, int rounds) {
  int failures = 0;
  failures += check<float, float, double>(DType::float32, DType::float32, 1, k, rounds);
  failures += check<double, double, double>(DType::float64, DType::float64, 1, k, rounds);
  failures += check<double, float, double>(DType::float64, DType::float32, 1, k, rounds);
  failures += check<float, double, double>(DType::float32, DType::float64, 1, k, rounds);
  failures += check<float, float, double>(DType::complex64, DType::complex64, 2, k, rounds);
  failures += check<double, double, double>(DType::complex128, DType::complex128, 2, k, rounds);
  failures += check<double, float, double>(DType::complex128, DType::complex64, 2, k, rounds);
  failures += check<long double, long double, long double>(DType::longdouble, DType::longdouble, 1,
                                                           k, rounds);
  failures += check<int8_t, int64_t, uint64_t>(DType::int8, DType::int64, 1, k, rounds);
  failures += check<int8_t, int8_t, uint32_t>(DType::int8, DType::int8, 1, k, rounds);
  failures += check<uint8_t, uint64_t, uint64_t>(DType::uint8, DType::uint64, 1, k, rounds);
  failures += check<int16_t, int64_t, uint64_t>(DType::int16, DType::int64, 1, k, rounds);
  failures += check<int32_t, int64_t, uint64_t>(DType::int32, DType::int64, 1, k, rounds);
  failures += check<int32_t, int32_t, uint32_t>(DType::int32, DType::int32, 1, k, rounds);
  failures += check<int64_t, int64_t, uint64_t>(DType::int64, DType::int64, 1, k, rounds);
  failures += check<int64_t, float, double>(DType::int64, DType::float32, 1, k, rounds);
  failures += check<float, int32_t, uint32_t>(DType::float32, DType::int32, 1, k, rounds);
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 40;
  int failures = 0;
  for (const Kernels* const* target = runnable_targets(); *target; ++target) {
    failures += check_all(**target, rounds);
    std::printf("%s: checked\n", (*target)->name);
  }
  // Several callers at once: one has the pool, the others go on alone.
  std::vector<std::thread> callers;
  std::vector<float> x(1 << 20, 1.0f);
  std::vector<std::vector<float>> y(4, std::vector<float>(x.size()));
  for (auto& out : y) {
    callers.emplace_back([&] {
      int64_t shape = static_cast<int64_t>(x.size()), stride = 4;
      Request request{DType::float32,
                      DType::float32,
                      1,
                      &shape,
                      reinterpret_cast<const char*>(x.data()),
                      &stride,
                      reinterpret_cast<char*>(out.data()),
                      &stride,
                      0};
      request.threads = 3;
      for (int i = 0; i < 20; ++i) scan(request, current_target());
    });
  }
  for (auto& caller : callers) caller.join();
  for (const auto& out : y) failures += out.back() != static_cast<float>(x.size());
  std::printf("%d failures\n", failures);
  return failures != 0;
}
