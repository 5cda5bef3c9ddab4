// Which sum is the first that does not fit: looked for line by line, once it is known that there is
// one.
#include <algorithm>
#include <new>

#include "adder.h"
#include "exact.h"
#include "policy.h"

namespace cumsum {
namespace {

// The first sum of one line that does not fit; the position is -1 if all do that are looked at.
Excess find_in_line(const Adder& adder, Tile line, Wide first, Range range, bool exclusive,
                    Patience& patience) {
  Adder::Buffer buffer;
  auto fits = [range](Wide sum) { return sum >= range.least && sum <= range.most; };
  Survey so_far{first, widest, -widest};
  const int64_t length = line.length;
  for (int64_t i = 0; i < length && !patience.is_over(0, line.length); i += line.length) {
    line.length = std::min(policy::exact_length, length - i);
    Survey next = so_far;
    adder.survey(line, exclusive, &next, buffer);
    if (!fits(next.least) || !fits(next.most)) {  // look at each
      line.length = 1;
      for (int64_t j = i; j < length; ++j, line.x += line.x_scan) {
        const Wide before = so_far.sum;
        adder.survey(line, exclusive, &so_far, buffer);
        const Wide sum = exclusive ? before : so_far.sum;
        if (!fits(sum)) return {0, j, sum};
      }
      break;  // the memory changed meanwhile
    }
    so_far = next;
    line.x += line.length * line.x_scan;
  }
  return {0, -1, 0};
}

// The next line in C order; false after the last.
bool advance(const Problem& problem, int64_t* index) {
  for (int d = problem.dims - 1; d >= 0; --d) {
    if (d != problem.axis && ++index[d] < problem.shape[d]) return true;
    index[d] = 0;
  }
  return false;
}

// Line after line; nothing is found if all sums fit.
std::optional<Excess> search(const Problem& problem, Range range, const char* x,
                             const char* initial, Patience& patience) {
  const Adder adder(problem.x_dtype);
  const bool reverse = problem.direction == Direction::reverse;
  const int64_t size = problem.shape[problem.axis], stride = problem.x_strides[problem.axis];
  if (reverse) x += (size - 1) * stride;
  int64_t index[most_dims] = {}, number = 0;
  do {
    const char *x_line = x, *first = initial;
    for (int d = 0; d < problem.dims; ++d) {
      x_line += index[d] * problem.x_strides[d];
      if (initial) first += index[d] * problem.extras->initial_strides[d];
    }
    const Tile line{x_line, reverse ? -stride : stride, 0, size, 1, false};
    Excess excess = find_in_line(adder, line, initial ? read_wide(first) : 0, range,
                                 problem.kind == Kind::exclusive, patience);
    if (excess.position >= 0) {
      if (reverse) excess.position = size - 1 - excess.position;
      excess.line = number;
      return excess;
    }
    ++number;
  } while (!patience.is_over(0, 0) && advance(problem, index));
  return std::nullopt;
}

}  // namespace

Status find_excess(const Problem& problem, const char* x, const char* initial,
                   std::optional<Excess>& found, Interrupted interrupted, void* context) noexcept {
  Patience patience(interrupted, context);
  found = std::nullopt;
  try {
    if (!all_fit(problem, x, initial, patience) && !patience.is_over(-1)) {
      found = search(problem, range_of(problem.y_dtype), x, initial, patience);
    }
  } catch (const std::bad_alloc&) {
    return Status::out_of_memory;
  }
  return patience.status(false);
}

}  // namespace cumsum
